# A development machine for QEMU with a software TPM: not confidential, so that the agent says what is missing and
# stops, while the services run. Ports of the host are bound to its loopback alone.
{ lib, modulesPath, ... }:
let
  credential = "affidavit.ssh-key";
  forward = host: guest: {
    from = "host";
    host = {
      address = "127.0.0.1";
      port = host;
    };
    guest.port = guest;
  };
in
{
  imports = [
    "${modulesPath}/virtualisation/qemu-vm.nix"
    ./samples.nix
  ];

  networking.hostName = "affidavit-vm";
  system.stateVersion = "26.05";
  services.affidavit.agent = {
    enable = true;
    openFirewall = true;
  };

  virtualisation = {
    cores = 2;
    memorySize = 2048;
    graphics = false;
    tpm.enable = true;
    forwardPorts = [
      (forward 2222 22)
      (forward 8080 8080)
      (forward 7101 7101)
      (forward 7102 7102)
      (forward 7103 7103)
    ];
  };

  # The caller's key comes by QEMU's fw_cfg (../vm-app.nix), which is why a production guest takes no credentials.
  boot.initrd.systemd.enable = true;
  boot.initrd.availableKernelModules = [ "qemu_fw_cfg" ];
  users = {
    mutableUsers = false;
    allowNoPasswordLogin = true;
  };
  services.openssh = {
    enable = true;
    authorizedKeysFiles = lib.mkForce [ "/run/credentials/sshd.service/${credential}" ];
    settings = {
      KbdInteractiveAuthentication = false;
      PasswordAuthentication = false;
      PermitRootLogin = "prohibit-password";
    };
  };
  systemd.services.sshd.serviceConfig.ImportCredential = credential;
}
