# NVIDIA GPUs in confidential mode: driver, persistence, and a gate that lets no GPU work unless it is as demanded.
# docs/gpu.md says what the gate proves, which without attestation is little.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.affidavit.gpu;
  driver = config.hardware.nvidia.package;
  persistenced = lib.getExe driver.persistenced;
  gateUnit = "affidavit-gpu-ready.service";
  gpu = import ../gpu/device-access.nix;

  units = import ../gpu/units.nix {
    inherit (cfg) count insecureReadyWithoutAttestation;
    shell = pkgs.runtimeShell;
    smi = lib.getExe' driver.bin "nvidia-smi";
    sample = if cfg.sample.enable then lib.getExe cfg.sample.package else null;
  };

  # bindsTo: a service that computes on a GPU ends when the permission ends.
  behindGate = {
    bindsTo = [ gateUnit ];
    after = [ gateUnit ];
    serviceConfig = lib.mapAttrs (_: lib.mkForce) gpu.access;
  };
in
{
  options.affidavit.gpu = {
    enable = lib.mkEnableOption "NVIDIA GPUs in confidential mode";

    count = lib.mkOption {
      type = lib.types.ints.positive;
      default = 1;
      description = "Number of GPUs that the guest must see, no fewer and no more, before any of them works.";
    };

    insecureReadyWithoutAttestation = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Lets GPUs work after a look at their mode alone. Reports of GPUs are for relying parties to verify, and nothing
        in the guest does: a host that hands over something else than a genuine GPU is not found out before it works.
        Without this option no GPU ever works.
      '';
    };

    services = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "inference" ];
      description = "Names of `systemd.services` that compute on GPUs, behind the gate.";
    };

    sample = {
      enable = lib.mkEnableOption "a CUDA program that runs behind the gate at each boot and compares every element";
      package = lib.mkOption {
        type = lib.types.package;
        default = pkgs.callPackage ../gpu/sample.nix { };
        defaultText = lib.literalExpression "pkgs.callPackage ../gpu/sample.nix { }";
        description = "The sample.";
      };
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.hardware.nvidia.open == true && driver ? open;
        message = "affidavit.gpu: a GPU in confidential mode needs NVIDIA's open kernel module (hardware.nvidia.open).";
      }
      {
        assertion = driver ? firmware;
        message = "affidavit.gpu: hardware.nvidia.package has no firmware for the GPU's own processor.";
      }
      {
        assertion = config.hardware.nvidia.datacenter.enable && !config.services.xserver.enable;
        message = "affidavit.gpu: the data centre driver is for guests without a display.";
      }
      {
        assertion = !config.hardware.graphics.enable;
        message = "affidavit.gpu: hardware.graphics adds what CUDA does not need; this module links the driver itself.";
      }
    ];

    nixpkgs.config.allowUnfreePredicate =
      package: lib.elem (lib.getName package) (import ../gpu/unfree.nix);

    hardware.nvidia = {
      open = true;
      datacenter.enable = true;
      nvidiaPersistenced = true;
    };

    # The open module cannot start a GPU without it, and the data centre half of nixpkgs' module does not add it.
    hardware.firmware = [ driver.firmware ];

    # The driver agrees on keys with the GPU through the kernel's own ECDSA and ECDH, and does not load them itself.
    boot.initrd.kernelModules = [
      "ecdsa_generic"
      "ecdh_generic"
    ];

    # All that the driver needs is loaded before: nvidia_uvm, which needs nvidia.
    security.lockKernelModules = lib.mkOverride 900 true;

    # Where CUDA programs look for the driver's libraries.
    systemd.tmpfiles.settings.affidavit-gpu."/run/opengl-driver"."L+".argument = "${driver.out}";

    systemd.services = lib.mkMerge (
      [
        units
        {
          # For GPUs behind NVSwitch, which the gate does not accept; on other machines it only fails.
          nvidia-fabricmanager.enable = lib.mkForce false;
          # Keeps keys and state between one program and the next: without it a GPU forgets that it is ready.
          nvidia-persistenced.serviceConfig.ExecStart = lib.mkForce "${persistenced} --uvm-persistence-mode";
        }
      ]
      ++ map (name: { ${name} = behindGate; }) cfg.services
    );
  };
}
