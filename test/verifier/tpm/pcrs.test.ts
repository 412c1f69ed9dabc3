/** PCR values in every form that files have, and the digest over them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { hashOf, type PcrValues, type TpmHash, tpmHashes } from '#verifier/abi/tpm/hash.ts';
import {
  encodePcrs,
  maxPcrsLength,
  mergePcrs,
  pcrDigest,
  pcrsOfJson,
  readPcrs,
} from '#verifier/abi/tpm/pcrs.ts';
import type { PcrSelection } from '#verifier/abi/tpm/selection.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { schemaOf } from '#verifier/json.ts';
import { codeOf } from '../code-of.ts';

const value = (bank: TpmHash, index: number) =>
  new Uint8Array(tpmHashes[bank].length).fill(index + 1);
const bankOf = (bank: TpmHash, indices: readonly number[]) =>
  [bank, new Map(indices.map((index) => [index, value(bank, index)]))] as const;
const all = Array.from({ length: 24 }, (_, index) => index);
const json = (document: unknown) => utf8(JSON.stringify(document));
const codeOfFile = (bytes: Bytes, selections?: readonly PcrSelection[]) =>
  codeOf(() => readPcrs(bytes, selections));

describe('JSON', () => {
  test('by bank and number, there and back', () => {
    const banks = fc.uniqueArray(fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512'));
    const indices = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1 });
    fc.assert(
      fc.property(banks, indices, (names, numbers) => {
        const pcrs: PcrValues = new Map(names.map((bank) => bankOf(bank, numbers)));
        expect(readPcrs(json(encodePcrs(pcrs)))).toEqual(pcrs);
      }),
    );
  });

  test('a list of 24 is of SHA-256', () => {
    const list = all.map((index) => toHex(value('sha256', index)));
    expect(readPcrs(json(list))).toEqual(new Map([bankOf('sha256', all)]));
    expect(codeOfFile(json(list.slice(1)))).toBe('json-shape');
    expect(codeOfFile(json(list.with(10, 'AB'.repeat(32))))).toBe('json-shape');
    expect(codeOfFile(json(list.with(3, list[3]?.slice(2) as string)))).toBe('json-shape');
  });

  const hex = toHex(value('sha256', 0));
  test.for([
    ['a bank that is none', { md5: { 0: hex } }, 'json-shape'],
    ['a bank without values', { sha256: {} }, 'json-shape'],
    ['a bank that is a list', { sha256: [hex] }, 'json-shape'],
    ['PCR 24', { sha256: { 24: hex } }, 'json-shape'],
    ['a number with a zero before it', { sha256: { '00': hex } }, 'json-shape'],
    ['no text', { sha256: { 0: 1 } }, 'json-shape'],
    ['a value of another bank', { sha1: { 0: hex } }, 'hex-malformed'],
    ['capitals', { sha256: { 0: 'AB'.repeat(32) } }, 'hex-malformed'],
  ] as const)('refused: %s', ([, document, code]) => {
    expect(codeOfFile(json({ sha256: { 0: hex } }))).toBe(null);
    expect(codeOfFile(json(document))).toBe(code);
  });

  test('refused: one PCR twice, no JSON, nothing', () => {
    expect(codeOfFile(utf8(`{"sha256":{"0":"${hex}","0":"${hex}"}}`))).toBe('json-malformed');
    expect(codeOfFile(utf8('{'))).toBe('json-malformed');
    expect(codeOfFile(new Uint8Array())).toBe('form-unknown');
    expect(codeOfFile(utf8('PCR values'))).toBe('form-unknown');
  });

  test('its schema names every bank', () => {
    expect(Object.keys(schemaOf(pcrsOfJson)['properties'] as object)).toEqual(
      Object.keys(tpmHashes),
    );
  });
});

/** As tpm2-tss lays the structures out in memory; little-endian. */
function serialized(selections: readonly PcrSelection[], values: readonly Bytes[]): Bytes {
  const out = new Uint8Array(132 + 4 + 532 * Math.ceil(values.length / 8));
  const view = new DataView(out.buffer);
  view.setUint32(0, selections.length, true);
  selections.forEach(({ algorithm, indices }, i) => {
    view.setUint16(4 + 8 * i, tpmHashes[algorithm].id, true);
    out[6 + 8 * i] = 3;
    for (const index of indices) {
      const at = 7 + 8 * i + (index >> 3);
      out[at] = (out[at] as number) | (1 << (index & 7));
    }
  });
  view.setUint32(132, Math.ceil(values.length / 8), true);
  values.forEach((one, i) => {
    const list = 136 + 532 * (i >> 3);
    view.setUint32(list, Math.min(8, values.length - 8 * (i >> 3)), true);
    view.setUint16(list + 4 + 66 * (i & 7), one.length, true);
    out.set(one, list + 6 + 66 * (i & 7));
  });
  return out;
}

