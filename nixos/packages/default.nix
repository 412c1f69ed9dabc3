# The packages of this repository, by name.
{ pkgs }:
let
  inherit (pkgs) lib;
  manifest = lib.importJSON ../../package.json;

  scope = pkgs // {
    sources = import ./sources.nix { inherit lib; };
    inherit (manifest) version;
    # Of nixpkgs; `slim` is Node without npm, for what runs.
    nodejs = pkgs.nodejs_24;
    nodejs-slim = pkgs.nodejs-slim_24;
    buildNode = lib.callPackageWith scope ./build-node.nix { };
    # No call: attributes to merge, without `override`.
    nativeProver = import ./native-prover.nix { inherit (pkgs) autoPatchelfHook stdenv; };
    inherit (packages) circuits;
  };
  call = lib.callPackageWith scope;

  packages = {
    agent = call ./agent.nix { };
    circuits = call ./circuits.nix { };
    cli = call ./cli.nix { };
    echo-cpp = call ./echo-cpp.nix { };
    echo-node = call ./echo-node.nix { };
    echo-rust = call ./echo-rust.nix { };
  };
in
packages
