# The agent, and the configuration that it is given: checked when the system is built, not when it boots.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.affidavit.agent;
  attested = config.services.affidavit.services;

  # What the units of nixos/units start.
  node = "${cfg.node}/bin/node";
  agent = "${cfg.package}/lib/affidavit-agent.mjs";
  refresher = "${cfg.package}/lib/affidavit-collateral.mjs";
  folders = import ../units/folders.nix;

  unchecked = pkgs.writeText "agent-unchecked.json" (
    builtins.toJSON (
      import ../lib/agent-config.nix {
        inherit (cfg.listen) host port;
        inherit (cfg)
          accessLog
          closure
          devices
          eventLog
          events
          privlevel
          tls
          ;
        collateral =
          lib.filterAttrs (_: file: file != null) (lib.getAttrs certificates cfg.collateral)
          // {
            inherit (cfg.collateral) nvidiaRims nvidiaOcsp;
          }
          // lib.optionalAttrs cfg.collateral.enable { folder = folders.collateral; };
        services = lib.mapAttrs (_: service: "${service.package}") attested;
      }
    )
  );

  # Its form alone: keys and closure are there in the guest only.
  configFile = pkgs.runCommand "agent.json" { } ''
    ${node} ${agent} check-config --form ${unchecked}
    cp ${unchecked} $out
  '';

  # What each kind of device is asked through, and nothing beyond.
  deviceAccess = {
    nvidia = _: (import ../gpu/device-access.nix).access.DeviceAllow;
    tpm = device: [ "${device.device or "/dev/tpmrm0"} rw" ];
    nitro-tpm = _: [ "/dev/tpmrm0 rw" ];
  };

  # What listens on every address is asked on this machine's own.
  host =
    {
      "0.0.0.0" = "127.0.0.1";
      "::" = "::1";
    }
    .${cfg.listen.host} or cfg.listen.host;
  from =
    (if cfg.tls == null then "http" else "https")
    + "://${if lib.hasInfix ":" host then "[${host}]" else host}:${toString cfg.listen.port}";

  refresherArguments =
    lib.optionals (cfg.collateral.kds != null) [
      "--kds"
      cfg.collateral.kds
    ]
    ++ lib.optionals (cfg.collateral.pcs != null) [
      "--pcs"
      cfg.collateral.pcs
    ]
    ++ lib.optionals (cfg.collateral.caFile != null) [
      "--ca-file"
      "${cfg.collateral.caFile}"
    ]
    ++ lib.optional cfg.collateral.early "--early";

  # Words of a command line, which systemd would split or expand otherwise.
  serviceAddress = lib.types.strMatching "https?://[A-Za-z0-9._:/~-]+|https?://\\[[0-9a-fA-F:]+][A-Za-z0-9._:/~-]*";

  certificates = [
    "vek"
    "ask"
    "ark"
    "arkCrl"
    "tcbInfo"
    "tcbSigning"
    "qeIdentity"
    "qeIdentitySigning"
    "pckCrl"
    "intelRootCrl"
    "intelRoot"
  ];
  certificate = lib.mkOption {
    type = lib.types.nullOr lib.types.path;
    default = null;
    description = "File to serve with the evidence; null: none, or what the host hands out.";
  };
