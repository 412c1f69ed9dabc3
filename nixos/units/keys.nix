# Makes a key pair for each service before any of them starts. A restart makes new ones, and what requires this
# unit is restarted with it, so that no service signs with a key that left the tree.
{
  # Command of Node, and the agent's one file.
  node,
  agent,
  # Names of the attested services.
  names,
}:
let
  folders = import ./folders.nix;
in
{
  affidavit-keys = {
    description = "Keys of the attested services";
    wantedBy = [ "multi-user.target" ];
    before = [ "affidavit-agent.service" ];
    serviceConfig = import ./hardening.nix // {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = builtins.concatStringsSep " " (
        [
          "${node}"
          "${agent}"
          "keygen"
          "--private-folder"
          folders.private
          "--public-folder"
          folders.public
        ]
        ++ names
      );
      RuntimeDirectory = [
        folders.privateName
        folders.publicName
      ];
      RuntimeDirectoryMode = "0700";
      RuntimeDirectoryPreserve = true;
      PrivateNetwork = true;
      RestrictAddressFamilies = "none";
    };
  };
}
