# Shell that makes ./disk.raw from the guest's image, as long as a multiple of `unit` bytes, with the second copy of the
# partition table at its new end: clouds round disks up, and a table that is not at the end invites repairs at boot.
{
  lib,
  config,
  pkgs,
}:
{ unit }:
let
  image = "${config.system.build.image}/${config.image.fileName}";
  sfdisk = lib.getExe' pkgs.util-linux "sfdisk";
in
''
  cp --no-preserve=mode --sparse=always ${image} disk.raw
  size=$(stat --format=%s disk.raw)
  truncate --size=$(((size + ${toString unit} - 1) / ${toString unit} * ${toString unit})) disk.raw
  ${sfdisk} --relocate gpt-bak-std disk.raw
  # Its exit code is 0 either way.
  ${sfdisk} --verify disk.raw | grep '^No errors detected'
''
