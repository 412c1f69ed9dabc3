# Shell that makes Barretenberg's program, which npm carries for every platform, run here. For `buildNode`.
{
  autoPatchelfHook,
  stdenv,
}:
{
  nativeBuildInputs = [ autoPatchelfHook ];
  buildInputs = [ stdenv.cc.cc.lib ];
  # Only where the prover lies: elsewhere in node_modules are programs that nothing here runs.
  dontAutoPatchelf = true;
  preInstall = ''
    prover=node_modules/@aztec/bb.js/build
    find $prover -mindepth 1 -maxdepth 1 ! -name amd64-linux -exec rm -r {} +
    autoPatchelf $prover/amd64-linux
  '';
}
