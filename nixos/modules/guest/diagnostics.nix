# The variant that lets people in. Every name of it says so.
{ config, lib, ... }:
let
  cfg = config.affidavit.guest;
in
{
  config = lib.mkIf (cfg.enable && cfg.insecureDiagnostics) {
    warnings = [ "affidavit.guest.insecureDiagnostics: whoever has the console of this guest is root" ];

    system.image.id = "insecure-diagnostics-${cfg.platform}";
    system.nixos.tags = [ "insecure-diagnostics" ];
    networking.hostName = "insecure-diagnostics";
    users.motd = "INSECURE: a guest for diagnostics. It keeps no secret from its host.";

    boot.kernelParams = [ "console=ttyS0" ];
    boot.consoleLogLevel = 7;
    services.getty.autologinUser = "root";
    services.openssh = {
      enable = true;
      settings = {
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        PermitRootLogin = "prohibit-password";
      };
    };
  };
}
