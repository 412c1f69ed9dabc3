/** A running guest: booted, asked from outside, and looked at from inside. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bytes } from '#verifier/bytes.ts';
import { cacheFolder } from '../tools/debian.ts';
import type { Image } from './image.ts';
import { type Machine, startMachine } from './qemu.ts';
import { type Answer, type SecureProcessor, startSecureProcessor } from './secure-processor.ts';
import { diagnosticsPort } from './userland.ts';

export type GuestOptions = {
  image: Image;
  provider: 'sev_guest' | 'tdx_guest';
  /** null: a machine without the device. */
  sign: ((reportData: Bytes) => Answer) | null;
  /** Ports beside that of the diagnostics. */
  ports: readonly number[];
};

export type Guest = {
  /** `127.0.0.1:PORT` for a port of the guest. */
  address(port: number): string;
  /** Milliseconds since QEMU was started. */
  age(): number;
  /** Seconds of processor time that QEMU has used. */
  processorSeconds(): number;
  /** How often the boot was tried again after a panic of the kernel. */
  retries: number;
  /** null where there is no device. */
  processor: SecureProcessor | null;
  /** Runs a script as root inside; see `inside`. */
  run(script: string): Promise<Ran>;
  consoleText(): string;
  close(): Promise<void>;
};

export type Ran = { code: number; output: string };

const bootMilliseconds = 120_000;
/** A panic of the kernel right after the start is QEMU's; once more is tried, and said. */
const mostRetries = 1;

/**
 * Boots until the guest answers a shell.
 * @throws Error with the console's last lines, whose file is kept
 */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  for (let retries = 0; ; retries += 1) {
    const started = await boot(options);
    if (started !== 'panic') return { ...started, retries };
    if (retries === mostRetries) throw new Error('the guest kernel panicked again');
    console.log('guest: the kernel panicked; the boot is tried once more');
  }
}

async function boot(options: GuestOptions): Promise<Omit<Guest, 'retries'> | 'panic'> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-guest-'));
  const { image, provider, sign } = options;
  const socket = join(folder, 'tsm');
  const processor = sign && (await startSecureProcessor(socket, sign));
  const machine = await startMachine({
    kernel: image.kernel,
    initrd: image.initrd,
    processorSocket: processor && socket,
    provider,
    ports: [...options.ports, diagnosticsPort],
    console: join(folder, 'console.log'),
  });
  const close = async () => {
    await machine.kill();
    await processor?.close();
    rmSync(folder, { recursive: true });
  };
  const outcome = await firstShell(machine);
  if (outcome === 'panic') {
    await close();
    return outcome;
  }
  if (outcome === 'failed') {
    const kept = keepConsole(join(folder, 'console.log'));
    const last = machine.consoleText().split('\n').slice(-30).join('\n');
    await close();
    throw new Error(`the guest did not boot; its console is in ${kept}:\n${last}`);
  }
  return {
    address: (port) => `127.0.0.1:${hostPort(machine, port)}`,
    age: () => performance.now() - machine.started,
    processorSeconds: machine.processorSeconds,
    processor,
    run: (script) => runInside(hostPort(machine, diagnosticsPort), script),
    consoleText: machine.consoleText,
    close,
  };
}

function hostPort({ ports }: Machine, port: number): number {
  const found = ports.get(port);
  if (found === undefined) throw new RangeError(`port ${port} of the guest is not forwarded`);
  return found;
}

function keepConsole(file: string): string {
  const folder = join(cacheFolder, 'guest-consoles');
  mkdirSync(folder, { recursive: true });
  const kept = join(folder, `${randomUUID()}.log`);
  copyFileSync(file, kept);
  return kept;
}

async function firstShell(machine: Machine): Promise<'shell' | 'panic' | 'failed'> {
  let ended = false;
  void machine.ended.then(() => {
    ended = true;
  });
  while (!ended && performance.now() - machine.started < bootMilliseconds) {
    const ran = await runInside(hostPort(machine, diagnosticsPort), 'true').catch(() => null);
    if (ran?.code === 0) return 'shell';
    await sleep(200);
  }
  return machine.consoleText().includes('Kernel panic') ? 'panic' : 'failed';
}

const shellMilliseconds = 180_000;

/** The shell ends with the script; its output and its exit code come in one piece. */
function runInside(port: number, script: string): Promise<Ran> {
  const mark = randomUUID();
  return new Promise((done, fail) => {
    let output = '';
    const socket = connect(port, '127.0.0.1');
    const give = (problem: string) => {
      socket.destroy();
      fail(new Error(`the guest's shell: ${problem}\n${output}`));
    };
    socket.setTimeout(shellMilliseconds, () => give('no answer in time'));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    socket.on('error', (error) => give(error.message));
    socket.on('close', () => {
      const found = new RegExp(`${mark} (\\d+)\\n$`).exec(output);
      if (found === null) give('it ended early');
      else done({ code: Number(found[1]), output: output.slice(0, found.index) });
    });
    socket.write(`( ${script}\n) 2>&1 </dev/null; echo ${mark} $?; exit\n`);
  });
}
