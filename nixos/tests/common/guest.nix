# A guest that boots its own image in a test: no door of the driver's, which would be a login.
name:
{ lib, ... }:
{
  # As the other nodes call it.
  networking.hostName = lib.mkForce name;
  affidavit.guest = {
    enable = true;
    platform = "sev-snp";
  };

  # The image's own disk, kernel and mounts, in place of those of a machine for tests.
  virtualisation = {
    directBoot.enable = false;
    mountHostNixStore = false;
    useEFIBoot = true;
    fileSystems = lib.mkVMOverride { };
  };
  # The test gives addresses; nobody answers DHCP there.
  systemd.network.networks."10-ethernet".enable = false;
  testing.backdoor = false;
  services.qemuGuest.enable = lib.mkForce false;
}
