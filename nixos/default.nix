# What the flake gives, by files below this folder.
{ nixpkgs, ... }:
let
  system = "x86_64-linux";
  inherit (nixpkgs) lib;
  pkgs = nixpkgs.legacyPackages.${system};

  nixosModules = {
    default = ./modules;
    agent = {
      imports = [
        ./modules/agent.nix
        ./modules/echo.nix
        ./modules/services.nix
      ];
    };
    # Needs ./modules/agent.nix and the description: the guest is made of all of them.
    guest = ./modules;
    sealedDisk = ./modules/sealed-disk.nix;
    gpu = ./modules/gpu.nix;
    azure = ./profiles/azure.nix;
    aws = ./profiles/aws.nix;
    gcp = ./profiles/gcp.nix;
  };

  systemOf =
    configuration:
    lib.nixosSystem {
      modules = [
        nixosModules.default
        configuration
        { nixpkgs.hostPlatform = system; }
      ];
    };
  nixosConfigurations = {
    guest-snp = systemOf ./configurations/snp.nix;
    guest-tdx = systemOf ./configurations/tdx.nix;
    guest-gpu = systemOf ./configurations/gpu.nix;
    vm = systemOf ./configurations/vm.nix;
  };

  own = import ./packages { inherit pkgs; };
  imageOf =
    name:
    import ./packages/image.nix {
      inherit pkgs;
      inherit (own) cli;
      inherit (nixosConfigurations.${name}) config;
    };
  packages = own // {
    default = own.cli;
    image = imageOf "guest-snp";
    image-tdx = imageOf "guest-tdx";
  };
in
{
  inherit nixosModules nixosConfigurations;
  packages.${system} = packages;
  checks.${system} = import ./checks.nix {
    inherit
      nixosConfigurations
      nixosModules
      own
      pkgs
      ;
  };
  apps.${system}.vm = import ./vm-app.nix {
    inherit pkgs;
    inherit (nixosConfigurations.vm) config;
  };
  devShells.${system}.default = import ./dev-shell.nix { inherit pkgs; };
  formatter.${system} = pkgs.nixfmt-tree;
}
