# The sample service in C++.
{
  cmake,
  lib,
  pkg-config,
  secp256k1,
  sources,
  stdenv,
  version,
}:
stdenv.mkDerivation {
  pname = "echo-cpp";
  inherit version;
  src = sources.echo-cpp;
  strictDeps = true;
  nativeBuildInputs = [
    cmake
    pkg-config
  ];
  buildInputs = [ secp256k1 ];
  doCheck = true;
  meta = {
    description = "TCP line echo that signs its answers, in C++";
    license = lib.licenses.asl20;
    mainProgram = "echo-cpp";
    platforms = [ "x86_64-linux" ];
  };
}
