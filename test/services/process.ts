/** A program as a process, what it says and how it ends; of a sample service also its log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Ended = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type Program = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  /** Resolves once `sign` holds of what was said on standard output. @throws Error when it ends before */
  said(sign: (stdout: string) => boolean): Promise<void>;
  kill(signal: NodeJS.Signals): void;
};

/**
 * @param env beside this process' own; undefined takes a variable away
 * @param input for its standard input
 */
export function launch(
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input = '',
): Program {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env } });
  child.stdin.on('error', () => {}).end(input);
  const out = { stdout: '', stderr: '' };
  const heard = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
      for (const look of heard) look();
    });
  }
  const ended = new Promise<Ended>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code) => done({ code, ...out }));
  });
  ended.catch(() => {});
  return {
    child,
    ended,
    stdout: () => out.stdout,
    said: (sign) =>
      new Promise((done, failed) => {
        const look = () => {
          if (!sign(out.stdout)) return;
          heard.delete(look);
          done();
        };
        heard.add(look);
        look();
        ended.then(
          ({ code, stderr }) => failed(new Error(`ended with ${code}: ${stderr}`)),
          failed,
        );
      }),
    kill: (signal) => void child.kill(signal),
  };
}

/** A line of a service's log. */
export type LogEntry = {
  readonly time: string;
  readonly level: string;
  readonly service: string;
  readonly event: string;
  readonly [own: string]: unknown;
};

/** Members of each event behind `time`, `level`, `service`, `event`, and its level. */
const events: Readonly<Record<string, { level: string; own: readonly string[] }>> = {
  listening: { level: 'info', own: ['address', 'port'] },
  busy: { level: 'warn', own: ['connections'] },
  stopping: { level: 'info', own: [] },
  stopped: { level: 'info', own: ['answered', 'connections'] },
  fault: { level: 'error', own: ['reason'] },
};

/** @throws Error for anything but whole lines of the events above, members in their order */
export function parseLog(text: string): LogEntry[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error(`the log ends within a line: ${text.slice(-200)}`);
  return lines.map((line) => {
    const entry = JSON.parse(line) as LogEntry;
    const known = events[entry.event];
    if (known === undefined) throw new Error(`no such event: ${line}`);
    const members = ['time', 'level', 'service', 'event', ...known.own];
    if (Object.keys(entry).join() !== members.join()) throw new Error(`wrong members: ${line}`);
    if (entry.level !== known.level) throw new Error(`wrong level: ${line}`);
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(entry.time))
      throw new Error(`wrong time: ${line}`);
    return entry;
  });
}

export type Service = Program & {
  readonly pid: number;
  readonly port: number;
  readonly address: unknown;
  /** What it has logged so far. */
  log(): LogEntry[];
};

/** Starts a service and waits until it listens. @throws Error, with what it said, when it does not */
export async function startService(
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Service> {
  const program = launch(command, env);
  await program.said((text) => text.includes('\n'));
  const [first] = parseLog(`${program.stdout().split('\n')[0]}\n`);
  if (first?.event !== 'listening' || typeof first['port'] !== 'number') {
    program.kill('SIGKILL');
    throw new Error(`its first line is not that it listens: ${program.stdout()}`);
  }
  return {
    ...program,
    pid: program.child.pid as number,
    port: first['port'],
    address: first['address'],
    log: () => parseLog(program.stdout()),
  };
}

/** Bytes: now, and the most it ever was. Linux alone. */
export function memoryOf(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** Files and sockets that a process holds open. Linux alone. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Clock ticks of /proc a second: the kernel's constant for user space. */
const ticks = 100;

/** Seconds of processor time that a process has used, in the program and in the kernel. Linux alone. */
export function processorTime(pid: number): { user: number; system: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return { user: Number(fields[11]) / ticks, system: Number(fields[12]) / ticks };
}
