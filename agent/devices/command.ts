/** A device's own program: run for one nonce, without a shell, for a limited time and a limited output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Bytes, concat, quote, toHex } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';

export type CommandOptions = {
  /** The program by its absolute path, and its arguments with `{nonce}`, `{nonceFile}` and `{index}`. */
  readonly command: readonly string[];
  /** From the start of the program on; then it is killed. */
  readonly timeoutMs: number;
};

/** For messages: `nvattest`. */
export function commandName([program = '']: readonly string[]): string {
  return basename(program);
}

/** Bytes of standard output: evidence of 16 GPUs with their certificates has a third of it. */
const maxOutput = 1024 * 1024;
/** Bytes of standard error that are kept for the log. */
const maxComplaint = 2048;

/**
 * What the program prints. `{nonce}` is 64 hex digits, `{nonceFile}` the path of a file that holds the 32 bytes and is removed
 * afterwards, `{index}` the device's place among those of the command.
 * @throws AgentError `device-failed` for another exit code than 0, too much output or a program that cannot be started;
 *   `device-timeout`
 */
export async function runCommand(
  { command, timeoutMs }: CommandOptions,
  nonce: Bytes,
  index: number,
): Promise<Bytes> {
  const wantsFile = command.some((word) => word.includes('{nonceFile}'));
  const folder = wantsFile ? await mkdtemp(join(tmpdir(), 'affidavit-nonce-')) : null;
  try {
    const nonceFile = folder === null ? '' : join(folder, 'nonce');
    if (folder !== null) await writeFile(nonceFile, nonce, { mode: 0o600 });
    const values: Record<string, string> = { nonce: toHex(nonce), nonceFile, index: `${index}` };
    const [program = '', ...rest] = command;
    const words = rest.map((word) =>
      word.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => values[name] ?? whole),
    );
    return await run(program, words, timeoutMs);
  } finally {
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

function run(program: string, words: readonly string[], timeoutMs: number): Promise<Bytes> {
  return new Promise((done, fail) => {
    const name = basename(program);
    // A group of its own: what it starts ends with it.
    const child = spawn(program, [...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
      cwd: '/',
      detached: true,
    });
    const output = collector(maxOutput);
    const complaint = collector(maxComplaint);
    let refusal: AgentError | null = null;
    const stop = (error: AgentError) => {
      refusal ??= error;
      kill(child);
    };
    const timer = setTimeout(() => {
      stop(new AgentError('device-timeout', `${name} did not end within ${timeoutMs} ms`));
    }, timeoutMs);
    child.stdout.on('data', (part: Bytes) => {
      if (output.add(part)) return;
      stop(new AgentError('device-failed', `${name} printed more than ${maxOutput} bytes`));
    });
    child.stderr.on('data', (part: Bytes) => void complaint.add(part));
    child.on('error', (cause) => {
      clearTimeout(timer);
      fail(new AgentError('device-failed', `${name} cannot be started`, { cause }));
    });
    // Not before the end of what it started too, which may hold standard output; a kill waits for nobody else.
    child.on('exit', () => {
      if (refusal !== null) settle(null, null);
    });
    child.on('close', (code, signal) => settle(code, signal));

    function settle(code: number | null, signal: string | null): void {
      clearTimeout(timer);
      if (refusal !== null) fail(refusal);
      else if (code === 0) done(output.bytes());
      else fail(failed(`${name} ended with ${signal ?? code}`, complaint.bytes()));
    }
  });
}

function failed(message: string, complaint: Bytes): AgentError {
  const said = new TextDecoder().decode(complaint).trim().slice(-160);
  return new AgentError('device-failed', `${message}${said === '' ? '' : `: ${quoteAll(said)}`}`);
}

/** The last of it: where a program says why. */
function quoteAll(said: string): string {
  return (said.match(/.{1,40}/gsu) ?? []).map((part) => quote(part).slice(1, -1)).join('');
}

/** Kills the whole group, and waits for nothing that holds its pipes. */
function kill(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  // A process that the kernel does not let go must not keep the agent.
  child.unref();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The agent's, without what speaks to systemd in its name. */
function environment(): NodeJS.ProcessEnv {
  const own = ['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC'];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.includes(name)));
}

function collector(limit: number) {
  const parts: Bytes[] = [];
  let length = 0;
  return {
    /** false: there is no more room; what came is dropped. */
    add(part: Bytes): boolean {
      if (length + part.length > limit) return false;
      length += part.length;
      parts.push(part);
      return true;
    },
    bytes: () => concat(...parts),
  };
}
