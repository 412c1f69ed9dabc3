# A guest for AMD SEV-SNP.
{
  imports = [ ./samples.nix ];
  affidavit = {
    guest = {
      enable = true;
      platform = "sev-snp";
    };
    # Started with the kernel image's hash in the measured firmware (docs/guest.md).
    lint.launch = "kernel-hashes";
  };
}
