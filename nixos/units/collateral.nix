# What evidence lacks, looked for by a process of its own: it has a network, the agent has none. It has no capability, no key and
# no report interface: it asks the agent as anybody may, and writes one file, which the agent reads.
{
  # Command of Node, and the refresher's one file.
  node,
  refresher,
  # The agent's address on this machine.
  from,
  # Further arguments, as words.
  arguments ? [ ],
}:
let
  folders = import ./folders.nix;
in
{
  affidavit-collateral = {
    description = "Collateral of the agent's evidence";
    documentation = [ "man:affidavit(1)" ];
    wantedBy = [ "multi-user.target" ];
    # Ordered, not required: without the agent it says so, and the timer starts it again.
    wants = [ "network-online.target" ];
    after = [
      "affidavit-agent.service"
      "network-online.target"
    ];
    serviceConfig = import ./hardening.nix // {
      # It ends by itself; a start that waited for its end, as of a oneshot, would have the boot wait for a vendor.
      Type = "exec";
      ExecStart = builtins.concatStringsSep " " (
        [
          "${node}"
          "${refresher}"
          "--from"
          from
          "--folder"
          folders.collateral
          "--cache"
          "/var/cache/${folders.collateralName}"
        ]
        ++ arguments
      );
      DynamicUser = true;
      # The agent is another user, and reads: what is in the folder is public.
      StateDirectory = folders.collateralName;
      StateDirectoryMode = "0755";
      CacheDirectory = folders.collateralName;
      CacheDirectoryMode = "0700";
      # 30: something lacks. The file and the agent say what, and a vendor that is away is no failure of this machine.
      SuccessExitStatus = [ 30 ];
      # One slow object after another.
      RuntimeMaxSec = "10min";
      InaccessiblePaths = [
        "-/sys/kernel/config"
        "-/run/affidavit"
      ];
      # AF_UNIX: names are resolved through the system's own services.
      RestrictAddressFamilies = [
        "AF_UNIX"
        "AF_INET"
        "AF_INET6"
      ];
      MemoryMax = "256M";
      TasksMax = 64;
    };
  };
}
