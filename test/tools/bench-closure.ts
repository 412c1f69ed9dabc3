/** Figures of the closure: hashing NARs, a file of 3 GB, the start of an agent. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { scanClosure } from '#agent/closure/scan.ts';
import { verifyClosure } from '#agent/closure/verify.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { line, median, ms } from './bench-figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pathCount = 1000;
const digits = '0123456789abcdfghijklmnpqrsvwxyz';

function storePath(index: number): string {
  const hash = createHash('sha256').update(String(index)).digest();
  const text = Array.from(hash, (byte) => digits[byte % 32]).join('');
  return `/nix/store/${text}-package-${index}`;
}

/** 1,000 paths of 2 GB in all: a large file each and eight small ones; each refers to the next. */
function makeStore(folder: string): void {
  const large = randomBytes(1_900_000);
  const small = randomBytes(12_500);
  for (let i = 0; i < pathCount; i++) {
    const place = join(folder, storePath(i));
    mkdirSync(join(place, 'share'), { recursive: true });
    large.writeUInt32LE(i);
    writeFileSync(join(place, 'program'), large);
    for (let j = 0; j < 8; j++) writeFileSync(join(place, 'share', `file ${j}`), small);
    writeFileSync(join(place, 'next'), storePath((i + 1) % pathCount));
  }
}

async function seconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** All files, as many at once as there are cores. */
function sha256sum(folder: string, cores: number): void {
  const script = 'find "$1/nix/store" -type f -print0 | xargs -0 -n 500 -P "$2" sha256sum';
  execFileSync('bash', ['-c', script, 'bash', folder, String(cores)], { stdio: 'ignore' });
}

/** What node:crypto does on one core with bytes that are at hand. */
function bareHash(bytes: number): number {
  const piece = randomBytes(256 * 1024);
  const hash = createHash('sha256');
  const start = performance.now();
  for (let done = 0; done < bytes; done += piece.length) hash.update(piece);
  hash.digest();
  return bytes / (performance.now() - start) / 1000;
}

async function benchHashing(folder: string): Promise<void> {
  const cores = availableParallelism();
  const first = await scanClosure(storePath(0), { root: folder });
  const list = first.paths.map((path) => ({ ...path, narSize: 0, references: [] }));
  const rates: number[][] = [[], [], []];
  for (let round = 0; round < 3; round++) {
    const runs = [
      () => sha256sum(folder, cores),
      async () => {
        const { differences } = await verifyClosure(list, { root: folder, extent: 'exact' });
        if (differences.length > 0) throw new Error('the store should be as listed');
      },
      () => scanClosure(storePath(0), { root: folder }),
    ];
    for (const [i, run] of runs.entries()) {
      rates[i]?.push(first.bytes / (await seconds(run)) / cores / 1e6);
    }
  }
  const [theirs, again, scan] = rates.map(median) as [number, number, number];
  const rate = (value: number) => `${value.toFixed(0)} MB/s a core`;
  const share = (value: number) => `${((100 * value) / theirs).toFixed(0)} % of sha256sum`;
  const gigabytes = (first.bytes / 1e9).toFixed(1);
  line(`sha256sum of ${list.length} paths, ${gigabytes} GB, ${cores} cores`, rate(theirs));
  line('  every NAR hashed again (--verify)', rate(again), `${share(again)}; 70 % or more`);
  line('  scan: hashed and searched for references', rate(scan), share(scan));
  line('  node:crypto alone, one core', rate(bareHash(1e9)));
}

function benchLargeFile(folder: string): void {
  const path = join(folder, 'large');
  writeFileSync(path, 'not only zeros');
  truncateSync(path, 3_000_000_000);
  const script = `
    import { hashNar } from '#agent/nar.ts';
    const start = performance.now();
    hashNar(process.argv[1]);
    const time = performance.now() - start;
    console.log(JSON.stringify([time, process.resourceUsage().maxRSS / 1024]));`;
  const args = ['--input-type=module', '--eval', script, path];
  const answer = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const [time, peak] = JSON.parse(answer) as [number, number];
  line('NAR hash of one file of 3 GB', ms(time));
  line('  peak memory', `${peak.toFixed(0)} MB`, '200 MB or less');
}

/** From the start of the process to the last byte of the first evidence bundle. */
async function startOnce(script: string, config: string, report: string): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, [script, config, report], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((done, fail) => {
    child.stdout.setEncoding('utf8').once('data', (text: string) => done(text.trim()));
    child.once('exit', (code) => fail(new Error(`the agent ended with ${code}`)));
  });
  const response = await fetch(`${url}/attestation?nonce=${'00'.repeat(32)}`);
  await response.arrayBuffer();
  const time = performance.now() - start;
  child.removeAllListeners('exit');
  child.kill('SIGKILL');
  if (response.status !== 200) throw new Error(`the agent answered ${response.status}`);
  return time;
}

async function benchStart(folder: string): Promise<void> {
  const hash = '11'.repeat(32);
  const records = Array.from({ length: pathCount }, (_, i) => {
    const references = Array.from({ length: 10 }, (_, j) => storePath((i + j) % pathCount));
    return [storePath(i), `sha256:${hash}`, 2_000_000, '', 10, ...references, ''].join('\n');
  });
  writeFileSync(join(folder, 'registration'), records.join(''));
  const config = {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure: { registration: 'registration' },
    services: [],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
  writeFileSync(join(folder, 'agent.json'), JSON.stringify(config));
  const hierarchy = await createAmdHierarchy({ product: 'Milan' });
  const report = createSnpDevice(hierarchy).report(new Uint8Array(64));
  writeFileSync(join(folder, 'report'), report);
  const sources = join(root, 'test/tools/agent-start.ts');
  const bundled = await bundle(sources, join(folder, 'agent.mjs'));
  const times: number[][] = [[], []];
  for (let i = 0; i < 10; i++) {
    for (const [j, script] of [bundled, sources].entries()) {
      const time = await startOnce(script, join(folder, 'agent.json'), join(folder, 'report'));
      if (i > 0) times[j]?.push(time);
    }
  }
  const [one = 0, many = 0] = times.map(median);
  const what = `agent, start to first bundle, ${pathCount} paths registered`;
  line(what, ms(one), '700 ms or less');
  line('  the same from the sources, not from one file', ms(many));
}

/** One file, as an image has it. */
async function bundle(entry: string, outfile: string): Promise<string> {
  const js =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js },
    outfile,
    logLevel: 'silent',
  });
  return outfile;
}

export async function benchClosure(): Promise<void> {
  if (process.platform !== 'linux') return;
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
  try {
    await benchStart(folder);
    benchLargeFile(folder);
    makeStore(folder);
    await benchHashing(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await benchClosure();
