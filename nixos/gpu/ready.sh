# Decides whether GPUs may take work, and tells the driver. Until the driver is told, a GPU in confidential mode refuses
# every CUDA context; whatever is not as demanded leaves it so.
#
# usage: ready.sh open|close NVIDIA_SMI COUNT demand-attestation|insecure-without-attestation
#
# open:  exit code 0: checked, and the driver lets GPUs work · 1: refused, GPUs do not work · 2: wrong usage.
# close: takes the permission back.
# Prints one line of JSON on standard output.

set -u

smi=${2-}
count=${3-}
attestation=${4-}

say() {
  printf '{"level":"%s","service":"affidavit-gpu-ready","event":"%s","reason":"%s"}\n' "$1" "$2" "$3"
}

usage() {
  say error usage "$1"
  exit 2
}

# nvidia-smi's words may hold anything: what is not a plain word is left out of the log.
plain() {
  printf '%s' "$1" | tr '\n' ' ' | tr -cd 'A-Za-z0-9 .:_-' | cut -c 1-120
}

# Prints the driver's answer about one property; nothing where nvidia-smi fails.
property() {
  "$smi" conf-compute "$1" 2>/dev/null
}

# A GPU that is not in confidential mode knows no such state, and answers with an error: not the concern of who refuses.
withdraw() {
  "$smi" conf-compute -srs 0 >/dev/null 2>&1 || true
}

refuse() {
  withdraw
  say error refused "$1"
  exit 1
}

# The driver belongs to the closure, so its answers are known to the letter. Any other answer is a refusal.
demand() {
  found=$(property "$1") || refuse "$2: nvidia-smi failed"
  [ "$found" = "$3" ] || refuse "$2: expected $3, found $(plain "$found")"
}

demand_count() {
  list=$("$smi" -L 2>/dev/null) || refuse "GPUs: nvidia-smi failed"
  found=$(printf '%s\n' "$list" | grep -c '^GPU [0-9]')
  [ "$found" = "$count" ] || refuse "GPUs: expected $count, found $found"
}

demand_mode() {
  demand -f "confidential mode" "CC status: ON"
  demand -d "developer tools" "DevTools Mode: OFF"
  demand -e "environment" "CC Environment: PRODUCTION"
}

demand_attestation() {
  [ "$attestation" = insecure-without-attestation ] ||
    refuse "attestation: nothing in the guest verifies a report of a GPU, docs/gpu.md"
}

open() {
  withdraw
  demand_count
  demand_mode
  demand_attestation
  "$smi" conf-compute -srs 1 >/dev/null 2>&1 || refuse "ready state: nvidia-smi failed"
  demand -grs "ready state" "Confidential Compute GPUs Ready state: ready"
  say warn ready "GPUs work without attestation: their mode is their own word"
}

case $count in
  '' | 0* | *[!0-9]*) usage "COUNT is not a number above 0" ;;
esac
case $attestation in
  demand-attestation | insecure-without-attestation) ;;
  *) usage "say whether attestation is demanded" ;;
esac
[ -x "$smi" ] || usage "NVIDIA_SMI is not a program"

case ${1-} in
  open) open ;;
  close) withdraw ;;
  *) usage "open or close" ;;
esac
