# Machines that boot, for a builder with virtual machines: `nix build .#checks.x86_64-linux.test-services`. Each file
# says what boots and what is refused, and asserts outcomes, not lines of a log.
{ pkgs, nixosModules }:
let
  run =
    file:
    pkgs.testers.runNixOSTest {
      imports = [ file ];
      defaults.imports = [ nixosModules.default ];
    };
in
{
  agent = run ./agent.nix;
  guest = run ./guest.nix;
  sealed-disk = run ./sealed-disk.nix;
  services = run ./services.nix;
}
