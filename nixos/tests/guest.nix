# The image boots by its own kernel image from a verity store, and its services answer. In production nothing listens
# for a login; the diagnostics variant, which is the same otherwise, has sshd: the probe would find one.
let
  guest = name: {
    imports = [ (import ./common/guest.nix name) ];
    services.affidavit.echo.cpp = {
      enable = true;
      openFirewall = true;
    };
  };
in
{
  name = "affidavit-guest";

  nodes = {
    production = guest "production";
    diagnostics = {
      imports = [ (guest "diagnostics") ];
      affidavit.guest.insecureDiagnostics = true;
    };
    client = ./common/client.nix;
  };

  testScript =
    { nodes, ... }:
    ''
      ${import ./common/script.nix {
        inherit nodes;
        names = [
          "production"
          "diagnostics"
        ];
      }}

      client.start()
      client.wait_for_unit("multi-user.target")

      with subtest("both boot: keys were made, the store is there, the firewall lets in what is declared"):
          start_image(production)
          answers("production", 7101)
          start_image(diagnostics)
          answers("diagnostics", 7101)

      with subtest("production: no ssh, and no other port than those declared"):
          client.fail("timeout 5 nc -z production 22")
          client.fail("timeout 5 nc -z production 7102")

      with subtest("diagnostics: the same probe finds sshd"):
          client.wait_until_succeeds("timeout 5 nc -z diagnostics 22")
    '';
}
