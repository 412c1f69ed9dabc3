# The disk: a store under dm-verity, and a unified kernel image whose command line names the verity root. `/` is memory.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.affidavit.guest;
  inherit (config.image.repart.verityStore) partitionIds;

  # The system cannot hold a list of itself: the list lies beside it, under the same verity root.
  registration = "/affidavit/registration";
  closure = pkgs.closureInfo { rootPaths = [ config.system.build.toplevel ]; };
  manifest = lib.importJSON ../../../package.json;
in
{
  config = lib.mkIf cfg.enable {
    system.image = {
      id = lib.mkDefault "affidavit-${cfg.platform}";
      version = lib.mkDefault manifest.version;
    };

    # The partition is the guest's /usr.
    services.affidavit.agent.closure.registration = "/usr${registration}";

    image.repart = {
      verityStore = {
        enable = true;
        # The firmware starts it: a boot loader would be one more thing to measure, with a menu.
        ukiPath = "/EFI/BOOT/BOOTX64.EFI";
      };
      # Identifiers and salts are made from it: two builds give one image.
      seed = "4d1c6f0e-6e0b-4b43-9d0e-6c1f8f0c7a52";
      mkfsOptions.erofs = [ "-z lz4" ];
      partitions = {
        ${partitionIds.esp}.repartConfig = {
          Type = "esp";
          Format = "vfat";
          SizeMinBytes = "192M";
          SizeMaxBytes = "192M";
        };
        ${partitionIds.store}.contents.${registration}.source = "${closure}/registration";
      };
    };

    fileSystems."/" = {
      fsType = "tmpfs";
      options = [
        "mode=0755"
        "size=${cfg.rootSize}"
        "nosuid"
        "nodev"
      ];
    };
    swapDevices = lib.mkForce [ ];
    zramSwap.enable = lib.mkForce false;

    boot = {
      loader.grub.enable = false;
      loader.systemd-boot.enable = lib.mkForce false;
      initrd = {
        systemd.enable = true;
        # What hosts attach disks and networks with, and nothing for real machines.
        includeDefaultModules = false;
        availableKernelModules = [
          "nvme"
          "sd_mod"
          "virtio_blk"
          "virtio_net"
          "virtio_pci"
          "virtio_scsi"
        ];
      };
    };

    # /usr is read-only.
    system.activationScripts.usrbinenv = lib.mkForce "";
    # /etc is an image in the store; accounts are made below /var at each boot.
    system.etc.overlay = {
      enable = true;
      mutable = false;
    };
    services.userborn.enable = true;
  };
}
