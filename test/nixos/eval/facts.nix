# What nix-eval.ts asserts of one system: values of options, as JSON.
{
  lib,
  system,
  repository,
}:
let
  inherit (system) config;
  cfg = config.services.affidavit;
  isGuest = config.affidavit.guest.enable;
  plain = builtins.unsafeDiscardStringContext;
  folder = /. + repository + "/nixos";

  # As the guest of the tests has them: the same source, the other renderer.
  text = import (folder + "/lib/unit-text.nix");
  node = "${cfg.agent.node}/bin/node";
  agent = "${cfg.agent.package}/lib/affidavit-agent.mjs";
  attested = builtins.attrNames cfg.services;
  units =
    import (folder + "/units/keys.nix") {
      inherit node agent;
      names = attested;
    }
    // import (folder + "/units/agent.nix") {
      inherit node agent;
      configFile = "${cfg.agent.configFile}";
    }
    // lib.optionalAttrs cfg.agent.collateral.enable collateral
    // lib.foldl' (found: name: found // serviceOf name) { } attested
    // lib.optionalAttrs config.affidavit.sealedDisk.enable sealedDisk;
  # Its command line names what it is made of: node, file, --from, address, --folder, folder, --cache, cache, the rest.
  collateral =
    let
      command = lib.splitString " " config.systemd.services.affidavit-collateral.serviceConfig.ExecStart;
    in
    import (folder + "/units/collateral.nix") {
      inherit node;
      refresher = "${cfg.agent.package}/lib/affidavit-collateral.mjs";
      from = lib.elemAt command 3;
      arguments = lib.drop 8 command;
    };
  # Its command line names what it is made of.
  sealedDisk =
    let
      command = lib.splitString " " config.systemd.services.affidavit-sealed-disk.serviceConfig.ExecStart;
    in
    import (folder + "/units/sealed-disk.nix") {
      shell = lib.elemAt command 0;
      scripts = dirOf (lib.elemAt command 1);
      settings = lib.elemAt command 2;
    };
  serviceOf =
    name:
    let
      language = lib.removePrefix "echo-" name;
      one = cfg.echo.${language};
    in
    import (folder + "/units/service.nix") {
      inherit name;
      inherit (config.systemd.services.${name}) description;
      command = config.systemd.services.${name}.serviceConfig.ExecStart;
      nativeCode = language != "node" && one.enable;
    };

  partition = one: {
    inherit (one) repartConfig;
    contents = builtins.attrNames one.contents;
    stores = map (path: path == config.system.build.toplevel) one.storePaths;
  };
  # As merged from nixpkgs' own answers and the guest's.
  answers = lib.mapAttrs (_: answer: answer.tristate or null) (
    builtins.intersectAttrs (lib.genAttrs questions (_: null)) config.boot.kernelPackages.kernel.configfile.structuredConfig
  );
  questions = [
    "AMD_MEM_ENCRYPT"
    "INTEL_TDX_GUEST"
    "SEV_GUEST"
    "TDX_GUEST_DRIVER"
    "KEXEC"
    "KEXEC_FILE"
    "CRASH_DUMP"
    "HIBERNATION"
    "ACPI_TABLE_UPGRADE"
    "FW_CFG_SYSFS"
  ];
in
{
  toplevel = config.system.build.toplevel.drvPath;
  units = lib.mapAttrs (name: unit: {
    ours = plain (text unit);
    evaluated = plain config.systemd.units."${name}.service".text;
  }) units;
  services = lib.mapAttrs (_: service: {
    path = plain "${service.package}";
    inherit (service) unit;
  }) cfg.services;
  ports = {
    agent = cfg.agent.listen.port;
    echo = map (one: one.port) (lib.filter (one: one.enable) (builtins.attrValues cfg.echo));
    inherit (config.networking.firewall)
      enable
      allowedTCPPorts
      allowedTCPPortRanges
      allowedUDPPorts
      allowedUDPPortRanges
      trustedInterfaces
      ;
    interfaces = builtins.attrNames config.networking.firewall.interfaces;
  };
  access = {
    ssh = config.services.openssh.enable;
    enabledUnits = lib.filter (name: config.systemd.units.${name}.enable or false) [
      "getty@.service"
      "serial-getty@.service"
      "container-getty@.service"
      "console-getty.service"
      "emergency.service"
      "rescue.service"
      "sshd.service"
    ];
    autologin = config.services.getty.autologinUser;
    inherit (config.systemd) enableEmergencyMode;
    initrdEmergency = config.boot.initrd.systemd.emergencyAccess;
    inherit (config.users) mutableUsers;
    passwords = builtins.attrNames (
      lib.filterAttrs (
        _: user:
        lib.any (hash: hash != null && !(lib.hasPrefix "!" hash)) [
          user.hashedPassword
          user.password
          user.hashedPasswordFile
          user.initialPassword
          user.initialHashedPassword
        ]
      ) config.users.users
    );
    keys = builtins.attrNames (
      lib.filterAttrs (
        _: user: user.openssh.authorizedKeys.keys ++ user.openssh.authorizedKeys.keyFiles != [ ]
      ) config.users.users
    );
    corePackages = builtins.length config.environment.corePackages;
  };
  kernel = {
    inherit (config.boot) kernelParams kernelModules blacklistedKernelModules;
    inherit (config.boot.kernelPackages.kernel) version;
    sysctl = lib.mapAttrs (_: toString) (lib.filterAttrs (_: value: value != null) config.boot.kernel.sysctl);
    inherit answers;
    modulesLocked = config.security.lockKernelModules;
  };
  storage = {
    fileSystems = lib.mapAttrs (_: one: {
      inherit (one) fsType options;
      device = if one.device == null then null else plain one.device;
    }) config.fileSystems;
    swap = builtins.length config.swapDevices;
    crypttab = plain (config.environment.etc.crypttab.text or "");
  };
  system = {
    nix = config.nix.enable;
    inherit (config.networking) hostName;
    imageId = config.system.image.id;
    timesync = config.services.timesyncd.enable;
    coredump = config.systemd.coredump.enable;
    inherit (config) warnings;
  };
  agentClosure = cfg.agent.closure;
  description = builtins.fromJSON (plain (builtins.toJSON config.affidavit.description));
}
// lib.optionalAttrs isGuest {
  image = {
    drv = config.system.build.image.drvPath;
    uki = config.system.build.uki.drvPath;
    inherit (config.image.repart) seed;
    inherit (config.image.repart.verityStore) ukiPath;
    partitions = lib.mapAttrs (_: partition) config.image.repart.partitions;
  };
}
