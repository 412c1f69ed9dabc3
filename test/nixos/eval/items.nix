# The groups of items that nix-eval.ts evaluates, a process each: all of them at once would not fit in memory.
{ nixpkgs, repository }:
let
  tree = import ./tree.nix { inherit nixpkgs repository; };
  inherit (tree) lib outputs;
  platform = "x86_64-linux";
  drvs = lib.mapAttrs (_: one: one.drvPath);

  factsOf =
    system:
    import ./facts.nix {
      inherit lib repository system;
    };
  part = prefix: lib.filterAttrs (name: _: lib.hasPrefix prefix name) outputs.checks.${platform};
in
{
  names = {
    inherit (tree) version isWhole;
    systems = builtins.attrNames outputs.nixosConfigurations;
    modules = builtins.attrNames outputs.nixosModules;
    packages = builtins.attrNames outputs.packages.${platform};
    tests = builtins.attrNames (part "test-");
  };

  small =
    drvs (
      removeAttrs outputs.packages.${platform} [
        "image"
        "image-tdx"
      ]
    )
    // drvs (part "package-")
    // {
      devShell = outputs.devShells.${platform}.default.drvPath;
      formatter = outputs.formatter.${platform}.drvPath;
      format = outputs.checks.${platform}.format.drvPath;
    };
  images = drvs {
    inherit (outputs.packages.${platform}) image image-tdx;
  };
  vm = {
    inherit (outputs.apps.${platform}.vm) program;
    machine = outputs.nixosConfigurations.vm.config.system.build.vm.drvPath;
  };
  lint = drvs (part "lint-");
  tests = lib.mapAttrs (name: one: { ${name} = one.drvPath; }) (part "test-");
  refusals = import ./refusals.nix { inherit lib outputs; };
  clouds = import ./clouds.nix { inherit lib outputs; };
  systems = lib.mapAttrs (_: factsOf) outputs.nixosConfigurations;
  sealed = factsOf (
    outputs.nixosConfigurations.guest-snp.extendModules {
      modules = [
        {
          affidavit.sealedDisk = {
            enable = true;
            recovery.certificate = builtins.toFile "owner.pem" "a certificate";
          };
          # Else the linter refuses: the TPM would be the host's.
          affidavit.lint.tpm = "measured";
        }
      ];
    }
  );
  diagnostics = factsOf (
    outputs.nixosConfigurations.guest-snp.extendModules {
      modules = [ { affidavit.guest.insecureDiagnostics = true; } ];
    }
  );
}
