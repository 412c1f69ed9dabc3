# A guest for Intel TDX with an NVIDIA GPU in confidential mode. docs/gpu.md says what of it is vouched for.
{
  imports = [ ./samples.nix ];
  affidavit = {
    guest = {
      enable = true;
      platform = "tdx";
    };
    gpu.enable = true;
    lint.launch = "rtmr";
  };
}
