/** TPMS_ATTEST of quotes, and TPML_PCR_SELECTION in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import {
  encodeAttest,
  maxAttestLength,
  parseAttest,
  type TpmAttest,
} from '#verifier/abi/tpm/attest.ts';
import { tpmHashes, tpmHashNames } from '#verifier/abi/tpm/hash.ts';
import { selectionText } from '#verifier/abi/tpm/selection.ts';
import { type Bytes, concat, fromUtf8, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

const name = (algorithm: 'sha1' | 'sha256') =>
  concat(Uint8Array.of(0, tpmHashes[algorithm].id), new Uint8Array(tpmHashes[algorithm].length));
const sample: TpmAttest = {
  nonce: Uint8Array.of(1, 2, 3),
  qualifiedSigner: name('sha256'),
  clock: 5n,
  resetCount: 6,
  restartCount: 7,
  safe: true,
  firmwareVersion: '0123456789abcdef',
  selections: [{ algorithm: 'sha256', indices: [0, 7, 8, 23] }],
  pcrDigest: new Uint8Array(32).fill(9),
};
const base = encodeAttest(sample);
const codeOfBytes = (bytes: Bytes) => codeOf(() => parseAttest(bytes));
const codeOfSample = (change: Partial<TpmAttest>) =>
  codeOfBytes(encodeAttest({ ...sample, ...change }));

/** From the lengths in the specification, not from the encoder. */
const at = { name: 6, nonce: 42, clock: 47, safe: 63, firmware: 64, count: 72, digest: 82 };
const changed = (offset: number, ...values: number[]) => {
  const out = base.slice();
  out.set(values, offset);
  return out;
};

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const selections = fc.uniqueArray(
  fc.record({
    algorithm: fc.constantFrom(...tpmHashNames),
    indices: fc
      .uniqueArray(fc.integer({ min: 0, max: 23 }))
      .map((found) => found.toSorted((a, b) => a - b)),
  }),
  { selector: ({ algorithm }) => algorithm, minLength: 1 },
);

test('encode, then parse, gives the quote again', () => {
  const attests = fc.record({
    nonce: bytes(0, 66),
    qualifiedSigner: bytes(32).map((digest) => concat(Uint8Array.of(0, 0x0b), digest)),
    clock: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    resetCount: u32,
    restartCount: u32,
    safe: fc.boolean(),
    firmwareVersion: bytes(8).map(toHex),
    selections: selections.filter((all) => all.some(({ indices }) => indices.length > 0)),
    pcrDigest: fc.constantFrom(20, 32, 48, 64).chain((length) => bytes(length)),
  });
  fc.assert(
    fc.property(attests, (attest) => {
      const written = encodeAttest(attest);
      expect(written.length).toBeLessThanOrEqual(maxAttestLength);
      expect(parseAttest(written)).toEqual(attest);
    }),
  );
});

test('the sample stands where the specification has it', () => {
  expect(codeOfBytes(base)).toBe(null);
  expect(base.length).toBe(at.digest + 2 + 32);
  expect(toHex(base.subarray(at.firmware, at.firmware + 8))).toBe('0123456789abcdef');
  expect(toHex(base.subarray(at.count, at.digest))).toBe('00000001000b03810180');
  expect(selectionText(parseAttest(base).selections)).toBe('sha256: 0, 7, 8, 23');
});

describe('refused', () => {
  test.for([
    ['not made by a TPM', changed(0, 0xfe), 'value-out-of-range'],
    ['a certification', changed(4, 0x80, 0x17), 'value-out-of-range'],
    ['a name of an unknown algorithm', changed(at.name + 2, 0, 0x12), 'value-out-of-range'],
    ['a name of another length', changed(at.name + 2, 0, 0x0c), 'value-out-of-range'],
    ['a nonce that is too long', changed(at.nonce, 0, 67), 'value-out-of-range'],
    ['safe that is neither yes nor no', changed(at.safe, 2), 'value-out-of-range'],
    ['five banks', changed(at.count + 3, 5), 'value-out-of-range'],
    ['a bank of SHA3-256', changed(at.count + 4, 0, 0x27), 'value-out-of-range'],
    ['a selection of two bytes', changed(at.count + 6, 2), 'value-out-of-range'],
    ['no PCR', changed(at.count + 7, 0, 0, 0), 'value-out-of-range'],
    ['a digest of an odd length', changed(at.digest + 1, 31), 'value-out-of-range'],
    ['a byte more', concat(base, new Uint8Array(1)), 'length-wrong'],
    ['nothing', new Uint8Array(), 'length-wrong'],
  ] as const)('%s', ([, input, code]) => {
    expect(codeOfBytes(input)).toBe(code);
  });

  test('every shorter one', () => {
    for (let length = 0; length < base.length; length++) {
      expect(codeOfBytes(base.subarray(0, length))).not.toBe(null);
    }
  });

  test('one bank twice, no bank, banks without a PCR', () => {
    const [one] = sample.selections as [TpmAttest['selections'][0]];
    expect(codeOfSample({ selections: [one, { ...one, algorithm: 'sha1' }] })).toBe(null);
    expect(codeOfSample({ selections: [one, one] })).toBe('value-out-of-range');
    expect(codeOfSample({ selections: [] })).toBe('value-out-of-range');
    const empty = { algorithm: 'sha1', indices: [] } as const;
    expect(codeOfSample({ selections: [one, empty] })).toBe(null);
    expect(codeOfSample({ selections: [empty] })).toBe('value-out-of-range');
  });

  test('16 MiB, at once', () => {
    const before = performance.now();
    expect(codeOfBytes(new Uint8Array(16 * 1024 * 1024).fill(0xff))).toBe('too-large');
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('an encoder’s own mistakes', () => {
    const wrong = [{ algorithm: 'sha256', indices: [24] }] as const;
    expect(() => encodeAttest({ ...sample, selections: wrong })).toThrow(RangeError);
    expect(() => encodeAttest({ ...sample, resetCount: 2 ** 32 })).toThrow(RangeError);
  });
});

if (hasShared) {
  test('a quote of Azure’s vTPM', () => {
    const message = sharedFile('corpus/tpm-quote/kinvolk-azure-vtpm-quote/tpm-quote-msg.bin');
    const attest = parseAttest(message);
    expect(encodeAttest(attest)).toEqual(message);
    expect(fromUtf8(attest.nonce, 'nonce')).toBe('challenge');
    expect(attest).toMatchObject({
      clock: 0x2fc8b5n,
      resetCount: 3,
      restartCount: 0,
      safe: true,
      firmwareVersion: '2020031200120003',
    });
    expect(attest.selections).toEqual([
      { algorithm: 'sha256', indices: Array.from({ length: 24 }, (_, i) => i) },
    ]);
  });
} else test.skip(sharedMissing);
