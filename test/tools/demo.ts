/**
 * `npm run demo`: the main job on simulated hardware, told as a story. Every command is printed as it is run, and can be
 * pasted; a step whose exit code is not the expected one ends the demo with exit code 1.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { demoClosure } from '#test/fake/insecure-agent.ts';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { toBase64, toHex } from '#verifier/bytes.ts';
import { proofStory } from './demo-proof.ts';
import { freePort, run, StepFailed, say, start, stop, verdictOnly } from './demo-steps.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-demo-'));
const file = (name: string) => join(folder, name);
const affidavit = (...args: string[]) => ['npx', '--no-install', 'affidavit', ...args];
const newNonce = () => toHex(crypto.getRandomValues(new Uint8Array(32)));

/** What a guest image would bring: a registration of its closure, a service key, the agent's configuration. */
function furnishGuest(): void {
  const closure = demoClosure();
  const records = closure.map(({ path, narHash }) => `${path}\nsha256:${toHex(narHash)}\n0\n\n0\n`);
  writeFileSync(file('registration'), records.join(''));
  const storePath = closure.find(({ path }) => path.endsWith('-echo-node-1.0'))?.path;
  const { secretKey } = secp256k1.keygen();
  writeFileSync(file('echo-node.key'), `${toHex(secretKey)}\n`, { mode: 0o600 });
  const publicKey = toHex(secp256k1.getPublicKey(secretKey, false).slice(1));
  const config = {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure: { registration: 'registration' },
    services: [{ name: 'echo-node', storePath, publicKey }],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
  writeFileSync(file('agent.json'), JSON.stringify(config, null, 2));
}

async function evidenceStory(url: string): Promise<void> {
  say('2. Anyone can ask what it runs: the services and their keys, and the exact store paths.');
  await run(['curl', '-sS', `${url}/services`], 0, (json) =>
    JSON.stringify(JSON.parse(json), null, 2),
  );
  await run(['curl', '-sS', `${url}/closure`]);

  say(
    '3. A verifier asks for evidence with a fresh nonce. AMD never made this chip’s keys: refused, and here is why.',
  );
  await run(affidavit('verify', url), 20, verdictOnly);

  say(
    '4. The same evidence under the simulator’s own root is consistent: accepted, with a loud warning.',
  );
  await run(affidavit('verify', url, '--insecure-root', file('roots.pem')));

  say(
    '5. Evidence can be kept as one file and verified later, without network. And a policy can name the software:\n   measurement first, then the closure that the measured software vouches for.',
  );
  const nonce = newNonce();
  await run(['curl', '-sS', '-o', file('bundle.json'), `${url}/attestation?nonce=${nonce}`]);
  const bundle = parseBundle(readFileSync(file('bundle.json')));
  const { measurement } = parseReport(bundle.evidence);
  const named = [
    '--offline',
    '--insecure-root',
    file('roots.pem'),
    '--nonce',
    nonce,
    '--measurement',
    toHex(measurement),
  ];
  const { closureDigest } = bundle.bound;
  await run(
    affidavit('verify', file('bundle.json'), ...named, '--closure', toHex(closureDigest)),
    0,
    verdictOnly,
  );

  say(
    '6. Another closure than the one you built is rejected by policy: genuine, but not what you want.',
  );
  await run(
    affidavit('verify', file('bundle.json'), ...named, '--closure', '0'.repeat(64)),
    10,
    verdictOnly,
  );

  say(
    '7. One byte of the report is changed (the first of MEASUREMENT): the signature no longer holds.',
  );
  bundle.evidence[0x90] = (bundle.evidence[0x90] as number) ^ 1;
  const text = readFileSync(file('bundle.json'), 'utf8');
  const evidence = JSON.stringify({ evidence: toBase64(bundle.evidence) }).slice(1, -1);
  writeFileSync(file('tampered.json'), text.replace(/"evidence":"[^"]*"/, evidence));
  await run(
    affidavit('verify', file('tampered.json'), '--offline', '--insecure-root', file('roots.pem')),
    20,
    verdictOnly,
  );
}

async function story(): Promise<void> {
  const background: ChildProcess[] = [];
  try {
    say(
      '1. A guest starts. Its agent hashes the system closure, puts the services’ keys in a tree and binds both into\n   every hardware report. Here the hardware is simulated, with keys made just now.',
    );
    furnishGuest();
    const port = String(await freePort());
    const agent = [
      '--port',
      port,
      '--out-roots',
      file('roots.pem'),
      '--config',
      file('agent.json'),
    ];
    background.push(
      await start(
        ['npm', 'run', '--silent', 'insecure-agent', '--', ...agent],
        'simulated root in',
      ),
    );
    const url = `http://127.0.0.1:${port}`;
    await evidenceStory(url);

    say(
      '8. The guest’s echo service signs each answer with the key that is in the tree. A client keeps one.',
    );
    const echoPort = String(await freePort());
    const echo = ['--key', file('echo-node.key'), '--name', 'echo-node', '--port', echoPort];
    background.push(
      await start(['npm', 'run', '--silent', 'echo-node', '--', ...echo], 'listening'),
    );
    const asked = ['--nonce', newNonce(), '--out', file('response.json'), 'hello'];
    await run(['npm', 'run', '--silent', 'echo-client', '--', `127.0.0.1:${echoPort}`, ...asked]);
    await run(['curl', '-sS', '-o', file('service.json'), `${url}/proofs/echo-node`]);
    await proofStory({ file, affidavit, url, nonce: newNonce() });
  } finally {
    background.forEach(stop);
  }
}

try {
  await story();
  rmSync(folder, { recursive: true });
  say('Done: every step ended as it should.');
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  console.error(`\ndemo: ${error.message}\n(files are kept in ${folder})`);
  process.exitCode = 1;
}
