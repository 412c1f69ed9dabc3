# The compiled circuits, named by the hash of their sources. What does not compile to circuits/pins.json fails to build.
{
  buildNode,
  nativeProver,
  sources,
}:
buildNode (
  nativeProver
  // {
    pname = "affidavit-circuits";
    src = sources.circuits;

    installPhase = ''
      runHook preInstall
      node test/tools/circuits.ts
      mkdir -p $out/target
      cp circuits/target/*.json $out/target/
      cp circuits/pins.json $out/
      runHook postInstall
    '';

    meta.description = "Circuits of the proofs about attested responses, compiled and compared with their pins";
  }
)
