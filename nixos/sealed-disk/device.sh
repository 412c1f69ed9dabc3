# shellcheck shell=sh
# What a disk is, told from its bytes alone.

# In the first sector of a disk whose first boot is under way. The header replaces it last, in one sector.
unfinished_mark='affidavit sealed disk, first boot not finished'

wait_for_device() {
  left=$WAIT_SECONDS
  while ! [ -b "$DEVICE" ]; do
    [ "$left" -gt 0 ] || refuse no-device "no disk $DEVICE after $WAIT_SECONDS s" \
      'a disk or partition of that name' 'attach it, or label the partition'
    left=$((left - 1))
    sleep 1
  done
}

hex() {
  od -An -v -tx1 | tr -d ' \n'
}

# device_state: `sealed` (a LUKS2 header, still to be checked), `unfinished`, `blank` or `foreign`.
device_state() {
  first=$(dd if="$DEVICE" bs=512 count=1 status=none | hex)
  case $first in
    4c554b53babe0002*) echo sealed ;;
    "$(printf '%s' "$unfinished_mark" | hex)"*) echo unfinished ;;
    *) if is_blank; then echo blank; else echo foreign; fi ;;
  esac
}

# No signature that libblkid knows, and nothing where partition tables and headers lie: at either end.
is_blank() {
  signatures=$(wipefs --noheadings "$DEVICE") || return 1
  [ -z "$signatures" ] || return 1
  mebibytes=$(($(device_bytes) / 1048576))
  [ "$mebibytes" -gt 0 ] || return 1
  is_zero 0 && is_zero $((mebibytes - 1))
}

# is_zero MEBIBYTE
is_zero() {
  other=$(dd if="$DEVICE" bs=1M skip="$1" count=2 status=none | tr -d '\0' | head -c 1 | wc -c)
  [ "$other" -eq 0 ]
}

# Tests hand over files.
device_bytes() {
  if [ -b "$DEVICE" ]; then blockdev --getsize64 "$DEVICE"; else stat -c %s "$DEVICE"; fi
}

# mark_unfinished: from here on an interrupted first boot is begun again.
mark_unfinished() {
  {
    printf '%s' "$unfinished_mark"
    dd if=/dev/zero bs=512 count=1 status=none
  } | head -c 512 | dd of="$DEVICE" bs=512 count=1 iflag=fullblock conv=notrunc,fsync status=none
}
