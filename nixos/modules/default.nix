# Every module of this repository; each does nothing until it is enabled.
{
  imports = [
    ./agent.nix
    ./description.nix
    ./echo.nix
    ./gpu.nix
    ./guest.nix
    ./sealed-disk.nix
    ./services.nix
  ];
}
