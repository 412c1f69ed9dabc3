# What a NixOS system has for people and for changing itself, and an image for one purpose does not need.
{ config, lib, ... }:
let
  cfg = config.affidavit.guest;
  no = {
    enable = false;
  };
in
{
  config = lib.mkIf cfg.enable {
    # Without it no new store path: what runs is what was measured.
    nix.enable = false;
    nix.channel.enable = false;
    system.switch.enable = false;
    system.disableInstallerTools = true;

    documentation = no // {
      doc.enable = false;
      info.enable = false;
      man.enable = false;
      nixos.enable = false;
    };
    environment.defaultPackages = [ ];
    environment.stub-ld = no;
    programs.command-not-found = no;
    programs.nano = no;
    fonts.fontconfig = no;
    xdg = {
      autostart = no;
      icons = no;
      mime = no;
      sounds = no;
    };

    boot = {
      bcache = no;
      kexec = no;
      swraid = no;
      enableContainers = false;
      supportedFilesystems.btrfs = lib.mkForce false;
    };
    security.sudo = no;
    services.logrotate = no;
    services.udisks2 = no;
    powerManagement = no;

    # Logs are in memory, like everything that is written.
    services.journald = {
      storage = "volatile";
      extraConfig = "RuntimeMaxUse=64M";
    };
    boot.tmp.useTmpfs = true;

    time.timeZone = "UTC";
    i18n.supportedLocales = [ "C.UTF-8/UTF-8" ];
    i18n.defaultLocale = "C.UTF-8";
    system.stateVersion = "26.05";
  };
}
