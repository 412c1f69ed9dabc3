# Messages of the assertions that fail: for a machine as it should be, and with one mistake each.
{ outputs, lib }:
let
  base = outputs.nixosConfigurations.vm;
  messages =
    module:
    map (one: one.message) (
      lib.filter (one: !one.assertion) (base.extendModules { modules = [ module ]; }).config.assertions
    );
in
lib.mapAttrs (_: messages) {
  none = { };
  ownService =
    { pkgs, ... }:
    {
      services.affidavit.services.own = {
        package = pkgs.hello;
        unit = "own-unit";
      };
      systemd.services.own-unit.serviceConfig.ExecStart = "${pkgs.hello}/bin/hello";
    };
  otherProgram =
    { pkgs, ... }:
    {
      services.affidavit.services.own.package = pkgs.hello;
      systemd.services.own.serviceConfig.ExecStart = "${pkgs.coreutils}/bin/true";
    };
  privilegedPrefix =
    { pkgs, ... }:
    {
      services.affidavit.services.own.package = pkgs.hello;
      systemd.services.own.serviceConfig.ExecStart = "+${pkgs.hello}/bin/hello";
    };
  noUnit =
    { pkgs, ... }:
    {
      services.affidavit.services.own = {
        package = pkgs.hello;
        unit = "own-untt";
      };
      systemd.services.own-unit.serviceConfig.ExecStart = "${pkgs.hello}/bin/hello";
    };
  badName =
    { pkgs, ... }:
    {
      services.affidavit.services.Own = {
        package = pkgs.hello;
        unit = "own";
      };
      systemd.services.own.serviceConfig.ExecStart = "${pkgs.hello}/bin/hello";
    };
  sharedUnit =
    { pkgs, ... }:
    {
      services.affidavit.services = {
        one = {
          package = pkgs.hello;
          unit = "own";
        };
        two = {
          package = pkgs.hello;
          unit = "own";
        };
      };
      systemd.services.own.serviceConfig.ExecStart = "${pkgs.hello}/bin/hello";
    };
  noAgent = {
    services.affidavit.agent.enable = lib.mkForce false;
  };
  oldKernel =
    { pkgs, ... }:
    {
      boot.kernelPackages = lib.mkForce pkgs.linuxPackages_6_6;
    };
  noRecovery = {
    affidavit.sealedDisk.enable = true;
  };
  recovery = {
    affidavit.sealedDisk = {
      enable = true;
      recovery.certificate = builtins.toFile "owner.pem" "a certificate";
    };
  };
}
