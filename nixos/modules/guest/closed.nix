# No login in production: no password, no ssh, no console, no rescue shell.
{ config, lib, ... }:
let
  cfg = config.affidavit.guest;
  closed = cfg.enable && !cfg.insecureDiagnostics;
  masked = lib.genAttrs [
    "console-getty"
    "container-getty@"
    "getty@"
    "serial-getty@"
  ] (_: { enable = lib.mkForce false; });
in
{
  config = lib.mkMerge [
    (lib.mkIf cfg.enable {
      users = {
        mutableUsers = false;
        # Nobody is meant to log in: not a mistake to warn of.
        allowNoPasswordLogin = true;
      };
      boot.initrd.systemd.emergencyAccess = false;
    })
    (lib.mkIf closed {
      users.users.root.hashedPassword = "!";
      console.enable = false;
      systemd = {
        enableEmergencyMode = false;
        services = masked;
        targets.getty.enable = false;
        # Starts a console wherever the host names one.
        generators.systemd-getty-generator = "/dev/null";
        generators.systemd-debug-generator = "/dev/null";
      };
      # Nothing asks what to do where a disk is missing: the guest ends.
      boot.initrd.systemd.services.emergency = {
        serviceConfig.ExecStart = [
          ""
          "/bin/systemctl --force poweroff"
        ];
        serviceConfig.ExecStartPre = [ "" ];
      };
      # For people, every one of them.
      environment.corePackages = lib.mkForce [ ];

      assertions = [
        {
          assertion = !config.services.openssh.enable;
          message = "affidavit.guest: sshd in production; affidavit.guest.insecureDiagnostics is for that";
        }
        {
          assertion = lib.all (user: user.openssh.authorizedKeys.keys == [ ] && user.openssh.authorizedKeys.keyFiles == [ ]) (
            lib.attrValues config.users.users
          );
          message = "affidavit.guest: a user has ssh keys, and production has no ssh";
        }
        {
          assertion = !config.services.cloud-init.enable && !config.services.qemuGuest.enable;
          message = "affidavit.guest: cloud-init and the QEMU agent do as the host says";
        }
      ];
    })
  ];
}
