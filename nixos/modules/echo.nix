# The three sample services, under the units of nixos/units.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.affidavit.echo;
  packages = import ../packages { inherit pkgs; };
  keys = "affidavit-keys.service";

  samples = {
    cpp = {
      port = 7101;
      title = "Echo service in C++";
      nativeCode = true;
    };
    rust = {
      port = 7102;
      title = "Echo service in Rust";
      nativeCode = true;
    };
    node = {
      port = 7103;
      title = "Echo service in TypeScript";
      nativeCode = false;
    };
  };

  # ${CREDENTIALS_DIRECTORY} is systemd's to expand.
  commandOf =
    language: one:
    lib.concatStringsSep " " [
      "${one.package}/bin/echo-${language}"
      "--key \${CREDENTIALS_DIRECTORY}/key"
      "--name echo-${language}"
      "--host ${one.host}"
      "--port ${toString one.port}"
    ];

  unitOf =
    language: one:
    let
      name = "echo-${language}";
      unit =
        (import ../units/service.nix {
          inherit name;
          inherit (samples.${language}) nativeCode;
          description = samples.${language}.title;
          command = commandOf language one;
        }).${name};
    in
    {
      # ./services.nix adds the key and the order to whatever is declared: not twice.
      ${name} = unit // {
        requires = lib.remove keys unit.requires;
        after = lib.remove keys unit.after;
        serviceConfig = removeAttrs unit.serviceConfig [ "LoadCredential" ];
      };
    };

  enabled = lib.filterAttrs (_: one: one.enable) cfg;
in
{
  options.services.affidavit.echo = lib.mapAttrs (language: sample: {
    enable = lib.mkEnableOption "the sample service in ${language}";
    package = lib.mkOption {
      type = lib.types.package;
      default = packages."echo-${language}";
      defaultText = lib.literalMD "echo-${language} of this repository";
      description = "Package with `bin/echo-${language}`.";
    };
    host = lib.mkOption {
      type = lib.types.strMatching "[0-9A-Za-z.:_-]{1,253}";
      default = "0.0.0.0";
      description = "Address to listen on.";
    };
    port = lib.mkOption {
      type = lib.types.port;
      default = sample.port;
      description = "TCP port to listen on.";
    };
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether the port is reachable from outside.";
    };
  }) samples;

  config = {
    systemd.services = lib.mkMerge (lib.mapAttrsToList unitOf enabled);
    services.affidavit.services = lib.mapAttrs' (
      language: one: lib.nameValuePair "echo-${language}" { inherit (one) package; }
    ) enabled;
    networking.firewall.allowedTCPPorts = map (one: one.port) (
      lib.filter (one: one.openFirewall) (lib.attrValues enabled)
    );
  };
}
