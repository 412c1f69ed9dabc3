# shellcheck shell=sh
# The volume behind the header.

volume=/dev/mapper/$NAME

open_volume() {
  read_header
  check_header
  attach_volume || refuse sealed "the TPM did not release the key of $DEVICE" \
    "the TPM that sealed it, PCRs $PCRS as they were then, and an image signed with the key that it is sealed to" \
    'boot such an image on that machine, or open it with the recovery key (docs/sealed-disk.md, Recovery)'
}

# The key is measured into PCR 15: a verifier that knows its volume tells it from another. The header's own token module
# is not used, so that what is unsealed is decided here alone.
attach_volume() {
  SYSTEMD_CRYPTSETUP_USE_TOKEN_MODULE=0 systemd-cryptsetup attach "$NAME" "$DEVICE" - \
    "luks,header=$header,headless=1,tries=1,tpm2-device=auto,tpm2-signature=$policy_signature,tpm2-measure-pcr=yes"
}

mount_volume() {
  "fsck.$FS_TYPE" -p "$volume" >"$work/fsck" 2>&1 || [ $? -le 1 ] || {
    systemd-cryptsetup detach "$NAME" || true
    refuse file-system "the file system of $DEVICE cannot be repaired unasked" 'a sound file system' \
      'restore the disk from a backup; its sectors may have been changed'
  }
  mkdir -p "$MOUNT_POINT"
  mount -t "$FS_TYPE" -o nodev,nosuid,noexec,noatime "$volume" "$MOUNT_POINT" || {
    systemd-cryptsetup detach "$NAME" || true
    refuse mount "$volume cannot be mounted at $MOUNT_POINT" "a file system of type $FS_TYPE" \
      'restore the disk from a backup; its sectors may have been changed'
  }
}
