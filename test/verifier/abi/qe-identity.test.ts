import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { isvStatuses } from '#verifier/abi/intel-json.ts';
import {
  encodeQeIdentity,
  type IdentifiedEnclave,
  parseQeIdentity,
  type QeIdentity,
  qeMatches,
} from '#verifier/abi/qe-identity.ts';
import { fromHex, fromUtf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { isvLevel, qeIdentity, realDocuments, seal } from './intel-samples.ts';

const parse = (inner: string) => parseQeIdentity(seal('enclaveIdentity', inner)).identity;

describe.skipIf(!hasShared)(`Intel's own (${hasShared ? 'corpus' : sharedMissing})`, () => {
  const real = realDocuments(/^(?:td-)?q(?:e|ve)-identity-/);

  test('are here', () => {
    expect(real.length).toBeGreaterThanOrEqual(30);
  });

  test.each(real.map(({ name, bytes }) => [name, bytes] as const))('%s', (name, bytes) => {
    const { identity, signed } = parseQeIdentity(bytes);
    expect(identity.id).toBe(
      name
        .replace(/-identity.*/, '')
        .replace('-', '_')
        .toUpperCase(),
    );
    expect(identity.miscSelectMask).toBe(0xffffffff);
    expect(encodeQeIdentity(identity)).toBe(fromUtf8(signed, name));
  });
});

describe('parseQeIdentity', () => {
  test('reads every member', () => {
    const identity = qeIdentity({
      tcbLevels: [
        isvLevel(8),
        isvLevel(6, { status: 'OutOfDate', advisories: ['INTEL-SA-00615'] }),
      ],
    });
    const text = encodeQeIdentity(identity);
    expect(text).toContain(
      '"attributes":"11000000000000000000000000000000","attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":"DCDC',
    );
    expect(text).toContain(
      '{"tcb":{"isvsvn":6},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"OutOfDate","advisoryIDs":["INTEL-SA-00615"]}',
    );
    expect(parse(text)).toEqual(identity);
  });

  // As Intel's verifier does: the hex is of the four bytes as they lie in memory.
  test('reads MISCSELECT and its mask little-endian', () => {
    const text = encodeQeIdentity(qeIdentity()).replace('"00000000"', '"01020304"');
    expect(parse(text).miscSelect).toBe(0x04030201);
    expect(parse(text.replace('"FFFFFFFF"', '"000000fe"')).miscSelectMask).toBe(0xfe000000);
    expect(encodeQeIdentity(parse(text))).toBe(text);
  });

  test('takes back whatever it writes', () => {
    fc.assert(
      fc.property(anyIdentity, (identity) => {
        expect(parse(encodeQeIdentity(identity))).toEqual(identity);
      }),
      { numRuns: 200 },
    );
  });

  const good = encodeQeIdentity(qeIdentity());
  test('accepts what the refusals below are made of', () => {
    expect(codeOf(() => parse(good))).toBe(null);
  });

  test.each([
    ['another version', '"version":2', '"version":3', 'version-unknown'],
    ['an unknown enclave', '"TD_QE"', '"PCE"', 'json-shape'],
    ['an unknown member', '"isvprodid":2', '"isvprodid":2,"x":0', 'json-shape'],
    ['a doubled member', '"isvprodid":2', '"isvprodid":2,"isvprodid":2', 'json-malformed'],
    ['a missing mask', '"miscselectMask":"FFFFFFFF",', '', 'json-shape'],
    ['a short MRSIGNER', 'DCDC', 'DC', 'json-shape'],
    ['a product id over 65535', '"isvprodid":2', '"isvprodid":65536', 'json-shape'],
    ['an ISVSVN over 65535', '"isvsvn":4', '"isvsvn":65536', 'json-shape'],
    ['a status of platforms alone', '"UpToDate"', '"ConfigurationNeeded"', 'json-shape'],
    ['no levels', /("tcbLevels":\[).*\]/, '$1]', 'json-shape'],
  ] as const)('refuses %s', (_, from, to, code) => {
    const bent = good.replace(from, to);
    expect(bent).not.toBe(good);
    expect(codeOf(() => parse(bent))).toBe(code);
  });

  test('refuses levels that are not highest first', () => {
    const of = (...versions: number[]) =>
      codeOf(() =>
        parse(encodeQeIdentity(qeIdentity({ tcbLevels: versions.map((one) => isvLevel(one)) }))),
      );
    expect(of(8, 6, 5)).toBe(null);
    expect(of(8, 5, 6)).toBe('value-out-of-range');
    expect(of(8, 8)).toBe('value-out-of-range');
  });

  test('refuses TCB info', () => {
    expect(codeOf(() => parseQeIdentity(seal('tcbInfo', good)))).toBe('json-malformed');
  });

  test('throws nothing but a typed error', () => {
    const bytes = seal('enclaveIdentity', good);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        codeOf(() => parseQeIdentity(bytes.with(at, byte)));
        expect(codeOf(() => parseQeIdentity(bytes.subarray(0, at)))).toBe('json-malformed');
      }),
      { numRuns: 500 },
    );
  });
});

