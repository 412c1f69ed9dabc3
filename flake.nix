{
  description = "Affidavit: a machine shows what it runs, a verifier decides and explains";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }: import ./nixos { inherit self nixpkgs; };
}
