/** The file between refresher and agent: read strictly, and when its objects end. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { expiryOf } from '#agent/collateral-dates.ts';
import {
  type CollateralFile,
  encodeCollateralFile,
  maxCollateralFileLength,
  oneLine,
  parseCollateralFile,
} from '#agent/collateral-file.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { collateralOf, createIntel, type Intel } from '#test/fake/intel.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import {
  amdCollateralKinds,
  type CollateralItem,
  type CollateralKind,
  collateralKinds,
  intelCollateralKinds,
} from '#verifier/abi/bundle.ts';
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { parseTcbInfo } from '#verifier/abi/tcb-info.ts';
import { type Bytes, toBase64, utf8 } from '#verifier/bytes.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';

let hierarchy: AmdHierarchy;
let intel: Intel;
let items: CollateralItem[];
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
  intel = createIntel();
  const { vcek, ask, ark, crl } = hierarchy;
  const amd: [CollateralKind, Bytes][] = [
    ['vek', vcek.der],
    ['ask', ask.der],
    ['ark', ark.der],
    ['ark-crl', crl.der],
  ];
  const both = [...amd.map(([kind, data]) => ({ kind, data })), ...collateralOf(intel)];
  items = both.map((item) => ({ ...item, source: 'https://vendor.example/x', fetched: fakeNow }));
});

const fileOf = (changes: Partial<CollateralFile> = {}): CollateralFile => {
  return { version: 1, items, checked: fakeNow, problem: null, ...changes };
};
const bytesOf = (file: unknown) => utf8(JSON.stringify(file));
const plain = (): Record<string, unknown> => JSON.parse(encodeCollateralFile(fileOf()));
const plainItem = (kind: CollateralKind, data: Bytes) => {
  return { kind, data: toBase64(data), source: 's', fetched: 1 };
};

describe('collateral.json', () => {
  test('comes back as it was written, with all kinds of processors', () => {
    expect(items).toHaveLength(amdCollateralKinds.length + intelCollateralKinds.length);
    const file = fileOf({ problem: 'the vendor is away' });
    expect(parseCollateralFile(utf8(encodeCollateralFile(file)))).toEqual(file);
    const empty = fileOf({ items: [] });
    expect(parseCollateralFile(utf8(encodeCollateralFile(empty)))).toEqual(empty);
  });

  test('property: what oneLine makes of any text is a problem as the file may have it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 1200 }), (words) => {
        const file = fileOf({ items: [], problem: oneLine(words) });
        expect(parseCollateralFile(utf8(encodeCollateralFile(file)))).toEqual(file);
      }),
      { numRuns: 50 },
    );
  });

  test.each<[string, () => Bytes, string]>([
    ['no JSON', () => utf8('half a fi'), 'json-malformed'],
    ['a part', () => utf8(encodeCollateralFile(fileOf())).subarray(0, 2000), 'json-malformed'],
    ['another version', () => bytesOf({ ...plain(), version: 2 }), 'version-unknown'],
    ['an unknown member', () => bytesOf({ ...plain(), more: 1 }), 'json-shape'],
    ['a member less', () => bytesOf({ ...plain(), checked: undefined }), 'json-shape'],
    ['a problem of two lines', () => bytesOf({ ...plain(), problem: 'a\nb' }), 'json-shape'],
    ['an empty problem', () => bytesOf({ ...plain(), problem: '' }), 'json-shape'],
    ['a problem too long', () => bytesOf({ ...plain(), problem: 'x'.repeat(1025) }), 'json-shape'],
    [
      'a kind twice',
      () => bytesOf({ ...plain(), items: Array(2).fill(plainItem('ark', hierarchy.ark.der)) }),
      'json-shape',
    ],
    [
      'too many items',
      () => bytesOf({ ...plain(), items: Array(65).fill(plainItem('ark', hierarchy.ark.der)) }),
      'json-shape',
    ],
    [
      'PEM',
      () => bytesOf({ ...plain(), items: [plainItem('ark', utf8(hierarchy.ark.pem))] }),
      'der-malformed',
    ],
    [
      'no DER',
      () => bytesOf({ ...plain(), items: [plainItem('ark', utf8('x'))] }),
      'der-malformed',
    ],
    [
      'one document in the place of another',
      () => bytesOf({ ...plain(), items: [plainItem('tcb-info', intel.qeIdentity.bytes)] }),
      'json-malformed',
    ],
    ['more than 8 MiB', () => new Uint8Array(maxCollateralFileLength + 1), 'too-large'],
  ])('with %s is refused', (_, make, code) => {
    expect(codeOf(() => parseCollateralFile(make()))).toBe(code);
  });

  test('property: random bytes and mutations give only AttestationError', () => {
    const good = utf8(encodeCollateralFile(fileOf({ items: items.slice(3, 5) })));
    const mutated = fc
      .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }))
      .map(([at, value]) => good.with(at, value));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        // Anything else would be thrown here; a few mutations of base64 are another object of the same form.
        codeOf(() => parseCollateralFile(new Uint8Array(bytes)));
      }),
    );
  });
});

describe('the end of an object', () => {
  test('is what the strict parsers of the verifier read', () => {
    const endOf = ({ kind, data }: CollateralItem) => {
      if (kind === 'tcb-info') return parseTcbInfo(data).info.nextUpdate;
      if (kind === 'qe-identity') return parseQeIdentity(data).identity.nextUpdate;
      if (kind.endsWith('crl')) return parseRevocationList(data, kind).nextUpdate;
      return parseCertificate(data, kind).notAfter;
    };
    for (const item of items) expect([item.kind, expiryOf(item)]).toEqual([item.kind, endOf(item)]);
  });

  test('property: is a time or null, whatever the bytes are', () => {
    const mutatedItem = fc
      .tuple(fc.nat(items.length - 1), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([which, at, value]) => {
        const { kind, data } = items[which] as CollateralItem;
        return { kind, data: data.with(at % Math.min(400, data.length), value) };
      });
    const random = fc.record({
      kind: fc.constantFrom(...collateralKinds),
      data: fc.uint8Array({ maxLength: 100 }),
    });
    fc.assert(
      fc.property(fc.oneof(mutatedItem, random), ({ kind, data }) => {
        const end = expiryOf({ kind, data: new Uint8Array(data) });
        expect(end === null || (Number.isSafeInteger(end) && end >= 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
