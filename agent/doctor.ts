/**
 * `affidavit agent doctor`: what a machine lacks to serve evidence. Every line is a look at the
 * system itself; the last asks the device for a report.
 */
import { type Bytes, quote } from '#verifier/bytes.ts';
import { isOldKernel, tsmReportFolder } from './configfs-entries.ts';
import type { Devices } from './devices/devices.ts';
import { AgentError } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { reportOf } from './evidence.ts';
import type { EvidenceSource } from './source.ts';

/** How the doctor looks at the system. */
export type System = {
  /** As uname says it. */
  readonly release: string;
  readonly userId: number;
  /** null when the file cannot be read. */
  readText(path: string): Promise<string | null>;
  exists(path: string): Promise<boolean>;
  /** The production source: makes an entry and reads its provider. */
  open(): Promise<EvidenceSource>;
  /** Milliseconds that never go back. */
  clock(): number;
};

export type Finding = {
  readonly id: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly found: string;
  /** What to do; null when nothing is missing. */
  readonly remedy: string | null;
};

export type Diagnosis = {
  readonly findings: readonly Finding[];
  /** Whether the device gave a report of its own, and what the configuration names gave all that evidence carries. */
  readonly serves: boolean;
};

/** What the configuration names beside the secure processor. */
export type Named = { readonly devices: Devices; readonly eventLog: EventLog };

/** Runs every check, whatever the others say. */
export async function examine(system: System): Promise<Diagnosis> {
  const opened = await openOr(system);
  const report = await tryReport(system, opened);
  const findings = [
    kernelVersion(system.release),
    await cpuFlags(system),
    await module(system, opened),
    await configfsMount(system),
    await tsmFolder(system),
    permission(system, opened),
    provider(opened),
    report,
  ];
  return { findings, serves: report.ok };
}

/** Asks each device for evidence over zeros, which no verifier takes, and looks for the event log. */
export async function examineNamed(
  { devices, eventLog }: Named,
  clock: System['clock'],
): Promise<Diagnosis> {
  const findings: Finding[] = [];
  for (const label of devices.labels) {
    const { name = '' } = devices.status()[label.index] ?? {};
    const remedy = 'Run its command, or look for its file, as the user of the agent.';
    const { ok, found } = await trial(clock, () => devices.ask(label.index, new Uint8Array(32)));
    const what = ok ? `${label.kind} by ${name}: ${found}` : found;
    findings.push(finding(`device-${label.index}`, ok, what, remedy));
  }
  if (eventLog.files.length > 0) findings.push(await lookForLog(eventLog));
  return { findings, serves: findings.every(({ ok }) => ok) };
}

/** A log that nothing names may be missing. */
async function lookForLog(eventLog: EventLog): Promise<Finding> {
  const remedy = 'Name the right file in eventLog of the configuration, or null for none.';
  try {
    const log = await eventLog.read();
    const found =
      log === null
        ? 'none is there: evidence goes without'
        : `${log.bytes.length} bytes, ${log.path}`;
    return finding('event-log', true, found, remedy);
  } catch (cause) {
    return finding('event-log', false, messageOf(cause), remedy);
  }
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

type Opened = { source: EvidenceSource } | { error: AgentError };

async function openOr(system: System): Promise<Opened> {
  try {
    return { source: await system.open() };
  } catch (error) {
    if (error instanceof AgentError) return { error };
    throw error;
  }
}

const finding = (id: string, ok: boolean, found: string, remedy: string): Finding => ({
  id,
  ok,
  found,
  remedy: ok ? null : remedy,
});

function kernelVersion(release: string): Finding {
  return finding(
    'kernel',
    !isOldKernel(release),
    `Linux ${quote(release)}`,
    'Boot Linux 6.7 or newer: older kernels have no configfs-tsm, and /dev/sev-guest is not used.',
  );
}

const flags = ['sev_snp', 'tdx_guest'];

async function cpuFlags(system: System): Promise<Finding> {
  const text = (await system.readText('/proc/cpuinfo')) ?? '';
  const words = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/));
  const seen = flags.filter((flag) => words.has(flag));
  return finding(
    'cpu-flags',
    seen.length > 0,
    seen.length > 0 ? seen.join(', ') : `none of ${flags.join(', ')} in /proc/cpuinfo`,
    'Start this machine as an SEV-SNP or TDX guest; some kernels hide the flag, the report decides.',
  );
}

const modules = ['sev_guest', 'tdx_guest'];