describe('files of tpm2-tools', () => {
  const selections: PcrSelection[] = [
    { algorithm: 'sha1', indices: [0, 9] },
    { algorithm: 'sha256', indices: all },
  ];
  const values = selections.flatMap(({ algorithm, indices }) =>
    indices.map((index) => value(algorithm, index)),
  );
  const expected: PcrValues = new Map(
    selections.map(({ algorithm, indices }) => bankOf(algorithm, indices)),
  );
  const file = serialized(selections, values);
  const changed = (at: number, ...bytes: number[]) => {
    const out = file.slice();
    out.set(bytes, at);
    return codeOfFile(out);
  };

  test('tpm2_quote -o', () => {
    expect(file.length).toBe(2264);
    expect(readPcrs(file)).toEqual(expected);
  });

  test.for([
    ['17 banks', 0, [17], 'value-out-of-range'],
    ['a bank of SHA3-256', 4, [0x27], 'value-out-of-range'],
    ['one bank twice', 4, [0x0b], 'value-out-of-range'],
    ['a selection of four bytes', 6, [4], 'value-out-of-range'],
    ['a PCR more than there are values', 7, [3], 'value-out-of-range'],
    ['five lists', 132, [5], 'length-wrong'],
    ['two lists', 132, [2], 'length-wrong'],
    ['nine digests in one', 136, [9], 'value-out-of-range'],
    ['a digest of 65 bytes', 140, [65], 'value-out-of-range'],
    ['a digest of another bank', 140, [32], 'value-out-of-range'],
  ] as const)('refused: %s', ([, at, bytes, code]) => {
    expect(changed(at, ...bytes)).toBe(code);
  });

  test('tpm2_pcrread -o, which the quote’s selection tells apart', () => {
    const bare = concat(...values);
    expect(readPcrs(bare, selections)).toEqual(expected);
    expect(codeOfFile(bare)).toBe('form-unknown');
    expect(codeOfFile(concat(bare, new Uint8Array(1)), selections)).toBe('form-unknown');
  });

  const line = (bank: TpmHash) => (index: number) =>
    `    ${`${index}`.padEnd(2)}: 0x${toHex(value(bank, index)).toUpperCase()}\n`;
  const printed = `  sha1:\n${line('sha1')(0)}${line('sha1')(9)}  sha256:\n${all.map(line('sha256')).join('')}`;

  test('what tpm2_pcrread prints', () => {
    expect(readPcrs(utf8(printed))).toEqual(expected);
    expect(readPcrs(utf8(`  sha384:\n${printed}`))).toEqual(expected);
  });

  test.for([
    ['one bank twice', `${printed}  sha1:\n`, 'value-out-of-range'],
    ['an unknown bank', `${printed}  sha3:\n`, 'value-out-of-range'],
    ['one PCR twice', `${printed}${line('sha256')(0)}`, 'value-out-of-range'],
    ['a value of another bank', `${printed}${line('sha1')(1)}`, 'value-out-of-range'],
    ['a value before its bank', `sha1:\nsha256: 1\n`, 'value-out-of-range'],
    ['a short value', `sha1:\n 0 : 0xAB\n`, 'hex-malformed'],
    ['other text', `${printed}good\n`, 'value-out-of-range'],
  ] as const)('refused: %s', ([, text, code]) => {
    expect(codeOfFile(utf8(text))).toBe(code);
  });

  test('16 MiB of anything, at once', () => {
    const size = 16 * 1024 * 1024;
    const before = performance.now();
    for (const byte of [0, 0x5b, 0x7b, 0x73]) {
      expect(codeOfFile(new Uint8Array(size).fill(byte))).toBe('too-large');
    }
    expect(codeOfFile(utf8(`sha1:\n${'\n'.repeat(maxPcrsLength - 6)}`))).toBe(null);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('the digest', () => {
  const pcrs: PcrValues = new Map([bankOf('sha1', [1]), bankOf('sha256', [0, 2])]);

  test('is over the values in the order of the selection, by any hash', () => {
    const [a, b] = [value('sha256', 0), value('sha256', 2)];
    const sha256 = { algorithm: 'sha256', indices: [0, 2] } as const;
    const sha1 = { algorithm: 'sha1', indices: [1] } as const;
    const first = hashOf('sha384', concat(a, b, value('sha1', 1)));
    expect(pcrDigest([sha256, sha1], pcrs, 'sha384')).toEqual(first);
    const second = hashOf('sha256', concat(value('sha1', 1), a, b));
    expect(pcrDigest([sha1, sha256], pcrs, 'sha256')).toEqual(second);
  });

  test('needs every value', () => {
    expect(pcrDigest([{ algorithm: 'sha256', indices: [0, 1] }], pcrs, 'sha256')).toBe(null);
    expect(pcrDigest([{ algorithm: 'sha384', indices: [0] }], pcrs, 'sha256')).toBe(null);
  });
});

test('quotes that contradict each other are not merged', () => {
  const one: PcrValues = new Map([bankOf('sha256', [0, 1])]);
  const two: PcrValues = new Map([bankOf('sha256', [1, 2]), bankOf('sha1', [0])]);
  expect(mergePcrs([one, two])).toEqual(
    new Map([bankOf('sha256', [0, 1, 2]), bankOf('sha1', [0])]),
  );
  const three: PcrValues = new Map([['sha256', new Map([[1, value('sha256', 5)]])]]);
  expect(codeOf(() => mergePcrs([one, two, three]))).toBe('value-out-of-range');
});

if (hasShared) {
  test('the list beside an Azure vTPM’s quote', () => {
    const file = sharedFile('corpus/tpm-quote/kinvolk-azure-vtpm-quote/pcrs-sha256.json');
    const pcrs = readPcrs(file);
    expect([...pcrs.keys()]).toEqual(['sha256']);
    expect([...(pcrs.get('sha256')?.keys() ?? [])]).toEqual(all);
  });
} else test.skip(sharedMissing);
