/**
 * PCR values ⇄ files, and the digest over them that a quote holds. A file is seen from its bytes: JSON of ours or of Azure's
 * tools, or what tpm2-tools writes (`tpm2_quote -o`, `tpm2_pcrread` and its `-o`).
 */
import {
  type Bytes,
  concat,
  equalBytes,
  fromHex,
  fromUtf8,
  isZero,
  Reader,
  toHex,
} from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { arrayOf, type Decoder, described, parseJson, shapeError, text } from '../../json.ts';
import {
  hashOf,
  type PcrValues,
  pcrCount,
  type TpmHash,
  tpmHashById,
  tpmHashes,
  tpmHashNames,
} from './hash.ts';
import { indicesOf, type PcrSelection } from './selection.ts';
import { hexOf, outOfRange } from './wire.ts';

/** 64 KiB: four banks in the widest of the forms have less. */
export const maxPcrsLength = 64 * 1024;

/**
 * digest = hash(value of each selected PCR, bank by bank in the selection's order, indices ascending)
 * @returns null when a selected PCR has no value
 */
export function pcrDigest(
  selections: readonly PcrSelection[],
  pcrs: PcrValues,
  algorithm: TpmHash,
): Bytes | null {
  const values = selections.flatMap(({ algorithm: bank, indices }) =>
    indices.map((index) => pcrs.get(bank)?.get(index)),
  );
  return values.some((value) => value === undefined)
    ? null
    : hashOf(algorithm, concat(...(values as Bytes[])));
}

/** Each `bank PCR n` that only one of the two has. */
export function pcrDifference(
  selections: readonly PcrSelection[],
  pcrs: PcrValues,
): { missing: string[]; extra: string[] } {
  const selected = selections.flatMap(({ algorithm, indices }) =>
    indices.map((index) => `${algorithm} PCR ${index}`),
  );
  const given = [...pcrs].flatMap(([bank, values]) =>
    [...values.keys()].map((index) => `${bank} PCR ${index}`),
  );
  return {
    missing: selected.filter((one) => !given.includes(one)),
    extra: given.filter((one) => !selected.includes(one)),
  };
}

/** @throws AttestationError `value-out-of-range` when two of them contradict each other */
export function mergePcrs(all: readonly PcrValues[]): PcrValues {
  const out = new Map<TpmHash, Map<number, Bytes>>();
  for (const [bank, values] of all.flatMap((one) => [...one])) {
    const merged = out.get(bank) ?? new Map<number, Bytes>();
    out.set(bank, merged);
    for (const [index, value] of values) {
      const other = merged.get(index);
      if (other !== undefined && !equalBytes(other, value))
        throw outOfRange(`${bank} PCR ${index}`, 'the same in every quote', 'two values');
      merged.set(index, value);
    }
  }
  return out;
}

/**
 * JSON `{"sha256": {"0": hex, …}, …}`; a JSON list of 24 hex values, which are of SHA-256; `tpm2_quote -o` (serialized); the text of
 * `tpm2_pcrread`; with `selections`, which the values alone do not tell, `tpm2_pcrread -o`.
 * @throws AttestationError `too-large`, `form-unknown`, `utf8-malformed`, `json-malformed`, `json-shape`, `hex-malformed`,
 *   `length-wrong`, `reserved-not-zero`, `value-out-of-range`
 */
export function readPcrs(bytes: Bytes, selections?: readonly PcrSelection[]): PcrValues {
  if (bytes.length > maxPcrsLength) {
    throw new AttestationError(
      'too-large',
      `PCR values: ${bytes.length} bytes, at most ${maxPcrsLength} are allowed`,
    );
  }
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64)).trimStart();
  if (start.startsWith('{') || start.startsWith('[')) {
    const json = parseJson(fromUtf8(bytes, 'PCR values'), 'PCR values');
    return (start.startsWith('{') ? pcrsOfJson : listOfJson)(json, 'PCR values');
  }
  if (isSerialized(bytes)) return parseSerialized(bytes);
  if (selections !== undefined && bytes.length === lengthOf(selections))
    return valuesOf(selections, new Reader(bytes, 'PCR values'));
  if (/^(?:selected-pcrs:|sha[0-9]+ ?:)/.test(start)) return parsePrinted(bytes);
  throw new AttestationError(
    'form-unknown',
    'PCR values: neither JSON nor a file of tpm2_quote or tpm2_pcrread',
  );
}