async function module(system: System, opened: Opened): Promise<Finding> {
  const loaded: string[] = [];
  for (const name of modules) {
    if (await system.exists(`/sys/module/${name}`)) loaded.push(name);
  }
  // One that is built in need not have a folder; that its provider answers says as much.
  const answers = 'source' in opened;
  const builtIn = answers ? 'built in' : `neither ${modules.join(' nor ')} in /sys/module`;
  return finding(
    'module',
    loaded.length > 0 || answers,
    loaded.length > 0 ? `${loaded.join(', ')} loaded` : builtIn,
    'modprobe sev-guest or modprobe tdx-guest; "No such device" means that this is no such guest.',
  );
}

async function configfsMount(system: System): Promise<Finding> {
  const mounts = ((await system.readText('/proc/mounts')) ?? '').split('\n');
  const fields = mounts
    .map((line) => line.split(' '))
    .findLast(([, folder]) => folder === '/sys/kernel/config');
  const writable = (fields?.[3] ?? '').split(',').includes('rw');
  const mounted = fields?.[2] === 'configfs';
  const state = mounted ? 'read-only at' : 'not mounted at';
  return finding(
    'configfs',
    mounted && writable,
    `${mounted && writable ? 'mounted at' : state} /sys/kernel/config`,
    mounted
      ? 'Let the unit write there: ReadWritePaths=/sys/kernel/config/tsm.'
      : 'mount -t configfs none /sys/kernel/config (after modprobe configfs).',
  );
}

async function tsmFolder(system: System): Promise<Finding> {
  const there = await system.exists(tsmReportFolder);
  return finding(
    'tsm',
    there,
    `${tsmReportFolder} is ${there ? '' : 'not '}there`,
    'modprobe tsm (tsm_report in Linux 6.17 and newer); sev-guest and tdx-guest load it themselves.',
  );
}

function permission({ userId }: System, opened: Opened): Finding {
  const code = 'error' in opened ? causeOf(opened.error) : '';
  const denied = ['EACCES', 'EPERM', 'EROFS'].includes(code);
  const able = 'source' in opened || !['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes(code);
  const untried = denied ? `may not make an entry (${code})` : 'could not try to make an entry';
  return finding(
    'permission',
    able,
    `user ${userId} ${able ? 'may make an entry' : untried}`,
    denied
      ? `Give ${tsmReportFolder} to the agent's user, and let the unit write there.`
      : 'See tsm above.',
  );
}

function causeOf({ cause }: AgentError): string {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function provider(opened: Opened): Finding {
  if ('error' in opened) {
    const { message, remedy } = opened.error;
    return finding('provider', false, message, remedy);
  }
  const { provider: name = '', platform } = opened.source;
  return finding('provider', true, `${name} (${platform})`, '');
}

/** More than any firmware takes; TDX' kernel gives up after 30 s itself. */
const reportMilliseconds = 35_000;

async function tryReport(system: System, opened: Opened): Promise<Finding> {
  const remedy = "See the lines above, then the guest kernel's log (dmesg).";
  if ('error' in opened) return finding('report', false, 'no source to ask', remedy);
  // Zeros: no verifier takes such a report.
  const { ok, found } = await trial(system.clock, async () => {
    const asked = reportOf(opened.source, new Uint8Array(64));
    return (await within(reportMilliseconds, asked)).evidence;
  });
  return finding('report', ok, found, remedy);
}

/** What came and how long it took, or why nothing came. */
async function trial(
  clock: System['clock'],
  ask: () => Promise<Bytes>,
): Promise<Pick<Finding, 'ok' | 'found'>> {
  const start = clock();
  try {
    const evidence = await ask();
    return { ok: true, found: describeReport(evidence, Math.round(clock() - start)) };
  } catch (cause) {
    return { ok: false, found: messageOf(cause) };
  }
}

function describeReport(evidence: Bytes, milliseconds: number): string {
  return `${evidence.length} bytes in ${milliseconds} ms`;
}

async function within<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new AgentError('device-timeout', `no report within ${milliseconds} ms`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

/** One line a finding, and what to do below it. */
export function renderDiagnosis({ findings, serves }: Diagnosis): string {
  const lines = findings.flatMap(({ id, ok, found, remedy }) => [
    `${ok ? 'ok     ' : 'missing'}  ${id.padEnd(10)}  ${found}`,
    ...(remedy === null ? [] : [`${' '.repeat(21)}${remedy}`]),
  ]);
  const end = serves ? 'This machine can serve evidence.' : 'This machine cannot serve evidence.';
  return `${[...lines, end].join('\n')}\n`;
}
