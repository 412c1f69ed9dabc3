# What `affidavit lint guest` reads: the parts of a guest that decide which of its inputs are measured (docs/guest-lint.md).
# Made from the configuration alone: nothing is built for it.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  cfg = config.affidavit.lint;
  guest = config.affidavit.guest or { };

  # Words for a reader of JSON, not files to build.
  plain = text: builtins.unsafeDiscardStringContext (toString text);

  sysctl = name: plain (config.boot.kernel.sysctl.${name} or "") == "1";

  isVerityStore = config.image.repart.verityStore.enable or false;

  # Volumes of /etc/crypttab: opened after the initrd.
  crypttab =
    let
      text = plain (config.environment.etc.crypttab.text or "");
      isVolume = line: line != "" && !(lib.hasPrefix "#" line);
      spaced = lib.replaceStrings [ "\t" ] [ " " ];
      words = line: lib.filter (word: word != "") (lib.splitString " " (spaced line));
    in
    map words (lib.filter isVolume (map lib.trim (lib.splitString "\n" text)));

  luksInInitrd = lib.mapAttrsToList (name: device: {
    inherit name;
    unlock = unlockOf (device.crypttabExtraOpts or [ ]) (device.keyFile or null);
  }) config.boot.initrd.luks.devices;

  luksLater = map (words: {
    name = lib.head words;
    unlock = unlockOf (lib.drop 3 words) (keyFileOf (lib.take 1 (lib.drop 2 words)));
  }) crypttab;

  # Of no word, or of one.
  keyFileOf = words: lib.findFirst (word: word != "-" && word != "none") null words;

  unlockOf =
    options: keyFile:
    if lib.any (lib.hasInfix "tpm2-device=") options then
      "tpm2"
    else if keyFile != null then
      "key-file"
    else
      "other";

  luksByService = lib.mapAttrsToList (name: _: {
    inherit name;
    unlock = "tpm2";
  }) cfg.sealedVolumes;

  luks = luksInInitrd ++ luksLater ++ luksByService;
  sealedDevices = map (volume: "/dev/mapper/${volume.name}") luks;

  protectionOf =
    fileSystem:
    let
      device = plain (fileSystem.device or "");
    in
    if isVerityStore && fileSystem.mountPoint == "/usr" then
      "verity"
    else if lib.elem device sealedDevices || (fileSystem.encrypted.enable or false) then
      "luks"
    else
      "none";

  storePartition = config.image.repart.verityStore.partitionIds.store;
  fileSystems =
    # systemd mounts it where usrhash= says, so that NixOS does not list it.
    lib.optional (isVerityStore && !(config.fileSystems ? "/usr")) {
      mountPoint = "/usr";
      device = "/dev/mapper/usr";
      type = config.image.repart.partitions.${storePartition}.repartConfig.Format;
      options = [ "ro" ];
      protection = "verity";
    }
    ++ lib.mapAttrsToList (_: fileSystem: {
      inherit (fileSystem) mountPoint;
      device = if fileSystem.device == null then null else plain fileSystem.device;
      type = fileSystem.fsType;
      options = map plain fileSystem.options;
      protection = protectionOf fileSystem;
    }) config.fileSystems
    ++ lib.mapAttrsToList (name: mountPoint: {
      inherit mountPoint;
      device = "/dev/mapper/${name}";
      type = "auto";
      options = [ ];
      protection = "luks";
    }) cfg.sealedVolumes;

  swap = map (device: {
    device = plain device.device;
    encrypted = device.randomEncryption.enable || lib.elem (plain device.device) sealedDevices;
  }) config.swapDevices;

  coreDumps =
    let
      storage = config.systemd.coredump.settings.Coredump.Storage or "external";
    in
    # Without a handler the limit of size, which is 0, decides.
    if !(config.systemd.coredump.enable or true) then
      "none"
    else if storage == "none" || storage == "journal" then
      storage
    else
      "files";

  unitsOf =
    scope: units:
    lib.mapAttrsToList (name: unit: {
      inherit name scope;
      wanted = unit.wantedBy != [ ] || unit.requiredBy != [ ] || (unit.upheldBy or [ ]) != [ ];
      text = plain (if unit.text == null then "" else unit.text);
    }) (lib.filterAttrs (_: unit: unit.enable) units);

  initrd = config.boot.initrd.systemd;
  initrdUnits = lib.optionalAttrs (initrd.enable or false) initrd.units;

  generators = lib.mapAttrsToList (name: path: {
    inherit name;
    path = plain path;
  }) (config.systemd.generators or { });

  isEnabled = name: config.systemd.services.${name}.enable or true;
  instancesOf =
    template: terminals:
    lib.optionals (isEnabled template) (
      lib.filter (terminal: isEnabled "${template}${terminal}") terminals
    );

  # systemd-getty-generator adds one for each console that is not a virtual terminal, and for hvc0 where there is one.
  serialTerminals =
    let
      terminalOf = builtins.match "console=(tty[A-Z]+[0-9]+|hvc[0-9]+).*";
      matches = map terminalOf config.boot.kernelParams;
      named = lib.concatLists (lib.filter (found: found != null) matches);
      masked = (config.systemd.generators.systemd-getty-generator or null) == "/dev/null";
    in
    if masked then [ ] else lib.unique (named ++ [ "hvc0" ]);

  consoles =
    instancesOf "getty@" [ "tty1" ]
    ++ instancesOf "serial-getty@" serialTerminals
    ++ lib.optional (isEnabled "autovt@" && isEnabled "getty@") "autovt";

  autologin =
    let
      terminal = config.services.getty.autologinUser or null;
      none.enable = false;
      desktop = config.services.displayManager.autoLogin or none;
    in
    lib.optional (terminal != null) terminal
    ++ lib.optional (desktop.enable && desktop.user != null) desktop.user;

  # What a user can log in with; "!" and "*" are locks.
  hasPassword =
    user:
    let
      isOpen = hash: hash != null && builtins.match "[!*].*" hash == null;
    in
    isOpen user.hashedPassword
    || isOpen user.initialHashedPassword
    || user.password != null
    || user.initialPassword != null
    || user.hashedPasswordFile != null;

  initrdAccess = initrd.emergencyAccess or false;

  isDhcp = value: value != null && value != false && value != "no";
  dhcp =
    config.networking.useDHCP
    || lib.any (one: one.useDHCP == true) (lib.attrValues config.networking.interfaces)
    || lib.any (one: isDhcp (one.networkConfig.DHCP or (one.DHCP or null))) (
      lib.attrValues (config.systemd.network.networks or { })
    )
    || (config.networking.networkmanager.enable or false);

  isService = name: config.services.${name}.enable or false;
  unauthenticated = [
    "timesyncd"
    "ntp"
    "openntpd"
    "ntpd-rs"
  ];
  timeSync =
    if lib.any isService unauthenticated then
      "unauthenticated"
    else if isService "chrony" then
      (if config.services.chrony.enableNTS then "nts" else "unauthenticated")
    else
      "none";
