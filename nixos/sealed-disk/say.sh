# shellcheck shell=sh
# Lines for the journal; the prefix is the level that systemd reads.

say() {
  printf '<6>sealed disk: %s\n' "$1"
}

# refuse CODE WHAT EXPECTED TODO: the one line that an operator reads, and the end.
refuse() {
  printf '<3>sealed disk refused (%s): %s; expected: %s; to do: %s\n' "$1" "$2" "$3" "$4" >&2
  exit 1
}
