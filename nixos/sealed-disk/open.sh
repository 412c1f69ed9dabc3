#!/bin/sh
# Opens the guest's state volume and mounts it; on the first boot makes it. `open.sh SETTINGS`: a file of variables,
# written by nixos/units/sealed-disk.nix. The disk belongs to the host: nothing on it is believed before it is checked,
# and nothing is written to a disk that is neither blank nor ours.
set -eu
umask 077

here=${0%/*}
# shellcheck source=/dev/null
. "$1"
. "$here/say.sh"
. "$here/device.sh"
. "$here/header.sh"
. "$here/volume.sh"
. "$here/recovery.sh"
. "$here/first-boot.sh"

: "${PATH:?}" "${NAME:?}" "${DEVICE:?}" "${MOUNT_POINT:?}" "${FS_TYPE:?}" "${INTEGRITY:?}" "${PCRS:?}" "${WAIT_SECONDS:?}"
: "${RECOVERY_CERTIFICATE?}"
export PATH

# Memory of the guest: the host cannot change what is checked here after the check.
work=${RUNTIME_DIRECTORY:?}
header=$work/header
trap 'rm -f "$work"/*' EXIT

require_signed_policy
wait_for_device
state=$(device_state)
case $state in
  sealed) open_volume ;;
  blank | unfinished) first_boot ;;
  *)
    refuse foreign "$DEVICE holds something that this guest did not put there" \
      'a blank disk, or one sealed by this guest' \
      'attach the right disk, or blank this one (its first and last MiB) if nothing on it is wanted; it was not touched'
    ;;
esac
mount_volume
say "open: $DEVICE at $MOUNT_POINT"
