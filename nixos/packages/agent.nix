# The agent: one file that an image's Node runs.
{
  buildNode,
  makeBinaryWrapper,
  nodejs-slim,
  sources,
}:
buildNode {
  pname = "affidavit-agent";
  src = sources.agent;
  # Not a script: the agent needs no shell.
  nativeBuildInputs = [ makeBinaryWrapper ];

  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib
    node test/tools/bundle-agent.ts $out/lib/affidavit-agent.mjs
    # The refresher has an HTTP client, and so is no part of the agent's file.
    node test/tools/bundle-agent.ts $out/lib/affidavit-collateral.mjs agent/collateral-refresh-main.ts
    makeWrapper ${nodejs-slim}/bin/node $out/bin/affidavit-agent --add-flags $out/lib/affidavit-agent.mjs
    runHook postInstall
  '';

  # 2 is a wrong command line; a bundle that does not load ends with 1.
  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/affidavit-agent no-such-command && exit 1 || test $? = 2
    ${nodejs-slim}/bin/node $out/lib/affidavit-collateral.mjs && exit 1 || test $? = 2
  '';

  meta = {
    description = "Serves evidence of what a confidential guest runs";
    mainProgram = "affidavit-agent";
  };
}
