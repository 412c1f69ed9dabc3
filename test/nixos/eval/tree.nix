# The outputs of the flake with a nixpkgs tree in a folder, without a copy of either in the store, for nix-eval.ts.
{
  # Absolute paths of folders, as strings.
  nixpkgs,
  repository,
}:
let
  tree = /. + nixpkgs;
  flake = (import (tree + "/flake.nix")).outputs {
    self = {
      outPath = tree;
      lastModifiedDate = "19700101000000";
      shortRev = "folder";
    };
  };

  # A tree without its largest files lacks Haskell packages, and with them tools that systems are built with.
  isWhole = builtins.pathExists (tree + "/pkgs/development/haskell-modules/hackage-packages.nix");
  stub =
    final: name:
    final.runCommand name {
      passthru.compiler.bootstrapAvailable = false;
      meta.mainProgram = name;
    } "";
  stubs = final: _: {
    nixfmt = stub final "nixfmt";
    pandoc = stub final "pandoc";
    shellcheck = stub final "shellcheck";
    shellcheck-minimal = stub final "shellcheck";
  };
  overlays = if isWhole then [ ] else [ stubs ];

  evaluated = (import (/. + repository + "/flake.nix")).outputs {
    self = { };
    nixpkgs = {
      outPath = tree;
      lib = flake.lib // {
        nixosSystem =
          args:
          flake.lib.nixosSystem (
            args
            // {
              modules = args.modules ++ [
                {
                  nixpkgs = {
                    inherit overlays;
                    # Else the tree is copied to be the registry's nixpkgs.
                    flake.source = flake.lib.mkForce null;
                  };
                }
              ];
            }
          );
      };
      legacyPackages.x86_64-linux = import tree {
        system = "x86_64-linux";
        config = { };
        inherit overlays;
      };
    };
  };
in
{
  inherit isWhole;
  inherit (flake) lib;
  version = flake.lib.trivial.release;
  outputs = evaluated;
}
