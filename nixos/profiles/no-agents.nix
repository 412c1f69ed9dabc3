# What clouds put into their own images, and a confidential guest must not hold: agents that take accounts, keys,
# scripts or whole configurations from the host. A guest that runs one of them runs what its host says.
{
  config,
  lib,
  ...
}:
let
  # As nixpkgs and vendors name them.
  services = [
    "afterburn"
    "amazon-cloudwatch-agent"
    "amazon-init"
    "amazon-ssm-agent"
    "apply-ec2-data"
    "cloud-config"
    "cloud-final"
    "cloud-init"
    "cloud-init-local"
    "fetch-ec2-metadata"
    "google-guest-agent"
    "google-guest-agent-manager"
    "google-oslogin-cache"
    "google-shutdown-scripts"
    "google-startup-scripts"
    "hv-fcopy"
    "hv-kvp"
    "hv-vss"
    "ignition"
    "print-host-key"
    "qemu-guest-agent"
    "vmtoolsd"
    "waagent"
  ];

  # Packages whose units systemd would load as they are.
  packages = [
    "afterburn"
    "amazon-ssm-agent"
    "cloud-init"
    "google-guest-oslogin"
    # The name that nixpkgs gives Google's.
    "guest-agent"
    "hyperv-daemons"
    "ignition"
    "waagent"
  ];

  switches = {
    "security.googleOsLogin.enable" = config.security.googleOsLogin.enable;
    "services.amazon-ssm-agent.enable" = config.services.amazon-ssm-agent.enable;
    "services.cloud-init.enable" = config.services.cloud-init.enable;
    "services.qemuGuest.enable" = config.services.qemuGuest.enable;
    "services.waagent.enable" = config.services.waagent.enable;
    "virtualisation.hypervGuest.enable" = config.virtualisation.hypervGuest.enable;
  };

  isOn = name: config.systemd.services ? ${name} && config.systemd.services.${name}.enable;
  isListed = package: lib.elem (lib.getName package) packages;

  refuse = what: found: {
    assertion = found == [ ];
    message = "A confidential guest takes no orders from its host: ${what} ${lib.concatStringsSep ", " found} must go.";
  };
in
{
  assertions = [
    (refuse "option" (lib.attrNames (lib.filterAttrs (_: on: on) switches)))
    (refuse "unit" (lib.filter isOn services))
    (refuse "systemd package" (map lib.getName (lib.filter isListed config.systemd.packages)))
  ];
}
