# The measured part of the test guest: the programs, the agent's configuration and the units, made from the same files
# as the NixOS module's. There is no nixpkgs here: busybox builds, and what it links to comes with the guest's Debian.
{
  # A static busybox, as a folder with bin/busybox.
  shell,
  # Programs and scripts, each a folder in its place: node (bin/node), agent (lib/affidavit-agent.mjs), and by name the echo services.
  node,
  agent,
  echo-node,
  # null for what could not be built here.
  echo-cpp ? null,
  echo-rust ? null,
  # File of the guest that lists the closure; it cannot be part of it.
  registration,
}:
let
  folder = name: path: builtins.path { inherit name path; };
  packages = {
    shell = folder "busybox" shell;
    node = folder "nodejs" node;
    agent = folder "affidavit-agent" agent;
  };
  nodeCommand = "${packages.node}/bin/node";
  agentFile = "${packages.agent}/lib/affidavit-agent.mjs";

  # Runs a script of busybox' shell, whose commands are busybox'.
  make =
    name: variables: script:
    derivation (
      {
        inherit name;
        system = "x86_64-linux";
        builder = "${packages.shell}/bin/busybox";
        args = [
          "sh"
          "-euc"
          ''bb=${packages.shell}/bin/busybox; ${script}''
        ];
      }
      // variables
    );
  textFile = name: text: make name { inherit text; } ''printf %s "$text" > "$out"'';

  listen = name: port: "--key \${CREDENTIALS_DIRECTORY}/key --name ${name} --host 0.0.0.0 --port ${toString port}";
  samples = {
    echo-cpp = rec {
      package = folder "echo-cpp" echo-cpp;
      command = "${package}/bin/echo-cpp ${listen "echo-cpp" 7101}";
    };
    echo-rust = rec {
      package = folder "echo-rust" echo-rust;
      command = "${package}/bin/echo-rust ${listen "echo-rust" 7102}";
    };
    echo-node = rec {
      package = folder "echo-node" echo-node;
      command = "${nodeCommand} ${package}/lib/echo-node.mjs ${listen "echo-node" 7103}";
      nativeCode = false;
    };
  };
  given = { inherit echo-cpp echo-rust echo-node; };
  names = builtins.filter (name: given.${name} != null) (builtins.attrNames samples);

  configOf =
    name: closure:
    textFile name (
      builtins.toJSON (
        import ../../nixos/lib/agent-config.nix {
          host = "0.0.0.0";
          port = 8080;
          inherit closure;
          services = builtins.listToAttrs (
            map (name: {
              inherit name;
              value = "${samples.${name}.package}";
            }) names
          );
        }
      )
    );
  # As an image has it, whose store dm-verity guards; and for a store that nothing guards.
  configFile = configOf "agent.json" { inherit registration; };
  verifyingConfigFile = configOf "agent-verifying.json" {
    inherit registration;
    verify = "exact";
  };

  serviceUnit =
    name:
    import ../../nixos/units/service.nix {
      inherit name;
      inherit (samples.${name}) command;
      description = "Echo service ${name}";
      nativeCode = samples.${name}.nativeCode or true;
    };
  units = builtins.foldl' (all: one: all // one) { } (
    [
      (import ../../nixos/units/keys.nix {
        inherit names;
        node = nodeCommand;
        agent = agentFile;
      })
      (import ../../nixos/units/agent.nix {
        inherit configFile;
        node = nodeCommand;
        agent = agentFile;
      })
    ]
    ++ map serviceUnit names
  );

  unitText = import ../../nixos/lib/unit-text.nix;
  unitFile =
    name: textFile "unit-${name}.service" (unitText units.${name});
  # A link for each unit, and one for each target that wants it.
  unitLinks = builtins.concatStringsSep "\n" (
    map (
      name:
      builtins.concatStringsSep "\n" (
        [ ''$bb ln -s ${unitFile name} "$out/etc/systemd/system/${name}.service"'' ]
        ++ map (target: ''
          $bb mkdir -p "$out/etc/systemd/system/${target}.wants"
          $bb ln -s ../${name}.service "$out/etc/systemd/system/${target}.wants/"
        '') (units.${name}.wantedBy or [ ])
      )
    ) (builtins.attrNames units)
  );
in
make "affidavit-test-guest" { } ''
  $bb mkdir -p "$out/etc/systemd/system" "$out/services"
  $bb ln -s ${packages.node} "$out/nodejs"
  $bb ln -s ${packages.agent} "$out/agent"
  $bb ln -s ${configFile} "$out/etc/agent.json"
  $bb ln -s ${verifyingConfigFile} "$out/etc/agent-verifying.json"
  ${unitLinks}
  ${builtins.concatStringsSep "\n" (
    map (name: ''$bb ln -s ${samples.${name}.package} "$out/services/${name}"'') names
  )}
''
