# Google Cloud: Confidential VMs with AMD SEV-SNP or Intel TDX. The report comes through configfs-tsm; the vTPM is made
# by the host and bound to neither. Import beside `nixosModules.default`; docs/clouds.md has the commands.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  guest = config.affidavit.guest;
  makeDisk = import ./disk.nix { inherit config lib pkgs; };
in
{
  imports = [ ./cloud.nix ];

  affidavit.cloud = {
    name = "gcp";
    reportReachesAgent = true;
    # SEV-SNP has no register that grows: the firmware's measurement is all. TDX's firmware extends RTMR 0 to 2.
    reportCoversImage = guest.platform == "tdx";
  };

  # Whatever the guest's configuration says of other hosts: here machines start from their disks.
  affidavit.lint.launch = lib.mkForce (if guest.platform == "tdx" then "rtmr" else "host");

  boot.initrd.availableKernelModules = [
    # Disks are NVMe on every confidential machine type; SCSI is not offered there.
    "nvme"
    # gVNIC, and the older virtio card.
    "gve"
    "virtio_net"
    "virtio_pci"
  ];

  # `disk.raw` in a tar of the old GNU format, whole gibibytes: the only form that images are made from.
  system.build.cloudImage = pkgs.runCommand "${config.image.baseName}-gcp" { } ''
    ${makeDisk { unit = 1024 * 1024 * 1024; }}
    mkdir $out
    tar --create --sparse --format=oldgnu --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner disk.raw |
      gzip --no-name --best > $out/${config.image.baseName}.tar.gz
  '';
}
