/**
 * Whether an event's data is what was measured. Data is anybody's word until a digest is its hash; of some types firmware measures
 * something else than it logs (images, configuration tables), and then nothing but the digest counts.
 */
import { type Bytes, concat, equalBytes, Reader, utf8 } from '../../bytes.ts';
import { hashOf, type TpmHash } from '../tpm/hash.ts';
import { digestOf } from './replay.ts';
import { asciiOf, textTo0, utf16To0 } from './text.ts';
import { eventTypes, isExtended, type LogEvent } from './types.ts';

/**
 * `proved`: the digest is the hash of the data, or of the text in it. `in-part`: of a variable's contents without its name.
 * `false`: it would have to be the hash of the data, and is not. `untold`: the type does not say what was measured.
 */
export type Proof = 'proved' | 'in-part' | 'false' | 'untold';

export function proofOf(event: LogEvent, algorithm: TpmHash): Proof {
  if (!isExtended(event)) return 'untold';
  const digest = digestOf(event, algorithm);
  const found = measuredHashes(event, algorithm).findIndex((hash) => equalBytes(hash, digest));
  if (found > 0 && event.type === eventTypes.variableBoot) return 'in-part';
  if (found >= 0) return 'proved';
  return mustHash.has(event.type) && event.data.length > 0 ? 'false' : 'untold';
}

/** Digests that the event may have by its data; the first is that of all of it. */
export function measuredHashes(event: LogEvent, algorithm: TpmHash): Bytes[] {
  return preimages(event).map((bytes) => hashOf(algorithm, bytes));
}

/** Types whose digest is the hash of their data (PFP 1.06, 10.4.1), of which no firmware is known to measure anything else. */
const mustHash: ReadonlySet<number> = new Set([
  eventTypes.separator,
  eventTypes.crtmVersion,
  eventTypes.efiAction,
  eventTypes.variableDriverConfig,
  eventTypes.variableBoot,
  eventTypes.variableBoot2,
  eventTypes.gpt,
  eventTypes.dstackRuntime,
]);

function preimages(event: LogEvent): Bytes[] {
  const { type, data } = event;
  switch (type) {
    case eventTypes.variableBoot:
      return [data, ...variableContents(data)];
    case eventTypes.ipl:
      return [data, ...ofText(data)];
    default:
      return [data];
  }
}

/** Firmware before PFP 1.05 measures a boot variable's contents without its name. */
function variableContents(data: Bytes): Bytes[] {
  if (data.length < 32) return [];
  const reader = new Reader(data.subarray(16, 24), 'variable');
  const characters = reader.u64le('length of the name');
  if (characters > BigInt(data.length)) return [];
  const at = 32 + 2 * Number(characters);
  return at <= data.length ? [data.subarray(at)] : [];
}

/** No command line is longer; each hash of a longer text would be work for nothing. */
const maxText = 64 * 1024;

/** What boot loaders write before the text that they measure. */
const prefixes = [
  'grub_cmd: ',
  'kernel_cmdline: ',
  'module_cmdline: ',
  'grub_cmd ',
  'grub_kernel_cmdline ',
];

/** Names of UKI sections are measured as ASCII and logged as UTF-16, and so are systemd's command lines without their end. */
function ofText(data: Bytes): Bytes[] {
  if (data.length > maxText) return [];
  const end = Uint8Array.of(0);
  const wide = utf16To0(data);
  if (wide !== null) {
    const ascii = asciiOf(wide);
    const body = data.subarray(0, 2 * wide.length);
    return [
      body,
      concat(body, new Uint8Array(2)),
      // A systemd-boot that counts one byte too few.
      concat(data, end),
      ...(ascii === null ? [] : [ascii, concat(ascii, end)]),
    ];
  }
  const narrow = textTo0(data);
  if (narrow === null) return [];
  return prefixes
    .filter((prefix) => narrow.startsWith(prefix))
    .flatMap((prefix) => {
      const text = utf8(narrow.slice(prefix.length));
      return [text, concat(text, end)];
    })
    .concat([utf8(narrow)]);
}
