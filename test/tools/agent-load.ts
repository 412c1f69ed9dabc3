/** Server and load generator as processes of their own, and the server's memory meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { LoadResult } from './agent-load-client.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One file each, as the image has the agent: from sources, Node keeps what reads TypeScript in memory. */
async function bundled(folder: string): Promise<{ server: string; client: string }> {
  const banner = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;
  await build({
    entryPoints: ['test/tools/agent-load-server.ts', 'test/tools/agent-load-client.ts'],
    absWorkingDir: root,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    // What is imported here is no program of its own.
    define: { 'import.meta.main': 'false' },
    banner: { js: banner },
    logLevel: 'silent',
  });
  return {
    server: join(folder, 'agent-load-server.mjs'),
    client: join(folder, 'agent-load-client.mjs'),
  };
}

async function withPrograms<T>(
  use: (programs: { server: string; client: string }) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-load-'));
  try {
    return await use(await bundled(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As the agent's unit starts it (docs/agent-http.md). */
const flags = ['--max-semi-space-size=2', '--optimize-for-size'];

function node(file: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...flags, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** @returns standard output at the end */
function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((done, fail) => {
    child.on('close', (code) => (code === 0 ? done(text) : fail(new Error(`ended with ${code}`))));
  });
}

/** Calls a second of the device alone, one after the other. */
export async function deviceRate(device: Device): Promise<number> {
  return withPrograms(async ({ server }) => Number(await output(node(server, [device, 'rate']))));
}

/** As in agent-load-server.ts. */
export type Device = 'sign' | 'wait';

export type LoadOptions = {
  device: Device;
  seconds: number;
  /** Requests a second; 0: as many as 50 connections carry. */
  rate: number;
  /** Every how many answers one is recomputed. */
  sample: number;
  /** One in so many calls of the device fails or hangs. */
  faults?: number;
  limits?: { queue: number; timeoutMs: number; hangMs: number };
};

export type Load = LoadResult & {
  /** MB, once a second. */
  memory: number[];
  /** The longest queue that was seen. */
  queued: number;
  /** Milliseconds of the server's threads for a request, the simulated device's among them. */
  cpu: number;
};

export async function load(options: LoadOptions): Promise<Load> {
  return withPrograms((programs) => loadWith(programs, options));
}

async function loadWith(
  programs: { server: string; client: string },
  options: LoadOptions,
): Promise<Load> {
  const { device, seconds, rate, sample, faults = 0, limits } = options;
  const more = limits === undefined ? [] : [limits.queue, limits.timeoutMs, limits.hangMs];
  const server = node(programs.server, [device, faults, ...more].map(String));
  try {
    const url = await new Promise<string>((done, fail) => {
      server.stdout?.setEncoding('utf8').once('data', (text: string) => done(text.trim()));
      server.once('close', () => fail(new Error('the server ended')));
    });
    const memory: number[] = [];
    let queued = 0;
    const watch = setInterval(async () => {
      memory.push(residentMegabytes(server.pid as number));
      const text = await fetch(`${url}/metrics`).then((response) => response.text());
      queued = Math.max(queued, Number(/^affidavit_device_queue (\d+)$/m.exec(text)?.[1] ?? 0));
    }, 1000);
    try {
      const args = [url, seconds, rate, sample].map(String);
      const before = cpuMilliseconds(server.pid as number);
      const result: LoadResult = JSON.parse(await output(node(programs.client, args)));
      const cpu = (cpuMilliseconds(server.pid as number) - before) / result.answered;
      return { ...result, memory, queued, cpu };
    } finally {
      clearInterval(watch);
    }
  } finally {
    server.kill('SIGKILL');
  }
}

/** Linux alone says it here. */
function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** Of all threads, in user and kernel mode: fields 14 and 15 of proc_pid_stat(5), 100 ticks a second. */
function cpuMilliseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(rest[11]) + Number(rest[12])) * 10;
}
