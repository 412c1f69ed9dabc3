# A guest for Intel TDX.
{
  imports = [ ./samples.nix ];
  affidavit = {
    guest = {
      enable = true;
      platform = "tdx";
    };
    # The firmware measures the kernel image into RTMR 1 and 2.
    lint.launch = "rtmr";
  };
}