in
{
  options.services.affidavit.agent = {
    enable = lib.mkEnableOption "the agent, which serves evidence of what this machine runs";

    package = lib.mkOption {
      type = lib.types.package;
      default = (import ../packages { inherit pkgs; }).agent;
      defaultText = lib.literalMD "the agent of this repository";
      description = "Package with `lib/affidavit-agent.mjs`.";
    };

    node = lib.mkOption {
      type = lib.types.package;
      default = pkgs.nodejs-slim_24;
      defaultText = lib.literalExpression "pkgs.nodejs-slim_24";
      description = "Node 24 or newer.";
    };

    listen = {
      host = lib.mkOption {
        type = lib.types.str;
        default = "0.0.0.0";
        description = "Address or host name to listen on.";
      };
      port = lib.mkOption {
        type = lib.types.port;
        default = 8080;
        description = "TCP port to listen on.";
      };
    };

    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether the port is reachable from outside.";
    };

    tls = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.submodule {
          options.certificateLifetime = lib.mkOption {
            type = lib.types.ints.between 1 3650;
            default = 90;
            description = "Days that the certificate of a boot is valid.";
          };
        }
      );
      default = null;
      description = "TLS with a key made at boot and bound into the evidence; null: plain HTTP.";
    };

    events = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.submodule {
          options.socket = lib.mkOption {
            type = lib.types.strMatching "/run/affidavit-agent/[a-z0-9._-]{1,64}";
            default = "/run/affidavit-agent/events.sock";
            description = "Unix socket in the agent's own folder.";
          };
        }
      );
      default = null;
      description = "Where the guest's root adds runtime events; null: nowhere.";
    };

    devices = lib.mkOption {
      type = lib.types.listOf (lib.types.attrsOf lib.types.anything);
      default = [ ];
      example = lib.literalExpression ''
        [
          {
            kind = "tpm";
            key = "81000003";
            certificate.nvIndex = "01c101d0";
          }
        ]
      '';
      description = ''
        Devices whose evidence is served beside the processor's, in this order (docs/agent.md, "Devices"). The unit
        reaches their files in /dev and no others.
      '';
    };

    eventLog = lib.mkOption {
      type = lib.types.nullOr (lib.types.attrsOf (lib.types.nullOr lib.types.str));
      default = { };
      example = {
        ccel = null;
      };
      description = "Files of the boot's event log; `{ }`: the kernel's, null: none.";
    };

    privlevel = lib.mkOption {
      type = lib.types.ints.between 0 3;
      default = 0;
      description = "Privilege level (VMPL) of the reports, where the provider has it.";
    };

    accessLog = lib.mkOption {
      type = lib.types.enum [
        "info"
        "warn"
        "error"
        "silent"
      ];
      default = "info";
      description = "From which level on requests are logged.";
    };

    collateral = lib.genAttrs certificates (_: certificate) // {
      nvidiaRims = lib.mkOption {
        type = lib.types.listOf lib.types.path;
        default = [ ];
        description = "Reference manifests (RIMs) of the GPUs' driver and firmware, as NVIDIA signed them.";
      };

      nvidiaOcsp = lib.mkOption {
        type = lib.types.listOf lib.types.path;
        default = [ ];
        description = "OCSP answers about the GPUs' certificates.";
      };

      enable = lib.mkEnableOption "the refresher, which gets what evidence lacks and keeps it fresh";

      kds = lib.mkOption {
        type = lib.types.nullOr serviceAddress;
        default = null;
        description = "Mirror of AMD's key service; null: AMD's own.";
      };

      pcs = lib.mkOption {
        type = lib.types.nullOr serviceAddress;
        default = null;
        description = "PCCS, or mirror of Intel's service; null: Intel's own.";
      };

      caFile = lib.mkOption {
        type = lib.types.nullOr lib.types.path;
        default = null;
        description = "CA certificates (PEM) to trust for HTTPS beside the system's.";
      };

      early = lib.mkOption {
        type = lib.types.bool;
        default = false;
        description = "Whether to take Intel's early release of TCB info and QE identity.";
      };
    };

    closure = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = {
        scan = "/run/current-system";
      };
      example = {
        registration = "/usr/affidavit/registration";
      };
      description = ''
        Where the closure is from: one of `scan`, `registration` and `pathInfo` (docs/closure.md). An image of
        `affidavit.guest` brings its registration.
      '';
    };

    configFile = lib.mkOption {
      type = lib.types.package;
      readOnly = true;
      default = configFile;
      defaultText = lib.literalMD "made of these options";
      description = "The checked configuration.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services = lib.mkMerge [
      (import ../units/keys.nix {
        inherit node agent;
        names = lib.attrNames attested;
      })
      (import ../units/agent.nix {
        inherit node agent;
        configFile = "${cfg.configFile}";
        deviceAllow = lib.unique (
          lib.concatMap (device: deviceAccess.${device.kind} device) cfg.devices
        );
      })
      (lib.mkIf cfg.collateral.enable (
        import ../units/collateral.nix {
          inherit node refresher from;
          arguments = refresherArguments;
        }
      ))
      (lib.mkIf (cfg.events != null) {
        affidavit-agent.serviceConfig = {
          RuntimeDirectory = "affidavit-agent";
          RuntimeDirectoryMode = "0700";
        };
      })
    ];

    systemd.timers = lib.mkIf cfg.collateral.enable (import ../units/collateral-timer.nix);

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ cfg.listen.port ];

    assertions = [
      {
        assertion = lib.versionAtLeast config.boot.kernelPackages.kernel.version "6.7";
        message = "services.affidavit.agent: reports need Linux 6.7 or newer (configfs-tsm), boot.kernelPackages has ${config.boot.kernelPackages.kernel.version}";
      }
    ];
  };
}