/** `{"sha256": {"0": hex, …}, …}`; banks and indices in their order. */
export function encodePcrs(pcrs: PcrValues): Record<string, Record<string, string>> {
  return Object.fromEntries(
    tpmHashNames.flatMap((bank) => {
      const values = pcrs.get(bank);
      if (values === undefined) return [];
      const sorted = [...values].toSorted(([a], [b]) => a - b);
      return [[bank, Object.fromEntries(sorted.map(([i, value]) => [`${i}`, toHex(value)]))]];
    }),
  );
}

/** The inverse of `encodePcrs`. A bank may not be empty, but there may be none. */
export const pcrsOfJson: Decoder<PcrValues> = described(
  (value, path) => {
    const banks = membersOf(value, path, (name) => tpmHashNames.find((bank) => bank === name));
    return new Map(
      banks.map(([bank, member]) => {
        const what = `${path}.${bank}`;
        const values = membersOf(member, what, indexOf);
        if (values.length === 0) throw shapeError(what, 'the value of a PCR at least', 'none');
        const { length } = tpmHashes[bank];
        const decoded = values.map(([index, hex]) => {
          if (typeof hex !== 'string') throw shapeError(`${what}.${index}`, 'hex digits', hex);
          return [index, fromHex(hex, `${what}.${index}`, length)] as const;
        });
        return [bank, new Map(decoded)];
      }),
    );
  },
  () => ({
    type: 'object',
    properties: Object.fromEntries(tpmHashNames.map((bank) => [bank, bankSchema(bank)])),
    additionalProperties: false,
  }),
);

function bankSchema(bank: TpmHash) {
  const value = { type: 'string', pattern: `^[0-9a-f]{${2 * tpmHashes[bank].length}}$` };
  return {
    type: 'object',
    patternProperties: { '^(?:[0-9]|1[0-9]|2[0-3])$': value },
    minProperties: 1,
    additionalProperties: false,
  };
}

/** Members of an object whose names are all known to `read`. */
function membersOf<K>(
  value: unknown,
  path: string,
  read: (name: string) => K | undefined,
): [K, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw shapeError(path, 'an object', value);
  return Object.entries(value).map(([name, member]) => {
    const key = read(name);
    if (key === undefined) throw shapeError(path, 'banks and numbers of PCRs as members', name);
    return [key, member];
  });
}

/** 0 to 23, written in the one way. */
function indexOf(name: string): number | undefined {
  return /^(?:[0-9]|1[0-9]|2[0-3])$/.test(name) ? Number(name) : undefined;
}

const hexList = arrayOf(text(/^[0-9a-f]{64}$/, '64 lower-case hex digits'), {
  min: pcrCount,
  max: pcrCount,
});

function listOfJson(value: unknown, path: string): PcrValues {
  const values = hexList(value, path).map((hex, i) => [i, fromHex(hex, `${path}[${i}]`)] as const);
  return new Map([['sha256', new Map(values)]]);
}

// What `tpm2_quote -o` writes is the memory of tpm2-tss structures, integers little-endian: TPML_PCR_SELECTION (u32 count ‖ 16 ×
// (u16 hash ‖ u8 size ‖ 4 bytes of map ‖ 1 of padding)), u32 count, and so many TPML_DIGEST (u32 count ‖ 8 × (u16 size ‖ 64 bytes)).
const slots = 16;
const selectionLength = 4 + slots * 8;
const digestSlots = 8;
const digestListLength = 4 + digestSlots * (2 + 64);

function isSerialized({ length }: Bytes): boolean {
  const lists = (length - selectionLength - 4) / digestListLength;
  return Number.isInteger(lists) && lists >= 1;
}

