# `affidavit`: verifier, prover and agent, run from their sources as in a checkout.
{
  buildNode,
  nativeProver,
  circuits,
  makeBinaryWrapper,
  nodejs-slim,
  sources,
}:
buildNode (
  nativeProver
  // {
    pname = "affidavit";
    src = sources.cli;
    dev = false;
    nativeBuildInputs = nativeProver.nativeBuildInputs ++ [ makeBinaryWrapper ];

    installPhase = ''
      runHook preInstall
      # Names the folders that the packages were unpacked from, and would keep them all.
      rm node_modules/.package-lock.json
      home=$out/lib/affidavit
      mkdir -p $home $out/share/man/man1
      cp -r agent prover verifier circuits node_modules package.json $home/
      # Compiled here already: the store is read-only where this is run.
      cp -r ${circuits}/target $home/circuits/
      cp docs/affidavit.1 $out/share/man/man1/
      makeWrapper ${nodejs-slim}/bin/node $out/bin/affidavit --add-flags $home/verifier/cli/affidavit.js
      runHook postInstall
    '';

    doInstallCheck = true;
    installCheckPhase = ''
      $out/bin/affidavit --help > /dev/null
      $out/bin/affidavit no-such-command 2> /dev/null && exit 1 || test $? = 2
    '';

    meta = {
      description = "Verifies what a confidential guest runs, and proves statements about it";
      mainProgram = "affidavit";
    };
  }
)
