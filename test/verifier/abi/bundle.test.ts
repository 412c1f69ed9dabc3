import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Bundle,
  bundleMediaType,
  collateralKinds,
  encodeBundle,
  maxBundleLength,
  parseBundle,
  platforms,
} from '#verifier/abi/bundle.ts';
import { type Channel, channelKinds } from '#verifier/abi/report-data.ts';
import { type Bytes, isZero, toHex, utf8 } from '#verifier/bytes.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { fieldOrder, fieldToBytes } from '#verifier/field.ts';
import { codeOf } from '../code-of.ts';

const h32 = (value: number) => new Uint8Array(32).fill(value);
const bundle: Bundle = {
  version: 1,
  platform: 'sev-snp',
  evidence: utf8('report'),
  nonce: h32(1),
  freshness: 'verifier',
  epoch: 1700000001,
  channel: { kind: 'tls-key', hash: h32(2) },
  bound: { closureDigest: h32(3), treeRoot: 4n, deviceDigest: h32(5), logDigest: h32(6) },
  devices: [{ kind: 'nvidia', evidence: utf8('device') }],
  log: [utf8('entry')],
  collateral: [{ kind: 'vek', data: utf8('der'), source: 'https://x.test/vcek', fetched: 7 }],
  eventLog: utf8('events'),
};

