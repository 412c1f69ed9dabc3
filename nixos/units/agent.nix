# The agent. Files that configfs makes belong to root and are for their owner alone, whoever made the entry: so the
# agent is root, without a single capability, in a file system that is read-only but for the reports.
{
  # Command of Node, and the agent's one file.
  node,
  agent,
  # Its configuration.
  configFile,
  # Kinds and files of the configuration's devices, for systemd's DeviceAllow; none: no device is to be seen.
  deviceAllow ? [ ],
}:
let
  folders = import ./folders.nix;
in
{
  affidavit-agent = {
    description = "Affidavit agent: evidence of what this machine runs";
    documentation = [ "man:affidavit(1)" ];
    wantedBy = [ "multi-user.target" ];
    # Wanted, not required: new keys while the agent runs are a new tree in its history, which a restart would lose.
    # Without any keys the agent refuses to start.
    wants = [ "affidavit-keys.service" ];
    after = [
      "affidavit-keys.service"
      "network.target"
      "sys-kernel-config.mount"
      "systemd-modules-load.service"
    ];
    serviceConfig =
      import ./hardening.nix
      // (
        if deviceAllow == [ ] then
          { }
        else
          {
            PrivateDevices = false;
            DevicePolicy = "closed";
            DeviceAllow = deviceAllow;
          }
      )
      // {
        Type = "notify";
        # The agent speaks through systemd-notify, a process of its own.
        NotifyAccess = "all";
        WatchdogSec = 30;
        ExecStart = "${node} --max-semi-space-size=2 --optimize-for-size ${agent} run --config ${configFile}";
        Restart = "on-failure";
        RestartSec = 2;
        # 2: bad configuration, 30: no TEE. A second start would find the same.
        RestartPreventExitStatus = [
          2
          30
        ];
        # Where the store is hashed at the start, it is hashed whole.
        TimeoutStartSec = "10min";
        TimeoutStopSec = 10;
        InaccessiblePaths = [ folders.private ];
        # Not there without a TEE: the agent says so, and ends with 30, where systemd would only try again.
        ReadWritePaths = [ "-${folders.tsm}" ];
        RestrictAddressFamilies = [
          "AF_UNIX"
          "AF_INET"
          "AF_INET6"
        ];
        MemoryMax = "512M";
        TasksMax = 64;
      };
  };
}