in
{
  options.affidavit = {
    lint = {
      tee = mkOption {
        type = types.nullOr (
          types.enum [
            "sev-snp"
            "tdx"
          ]
        );
        default = if guest.enable or false then guest.platform else null;
        defaultText = lib.literalExpression "config.affidavit.guest.platform";
        description = "Kind of confidential machine that the guest is for.";
      };

      launch = mkOption {
        type = types.enum [
          "kernel-hashes"
          "rtmr"
          "secure-boot"
          "vtpm"
          "host"
        ];
        default = "host";
        description = ''
          What ties kernel, initrd and command line to the evidence: `kernel-hashes` (their hashes lie in the measured firmware),
          `rtmr` (the firmware measures them into the RTMRs of TDX), `secure-boot` (measured firmware starts signed images
          alone), `vtpm` (the PCRs of a vTPM) or `host` (nothing). How a guest is started is not part of its configuration, so
          that somebody has to say it.
        '';
      };

      uki = mkOption {
        type = types.bool;
        default = isVerityStore || (config.boot.lanzaboote.enable or false);
        defaultText = lib.literalMD "whether the store is under dm-verity, or lanzaboote is enabled";
        description = "Whether kernel, initrd and command line are one file.";
      };

      tpm = mkOption {
        type = types.enum [
          "none"
          "measured"
          "host"
        ];
        default = if lib.any (volume: volume.unlock == "tpm2") luks then "host" else "none";
        defaultText = lib.literalMD "`host` where a disk is sealed to a TPM, else `none`";
        description = ''
          Whose TPM the guest has: `measured` is one that the evidence covers, a paravisor's or an SVSM's.
        '';
      };

      sealedVolumes = mkOption {
        type = types.attrsOf types.path;
        default = { };
        example.state = "/var/lib/state";
        description = ''
          Volumes, sealed to the TPM, that a service opens and mounts, beside those of crypttab and
          {option}`fileSystems`: name below /dev/mapper → where it is mounted.
        '';
      };

      accepted = mkOption {
        type = types.listOf (
          types.submodule {
            options = {
              rule = mkOption {
                type = types.str;
                description = "Id of the rule.";
              };
              reason = mkOption {
                type = types.str;
                description = "Why its findings may stay. It is printed with them.";
              };
            };
          }
        );
        default = [ ];
        description = "Rules whose findings somebody looked at and lets stay.";
      };
    };

    description = mkOption {
      type = types.attrs;
      readOnly = true;
      description = "The guest, as `affidavit lint guest` reads it.";
    };
  };

  config.affidavit.description = {
    version = 1;
    name = if config.networking.hostName == "" then "guest" else config.networking.hostName;
    source = "nixos";
    inherit (cfg) tee accepted;
    boot = {
      inherit (cfg) launch uki;
      parameters = map plain config.boot.kernelParams;
    };
    kernel = {
      kexecDisabled = sysctl "kernel.kexec_load_disabled";
      modulesLocked = config.security.lockKernelModules || sysctl "kernel.modules_disabled";
      modules = lib.unique (config.boot.kernelModules ++ config.boot.initrd.kernelModules);
      blacklisted = config.boot.blacklistedKernelModules;
    };
    storage = {
      inherit
        fileSystems
        swap
        luks
        coreDumps
        ;
      inherit (cfg) tpm;
    };
    units = {
      all = unitsOf "system" config.systemd.units ++ unitsOf "initrd" initrdUnits;
      # /etc is made from the store, whole.
      loose = [ ];
      inherit generators;
    };
    access = {
      inherit consoles autologin;
      ssh =
        (config.services.openssh.enable or false)
        || (config.boot.initrd.network.ssh.enable or false);
      emergencyShell =
        config.systemd.enableEmergencyMode || (initrdAccess != null && initrdAccess != false);
      inherit (config.users) mutableUsers;
      usersWithPassword = lib.mapAttrsToList (name: _: name) (
        lib.filterAttrs (_: user: (user.enable or true) && hasPassword user) config.users.users
      );
    };
    network = { inherit dhcp timeSync; };
  };
}
