# A guest's image, with what whoever writes its policy and whoever starts it need beside the disk.
{
  pkgs,
  cli,
  # Of the guest.
  config,
}:
let
  disk = "${config.system.build.image}/${config.image.fileName}";
  uki = "${config.system.build.uki}/${config.system.boot.loader.ukiFile}";
  store = config.image.repart.partitions.${config.image.repart.verityStore.partitionIds.store};
  registration = store.contents."/affidavit/registration".source;
in
pkgs.runCommand "${config.image.baseName}-image"
  {
    nativeBuildInputs = [ cli ];
    meta.description = "Disk, kernel image, registration and closure digest of ${config.system.image.id}";
  }
  ''
    mkdir $out
    ln -s ${disk} $out/disk.raw
    ln -s ${uki} $out/guest.efi
    ln -s ${registration} $out/registration
    affidavit measure closure $out/registration > $out/closure-digest
  ''
