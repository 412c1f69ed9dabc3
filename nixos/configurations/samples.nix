# The sample services, as an operator's own would be declared: enabled, and their ports opened.
{ lib, ... }:
{
  services.affidavit.echo =
    lib.genAttrs
      [
        "cpp"
        "rust"
        "node"
      ]
      (_: {
        enable = true;
        openFirewall = true;
      });
}
