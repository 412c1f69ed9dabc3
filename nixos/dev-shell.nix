# What working on the repository needs. nixpkgs has no nargo: the circuits are compiled by the locked npm package, which
# is the compiler that their pins name (`npm run circuits`).
{ pkgs }:
pkgs.mkShell {
  packages = [
    pkgs.cargo
    pkgs.clippy
    pkgs.cmake
    pkgs.nixfmt
    pkgs.nodejs_24
    pkgs.pkg-config
    pkgs.qemu
    pkgs.rustc
    pkgs.rustfmt
    pkgs.secp256k1
    pkgs.swtpm
    pkgs.tpm2-tools
  ];
}
