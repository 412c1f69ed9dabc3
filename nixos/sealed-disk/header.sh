# shellcheck shell=sh
# The LUKS2 header. It says which cipher is used, and the host can write it: so it is copied into memory, checked there,
# and used from there alone.

header_mebibytes=16
policy_key=/run/systemd/tpm2-pcr-public-key.pem
policy_signature=/run/systemd/tpm2-pcr-signature.json

# An image without these two was not signed, and a disk must not be sealed to anything less.
require_signed_policy() {
  for file in "$policy_key" "$policy_signature"; do
    [ -s "$file" ] || refuse unsigned-image "the image brought no $file" \
      'a unified kernel image with .pcrpkey and .pcrsig' 'sign the image (docs/sealed-disk.md, Signing an image)'
  done
}

read_header() {
  dd if="$DEVICE" of="$header" bs=1M count="$header_mebibytes" status=none
}

# write_header: all but the first sector, then that one. Until it is written the disk has no header.
write_header() {
  dd if="$header" of="$DEVICE" bs=512 skip=1 seek=1 count=$((header_mebibytes * 2048 - 1)) \
    conv=notrunc,fsync status=none
  dd if="$header" of="$DEVICE" bs=512 count=1 conv=notrunc,fsync status=none
}

check_header() {
  cryptsetup luksDump --dump-json-metadata "$header" >"$work/header.json" 2>"$work/header.error" ||
    refuse header "no LUKS2 header can be read from $DEVICE" 'the header that this guest wrote' \
      'attach the right disk, or restore its first 16 MiB from a backup'
  wrong=$(
    jq -r -f "$here/header.jq" --arg integrity "$INTEGRITY" --arg pcrs "$PCRS" \
      --arg key "$(base64 -w 0 "$policy_key")" "$work/header.json"
  ) || wrong='it cannot be judged'
  [ -z "$wrong" ] || refuse header "the header of $DEVICE is not as this guest makes it: $wrong" \
    'a header that was written by this guest, for this key and these settings' \
    'attach the right disk; after a change of settings or of the signing key, see docs/sealed-disk.md, Changing what it is sealed to'
}
