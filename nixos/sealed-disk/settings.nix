# The variables of open.sh and close.sh, as text that a shell reads.
{
  # Folders of programs, joined by colons.
  path,
  # Of the device mapper.
  name ? "affidavit-state",
  device,
  mountPoint,
  fsType,
  # true: LUKS2 authenticates each sector.
  integrity,
  # Numbers of the PCRs whose values are sealed to.
  pcrs,
  # File of a PEM certificate; null: no recovery key.
  recoveryCertificate,
  # How long a disk may take to appear.
  waitSeconds ? 30,
}:
let
  quote = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] "${toString text}"}'";
  variables = {
    PATH = path;
    NAME = name;
    DEVICE = device;
    MOUNT_POINT = mountPoint;
    FS_TYPE = fsType;
    INTEGRITY = if integrity then "hmac-sha256" else "none";
    PCRS = builtins.concatStringsSep "+" (map toString pcrs);
    RECOVERY_CERTIFICATE = if recoveryCertificate == null then "" else recoveryCertificate;
    WAIT_SECONDS = waitSeconds;
  };
in
builtins.concatStringsSep "" (
  map (key: "${key}=${quote variables.${key}}\n") (builtins.attrNames variables)
)
