# A package of the repository's TypeScript: the locked packages, no script of theirs, and an installPhase of its own.
{
  lib,
  buildNpmPackage,
  importNpmLock,
  nodejs,
  sources,
  version,
}:
{
  pname,
  src,
  installPhase,
  # Packages for building too.
  dev ? true,
  ...
}@args:
let
  lock = import ./npm-lock.nix {
    inherit lib dev;
    npmRoot = sources.npm;
  };
in
buildNpmPackage (
  removeAttrs args [ "dev" ]
  // {
    inherit version nodejs;
    npmDeps = importNpmLock {
      inherit (lock) package packageLock;
    };
    inherit (importNpmLock) npmConfigHook;
    # The hook installs without them and then runs them all the same.
    npmRebuildFlags = [ "--ignore-scripts" ];
    dontNpmBuild = true;
    strictDeps = true;
    meta = {
      license = lib.licenses.asl20;
      platforms = [ "x86_64-linux" ];
    }
    // (args.meta or { });
  }
)
