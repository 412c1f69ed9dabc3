# What each package is built from: an edited page of documentation rebuilds no agent.
{ lib }:
let
  root = ../..;
  inherit (lib) fileset;

  # What tests and compilers leave beside the sources is never a source.
  source =
    parts:
    fileset.toSource {
      inherit root;
      fileset = fileset.unions parts;
    };
  npm = [
    ../../package.json
    ../../package-lock.json
  ];
  library = [
    ../../agent
    ../../prover
    ../../verifier
  ];
  circuitSources = fileset.difference ../../circuits (fileset.maybeMissing ../../circuits/target);
in
{
  npm = source npm;
  agent = source (
    npm
    ++ [
      ../../agent
      ../../verifier
      ../../test/tools/bundle-agent.ts
    ]
  );
  circuits = source (
    npm
    ++ library
    ++ [
      circuitSources
      ../../test/tools/circuits.ts
    ]
  );
  cli = source (
    npm
    ++ library
    ++ [
      circuitSources
      ../../docs/affidavit.1
    ]
  );
  echo-node = source (
    npm
    ++ [
      ../../services/echo-node
      ../../verifier
    ]
  );
  echo-cpp = fileset.toSource {
    root = ../../services/echo-cpp;
    fileset = fileset.difference ../../services/echo-cpp (fileset.maybeMissing ../../services/echo-cpp/build);
  };
  echo-rust = fileset.toSource {
    root = ../../services/echo-rust;
    fileset = fileset.difference ../../services/echo-rust (fileset.maybeMissing ../../services/echo-rust/target);
  };
}