function parseSerialized(bytes: Bytes): PcrValues {
  const reader = new Reader(bytes, 'PCR values of tpm2_quote');
  const banks = reader.u32le('number of banks');
  if (banks > slots) throw outOfRange('number of banks', `at most ${slots}`, `${banks}`);
  const selections: PcrSelection[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const [id, size] = [reader.u16le('hash'), reader.u8('size of the selection')];
    const map = reader.bytes(5, 'selection');
    if (slot < banks) selections.push(selectionOf(id, size, map));
  }
  const names = selections.map(({ algorithm }) => algorithm);
  if (new Set(names).size !== names.length)
    throw outOfRange('banks', 'one selection for each', names.join(', '));
  const lists = reader.u32le('number of lists');
  const values: Bytes[] = [];
  for (let i = 0; i < lists; i++) values.push(...readDigestList(reader));
  reader.end();
  const joined = concat(...values);
  const written = values.map(({ length }) => length);
  const wanted = selections.flatMap(({ algorithm, indices }) =>
    indices.map(() => tpmHashes[algorithm].length),
  );
  if (written.join() !== wanted.join())
    throw outOfRange('PCR values', 'one of its bank’s length for each selected', 'others');
  return valuesOf(selections, new Reader(joined, 'PCR values'));
}

function selectionOf(id: number, size: number, map: Bytes): PcrSelection {
  const algorithm = tpmHashById(id);
  if (algorithm === null) throw outOfRange('hash of a bank', 'a known one', hexOf(id));
  if (size !== 3 || !isZero(map.subarray(size)))
    throw outOfRange(`selection of ${algorithm}`, '3 bytes', `${size}`);
  return { algorithm, indices: indicesOf(map.subarray(0, size)) };
}

function readDigestList(reader: Reader): Bytes[] {
  const count = reader.u32le('number of digests');
  if (count > digestSlots) throw outOfRange('number of digests', '0 to 8', `${count}`);
  const out: Bytes[] = [];
  for (let slot = 0; slot < digestSlots; slot++) {
    const size = reader.u16le('size of a digest');
    const buffer = reader.bytes(64, 'digest');
    if (slot < count && size <= 64) out.push(buffer.slice(0, size));
    else if (slot < count) throw outOfRange('size of a digest', 'at most 64', `${size}`);
  }
  return out;
}

function lengthOf(selections: readonly PcrSelection[]): number {
  return selections.reduce(
    (sum, { algorithm, indices }) => sum + tpmHashes[algorithm].length * indices.length,
    0,
  );
}

/** The values stand one after the other, in the selection's order. */
function valuesOf(selections: readonly PcrSelection[], reader: Reader): PcrValues {
  const banks = selections
    .filter(({ indices }) => indices.length > 0)
    .map(({ algorithm, indices }) => {
      const { length } = tpmHashes[algorithm];
      const values = indices.map((i) => [i, reader.bytes(length, `PCR ${i}`)] as const);
      return [algorithm, new Map(values)] as const;
    });
  reader.end();
  return new Map(banks);
}

/** Lines `  sha256:` and, below each, `    0 : 0x…` in capitals; `selected-pcrs:` may stand above. */
function parsePrinted(bytes: Bytes): PcrValues {
  const out = new Map<TpmHash, Map<number, Bytes>>();
  let bank: TpmHash | null = null;
  for (const line of fromUtf8(bytes, 'PCR values').split('\n')) {
    if (/^(?:\s*|selected-pcrs:)$/.test(line)) continue;
    const heading = /^\s*(sha[0-9]+) ?:\s*$/.exec(line)?.[1];
    if (heading !== undefined) {
      bank = tpmHashNames.find((name) => name === heading) ?? null;
      if (bank === null || out.has(bank)) throw outOfRange('bank', 'a known one, once', heading);
      out.set(bank, new Map());
      continue;
    }
    const [, number = '', hex = ''] = /^\s*([0-9]{1,2})\s*: 0x([0-9A-Fa-f]+)\s*$/.exec(line) ?? [];
    const index = indexOf(number);
    const values = bank === null ? undefined : out.get(bank);
    if (bank === null || values === undefined || index === undefined || values.has(index))
      throw outOfRange('line of tpm2_pcrread', 'a bank, or a PCR of it, once', 'another');
    const { length } = tpmHashes[bank];
    values.set(index, fromHex(hex.toLowerCase(), `${bank} PCR ${index}`, length));
  }
  return new Map([...out].filter(([, values]) => values.size > 0));
}