describe('qeMatches', () => {
  const identity = qeIdentity({ miscSelect: 0x80000001, miscSelectMask: 0xf0000001 });
  // Under their masks equal, outside of them not.
  const enclave: IdentifiedEnclave = {
    miscSelect: 0x8000ff01,
    attributes: fromHex('15000000000000000300000000000000', 'attributes'),
    mrSigner: identity.mrSigner,
    isvProdId: 2,
  };

  test('accepts the enclave, whatever it holds outside the masks', () => {
    expect(qeMatches(identity, enclave)).toEqual([]);
  });

  test.each([
    ['MISCSELECT', { miscSelect: 0x8000ff00 }, /^MISCSELECT .* be 0x80000001, got 0x80000000$/],
    ['the highest bit of MISCSELECT', { miscSelect: 1 }, /be 0x80000001, got 0x00000001$/],
    [
      'ATTRIBUTES',
      { attributes: fromHex('13000000000000000300000000000000', 'debug') },
      /^ATTRIBUTES .* be 11000000\w+, got 13000000\w+$/,
    ],
    ['ATTRIBUTES of another length', { attributes: new Uint8Array(0) }, /^ATTRIBUTES .*, got $/],
    ['MRSIGNER', { mrSigner: new Uint8Array(32) }, /^MRSIGNER should be dcdc\w+, got 0000\w+$/],
    ['ISVPRODID', { isvProdId: 1 }, /^ISVPRODID should be 2, got 1$/],
  ])('refuses another %s', (_, more, fault) => {
    expect(qeMatches(identity, { ...enclave, ...more })).toEqual([expect.stringMatching(fault)]);
  });

  test('names every fault', () => {
    const other = { miscSelect: 0, attributes: new Uint8Array(16), mrSigner: new Uint8Array(32) };
    expect(qeMatches(identity, { ...other, isvProdId: 0 })).toHaveLength(4);
  });

  test('never matches an identity that asks for bits outside its mask', () => {
    const odd = qeIdentity({ miscSelect: 2, miscSelectMask: 1 });
    expect(qeMatches(odd, { ...enclave, miscSelect: 2 })).toHaveLength(1);
  });
});

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyLevels = fc
  .uniqueArray(
    fc.record({
      isvSvn: u16,
      date: u32,
      status: fc.constantFrom(...isvStatuses),
      advisories: fc.constantFrom([], ['INTEL-SA-00615']),
    }),
    { minLength: 1, maxLength: 4, selector: (one) => one.isvSvn },
  )
  .map((levels) => levels.toSorted((a, b) => b.isvSvn - a.isvSvn));
const anyIdentity: fc.Arbitrary<QeIdentity> = fc.record({
  id: fc.constantFrom('QE', 'TD_QE', 'QVE'),
  version: fc.constant(2 as const),
  issueDate: u32,
  nextUpdate: u32,
  tcbEvaluationDataNumber: u32,
  miscSelect: u32,
  miscSelectMask: u32,
  attributes: bytes(16),
  attributesMask: bytes(16),
  mrSigner: bytes(32),
  isvProdId: u16,
  tcbLevels: anyLevels,
});
