/** One guest under QEMU, emulated: what this machine's processor can do changes nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { freePort } from '../tools/demo-steps.ts';

export const qemu = 'qemu-system-x86_64';

export type MachineOptions = {
  kernel: string;
  initrd: string;
  /** Of the simulated secure processor; null: a machine that has none. */
  processorSocket: string | null;
  /** What the guest's module calls itself. */
  provider: 'sev_guest' | 'tdx_guest';
  /** Ports of the guest that this machine reaches. */
  ports: readonly number[];
  /** File for what the guest prints. */
  console: string;
};

export type Machine = {
  /** Port of this machine by the guest's. */
  ports: ReadonlyMap<number, number>;
  /** performance.now() when QEMU was started. */
  started: number;
  /** Seconds of processor time that QEMU has used: what a boot costs, whatever else this machine does. */
  processorSeconds(): number;
  /** Resolves when QEMU has ended. */
  ended: Promise<void>;
  /** What the guest has printed. */
  consoleText(): string;
  kill(): Promise<void>;
};

/** Less for the emulator to do, and a line on the console alone when something is wrong. */
const kernelOptions = [
  'console=ttyS0',
  'panic=-1',
  'quiet',
  'mitigations=off',
  'audit=0',
  'systemd.show_status=no',
];

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const ports = new Map<number, number>();
  for (const port of options.ports) ports.set(port, await freePort());
  const started = performance.now();
  // Whatever becomes of this process, no guest is left.
  const command = ['--pdeathsig', 'KILL', qemu, ...machineArguments(options, ports)];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(options.console);
  child.stdout.pipe(log);
  child.stderr.pipe(log, { end: false });
  const ended = endOf(child);
  return {
    ports,
    started,
    ended,
    processorSeconds: () => processorSeconds(child.pid),
    consoleText: () => readFileSync(options.console, 'latin1'),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** proc_pid_stat(5): utime and stime, in ticks of 10 ms; 0 when it has ended. */
function processorSeconds(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  await once(child, 'close');
}

function machineArguments(
  { kernel, initrd, processorSocket, provider }: MachineOptions,
  ports: ReadonlyMap<number, number>,
): string[] {
  const forwards = [...ports].map(([guest, host]) => `hostfwd=tcp:127.0.0.1:${host}-:${guest}`);
  return [
    // KVM that is there may still not run a kernel of today, and does not say so.
    ...['-accel', 'tcg', '-cpu', 'Nehalem,-cx16,+rdrand', '-m', '2048', '-smp', '1'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
    ...['-kernel', kernel, '-initrd', initrd],
    ...['-append', [...kernelOptions, `affidavit_provider=${provider}`].join(' ')],
    ...['-netdev', ['user', 'id=n0', 'restrict=on', ...forwards].join(',')],
    ...['-device', 'virtio-net-pci,netdev=n0,romfile='],
    ...(processorSocket === null ? [] : processorArguments(processorSocket)),
  ];
}

/** One port, so that the guest needs no control queues: its data are queues 0 and 1. */
function processorArguments(socket: string): string[] {
  return [
    ...['-chardev', `socket,id=tsm,path=${socket}`],
    ...['-device', 'virtio-serial-pci,max_ports=1', '-device', 'virtconsole,chardev=tsm'],
  ];
}
