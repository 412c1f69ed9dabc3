/**
 * Figures of `affidavit serve`: the real command in a process of its own, this one sends. Both share the machine's cores, and each
 * one's part is shown.
 *
 *     node test/tools/bench-serve.ts [REQUESTS]    a longer run, with the service's memory every tenth of it
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeBundle } from '#agent/evidence.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { bundleMediaType, encodeBundle } from '#verifier/abi/bundle.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { line } from './bench-figures.ts';

const main = fileURLToPath(new URL('../../verifier/cli/main.ts', import.meta.url));
const connections = 64;
const chips = 64;
/** Clock ticks of /proc a second: the kernel's constant for user space. */
const ticks = 100;

const quiet = { info() {}, warn() {}, error() {} };

/** As many machines of one issuer, each with its own chip, key and bundle; the root that they end in. */
async function fleet(count: number): Promise<{ bundles: string[]; rootsPem: string }> {
  const now = Math.floor(Date.now() / 1000);
  const hierarchy = await createAmdHierarchy({ product: 'Genoa', now });
  const { state } = await createInsecureAgent({ hierarchy, now: () => now, logger: quiet });
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const bundles: string[] = [];
  for (let i = 0; i < count; i++) {
    const vcek = await promisify(generateKeyPair)('ec', { namedCurve: 'P-384' });
    const keys = { ...hierarchy.keys, vcek };
    const chip = await createAmdHierarchy({ product: 'Genoa', now, keys, hardwareId: random(64) });
    const { source } = await createInsecureAgent({
      hierarchy: { ...chip, ark: hierarchy.ark, ask: hierarchy.ask, crl: hierarchy.crl },
      state,
      now: () => now,
      logger: quiet,
    });
    const made = { state, source, nonce: random(32), channel: null, now: () => now, random };
    bundles.push(encodeBundle(await makeBundle(made)));
  }
  return { bundles, rootsPem: hierarchy.rootsPem() };
}

type Served = { child: ChildProcess; port: number };

export async function startService(folder: string, more: readonly string[]): Promise<Served> {
  const child = spawn(
    process.execPath,
    [
      main,
      ...['serve', '--policies', join(folder, 'policies'), '--port', '0'],
      ...['--insecure-root', join(folder, 'roots.pem'), ...more],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const port = await new Promise<number>((resolve, reject) => {
    let text = '';
    child.on('exit', (code) => reject(new Error(`the service ended with ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  return { child, port };
}

/** Sends the requests over as many connections, one at a time on each. @param each called after every answer */
export async function load(
  port: number,
  requests: readonly Buffer[],
  count: number,
  each: (done: number) => void = () => {},
): Promise<number> {
  let sent = 0;
  let done = 0;
  const start = performance.now();
  const worker = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1').setNoDelay(true);
      let answer = Buffer.alloc(0);
      const next = () => {
        if (sent >= count) {
          socket.end();
          resolve();
          return;
        }
        socket.write(requests[sent % requests.length] as Buffer);
        sent += 1;
      };
      socket.on('connect', next).on('error', reject);
      socket.on('close', () => reject(new Error('the service hung up')));
      socket.on('data', (chunk) => {
        answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
        const head = answer.indexOf('\r\n\r\n');
        if (head < 0) return;
        const text = answer.toString('latin1', 0, head);
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
        if (answer.length < head + 4 + length) return;
        if (!text.startsWith('HTTP/1.1 200 ') || !answer.includes('"decision":"accepted"')) {
          reject(new Error(`not accepted: ${answer.toString('utf8').slice(0, 2000)}`));
          return;
        }
        answer = Buffer.alloc(0);
        done += 1;
        each(done);
        next();
      });
    });
  await Promise.all(Array.from({ length: connections }, worker));
  return (performance.now() - start) / 1000;
}

/** Seconds of processor time that a process has used. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** MB */
function residentMemory(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** @param count requests; the service's memory is shown ten times on the way when `long` */
export async function benchServe(count = 5000, long = false): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
  let served: Served | undefined;
  try {
    const { bundles, rootsPem } = await fleet(chips);
    mkdirSync(join(folder, 'policies'));
    writeFileSync(join(folder, 'policies/genuine.json'), JSON.stringify(genuinePolicy));
    writeFileSync(join(folder, 'roots.pem'), rootsPem);
    served = await startService(folder, long ? ['--log', join(folder, 'decisions')] : []);
    const { child, port } = served;
    const pid = child.pid as number;
    const requests = bundles.map((bundle) =>
      Buffer.from(
        `POST /verify?policy=genuine HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${bundleMediaType}\r\nContent-Length: ${Buffer.byteLength(bundle)}\r\n\r\n${bundle}`,
      ),
    );
    await load(port, requests, 1000);
    const before = { own: process.cpuUsage(), service: processorSeconds(pid) };
    const seconds = await load(port, requests, count, (done) => {
      if (long && done % (count / 10) === 0)
        line(`  resident memory after ${done} requests`, `${residentMemory(pid).toFixed(0)} MB`);
    });
    const own = process.cpuUsage(before.own);
    const parts = [processorSeconds(pid) - before.service, (own.user + own.system) / 1e6];
    const [service = 0, sender = 0] = parts.map((used) => (1000 * used) / count);
    line(
      `affidavit serve, ${connections} connections, ${chips} chips, ${availableParallelism()} cores`,
      `${(count / seconds).toFixed(0)} a second`,
      '300 or more',
    );
    line(
      '  processor time a request: service, sender',
      `${service.toFixed(2)} ms, ${sender.toFixed(2)} ms`,
    );
  } finally {
    if (served !== undefined) {
      const ended = new Promise((resolve) => served?.child.on('exit', resolve));
      served.child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 5000);
  await benchServe(count, process.argv[2] !== undefined);
}
