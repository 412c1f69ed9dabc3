/**
 * `npm run demo`: the main job on simulated hardware, told as a story. Every command is printed as it is run, and can be
 * pasted; a step whose exit code is not the expected one ends the demo with exit code 1.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { toBase64, toHex } from '#verifier/bytes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'affidavit-demo-'));
const file = (name: string) => join(folder, name);

class StepFailed extends Error {}

function say(text: string): void {
  console.log(`\n${text}`);
}

/** As a shell reads it back. */
function shown(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** Runs one command to its end. @throws StepFailed on another exit code than `expected` */
async function run(
  command: readonly string[],
  expected = 0,
  show: (output: string) => string = (all) => all,
): Promise<string> {
  console.log(`\n$ ${shown(command)}`);
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const text = show(output).trimEnd();
  if (text !== '') console.log(text.replace(/^/gm, '  '));
  console.log(`  [exit code ${code}]`);
  if (code !== expected)
    throw new StepFailed(`expected exit code ${expected}, got ${code}: ${shown(command)}`);
  return output;
}

/** Of a verdict, what failed and how it ends; the whole can be had by pasting the command. */
function verdictOnly(output: string): string {
  const blocks = output.split('\n');
  const failed: string[] = [];
  for (const [i, line] of blocks.entries()) {
    if (!/^ {2}FAIL/.test(line)) continue;
    failed.push(line);
    for (let j = i + 1; /^ {10}/.test(blocks[j] ?? ''); j++) failed.push(blocks[j] as string);
  }
  const end = blocks.slice(blocks.findIndex((line) => line.startsWith('verified for')));
  return ['…', ...failed, ...end].join('\n');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

/** Starts the guest and waits until its agent listens. */
async function startGuest(port: number): Promise<ChildProcess> {
  const command = [
    'npm',
    'run',
    '--silent',
    'insecure-agent',
    '--',
    '--port',
    String(port),
    '--out-roots',
    file('roots.pem'),
  ];
  console.log(`\n$ ${shown(command)} &`);
  const [program = '', ...args] = command;
  // A group of its own, so that npm's children stop with it.
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    const show = (chunk: Buffer) => {
      process.stdout.write(chunk.toString().replace(/^(?=.)/gm, '  '));
      if (chunk.includes('simulated root in')) resolve();
    };
    child.stdout.on('data', show);
    child.stderr.on('data', show);
    child.on('error', reject);
    child.on('exit', (code) =>
      reject(new StepFailed(`the simulated guest ended with exit code ${code}`)),
    );
    setTimeout(
      () => reject(new StepFailed('the simulated guest did not start within 60 s')),
      60_000,
    ).unref();
  });
  return child;
}

async function story(): Promise<void> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const affidavit = (...args: string[]) => ['npx', '--no-install', 'affidavit', ...args];

  say(
    '1. A guest starts. Its agent hashes the system closure, puts the services’ keys in a tree and binds both into\n   every hardware report. Here the hardware is simulated, with keys made just now.',
  );
  const guest = await startGuest(port);
  try {
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
    const nonce = toHex(crypto.getRandomValues(new Uint8Array(32)));
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
    await run(
      affidavit(
        'verify',
        file('bundle.json'),
        ...named,
        '--closure',
        toHex(bundle.bound.closureDigest),
      ),
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
  } finally {
    if (guest.pid !== undefined) process.kill(-guest.pid, 'SIGTERM');
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
