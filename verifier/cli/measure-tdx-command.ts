/** `affidavit measure tdx`: the registers that a trust domain will have, from what it is built of. */
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import type { Boot } from '#verifier/measure/tdx/boot.ts';
import {
  type EventLog,
  eventTypeName,
  maxLogLength,
  parseEventLog,
} from '#verifier/measure/tdx/event-log.ts';
import {
  type Difference,
  describeDifference,
  measureTdx,
  type TdxEvent,
  type TdxMeasurement,
} from '#verifier/measure/tdx/measure.ts';
import type { PageAddOrder } from '#verifier/measure/tdx/mrtd.ts';
import type { KernelHeader, ProfileName } from '#verifier/measure/tdx/profiles.ts';
import { maxFirmwareLength, parseTdvf } from '#verifier/measure/tdx/tdvf.ts';
import { type SecureBootVariable, secureBootVariables } from '#verifier/measure/tdx/uefi.ts';
import { harmless, wrap } from '#verifier/words/lines.ts';
import { blaming, exitCodes, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

export type MeasureTdxOptions = {
  tdvf: string;
  kernel?: string | undefined;
  initrd?: string | undefined;
  append?: string | undefined;
  uki?: string | undefined;
  memory?: string | undefined;
  acpiTables?: string | undefined;
  acpiRsdp?: string | undefined;
  acpiLoader?: string | undefined;
  smbiosDigest?: string | undefined;
  efiVariable?: readonly string[] | undefined;
  bootOrder?: string | undefined;
  bootOption?: readonly string[] | undefined;
  profile: ProfileName;
  pageAddOrder: PageAddOrder;
  kernelHeader?: KernelHeader | undefined;
  stubEvents: 'all' | 'none';
  events?: string | undefined;
  format: 'text' | 'json';
};

export type MeasureTdxOutput = { stdout: string; exitCode: number };

const mebibyte = 2 ** 20;
const maxKernelLength = 512 * mebibyte;
const maxInitrdLength = 2048 * mebibyte;
const maxTableLength = 16 * mebibyte;

/** @throws CliError wrong usage, files that cannot be read, input that is malformed */
export async function runMeasureTdx(options: MeasureTdxOptions): Promise<MeasureTdxOutput> {
  refuseContradictions(options);
  const memory = options.memory === undefined ? null : memoryOf(options.memory);
  const bootOrder = options.bootOrder === undefined ? null : orderOf(options.bootOrder);
  const smbiosDigest = options.smbiosDigest === undefined ? null : digestOf(options.smbiosDigest);
  const input = {
    firmware: await readFileLimited(options.tdvf, maxFirmwareLength, 'firmware', 'invalid'),
    pageAddOrder: options.pageAddOrder,
    profile: options.profile,
    memory,
    acpi: {
      loader: await readTable(options.acpiLoader),
      rsdp: await readTable(options.acpiRsdp),
      tables: await readTable(options.acpiTables),
    },
    smbiosDigest,
    variables: await readVariables(options.efiVariable ?? []),
    bootOrder,
    bootOptions: await readBootOptions(options.bootOption ?? []),
    boot: await readBoot(options),
    kernelHeader: options.kernelHeader ?? null,
    stubEvents: options.stubEvents === 'all',
    log: await readLog(options.events),
  };
  blaming('invalid', options.tdvf, () => parseTdvf(input.firmware));
  const measurement = blaming('invalid', 'this build', () => measureTdx(input));
  return {
    stdout:
      options.format === 'json'
        ? `${JSON.stringify(toJson(measurement, input.log), null, 2)}\n`
        : toText(measurement, input.log),
    exitCode: measurement.differences.length > 0 ? exitCodes.rejected : exitCodes.accepted,
  };
}

function refuseContradictions(options: MeasureTdxOptions): void {
  const { kernel, initrd, append, uki } = options;
  if (uki !== undefined && (kernel ?? initrd ?? append) !== undefined) {
    throw usageError('--uki holds its own kernel, initrd and command line', 'Give it alone.');
  }
  if (kernel === undefined && (initrd ?? append) !== undefined) {
    throw usageError('--initrd and --append go with a --kernel', 'Give --kernel too.');
  }
}

/** Of QEMU's sizes those with a unit: a bare number would be mebibytes there, and bytes elsewhere. */
function memoryOf(text: string): number {
  const found = /^([1-9][0-9]{0,8})([MGT])$/i.exec(text);
  const unit = { M: 1, G: 1024, T: 1024 * 1024 }[(found?.[2] ?? '').toUpperCase()];
  const amount = unit === undefined ? 0 : Number(found?.[1]) * unit;
  if (amount === 0 || amount > 64 * 1024 * 1024) {
    throw usageError(
      `--memory ${JSON.stringify(text)} is no size of memory up to 64T`,
      'Write it as 2G or 512M.',
    );
  }
  return amount * mebibyte;
}

function orderOf(text: string): number[] {
  if (!/^[0-9a-f]{4}(?:,[0-9a-f]{4})*$/i.test(text)) {
    throw usageError(
      `--boot-order ${JSON.stringify(text)} is no list of boot options`,
      'Write it as 0001,0000.',
    );
  }
  return text.split(',').map((number) => Number.parseInt(number, 16));
}

function digestOf(text: string): Bytes {
  return blaming('usage', '--smbios-digest', () => fromHex(text, 'digest', 48));
}

async function readTable(path: string | undefined): Promise<Bytes | null> {
  return path === undefined ? null : readFileLimited(path, maxTableLength, 'ACPI file', 'invalid');
}

async function readVariables(
  given: readonly string[],
): Promise<ReadonlyMap<SecureBootVariable, Bytes>> {
  const found = new Map<SecureBootVariable, Bytes>();
  for (const [name, path] of given.map((text) => pairOf('--efi-variable', text))) {
    const variable = secureBootVariables.find((one) => one === name);
    if (variable === undefined || found.has(variable)) {
      throw usageError(
        `--efi-variable ${JSON.stringify(name)} is ${variable === undefined ? 'not measured' : 'given twice'}`,
        `Known are ${secureBootVariables.join(', ')}.`,
      );
    }
    found.set(variable, await readFileLimited(path, maxTableLength, 'variable', 'invalid'));
  }
  return found;
}

async function readBootOptions(given: readonly string[]): Promise<ReadonlyMap<number, Bytes>> {
  const found = new Map<number, Bytes>();
  for (const [name, path] of given.map((text) => pairOf('--boot-option', text))) {
    const number = /^[0-9a-f]{4}$/i.test(name) ? Number.parseInt(name, 16) : null;
    if (number === null || found.has(number)) {
      throw usageError(
        `--boot-option ${JSON.stringify(name)} is ${number === null ? 'no number of four hex digits' : 'given twice'}`,
        'Write it as 0001=FILE.',
      );
    }
    found.set(number, await readFileLimited(path, maxTableLength, 'boot option', 'invalid'));
  }
  return found;
}

function pairOf(option: string, text: string): [name: string, path: string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    throw usageError(`${option} ${JSON.stringify(text)} is not NAME=FILE`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
}

async function readBoot({ kernel, initrd, append, uki }: MeasureTdxOptions): Promise<Boot | null> {
  if (uki !== undefined) {
    return { kind: 'uki', image: await readFileLimited(uki, maxKernelLength, 'image', 'invalid') };
  }
  if (kernel === undefined) return null;
  return {
    kind: 'kernel',
    kernel: await readFileLimited(kernel, maxKernelLength, 'kernel', 'invalid'),
    initrd:
      initrd === undefined
        ? null
        : await readFileLimited(initrd, maxInitrdLength, 'initrd', 'invalid'),
    append: append ?? '',
  };
}

async function readLog(path: string | undefined): Promise<EventLog | null> {
  if (path === undefined) return null;
  const bytes = await readFileLimited(path, maxLogLength, 'event log', 'invalid');
  return blaming('invalid', path, () => parseEventLog(bytes));
}

function toJson(measurement: TdxMeasurement, log: EventLog | null) {
  const { standsFor, mrtd, rtmr, events, differences } = measurement;
  return {
    version: 1,
    standsFor,
    mrtd: toHex(mrtd),
    rtmr: rtmr.map(({ value, needs, fromLog }) => ({
      value: value === null ? null : toHex(value),
      needs,
      fromLog,
    })),
    events: events.map(eventToJson),
    log: log === null ? null : { events: log.events.length, differences: differences.map(differs) },
  };
}

function eventToJson({ register, type, what, digest, source, needs }: TdxEvent) {
  return {
    rtmr: register,
    type: eventTypeName(type),
    what,
    digest: digest === null ? null : toHex(digest),
    source,
    needs,
  };
}

function differs({ register, number, expected, found }: Difference) {
  return {
    rtmr: register,
    event: number,
    expected: expected === null ? null : eventToJson(expected),
    found: found === null ? null : { type: eventTypeName(found.type), digest: toHex(found.digest) },
  };
}

function toText(measurement: TdxMeasurement, log: EventLog | null): string {
  const { standsFor, mrtd, rtmr, events, differences } = measurement;
  const lines = [`mrtd   ${toHex(mrtd)}`];
  for (const [i, { value, needs, fromLog }] of rtmr.entries()) {
    const note = fromLog === 0 ? '' : `   (${fromLog} events from the log alone)`;
    lines.push(
      `rtmr${i}  ${value === null ? `not known: give ${[...new Set(needs)].join(', ')}` : `${toHex(value)}${note}`}`,
    );
  }
  lines.push('', ...wrap(`stands for: ${standsFor}`, '', '  '), '');
  for (const event of events) lines.push(...eventLines(event));
  if (log !== null) {
    lines.push(
      '',
      differences.length === 0
        ? `The log of ${log.events.length} events is the one of this build.`
        : 'The log differs from the build:',
    );
    for (const difference of differences) {
      const [place, logged, built] = describeDifference(difference);
      lines.push(`  ${place}`, `    ${harmless(logged)}`, `    ${harmless(built)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function eventLines({ register, type, what, digest, source, needs }: TdxEvent): string[] {
  const origin = source === 'log' ? ' [log]' : '';
  return [
    `rtmr${register}  ${eventTypeName(type)}${origin}  ${harmless(what)}`,
    `       ${digest === null ? `not known: give ${needs}` : toHex(digest)}`,
  ];
}
