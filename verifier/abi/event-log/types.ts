/** What an event log holds, and what the types of its events are called (TCG PC Client PFP 1.06, 10.2 and table 27). */
import type { Bytes } from '../../bytes.ts';
import type { TpmHash } from '../tpm/hash.ts';

export type LogEvent = {
  /** From 1, in the order of the log; the specification event of the crypto-agile format has none. */
  readonly number: number;
  /** As written: a PCR, or a CC measurement register (0 is MRTD, 1 to 4 are RTMR0 to RTMR3). */
  readonly register: number;
  readonly type: number;
  /** One of each of the log's algorithms. */
  readonly digests: ReadonlyMap<TpmHash, Bytes>;
  /** What is said about it: worth nothing unless `proofOf` says that a digest is its hash. */
  readonly data: Bytes;
};

/** TCG_EfiSpecIDEvent, the first event of the crypto-agile format. */
export type Specification = {
  /** That it is written with, which means nothing: 0 in a TPM's log, 1 in edk2's for a TD. */
  readonly register: number;
  /** 0 client, 1 server */
  readonly platformClass: 0 | 1;
  readonly errata: number;
  /** Of UINTN: 1 is 32 bits, 2 is 64 bits. */
  readonly wordSize: 1 | 2;
  /** TPM_ALG_ID and length in bytes of every digest that each event has, of algorithms that are not replayed too. */
  readonly algorithms: readonly { readonly id: number; readonly length: number }[];
  readonly vendorInfo: Bytes;
};

export type EventLog = {
  readonly format: 'sha1' | 'crypto-agile';
  /** Those that can be replayed, in the log's order; at least one. */
  readonly algorithms: readonly TpmHash[];
  /** Null in the format of SHA-1, and in logs that are JSON. */
  readonly specification: Specification | null;
  readonly events: readonly LogEvent[];
};

export const maxLogLength = 16 * 1024 * 1024;
export const maxEvents = 65536;

export const eventTypes = {
  postCode: 1,
  noAction: 3,
  separator: 4,
  action: 5,
  eventTag: 6,
  crtmContents: 7,
  crtmVersion: 8,
  platformConfigFlags: 0x0a,
  ipl: 0x0d,
  nonhostInfo: 0x11,
  omitBootDeviceEvents: 0x12,
  /** dstack's own, for what a guest measures into RTMR3. */
  dstackRuntime: 0x08000001,
  variableDriverConfig: 0x80000001,
  variableBoot: 0x80000002,
  bootServicesApplication: 0x80000003,
  bootServicesDriver: 0x80000004,
  runtimeServicesDriver: 0x80000005,
  gpt: 0x80000006,
  efiAction: 0x80000007,
  platformFirmwareBlob: 0x80000008,
  handoffTables: 0x80000009,
  platformFirmwareBlob2: 0x8000000a,
  handoffTables2: 0x8000000b,
  variableBoot2: 0x8000000c,
  gpt2: 0x8000000d,
  variableAuthority: 0x800000e0,
} as const;

const typeNames: Readonly<Record<number, string>> = {
  0: 'EV_PREBOOT_CERT',
  1: 'EV_POST_CODE',
  3: 'EV_NO_ACTION',
  4: 'EV_SEPARATOR',
  5: 'EV_ACTION',
  6: 'EV_EVENT_TAG',
  7: 'EV_S_CRTM_CONTENTS',
  8: 'EV_S_CRTM_VERSION',
  9: 'EV_CPU_MICROCODE',
  10: 'EV_PLATFORM_CONFIG_FLAGS',
  11: 'EV_TABLE_OF_DEVICES',
  12: 'EV_COMPACT_HASH',
  13: 'EV_IPL',
  14: 'EV_IPL_PARTITION_DATA',
  15: 'EV_NONHOST_CODE',
  16: 'EV_NONHOST_CONFIG',
  17: 'EV_NONHOST_INFO',
  18: 'EV_OMIT_BOOT_DEVICE_EVENTS',
  19: 'EV_POST_CODE2',
  2147483649: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
  2147483650: 'EV_EFI_VARIABLE_BOOT',
  2147483651: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  2147483652: 'EV_EFI_BOOT_SERVICES_DRIVER',
  2147483653: 'EV_EFI_RUNTIME_SERVICES_DRIVER',
  2147483654: 'EV_EFI_GPT_EVENT',
  2147483655: 'EV_EFI_ACTION',
  2147483656: 'EV_EFI_PLATFORM_FIRMWARE_BLOB',
  2147483657: 'EV_EFI_HANDOFF_TABLES',
  2147483658: 'EV_EFI_PLATFORM_FIRMWARE_BLOB2',
  2147483659: 'EV_EFI_HANDOFF_TABLES2',
  2147483660: 'EV_EFI_VARIABLE_BOOT2',
  2147483661: 'EV_EFI_GPT_EVENT2',
  2147483664: 'EV_EFI_HCRTM_EVENT',
  2147483872: 'EV_EFI_VARIABLE_AUTHORITY',
  2147483873: 'EV_EFI_SPDM_FIRMWARE_BLOB',
  2147483874: 'EV_EFI_SPDM_FIRMWARE_CONFIG',
  2147483875: 'EV_EFI_SPDM_DEVICE_POLICY',
  2147483876: 'EV_EFI_SPDM_DEVICE_AUTHORITY',
};

/** The specification's name, or the number in hex. */
export function eventTypeName(type: number): string {
  return typeNames[type] ?? `0x${type.toString(16)}`;
}

/** EV_NO_ACTION is said and not measured: specification, StartupLocality, SP800-155 references. */
export function isExtended({ type }: Pick<LogEvent, 'type'>): boolean {
  return type !== eventTypes.noAction;
}

/**
 * What a log's registers are, seen from the log: a CC log has SHA-384 alone and extends 1 to 4 alone, which no firmware with a
 * TPM does, for that measures itself into PCR 0.
 */
export function registerKind({ algorithms, events }: EventLog): 'pcr' | 'rtmr' {
  const onlySha384 = algorithms.length === 1 && algorithms[0] === 'sha384';
  const extended = events.filter(isExtended);
  const inRange = extended.every(({ register }) => register >= 1 && register <= 4);
  return onlySha384 && extended.length > 0 && inRange ? 'rtmr' : 'pcr';
}

/** `PCR 7`, `RTMR0`; `MRTD` for register 0 of a CC log, which none extends. */
export function registerName(kind: 'pcr' | 'rtmr', register: number): string {
  if (kind === 'pcr') return `PCR ${register}`;
  return register === 0 ? 'MRTD' : `RTMR${register - 1}`;
}
