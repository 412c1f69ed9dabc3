# Two NixOS systems and what nixos/modules/description.nix says of them: a careful one and a careless one. Nothing is built.
{ nixpkgs, description }:
let
  # A nixpkgs tree that lacks its largest files lacks Haskell packages, and with them these tools.
  standIns =
    final: _:
    let
      standIn = name: final.runCommand name { passthru.compiler.bootstrapAvailable = false; } "";
    in
    {
      pandoc = standIn "pandoc";
      shellcheck = standIn "shellcheck";
      shellcheck-minimal = standIn "shellcheck";
    };

  describe =
    modules:
    (import "${nixpkgs}/nixos/lib/eval-config.nix" {
      system = "x86_64-linux";
      modules = modules ++ [
        description
        { nixpkgs.overlays = [ standIns ]; }
      ];
    }).config.affidavit.description;

  careful =
    { lib, modulesPath, ... }:
    {
      imports = [ "${modulesPath}/image/repart.nix" ];
      system.stateVersion = "26.05";
      networking = {
        hostName = "careful";
        useDHCP = false;
      };
      boot = {
        loader.grub.enable = false;
        initrd.systemd.enable = true;
        kernelParams = [
          "random.trust_bootloader=off"
          "systemd.gpt_auto=0"
          "systemd.import_credentials=no"
        ];
      };
      security = {
        lockKernelModules = true;
        protectKernelImage = true;
      };
      image.repart = {
        name = "careful";
        verityStore.enable = true;
        partitions."20-store".repartConfig.Format = "erofs";
      };
      fileSystems."/" = {
        device = "none";
        fsType = "tmpfs";
      };
      system.activationScripts.usrbinenv = lib.mkForce "";
      services.timesyncd.enable = false;
      systemd = {
        enableEmergencyMode = false;
        generators.systemd-getty-generator = "/dev/null";
        services."getty@".enable = false;
        coredump.enable = false;
      };
      users.mutableUsers = false;
      users.allowNoPasswordLogin = true;
      affidavit.lint = {
        tee = "sev-snp";
        launch = "kernel-hashes";
        accepted = [
          {
            rule = "clock-from-host";
            reason = "verifiers have clocks of their own";
          }
        ];
      };
    };

  careless =
    { ... }:
    {
      system.stateVersion = "26.05";
      networking.hostName = "careless";
      boot = {
        loader.systemd-boot.enable = true;
        kernelParams = [ "console=ttyS0" ];
        initrd.luks.devices.state = {
          device = "/dev/vdb";
          crypttabExtraOpts = [ "tpm2-device=auto" ];
        };
        initrd.systemd.enable = true;
      };
      fileSystems."/" = {
        device = "/dev/vda2";
        fsType = "ext4";
      };
      fileSystems."/share" = {
        device = "share";
        fsType = "virtiofs";
      };
      fileSystems."/var/lib/state" = {
        device = "/dev/mapper/state";
        fsType = "ext4";
      };
      swapDevices = [ { device = "/dev/vda3"; } ];
      services = {
        cloud-init.enable = true;
        getty.autologinUser = "root";
        openssh.enable = true;
        qemuGuest.enable = true;
      };
      systemd.services.echo = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig = {
          ExecStart = "/opt/echo";
          EnvironmentFile = "/var/lib/state/echo.env";
        };
      };
      systemd.services.more.serviceConfig = {
        ExecStart = "/var/lib/more/program";
      };
      users.users.root.hashedPassword = "$y$j9T$x$y";
      affidavit.lint.sealedVolumes.more = "/var/lib/more";
    };
in
{
  careful = describe [ careful ];
  careless = describe [ careless ];
}
