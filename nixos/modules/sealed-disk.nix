# A volume for the state of a guest whose root is read-only: encrypted, authenticated, and opened by the TPM for images
# that the owner signed. docs/sealed-disk.md says what that is worth on which platform.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.affidavit.sealedDisk;
  inherit (lib) mkOption types;

  # What systemd-stub leaves in the initial file system, and where systemd looks for it.
  stubFiles = [
    "tpm2-pcr-public-key.pem"
    "tpm2-pcr-signature.json"
  ];

  tools = [
    config.systemd.package
    pkgs.coreutils
    pkgs.cryptsetup
    pkgs.gnugrep
    pkgs.jq
    pkgs.openssl
    pkgs.util-linux
  ]
  ++ lib.optional (cfg.fsType == "ext4") pkgs.e2fsprogs
  ++ lib.optional (cfg.fsType == "xfs") pkgs.xfsprogs;

  settings = pkgs.writeText "affidavit-sealed-disk-settings" (
    import ../sealed-disk/settings.nix {
      path = lib.makeBinPath tools;
      inherit (cfg)
        device
        mountPoint
        fsType
        integrity
        pcrs
        waitSeconds
        ;
      recoveryCertificate =
        if cfg.recovery.certificate == null then null else "${cfg.recovery.certificate}";
    }
  );

  units = import ../units/sealed-disk.nix {
    shell = pkgs.runtimeShell;
    scripts = "${../sealed-disk}";
    settings = "${settings}";
  };
in
{
  imports = [ ./description.nix ];

  options.affidavit.sealedDisk = {
    enable = lib.mkEnableOption "a sealed volume for state";

    device = mkOption {
      type = types.path;
      default = "/dev/disk/by-partlabel/affidavit-state";
      description = ''
        Disk or partition. On the first boot it must be blank: it is formatted only if no signature is found on it and
        its first and last mebibytes are zero.
      '';
    };

    mountPoint = mkOption {
      type = types.path;
      default = "/var/lib/affidavit";
      description = "Where the volume is mounted, with nodev, nosuid and noexec.";
    };

    fsType = mkOption {
      type = types.enum [
        "ext4"
        "xfs"
      ];
      default = "ext4";
      description = "File system made on the first boot.";
    };

    integrity = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Authenticate each sector (LUKS2 with HMAC-SHA-256 over dm-integrity). Without it a host that changes a sector
        changes what is read to something that it cannot choose, and nothing notices. Costs a journal (each write is
        made twice) and a first boot that writes the whole disk.
      '';
    };

    pcrs = mkOption {
      type = types.nonEmptyListOf (types.ints.between 0 23);
      default = [
        7
        12
        13
      ];
      description = ''
        PCRs whose values at the first boot are needed again, in addition to the signed PCR 11. 7: Secure Boot state and
        keys. 12 and 13: what a host may hand to systemd-stub beside the signed image (command line, credentials, add-ons,
        system extensions); without them such a command line opens the volume to the host.
      '';
    };

    waitSeconds = mkOption {
      type = types.ints.positive;
      default = 30;
      description = "How long the disk may take to appear.";
    };

    requiredBy = mkOption {
      type = types.listOf (types.strMatching ".+\\.service");
      default = [ ];
      example = [ "echo-cpp.service" ];
      description = "Units that keep state on the volume: they start after it, and not without it.";
    };

    recovery.certificate = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = ''
        PEM certificate of the owner. On the first boot a recovery key is made and encrypted to it (CMS); the envelope
        lies in the header of the disk.
      '';
    };

    insecureNoRecovery = mkOption {
      type = types.bool;
      default = false;
      description = "Allow a volume that is lost with its TPM.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.recovery.certificate != null || cfg.insecureNoRecovery;
        message = ''
          affidavit.sealedDisk has no recovery.certificate: a TPM that is lost takes the volume with it.
          Name the owner's certificate, or set affidavit.sealedDisk.insecureNoRecovery = true.
        '';
      }
      {
        assertion = !(builtins.elem 11 cfg.pcrs);
        message = "affidavit.sealedDisk.pcrs names PCR 11: it is bound by signature, and its value changes with each image.";
      }
      {
        assertion = config.boot.initrd.systemd.enable;
        message = "affidavit.sealedDisk needs boot.initrd.systemd.enable: PCR 11 has no boot phases without it.";
      }
      {
        assertion = !(config.fileSystems ? ${cfg.mountPoint});
        message = "affidavit.sealedDisk mounts ${cfg.mountPoint} itself: remove it from fileSystems.";
      }
    ];

    # So that the linter asks whose TPM opens it.
    affidavit.lint.sealedVolumes.affidavit-state = cfg.mountPoint;

    boot.initrd.systemd.tpm2 = {
      enable = true;
      pcrphases.enable = true;
    };
    # The phases are measured only where the EFI variables say that the stub measured the image.
    boot.initrd.kernelModules = [ "efivarfs" ];
    boot.initrd.systemd.tmpfiles.settings."20-affidavit-stub" = lib.listToAttrs (
      map (
        name:
        lib.nameValuePair "/run/systemd/${name}" {
          C = {
            mode = "0444";
            user = "root";
            group = "root";
            argument = "/.extra/${name}";
          };
        }
      ) stubFiles
    );

    systemd.tpm2 = {
      enable = true;
      pcrphases.enable = true;
    };
    boot.kernelModules = [
      "authenc"
      "dm-crypt"
      "dm-integrity"
    ];
    boot.supportedFilesystems.${cfg.fsType} = true;

    systemd.services = lib.mkMerge (
      [ units ]
      ++ map (unit: {
        ${lib.removeSuffix ".service" unit} = {
          requires = [ "affidavit-sealed-disk.service" ];
          after = [ "affidavit-sealed-disk.service" ];
        };
      }) cfg.requiredBy
    );
  };
}
