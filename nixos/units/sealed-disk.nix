# Opens the guest's state volume before anything that is not part of the system's own start. What fails here leaves the
# machine up, without the volume: the agent can still say so, and what keeps state there requires this unit.
{
  # Command of a POSIX shell.
  shell,
  # Folder of ../sealed-disk.
  scripts,
  # File of the variables that ../sealed-disk/settings.nix writes.
  settings,
}:
{
  affidavit-sealed-disk = {
    description = "Sealed state volume";
    wantedBy = [ "sysinit.target" ];
    # PCR 11 is extended when sysinit.target is reached: the TPM gives the key before that and not after.
    before = [
      "sysinit.target"
      "shutdown.target"
    ];
    after = [
      "local-fs.target"
      "systemd-modules-load.service"
      "systemd-udev-trigger.service"
      "tpm2.target"
    ];
    unitConfig = {
      DefaultDependencies = false;
      Conflicts = "shutdown.target";
      Wants = "tpm2.target";
    };
    # It mounts, in everybody's file system: so it has none of its own, and none of the settings that would make one.
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${shell} ${scripts}/open.sh ${settings}";
      ExecStop = "${shell} ${scripts}/close.sh ${settings}";
      # The first boot writes every sector once.
      TimeoutStartSec = "infinity";
      RuntimeDirectory = "affidavit-sealed-disk";
      RuntimeDirectoryMode = "0700";
      # Keys lie in memory: it must not reach a disk.
      LimitCORE = 0;
      LockPersonality = true;
      MemoryDenyWriteExecute = true;
      NoNewPrivileges = true;
      RestrictAddressFamilies = [
        "AF_UNIX"
        "AF_ALG"
        "AF_NETLINK"
      ];
      RestrictNamespaces = true;
      RestrictRealtime = true;
      RestrictSUIDSGID = true;
      SystemCallArchitectures = "native";
      UMask = "0077";
    };
  };
}
