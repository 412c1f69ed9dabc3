/** Event logs as tests want them: small and well-formed, each part to be spoilt; and those of real machines. */
import { existsSync, readdirSync } from 'node:fs';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { encodeEventLog } from '#verifier/abi/event-log/parse.ts';
import type { EventLog, LogEvent } from '#verifier/abi/event-log/types.ts';
import { hashOf, type TpmHash } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, concat, fromHex, utf8, Writer } from '#verifier/bytes.ts';
import { guidBytes } from '#verifier/measure/guid.ts';

export type Made = {
  register: number;
  type: number;
  data: Bytes;
  /** What is hashed; the data when it is left out. */
  measured?: Bytes;
};

export function makeLog(
  made: readonly Made[],
  algorithms: readonly TpmHash[] = ['sha1', 'sha256'],
  format: EventLog['format'] = 'crypto-agile',
): EventLog {
  const events = made.map(({ register, type, data, measured }, i): LogEvent => {
    const digest = (name: TpmHash) =>
      type === 3 ? new Uint8Array(hashOf(name, data).length) : hashOf(name, measured ?? data);
    const digests = new Map(algorithms.map((name) => [name, digest(name)]));
    return { number: i + 1, register, type, digests, data };
  });
  return { format, algorithms, specification: null, events };
}

export const bytesOf = (made: readonly Made[], ...rest: [algorithms?: readonly TpmHash[]]): Bytes =>
  encodeEventLog(makeLog(made, ...rest));

/** UTF-16LE without a NUL. */
export function wide(text: string): Bytes {
  const writer = new Writer(2 * text.length);
  for (let i = 0; i < text.length; i++) writer.u16le(text.charCodeAt(i));
  return writer.finish();
}

export const globalGuid = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
export const databaseGuid = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';

export function variable(name: string, data: Bytes, guid: string = globalGuid): Bytes {
  const lengths = new Writer(16).u64le(BigInt(name.length)).u64le(BigInt(data.length)).finish();
  return concat(guidBytes(guid), lengths, wide(name), data);
}

export const zeros4: Bytes = new Uint8Array(4);
export const separator = (register: number): Made => ({ register, type: 4, data: zeros4 });
export const secureBoot = (on: boolean, register = 7): Made => ({
  register,
  type: 0x80000001,
  data: variable('SecureBoot', Uint8Array.of(on ? 1 : 0)),
});
export const grub = (command: string, register = 8): Made => ({
  register,
  type: 0x0d,
  data: utf8(`grub_cmd: ${command}\0`),
  measured: utf8(command),
});
export const startupLocality = (locality: number): Made => ({
  register: 0,
  type: 3,
  data: concat(utf8('StartupLocality\0'), Uint8Array.of(locality)),
});

/** A boot as firmware, shim, GRUB and Linux log it. */
export const boot: readonly Made[] = [
  startupLocality(3),
  { register: 0, type: 8, data: wide('firmware 1\0') },
  secureBoot(true),
  { register: 7, type: 0x80000001, data: variable('PK', new Uint8Array()) },
  separator(7),
  ...[0, 1, 2, 3, 4, 5, 6].map(separator),
  { register: 4, type: 0x80000003, data: new Uint8Array(32), measured: utf8('an image') },
  grub('set default=0'),
  grub('linux /vmlinuz root=/dev/sda1'),
  grub('initrd /initrd.img'),
  { register: 9, type: 0x0d, data: utf8('/vmlinuz\0'), measured: utf8('a kernel') },
  { register: 5, type: 0x80000007, data: utf8('Exit Boot Services Invocation') },
];

/** A boot of a TD. */
export const tdBoot: readonly Made[] = [
  { ...secureBoot(false, 1) },
  separator(1),
  { register: 2, type: 0x80000003, data: new Uint8Array(32), measured: utf8('an image') },
  separator(2),
  grub('linux /vmlinuz', 3),
  grub('initrd /initrd', 3),
];

export type RealLog = {
  name: string;
  bytes: Bytes;
  replayed: Record<string, Record<string, string>>;
};

/** Empty where the corpus is not. */
export function realLogs(): RealLog[] {
  if (!hasShared) return [];
  return ['tdx-ccel', 'tpm-eventlog'].flatMap((kind) =>
    readdirSync(sharedPath(`corpus/${kind}`)).flatMap((name) => {
      const path = (file: string) => `corpus/${kind}/${name}/${file}`;
      const file = (...files: string[]) => files.find((one) => existsSync(sharedPath(path(one))));
      const log = file('ccel.bin', 'event-log.bin', 'event-log.json');
      const values = file('replayed-rtmrs.json', 'replayed-pcrs.json');
      if (log === undefined) return [];
      const text = values === undefined ? '{}' : new TextDecoder().decode(sharedFile(path(values)));
      return [{ name, bytes: sharedFile(path(log)), replayed: JSON.parse(text) }];
    }),
  );
}

export const hex = (text: string): Bytes => fromHex(text, 'bytes');
