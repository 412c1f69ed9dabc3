#!/bin/sh
# Unmounts the volume and forgets its key. `close.sh SETTINGS`
set -eu
# shellcheck source=/dev/null
. "$1"
export PATH
umount "$MOUNT_POINT"
systemd-cryptsetup detach "$NAME"
