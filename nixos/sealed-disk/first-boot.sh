# shellcheck shell=sh
# Makes the volume. The header is in memory until all is done: a disk has it whole, or has none and is begun again.

first_boot() {
  [ "$state" = blank ] || say "first boot was interrupted: $DEVICE is begun again"
  mark_unfinished
  step 'format'
  dd if=/dev/urandom of="$work/key" bs=64 count=1 iflag=fullblock status=none
  dd if=/dev/zero of="$header" bs=1M count="$header_mebibytes" status=none
  format_volume || first_boot_failed 'it could not be formatted'
  step 'enrol'
  enrol_recovery_key
  enrol_tpm || first_boot_failed 'its key could not be sealed to the TPM'
  rm -f "$work/key"
  check_header
  attach_volume || first_boot_failed 'the TPM did not release what it had just sealed'
  step 'file system'
  "mkfs.$FS_TYPE" -q "$volume" || first_boot_failed "no $FS_TYPE could be made on it"
  sync
  step 'header'
  write_header
  [ -z "$RECOVERY_CERTIFICATE" ] ||
    say "the encrypted recovery key is in the header of $DEVICE, token affidavit-recovery: fetch it now (docs/sealed-disk.md, Recovery)"
}

step() {
  say "first boot of $DEVICE: $1"
}

first_boot_failed() {
  systemd-cryptsetup detach "$NAME" 2>/dev/null || true
  refuse first-boot "$DEVICE was not sealed: $1" 'a working TPM and disk, and an image signed for this boot phase' \
    'read the lines above; the next boot begins again'
}

# The key is as long as it is random: no stretching. It opens this header in memory, and its slot is gone before the
# header reaches the disk.
format_volume() {
  set -- --batch-mode --type luks2 --header "$header" --offset $((header_mebibytes * 2048)) \
    --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 \
    --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$work/key"
  [ "$INTEGRITY" = none ] || set -- "$@" --integrity "$INTEGRITY"
  cryptsetup luksFormat -q "$@" "$DEVICE"
}

enrol_tpm() {
  systemd-cryptenroll --unlock-key-file="$work/key" --wipe-slot=0 --tpm2-device=auto --tpm2-pcrs="$PCRS" \
    --tpm2-public-key="$policy_key" --tpm2-public-key-pcrs=11 --tpm2-signature="$policy_signature" "$header"
}
