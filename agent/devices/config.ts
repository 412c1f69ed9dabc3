/** `devices` and `eventLog` of the agent's configuration. */
import { maxAkCertificates } from '#verifier/abi/tpm/evidence.ts';
import { type TpmHash, tpmHashNames } from '#verifier/abi/tpm/hash.ts';
import {
  arrayOf,
  type Decoded,
  type Decoder,
  described,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  schemaOf,
  shapeError,
  text,
} from '#verifier/json.ts';
import { AgentError } from '../errors.ts';
import { type DeviceKind, deviceKinds } from './devices.ts';

const absolutePath = text(/^\/[^\0]{1,4095}$/, 'an absolute path');
const fileName = text(/^[^\0]{1,4096}$/, 'a file name');
const seconds = optional(integer(1, 120));

/** What stands in an argument for what the agent knows. */
export const placeholders = ['nonce', 'nonceFile', 'index'] as const;

const argument = text(/^[^\0]{0,4096}$/, 'an argument without NUL, 4096 characters at most');

/** A program and its arguments: no shell reads them. */
const command: Decoder<string[]> = described(
  (value, path) => {
    const [program, ...rest] = arrayOf(argument, { min: 1, max: 64 })(value, path);
    const found = rest.flatMap((word) => word.match(/\{[a-zA-Z]*\}/g) ?? []);
    const known = placeholders.map((name) => `{${name}}`);
    const unknown = found.find((word) => !known.includes(word));
    if (unknown !== undefined) throw shapeError(path, `placeholders ${known.join(', ')}`, unknown);
    if (!found.includes('{nonce}') && !found.includes('{nonceFile}'))
      throw shapeError(path, 'an argument with {nonce} or {nonceFile}', 'none');
    return [absolutePath(program, `${path}[0]`), ...rest];
  },
  () => schemaOf(arrayOf(argument, { min: 1, max: 64 })),
);

/** Of a handle, eight hex digits as the TPM's tools write them without 0x. */
function handle(first: number, what: string): Decoder<number> {
  const pattern = new RegExp(`^${first.toString(16).padStart(2, '0')}[0-9a-f]{6}$`);
  const digits = text(pattern, what);
  return described(
    (value, path) => Number.parseInt(digits(value, path), 16),
    () => schemaOf(digits),
  );
}

const certificateMembers = object({
  nvIndex: optional(handle(0x01, 'an NV index, 8 hex digits from 01000000 on')),
  file: optional(fileName),
  issuers: optional(arrayOf(fileName, { max: maxAkCertificates - 1 })),
});

export type CertificateConfig = {
  readonly from: { readonly nvIndex: number } | { readonly file: string };
  /** Files of what is above it, in order. */
  readonly issuers: readonly string[];
};

/** Exactly one place where the key's certificate is. */
const certificate: Decoder<CertificateConfig> = described(
  (value, path) => {
    const { nvIndex, file, issuers = [] } = certificateMembers(value, path);
    if (nvIndex !== undefined && file === undefined) return { from: { nvIndex }, issuers };
    if (file !== undefined && nvIndex === undefined) return { from: { file }, issuers };
    const found = nvIndex === undefined ? 'neither' : 'both';
    throw shapeError(path, 'one of nvIndex and file', found);
  },
  () => schemaOf(certificateMembers),
);

const members = {
  nvidia: object({
    kind: oneOf('nvidia'),
    command,
    count: optional(integer(1, 64)),
    timeout: seconds,
  }),
  tpm: object({
    kind: oneOf('tpm'),
    device: optional(absolutePath),
    key: handle(0x81, 'a persistent handle, 8 hex digits from 81000000 on'),
    certificate,
    banks: optional(arrayOf(oneOf(...tpmHashNames), { min: 1, max: tpmHashNames.length })),
    timeout: seconds,
  }),
  'nitro-tpm': object({ kind: oneOf('nitro-tpm'), command, timeout: seconds }),
};

export type NvidiaConfig = Decoded<(typeof members)['nvidia']>;
export type TpmConfig = Decoded<(typeof members)['tpm']>;
export type NitroTpmConfig = Decoded<(typeof members)['nitro-tpm']>;
export type DeviceConfig = NvidiaConfig | TpmConfig | NitroTpmConfig;

/** By `kind`, so that an error names the member of that very kind. */
const device: Decoder<DeviceConfig> = described(
  (value, path) => {
    const kind = oneOf(...deviceKinds)((value as { kind?: unknown } | null)?.kind, `${path}.kind`);
    return members[kind](value, path);
  },
  () => ({ anyOf: deviceKinds.map((kind) => schemaOf(members[kind])) }),
);

/** Entries that a bundle has room for. */
const maxEntries = 128;

/** The order is that of a bundle's `devices`; a machine has one TPM. */
export const devicesConfig: Decoder<readonly DeviceConfig[]> = described(
  (value, path) => {
    const devices = arrayOf(device, { max: maxEntries })(value, path);
    const entries = devices.reduce((sum, one) => sum + countOf(one), 0);
    if (entries > maxEntries) {
      throw new AgentError(
        'config-invalid',
        `${path}: ${entries} devices, at most ${maxEntries} have room in a bundle`,
      );
    }
    refuseSecond(devices, 'tpm', path);
    refuseSecond(devices, 'nitro-tpm', path);
    return devices;
  },
  () => schemaOf(arrayOf(device, { max: maxEntries })),
);

function refuseSecond(devices: readonly DeviceConfig[], kind: DeviceKind, path: string): void {
  const [, second] = [...devices.keys()].filter((place) => devices[place]?.kind === kind);
  if (second === undefined) return;
  throw new AgentError('config-invalid', `${path}[${second}]: a second ${kind}, expected one`);
}

/** Entries of a bundle's `devices` that it makes. */
export function countOf(config: DeviceConfig): number {
  return config.kind === 'nvidia' ? (config.count ?? 1) : 1;
}

/** Default 10 s. */
export function timeoutOf({ timeout = 10 }: DeviceConfig): number {
  return 1000 * timeout;
}

/** Each bank once; default SHA-256. */
export function banksOf({ banks = ['sha256'] }: TpmConfig): TpmHash[] {
  return [...new Set(banks)];
}

const eventLogMembers = object({
  ccel: optional(nullable(absolutePath)),
  tpm: optional(nullable(absolutePath)),
});

export const eventLogConfig: Decoder<EventLogConfig | null> = nullable(eventLogMembers);

/** A file; null: none; left out: the kernel's, where it is there. */
export type EventLogConfig = Decoded<typeof eventLogMembers>;
