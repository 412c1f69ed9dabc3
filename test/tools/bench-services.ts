/**
 * Figures of the sample services: signed lines a second on one core, this client on another, and what the
 * time goes to.
 *
 *     node test/tools/bench-services.ts [SECONDS]    that each figure takes
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSample, type Sample, type SampleName } from '#test/services/conformance/samples.ts';
import { processorTime, type Service, startService } from '#test/services/process.ts';
import { parseResponse, signResponse } from '#verifier/abi/response.ts';
import { bigEndian, utf8 } from '#verifier/bytes.ts';
import { line } from './bench-figures.ts';

const serviceCore = '0';
const clientCore = '1';
const names = ['echo-node', 'echo-cpp', 'echo-rust'] as const satisfies readonly SampleName[];
const promise = '5,000 or more';
/** Lines under way on a connection: enough that the service never waits for us. */
const underWay = 64;
const request = Buffer.from(`@${'5a'.repeat(32)} hello from a client\n`);
const signRateSource = fileURLToPath(
  new URL('../services/conformance/sign-rate.cpp', import.meta.url),
);

const rate = (value: number) => `${Math.round(value).toLocaleString('en')}/s`;
const microseconds = (seconds: number) => `${(1e6 * seconds).toFixed(0)} µs`;

/** @returns the cores that this process could use before */
function pin(cores: string): string {
  const said = execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], {
    encoding: 'utf8',
  });
  return /current affinity list: (\S+)/.exec(said)?.[1] ?? serviceCore;
}

/** @returns the beginning of the first answer, null when it is whole and a response */
function checkFirst(text: string): string | null {
  const end = text.indexOf('\n');
  if (end === -1) return text;
  parseResponse(text.slice(0, end));
  return null;
}

type Load = { readonly lines: () => number; readonly stop: () => void };

/** Keeps `underWay` lines under way on each connection, and counts the answers by their LF. */
async function startLoad(port: number, connections: number): Promise<Load> {
  let answers = 0;
  const window = Buffer.concat(Array.from({ length: underWay }, () => request));
  const open = () =>
    new Promise<() => void>((done, failed) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let first: string | null = '';
      socket.on('error', failed).on('connect', () => {
        socket.write(window);
        done(() => socket.destroy());
      });
      socket.on('data', (chunk: Buffer) => {
        if (first !== null) first = checkFirst(first + chunk.toString('latin1'));
        let found = 0;
        for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) found += 1;
        answers += found;
        for (let left = found; left > 0; left -= underWay) {
          socket.write(window.subarray(0, Math.min(left, underWay) * request.length));
        }
      });
    });
  const stops = await Promise.all(Array.from({ length: connections }, open));
  return { lines: () => answers, stop: () => stops.forEach((stop) => void stop()) };
}

/** Lines a second, the part of the core that the service had, and its processor seconds for a line. */
type Measured = { rate: number; share: number; user: number; system: number };

async function measure(service: Service, connections: number, seconds: number): Promise<Measured> {
  const load = await startLoad(service.port, connections);
  await sleep(1_000);
  const [began, before, from] = [performance.now(), processorTime(service.pid), load.lines()];
  await sleep(1_000 * seconds);
  const elapsed = (performance.now() - began) / 1000;
  const after = processorTime(service.pid);
  const lines = load.lines() - from;
  load.stop();
  const [user, system] = [after.user - before.user, after.system - before.system];
  return {
    rate: lines / elapsed,
    share: (user + system) / elapsed,
    user: user / lines,
    system: system / lines,
  };
}

function show(name: string, connections: number, found: Measured): void {
  const plural = connections === 1 ? '' : 's';
  line(`${name}, ${connections} connection${plural}, one core`, rate(found.rate), promise);
  const whole = rate(1 / (found.user + found.system));
  line('  with the whole of that core', whole, `it had ${(100 * found.share).toFixed(0)} %`);
  line(
    '  a line: in the program, in the kernel',
    `${microseconds(found.user)}, ${microseconds(found.system)}`,
  );
}

/** Signatures of noble in a second of processor time, as the service calls it. */
function nobleRate(): number {
  const key = bigEndian(0x5a5a5an, 32);
  const [nonce, text] = [new Uint8Array(32), utf8('hello')];
  const sign = (time: number) =>
    signResponse({ service: 'echo-node', nonce, time, request: text, body: text }, key);
  for (let i = 0; i < 500; i++) sign(i);
  const began = process.threadCpuUsage();
  const used = () => {
    const { user, system } = process.threadCpuUsage(began);
    return (user + system) / 1e6;
  };
  let count = 0;
  for (; used() < 1; count++) sign(count);
  return count / used();
}

/** The same of libsecp256k1; null where it cannot be compiled. */
function libsecp256k1Rate(folder: string): number | null {
  const program = join(folder, 'sign-rate');
  try {
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'libsecp256k1'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const link = flags.trim().split(/\s+/);
    execFileSync('g++', ['-std=c++20', '-O2', signRateSource, '-o', program, ...link]);
  } catch {
    return null;
  }
  return Number(execFileSync('taskset', ['-c', serviceCore, program], { encoding: 'utf8' }));
}

function showSignatureRate(name: SampleName, folder: string): void {
  if (name === 'echo-node') line('  bare signatures (noble)', rate(nobleRate()));
  if (name !== 'echo-cpp') return;
  const found = libsecp256k1Rate(folder);
  line('  bare signatures (libsecp256k1)', found === null ? 'not compiled' : rate(found));
}

async function benchSample(sample: Sample, folder: string, seconds: number): Promise<void> {
  const args = ['--key', join(folder, 'key'), '--name', sample.name, '--port', '0'];
  const command = ['taskset', '-c', serviceCore, ...sample.command, ...args];
  const service = await startService(command, sample.env);
  try {
    for (const connections of [1, 16]) {
      show(sample.name, connections, await measure(service, connections, seconds));
    }
  } finally {
    service.kill('SIGTERM');
    await service.ended;
  }
  showSignatureRate(sample.name, folder);
}

export async function benchServices(seconds = 4): Promise<void> {
  if (process.platform !== 'linux' || availableParallelism() < 2) return;
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
  // Built on all cores, measured on one.
  const samples = [];
  for (const name of names) samples.push(await buildSample(name));
  const cores = pin(clientCore);
  try {
    writeFileSync(join(folder, 'key'), '5a'.repeat(32), { mode: 0o600 });
    for (const sample of samples) {
      if ('skipped' in sample) line(`${sample.name}, left out`, sample.skipped);
      else await benchSample(sample, folder, seconds);
    }
  } finally {
    pin(cores);
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await benchServices(Number(process.argv[2] ?? 4));
