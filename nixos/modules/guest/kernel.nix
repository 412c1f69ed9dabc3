# The kernel: reports of the platform, and no way to another kernel.
{ config, lib, ... }:
let
  cfg = config.affidavit.guest;
  inherit (lib.kernel) module no option yes;
  forced = lib.mapAttrs (_: lib.mkForce);

  drivers = {
    sev-snp = "sev-guest";
    tdx = "tdx-guest";
  };
in
{
  config = lib.mkIf cfg.enable {
    boot = {
      kernelPatches = [
        {
          name = "affidavit-guest";
          patch = null;
          structuredExtraConfig = forced {
            # Both select TSM_REPORTS, the interface that the agent reads.
            AMD_MEM_ENCRYPT = yes;
            INTEL_TDX_GUEST = yes;
            SEV_GUEST = module;
            TDX_GUEST_DRIVER = module;
            # Another kernel would run under this one's measurement.
            KEXEC = no;
            KEXEC_FILE = no;
            CRASH_DUMP = option no;
            KEXEC_HANDOVER = option no;
            KEXEC_JUMP = option no;
            LIVEUPDATE = option no;
            HIBERNATION = no;
            # Of the host: tables in the initrd's place, and its configuration blobs as files.
            ACPI_TABLE_UPGRADE = no;
            FW_CFG_SYSFS = no;
          };
        }
      ];
      kernelModules = [
        "configfs"
        drivers.${cfg.platform}
      ];
      blacklistedKernelModules = [
        # Files of the host.
        "9p"
        "virtiofs"
        "qemu_fw_cfg"
      ];
      kernelParams = [
        # A guest that oopsed is not the one that was measured; the host may start another.
        "oops=panic"
        "panic=10"
        # Random numbers come from the processor, not from what the loader says.
        "random.trust_cpu=on"
        "random.trust_bootloader=off"
        "nohibernate"
        # Credentials and partitions are the host's to make up.
        "systemd.import_credentials=no"
        "systemd.gpt_auto=no"
        "rd.systemd.gpt_auto=no"
      ];
      consoleLogLevel = lib.mkDefault 3;

      kernel.sysctl = {
        "fs.protected_fifos" = 2;
        "fs.protected_regular" = 2;
        "fs.suid_dumpable" = 0;
        "kernel.core_pattern" = "|/bin/false";
        "kernel.dmesg_restrict" = 1;
        "kernel.kexec_load_disabled" = 1;
        "kernel.kptr_restrict" = 2;
        "kernel.panic" = 10;
        "kernel.panic_on_oops" = 1;
        "kernel.perf_event_paranoid" = 3;
        "kernel.sysrq" = 0;
        "kernel.unprivileged_bpf_disabled" = 1;
        "kernel.yama.ptrace_scope" = 2;
      };
    };

    security.protectKernelImage = true;
    # After the boot no module is loaded, whoever asks. A driver for GPUs loads some later.
    security.lockKernelModules = lib.mkDefault (!config.affidavit.gpu.enable);
    systemd.coredump.enable = false;
    systemd.settings.Manager.DefaultLimitCORE = 0;
  };
}
