# The attested services: each declared once, as name, package and unit. The package is what the evidence names, the unit
# is what runs: that they are the same is checked here.
{ config, lib, ... }:
let
  agent = config.services.affidavit.agent;
  attested = config.services.affidavit.services;
  folders = import ../units/folders.nix;

  option = name: "services.affidavit.services.${name}";

  # An empty item only takes back what stands before it.
  commandsOf =
    service:
    lib.filter (command: command != "") (
      lib.toList (config.systemd.services.${service.unit}.serviceConfig.ExecStart or "")
    );

  # No prefix such as "+" is let through: it would run outside of the unit's limits.
  runs = service: lib.all (lib.hasPrefix "${service.package}/") (commandsOf service);

  sharing = name: service: lib.filter (other: attested.${other}.unit == service.unit) (lib.attrNames attested);

  assertionsOf = name: service: [
    {
      assertion = lib.match "[a-z0-9][a-z0-9._-]{0,63}" name != null;
      message = "${option name}: a name is 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit";
    }
    {
      assertion = commandsOf service != [ ];
      message = "${option name}.unit: systemd.services.${service.unit} starts nothing; is the name right?";
    }
    {
      assertion = runs service;
      message = "${option name}: ExecStart of ${service.unit} is not a program of the package ${service.package}, so that what is attested would not be what runs";
    }
    {
      assertion = sharing name service == [ name ];
      message = "${option name}.unit: ${service.unit} is the unit of ${lib.concatStringsSep " and " (sharing name service)}";
    }
  ];
in
{
  options.services.affidavit.services = lib.mkOption {
    default = { };
    description = "Services whose package and key the evidence binds, by name.";
    type = lib.types.attrsOf (
      lib.types.submodule (
        { name, ... }:
        {
          options = {
            package = lib.mkOption {
              type = lib.types.package;
              description = "What runs; its NAR hash is in the tree of services.";
            };
            unit = lib.mkOption {
              type = lib.types.strMatching "[A-Za-z0-9:_.-]+";
              default = name;
              defaultText = lib.literalMD "the service's name";
              description = ''
                Its unit, without `.service`. The unit finds its key as the credential `key`:
                `ExecStart = "''${package}/bin/program --key ''${CREDENTIALS_DIRECTORY}/key"`, where systemd, not Nix, puts
                the folder in.
              '';
            };
          };
        }
      )
    );
  };

  config = lib.mkIf (attested != { }) {
    systemd.services = lib.mkMerge (
      lib.mapAttrsToList (name: service: {
        ${service.unit} = {
          requires = [ "affidavit-keys.service" ];
          after = [ "affidavit-keys.service" ];
          serviceConfig.LoadCredential = [ "key:${folders.private}/${name}.key" ];
        };
      }) attested
    );

    assertions = [
      {
        assertion = agent.enable;
        message = "services.affidavit.services: nothing binds them without services.affidavit.agent.enable";
      }
    ]
    ++ lib.concatLists (lib.mapAttrsToList assertionsOf attested);
  };
}
