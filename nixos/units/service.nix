# A service that signs with the key that the tree holds for it. It sees its own key alone, and not the report interface.
{
  # As in the tree.
  name,
  description,
  # Command line; the key is the credential `key`.
  command,
  # false for a program that makes code as it runs, as Node does.
  nativeCode ? true,
}:
let
  folders = import ./folders.nix;
in
{
  ${name} = {
    inherit description;
    wantedBy = [ "multi-user.target" ];
    requires = [ "affidavit-keys.service" ];
    after = [
      "affidavit-keys.service"
      "network.target"
    ];
    serviceConfig =
      import ./hardening.nix
      // {
        ExecStart = command;
        LoadCredential = [ "key:${folders.private}/${name}.key" ];
        DynamicUser = true;
        Restart = "on-failure";
        RestartSec = 1;
        # 2: wrong usage or key.
        RestartPreventExitStatus = [ 2 ];
        TimeoutStopSec = 10;
        InaccessiblePaths = [
          "-/sys/kernel/config"
          "-/run/affidavit"
        ];
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
        ];
        MemoryDenyWriteExecute = nativeCode;
        MemoryMax = "256M";
        TasksMax = 512;
      };
  };
}
