# What is wrong with a LUKS2 header (its JSON), one line; nothing when it is as first-boot.sh makes it.
# A host that could choose the cipher would choose none at all and read what the guest writes.

def sorted($text): $text | split("+") | map(tonumber) | sort;

($integrity != "none") as $authenticated
| (if $authenticated then 96 else 64 end) as $keySize
| [
    (if (.segments | keys) != ["0"] then "segments" else empty end),
    (.segments["0"]
      | if .type != "crypt" then "segment type" else empty end,
        if .offset != "16777216" or .size != "dynamic" then "segment place" else empty end,
        if .iv_tweak != "0" then "segment tweak" else empty end,
        if .encryption != "aes-xts-plain64" then "cipher \(.encryption)" else empty end,
        if .sector_size != 4096 then "sector size" else empty end,
        if .flags then "segment flags" else empty end,
        if $authenticated then
          if .integrity.type != "hmac(sha256)" then "integrity \(.integrity.type)" else empty end
        elif .integrity then "integrity \(.integrity.type)"
        else empty end),
    (.config
      | if (.flags // []) != [] then "flags \(.flags)" else empty end,
        if .requirements then "requirements" else empty end),
    (if (.keyslots | length) == 0 then "no key slots" else empty end),
    (.keyslots[]
      | if .type != "luks2" or .key_size != $keySize then "key slot type" else empty end,
        if .area.type != "raw" or .area.encryption != "aes-xts-plain64" or .area.key_size != 64 then
          "key slot cipher \(.area.encryption)"
        else empty end),
    (if (.digests | keys) != ["0"] or .digests["0"].segments != ["0"] then "digests" else empty end),
    (.tokens | map(.type) - ["systemd-tpm2", "systemd-recovery", "affidavit-recovery"] | .[] | "token \(.)"),
    ([.tokens[] | select(.type == "systemd-tpm2")]
      | if length != 1 then "\(length) TPM tokens" else
          .[0]
          | if (.keyslots | length) != 1 then "key slots of the TPM token" else empty end,
            if (.["tpm2-pcrs"] | sort) != sorted($pcrs) then "PCRs \(.["tpm2-pcrs"])" else empty end,
            if .["tpm2-pcr-bank"] != "sha256" then "PCR bank \(.["tpm2-pcr-bank"])" else empty end,
            if .tpm2_pubkey_pcrs != [11] then "signed PCRs \(.tpm2_pubkey_pcrs)" else empty end,
            if .tpm2_pubkey != $key then "another signing key" else empty end,
            if .["tpm2-pin"] or .tpm2_pcrlock then "a PIN or lock policy" else empty end
        end)
  ]
| join(", ")
