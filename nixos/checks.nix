# `nix flake check`: every package, every system, the linter's word on each guest, the VM tests and the files' format.
{
  pkgs,
  own,
  nixosConfigurations,
  nixosModules,
}:
let
  inherit (pkgs) lib;
  guests = lib.filterAttrs (_: one: one.config.affidavit.guest.enable) nixosConfigurations;

  # The linter reads what the guest would be: nothing of it has to be built.
  lint =
    name: guest:
    let
      text = builtins.toJSON guest.config.affidavit.description;
      file = pkgs.writeText "${name}.json" (builtins.unsafeDiscardStringContext text);
    in
    pkgs.runCommand "lint-${name}" { nativeBuildInputs = [ own.cli ]; } ''
      affidavit lint guest ${file} | tee $out
    '';

  files = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../flake.nix
      (lib.fileset.fileFilter (file: file.hasExt "nix") ./.)
    ];
  };
  format = pkgs.runCommand "nixfmt" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
    find ${files} -name '*.nix' -exec nixfmt --check {} +
    touch $out
  '';

  prefixed = prefix: lib.mapAttrs' (name: lib.nameValuePair "${prefix}-${name}");
in
prefixed "package" own
// prefixed "lint" (lib.mapAttrs lint guests)
// prefixed "system" (lib.mapAttrs (_: one: one.config.system.build.toplevel) nixosConfigurations)
// prefixed "test" (import ./tests { inherit pkgs nixosModules; })
// {
  inherit format;
}
