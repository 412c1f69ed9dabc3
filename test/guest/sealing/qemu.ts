/** One machine: firmware, a TPM of its own, a disk and a signed image. TCG alone: KVM says it is there and does not work everywhere. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { firmware } from './uki.ts';

const run = promisify(execFile);

export type MachineOptions = {
  /** For sockets and the firmware's variables; made anew at each start. */
  folder: string;
  image: string;
  disk: string;
  /** State of the TPM: kept from one start to the next. */
  tpm: string;
  /** More disks: serial number → image. */
  others?: Record<string, string>;
  /** Load options, which the host may always set; the image's own command line where absent. */
  commandLine?: string;
};

export type Answer = { status: number; output: string };

/** A machine that runs. Always to be ended by `kill`. */
export type Machine = {
  /** Runs a line in the guest's shell, once the guest is up. @throws Error at the time limit */
  run(line: string): Promise<Answer>;
  /** Resolves when the serial console has shown this. @throws Error at the time limit, or when the machine ends */
  shown(text: string): Promise<void>;
  /** What the serial console has shown. */
  console(): string;
  /** As if the power were cut. */
  kill(): Promise<void>;
};

/** A new TPM, without contents. */
export async function createTpm(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('swtpm_setup', ['--tpm2', '--tpmstate', folder, '--pcr-banks', 'sha256']);
}

const bootSeconds = 300;

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { folder, image, disk, tpm, others = {}, commandLine } = options;
  const disks = Object.entries({ state: disk, ...others });
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = join(await firmware(), 'usr/share/OVMF');
  const variables = join(folder, 'variables.fd');
  await copyFile(join(files, 'OVMF_VARS_4M.fd'), variables);
  const sockets = { tpm: join(folder, 'tpm'), port: join(folder, 'port') };
  const chip = spawn(
    'swtpm',
    [
      'socket',
      '--tpm2',
      '--tpmstate',
      `dir=${tpm}`,
      '--ctrl',
      `type=unixio,path=${sockets.tpm}`,
      '--terminate',
    ],
    { stdio: 'ignore' },
  );
  await listening(sockets.tpm);
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'Nehalem,-cx16', '-m', '1024', '-smp', '1'],
      ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
      ...['-drive', `if=pflash,format=raw,readonly=on,file=${join(files, 'OVMF_CODE_4M.fd')}`],
      ...['-drive', `if=pflash,format=raw,file=${variables}`],
      ...['-chardev', `socket,id=tpm,path=${sockets.tpm}`],
      ...['-tpmdev', 'emulator,id=tpm0,chardev=tpm', '-device', 'tpm-tis,tpmdev=tpm0'],
      ...disks.flatMap(([serial, file]) => [
        ...['-drive', `if=none,id=${serial},format=raw,file=${file}`],
        ...['-device', `virtio-blk-pci,drive=${serial},serial=${serial}`],
      ]),
      ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=port,name=test'],
      ...['-chardev', `socket,id=port,path=${sockets.port},server=on,wait=off`],
      ...['-kernel', image],
      ...(commandLine === undefined ? [] : ['-append', commandLine]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return control(machine, chip, sockets.port);
}

async function listening(path: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (existsSync(path)) return;
    await sleep(50);
  }
  throw new Error(`nothing listens at ${path}`);
}

function control(machine: ChildProcess, chip: ChildProcess, port: string): Machine {
  let text = '';
  for (const stream of [machine.stdout, machine.stderr]) {
    stream?.on('data', (part: Buffer) => {
      text += part.toString('latin1');
    });
  }
  const abandon = () => {
    for (const child of [machine, chip]) child.kill('SIGKILL');
  };
  process.once('exit', abandon);
  const running = () => machine.exitCode === null && machine.signalCode === null;
  const until = async (what: string, done: () => boolean) => {
    const end = performance.now() + bootSeconds * 1000;
    while (!done()) {
      if (!running()) throw new Error(`the machine ended before ${what}:\n${text.slice(-4000)}`);
      if (performance.now() > end) throw new Error(`no ${what}:\n${text.slice(-4000)}`);
      await sleep(50);
    }
  };
  let shell: Promise<Shell> | undefined;
  return {
    async run(line) {
      shell ??= openShell(port);
      const { lines, socket } = await shell;
      if (lines.length === 0 && !socket.readableEnded)
        await until('console of the guest', () => lines.length > 0);
      const before = lines.length;
      socket.write(`${line}\n`);
      await until(`answer to ${line}`, () => lines.length > before);
      const [status = '', output = ''] = (lines[before] ?? '').split(' ');
      return { status: Number(status), output: Buffer.from(output, 'base64').toString() };
    },
    shown: (wanted) => until(`"${wanted}" on the console`, () => text.includes(wanted)),
    console: () => text,
    async kill() {
      process.removeListener('exit', abandon);
      if (shell !== undefined) (await shell.catch(() => null))?.socket.destroy();
      for (const child of [machine, chip]) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

type Shell = { socket: Socket; lines: string[] };

async function openShell(path: string): Promise<Shell> {
  await listening(path);
  const socket = connect(path);
  await once(socket, 'connect');
  const lines: string[] = [];
  createInterface({ input: socket }).on('line', (line) => lines.push(line));
  return { socket, lines };
}
