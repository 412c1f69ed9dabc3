# Amazon EC2: instances with AMD SEV-SNP. The report comes through configfs-tsm and measures Amazon's firmware alone;
# NitroTPM is made by the host. Import beside `nixosModules.default`; docs/clouds.md has the commands.
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
    name = "aws";
    reportReachesAgent = true;
    reportCoversImage = false;
  };

  assertions = [
    {
      assertion = guest.platform == "sev-snp";
      message = "EC2 offers AMD SEV-SNP: affidavit.guest.platform must be \"sev-snp\".";
    }
  ];

  # Whatever the guest's configuration says of other hosts: here instances start from their disks.
  affidavit.lint.launch = lib.mkForce "host";

  boot.initrd.availableKernelModules = [
    "nvme"
    # The kernel's own driver of the elastic network adapter.
    "ena"
  ];

  boot.kernelParams = [
    # A volume that is slow for once is no reason to take it away.
    "nvme_core.io_timeout=4294967295"
  ];

  # Volumes are whole gibibytes; a snapshot is made from the raw disk.
  system.build.cloudImage = pkgs.runCommand "${config.image.baseName}-aws" { } ''
    ${makeDisk { unit = 1024 * 1024 * 1024; }}
    mkdir $out
    mv disk.raw $out/${config.image.baseName}.raw
  '';
}
