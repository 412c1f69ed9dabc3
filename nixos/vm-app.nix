# `nix run .#vm`: the development machine in QEMU with a software TPM. AFFIDAVIT_VM_KEY names the public key that may
# log in as root by ssh; without it nobody may.
{ pkgs, config }:
let
  run = pkgs.writeShellApplication {
    name = "affidavit-vm";
    text = ''
      folder=$(mktemp -d)
      trap 'rm -r "$folder"' EXIT
      export NIX_DISK_IMAGE="$folder/disk.qcow2" NIX_SWTPM_DIR="$folder/tpm"
      if [ -n "''${AFFIDAVIT_VM_KEY-}" ]; then
        # QEMU_OPTS is split at spaces, and the key's own path may have some.
        cp -- "$AFFIDAVIT_VM_KEY" "$folder/key"
        QEMU_OPTS="''${QEMU_OPTS-} -fw_cfg name=opt/io.systemd.credentials/affidavit.ssh-key,file=$folder/key"
        export QEMU_OPTS
      else
        echo "No ssh: AFFIDAVIT_VM_KEY does not name a public key, as in AFFIDAVIT_VM_KEY=\$HOME/.ssh/id_ed25519.pub" >&2
      fi
      echo "agent http://127.0.0.1:8080  echo 7101 (C++) 7102 (Rust) 7103 (TypeScript)  ssh -p 2222 root@127.0.0.1" >&2
      ${config.system.build.vm}/bin/run-${config.system.name}-vm "$@"
    '';
  };
in
{
  type = "app";
  program = "${run}/bin/affidavit-vm";
  meta.description = "The agent and the sample services in a local QEMU machine";
}
