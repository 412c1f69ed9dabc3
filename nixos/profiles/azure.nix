# Microsoft Azure: confidential VMs. Microsoft's paravisor stands between processor and guest, and its reports come
# through a vTPM, not configfs-tsm: the agent cannot serve there in this release, and this profile refuses it. What is
# here starts the image; docs/clouds.md says what it takes to attest it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  makeDisk = import ./disk.nix { inherit config lib pkgs; };
  qemuImg = lib.getExe' pkgs.qemu-utils "qemu-img";
in
{
  imports = [ ./cloud.nix ];

  affidavit.cloud = {
    name = "azure";
    reportReachesAgent = false;
    reportCoversImage = false;
  };

  # It would end at each boot for want of a report. Said aloud by the option, not done in silence.
  services.affidavit.agent.enable = lib.mkIf config.affidavit.cloud.insecureWithoutAttestation (
    lib.mkForce false
  );

  # The paravisor makes the vTPM, inside of what the processor protects.
  affidavit.lint = {
    launch = lib.mkForce "vtpm";
    tpm = lib.mkForce "measured";
  };

  # hv_utils and hv_balloon stay out: by them the host sets the clock, writes key-value pairs and takes memory.
  boot.initrd.availableKernelModules = [
    "hv_vmbus"
    "hv_storvsc"
    "hv_netvsc"
    # Network cards and disks that are passed through.
    "pci_hyperv"
    "mana"
    "mlx5_core"
    "nvme"
  ];
  boot.blacklistedKernelModules = [
    "hv_balloon"
    "hv_utils"
  ];

  # Fixed VHD, whole mebibytes: anything else is refused at upload. Its footer holds the time and a random number, so
  # two builds differ there and nowhere else.
  system.build.cloudImage = pkgs.runCommand "${config.image.baseName}-azure" { } ''
    ${makeDisk { unit = 1024 * 1024; }}
    mkdir $out
    ${qemuImg} convert -f raw -O vpc -o subformat=fixed,force_size=on \
      disk.raw $out/${config.image.baseName}.vhd
  '';
}
