# shellcheck shell=sh
# The recovery key: made here, and known to the owner of the certificate alone. It is in no file, no argument and no line
# of the journal, all of which more eyes see than should.

enrol_recovery_key() {
  [ -n "$RECOVERY_CERTIFICATE" ] || return 0
  recovery_key=$(systemd-cryptenroll --unlock-key-file="$work/key" --recovery-key "$header" 2>"$work/recovery.error") ||
    first_boot_failed 'no recovery key could be enrolled'
  printf '%s' "$recovery_key" |
    openssl cms -encrypt -binary -aes-256-gcm -outform DER -out "$work/envelope" -recip "$RECOVERY_CERTIFICATE" ||
    first_boot_failed "the recovery key could not be encrypted to $RECOVERY_CERTIFICATE"
  unset recovery_key
  # The slot is the last that was made; the token names it, so that it goes when the slot goes.
  slot=$(
    cryptsetup luksDump --dump-json-metadata "$header" |
      jq -r '.tokens[] | select(.type == "systemd-recovery") | .keyslots[0]'
  )
  jq -n --arg slot "$slot" --arg envelope "$(base64 -w 0 "$work/envelope")" \
    '{ type: "affidavit-recovery", keyslots: [$slot], version: 1, cms: $envelope }' |
    cryptsetup token import --json-file - "$header" ||
    first_boot_failed 'the encrypted recovery key does not fit into the header'
}
