# The sample service in Rust.
{
  lib,
  rustPlatform,
  sources,
  version,
}:
rustPlatform.buildRustPackage {
  pname = "echo-rust";
  inherit version;
  src = sources.echo-rust;
  strictDeps = true;
  cargoLock.lockFile = ../../services/echo-rust/Cargo.lock;
  meta = {
    description = "TCP line echo that signs its answers, in Rust";
    license = lib.licenses.asl20;
    mainProgram = "echo-rust";
    platforms = [ "x86_64-linux" ];
  };
}