const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const data = fc.uint8Array({ maxLength: 40 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ascii = (first: number) =>
  fc.integer({ min: first, max: 0x7e }).map((code) => String.fromCharCode(code));
const channels: fc.Arbitrary<Channel> = fc.option(
  fc.record({
    kind: fc.constantFrom(...channelKinds),
    hash: digest.filter((hash) => !isZero(hash)),
  }),
);
const bundles: fc.Arbitrary<Bundle> = fc
  .tuple(
    fc.record({
      version: fc.constant(1 as const),
      platform: fc.constantFrom(...platforms),
      evidence: data,
      nonce: digest,
      freshness: fc.constantFrom('verifier' as const, 'agent' as const),
      epoch: time,
      channel: channels,
      bound: fc.record({
        closureDigest: digest,
        treeRoot: fc.bigInt({ min: 0n, max: fieldOrder - 1n }),
        deviceDigest: digest,
        logDigest: digest,
      }),
      devices: fc.array(
        fc.record({
          kind: fc.string({ unit: ascii(0x21), minLength: 1, maxLength: 20 }),
          evidence: data,
        }),
        { maxLength: 3 },
      ),
      log: fc.array(data, { maxLength: 4 }),
      collateral: fc.array(
        fc.record({
          kind: fc.constantFrom(...collateralKinds),
          data,
          source: fc.string({ unit: ascii(0x20), maxLength: 20 }),
          fetched: time,
        }),
        { maxLength: 4 },
      ),
    }),
    fc.option(data),
  )
  .map(([drawn, eventLog]) => (eventLog === null ? drawn : { ...drawn, eventLog }));

const parseText = (json: string) => parseBundle(utf8(json));
const codeOfText = (json: string) => codeOf(() => parseText(json));
type Json = { [name: string]: unknown };
const json = (): Json => JSON.parse(encodeBundle(bundle));

type Part = (root: Json) => Json;
const device: Part = (root) => (root['devices'] as Json[])[0] as Json;
const item: Part = (root) => (root['collateral'] as Json[])[0] as Json;
/** Every object of the document. */
const objects: [path: string, of: Part][] = [
  ['bundle', (root) => root],
  ['bundle.channel', (root) => root['channel'] as Json],
  ['bundle.bound', (root) => root['bound'] as Json],
  ['bundle.devices[0]', device],
  ['bundle.collateral[0]', item],
];
const members = objects.flatMap(([path, of]) =>
  Object.keys(of(json())).map((name): [string, string, Part] => [path, name, of]),
);

/** The code of the sound bundle after `edit`. */
function codeAfter(edit: (root: Json) => void): ErrorCode | null {
  const root = json();
  edit(root);
  return codeOfText(JSON.stringify(root));
}

test('encode, then parse, gives the bundle again', () => {
  expect(parseText(encodeBundle(bundle))).toEqual(bundle);
  fc.assert(
    fc.property(bundles, (drawn) => {
      const encoded = encodeBundle(drawn);
      expect(parseText(encoded)).toEqual(drawn);
      expect(encodeBundle(parseText(encoded))).toBe(encoded);
    }),
  );
});

test('members stand in the protocol’s order, and their text is its text', () => {
  expect(encodeBundle(bundle)).toBe(
    [
      '{"version":1,"platform":"sev-snp","evidence":"cmVwb3J0"',
      `"nonce":"${toHex(bundle.nonce)}","freshness":"verifier","epoch":1700000001`,
      `"channel":{"kind":"tls-key","hash":"${'02'.repeat(32)}"}`,
      `"bound":{"closureDigest":"${'03'.repeat(32)}","treeRoot":"${'00'.repeat(31)}04"`,
      `"deviceDigest":"${'05'.repeat(32)}","logDigest":"${'06'.repeat(32)}"}`,
      '"devices":[{"kind":"nvidia","evidence":"ZGV2aWNl"}],"log":["ZW50cnk="]',
      '"collateral":[{"kind":"vek","data":"ZGVy","source":"https://x.test/vcek","fetched":7}]',
      '"eventLog":"ZXZlbnRz"}',
    ].join(','),
  );
  expect(bundleMediaType).toBe('application/vnd.affidavit.evidence+json');
});

test('a channel has a hash: zeros, which stand for none, are not taken for one', () => {
  const channel = (fill: number) => ({ kind: 'tls-key', hash: h32(fill) }) as const;
  expect(parseText(encodeBundle({ ...bundle, channel: channel(1) })).channel).toEqual(channel(1));
  expect(codeOf(() => parseText(encodeBundle({ ...bundle, channel: channel(0) })))).toBe(
    'json-shape',
  );
});

test('the order of members and white space do not count; an absent channel is null', () => {
  const reversed = Object.fromEntries(Object.entries(json()).reverse());
  expect(parseText(JSON.stringify(reversed, null, 2))).toEqual(bundle);
  expect(parseText(encodeBundle({ ...bundle, channel: null })).channel).toBe(null);
});

describe('members', () => {
  test.each(members)('%s.%s: removed, repeated or of another type', (path, name, of) => {
    const required = path !== 'bundle' || name !== 'eventLog';
    expect(codeAfter((root) => delete of(root)[name])).toBe(required ? 'json-shape' : null);

    const text = JSON.stringify(of(json()));
    const twice = `{${JSON.stringify(name)}:${JSON.stringify(of(json())[name])},${text.slice(1)}`;
    expect(codeOfText(encodeBundle(bundle).replace(text, twice))).toBe('json-malformed');

    const wrong: unknown[] = [true, { x: 1 }, [[]], -1, 0.5];
    if (name !== 'channel') wrong.push(null);
    const code = name === 'version' ? 'version-unknown' : 'json-shape';
    for (const value of wrong) {
      expect(codeAfter((root) => Object.assign(of(root), { [name]: value }))).toBe(code);
    }
  });

  test.each(objects)('%s: an unknown member is refused with its path', (path, of) => {
    for (const name of ['extra', 'Version', 'toString', '']) {
      const root = json();
      of(root)[name] = 1;
      expect(codeOfText(JSON.stringify(root))).toBe('json-shape');
      expect(() => parseText(JSON.stringify(root))).toThrow(`${path}: unknown member`);
    }
    const text = JSON.stringify(of(json()));
    const hostile = encodeBundle(bundle).replace(text, text.replace('{', '{"__proto__":{},'));
    expect(codeOfText(hostile)).toBe('json-shape');
  });

  test.each<[string, unknown, ErrorCode | null]>([
    ['version', 2, 'version-unknown'],
    ['platform', 'tdx', null],
    ['platform', 'SEV-SNP', 'json-shape'],
    ['evidence', '', null],
    ['evidence', 'YQ', 'base64-malformed'],
    ['evidence', 'YR==', 'base64-malformed'],
    ['nonce', 'AB'.repeat(32), 'hex-malformed'],
    ['nonce', 'ab'.repeat(31), 'hex-malformed'],
    ['nonce', `0x${'ab'.repeat(31)}`, 'hex-malformed'],
    ['nonce', 'ab'.repeat(32), null],
    ['freshness', 'agent', null],
    ['freshness', 'host', 'json-shape'],
    ['epoch', 2 ** 53 - 1, null],
    ['epoch', 2 ** 53, 'json-shape'],
    ['epoch', '1700000001', 'json-shape'],
    ['channel', { kind: 'noise', hash: 'ab'.repeat(32) }, null],
    ['channel', { kind: 'none', hash: 'ab'.repeat(32) }, 'json-shape'],
    ['channel', { kind: 'noise', hash: 'ab' }, 'hex-malformed'],
    ['log', ['YQ'], 'base64-malformed'],
    ['eventLog', 'YQ', 'base64-malformed'],
  ])('%s %j', (name, value, code) => {
    expect(codeAfter((root) => Object.assign(root, { [name]: value }))).toBe(code);
  });

  test('a tree root of q or more is refused, never reduced', () => {
    const q = fieldOrder.toString(16).padStart(64, '0');
    const withRoot = (treeRoot: string) =>
      codeAfter((root) => Object.assign(root['bound'] as Json, { treeRoot }));
    expect(withRoot(toHex(fieldToBytes(fieldOrder - 1n)))).toBe(null);
    expect(withRoot(q)).toBe('field-not-canonical');
    expect(withRoot('ff'.repeat(32))).toBe('field-not-canonical');
  });

  test.each([
    ['devices', 256, { kind: 'a', evidence: '' }],
    ['log', 4096, ''],
    ['collateral', 64, { kind: 'ark', data: '', source: '', fetched: 0 }],
  ])('%s has %d elements at most', (name, max, element) => {
    const filled = (length: number) => (root: Json) => {
      root[name] = Array.from({ length }, () => element);
    };
    expect(codeAfter(filled(max))).toBe(null);
    expect(codeAfter(filled(max + 1))).toBe('json-shape');
  });

  test('labels are printable ASCII, so that they can be shown', () => {
    const withLabel = (of: Part, name: string, label: string) =>
      codeAfter((root) => Object.assign(of(root), { [name]: label }));
    for (const label of ['', 'a b', 'é', 'a\n', '\u001b[2J', '\u202e', 'a'.repeat(256)]) {
      expect(withLabel(device, 'kind', label)).toBe('json-shape');
    }
    for (const label of ['é', 'a\n', '\u001b[2J', '\u202e', 'a'.repeat(2049)]) {
      expect(withLabel(item, 'source', label)).toBe('json-shape');
    }
    expect(withLabel(device, 'kind', 'a'.repeat(255))).toBe(null);
    expect(withLabel(item, 'source', 'a b')).toBe(null);
  });
});

describe('hostile input', () => {
  const encoded = utf8(encodeBundle(bundle));
  /** Every code that `parseBundle` documents. */
  const codes: (ErrorCode | null)[] = [
    null,
    'utf8-malformed',
    'json-malformed',
    'json-shape',
    'version-unknown',
    'hex-malformed',
    'base64-malformed',
    'field-not-canonical',
  ];

  test('8 MiB pass, one byte more does not', () => {
    const padded = new Uint8Array(maxBundleLength + 1).fill(0x20);
    padded.set(encoded);
    expect(maxBundleLength).toBe(8_388_608);
    expect(codeOf(() => parseBundle(padded.subarray(0, -1)))).toBe(null);
    expect(codeOf(() => parseBundle(padded))).toBe('too-large');
  });

  test.each<[string, string | Bytes, ErrorCode]>([
    ['nothing', '', 'json-malformed'],
    ['an HTML page', '<!DOCTYPE html><html><body>502</body></html>', 'json-malformed'],
    ['a byte order mark', `\ufeff${encodeBundle(bundle)}`, 'json-malformed'],
    ['two bundles', encodeBundle(bundle).repeat(2), 'json-malformed'],
    ['null', 'null', 'json-shape'],
    ['an array', `[${encodeBundle(bundle)}]`, 'json-shape'],
    ['a string', JSON.stringify(encodeBundle(bundle)), 'json-shape'],
    ['an error answer', '{"error":"not-found"}', 'json-shape'],
    ['a raw report', new Uint8Array(1184).fill(0x85), 'utf8-malformed'],
    ['deep brackets', '['.repeat(100_000), 'json-malformed'],
  ])('%s', (_, input, code) => {
    const bytes = typeof input === 'string' ? utf8(input) : input;
    expect(codeOf(() => parseBundle(bytes))).toBe(code);
  });

  test('cut at any byte', () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(codeOf(() => parseBundle(encoded.subarray(0, length)))).toBe('json-malformed');
    }
  });

  test('a flipped bit anywhere is refused with a documented code, or read as what it says', () => {
    for (let at = 0; at < encoded.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = encoded.slice();
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        const code = codeOf(() => parseBundle(flipped));
        if (!codes.includes(code)) expect.fail(`byte ${at} bit ${bit}: ${code}`);
        if (code === null && encodeBundle(parseBundle(flipped)) === encodeBundle(bundle)) {
          expect.fail(`byte ${at} bit ${bit} does not count`);
        }
      }
    }
  });

  test('spliced and random bytes are refused with a documented code', () => {
    fc.assert(
      fc.property(fc.nat(encoded.length), fc.uint8Array({ maxLength: 20 }), (at, random) => {
        const spliced = encoded.slice();
        spliced.set(random.subarray(0, encoded.length - at), at);
        expect(codes).toContain(codeOf(() => parseBundle(spliced)));
        expect(codes).toContain(codeOf(() => parseBundle(random)));
      }),
      { numRuns: 500 },
    );
  });
});
