# A confidential guest: what it runs is in its measurement, and nobody logs in. docs/guest.md.
{
  config,
  lib,
  modulesPath,
  ...
}:
let
  cfg = config.affidavit.guest;
in
{
  imports = [
    "${modulesPath}/image/repart.nix"
    ./guest/closed.nix
    ./guest/diagnostics.nix
    ./guest/image.nix
    ./guest/kernel.nix
    ./guest/minimal.nix
    ./guest/network.nix
  ];

  options.affidavit.guest = {
    enable = lib.mkEnableOption "an image for a confidential guest";

    platform = lib.mkOption {
      type = lib.types.enum [
        "sev-snp"
        "tdx"
      ];
      description = "Whose reports the guest gets.";
    };

    rootSize = lib.mkOption {
      type = lib.types.strMatching "[1-9][0-9]*[%KMG]?";
      default = "25%";
      description = "Most memory that the root file system takes, as in tmpfs(5).";
    };

    insecureDiagnostics = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        For finding faults, never for secrets: whoever has the console is root, and sshd runs. The image, the host name
        and the closure are others than in production, so that no policy for production accepts this guest.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    affidavit.lint.tee = cfg.platform;
    services.affidavit.agent = {
      enable = true;
      openFirewall = lib.mkDefault true;
    };
  };
}
