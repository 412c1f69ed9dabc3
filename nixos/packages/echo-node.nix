# The sample service in TypeScript, as one file that begins with its interpreter.
{
  buildNode,
  nodejs-slim,
  sources,
}:
buildNode {
  pname = "echo-node";
  src = sources.echo-node;

  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib $out/bin
    node node_modules/esbuild/bin/esbuild services/echo-node/main.ts \
      --bundle --platform=node --format=esm --target=node24 --outfile=echo-node.mjs
    { printf '#!${nodejs-slim}/bin/node\n'; cat echo-node.mjs; } > $out/lib/echo-node.mjs
    chmod 0755 $out/lib/echo-node.mjs
    ln -s ../lib/echo-node.mjs $out/bin/echo-node
    runHook postInstall
  '';

  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/echo-node --no-such-option && exit 1 || test $? = 2
  '';

  meta = {
    description = "TCP line echo that signs its answers, in TypeScript";
    mainProgram = "echo-node";
  };
}
