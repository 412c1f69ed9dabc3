/** The reference file: what is signed, byte by byte; what is read, and what is refused. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import {
  encodeReference,
  maxReferenceLength,
  parseReference,
  type ReferenceFile,
  toReference,
} from '#verifier/reference/file.ts';
import { fingerprintOf } from '#verifier/reference/key.ts';
import { isGoodSignature, signReference } from '#verifier/reference/signature.ts';
import { type ReferenceValues, validityAt, valuesDigest } from '#verifier/reference/values.ts';
import { codeOf } from '../code-of.ts';
import { alice, bob, carol, signedBy, snpValues, tdxValues, verifiedOf } from './samples.ts';

type Json = Record<string, unknown>;

let snp: ReferenceFile;
let tdx: ReferenceFile;
beforeAll(async () => {
  snp = await signedBy(snpValues(), alice, bob);
  tdx = await signedBy(tdxValues(), alice);
});

const documentOf = (file: ReferenceFile): Json => JSON.parse(encodeReference(file)) as Json;
const other = (length: number) => 'ee'.repeat(length);

/** Every value of a release, another in each. */
const changesOf: Record<'sev-snp' | 'tdx', Partial<ReferenceValues>[]> = {
  'sev-snp': [
    { name: 'guesu' },
    { release: '1.2.1' },
    { measurement: other(48) },
    { closureDigest: other(32) },
    { validity: { from: 0, until: snpValues().validity.until } },
    { validity: { from: snpValues().validity.from, until: 2 ** 53 - 1 } },
  ],
  tdx: [
    { mrTd: other(48) },
    { rtmr0: other(48) },
    { rtmr1: other(48) },
    { rtmr2: other(48) },
    { rtmr3: other(48) },
    { rtmr3: null },
  ],
};

describe('what is signed', () => {
  test('the values digest is the formula of docs/reference.md', () => {
    const part = (bytes: Buffer) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const time = (seconds: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(seconds));
      return bytes;
    };
    const { validity } = tdxValues();
    const parts = [
      Buffer.from('guest'),
      Buffer.from('1.2.0'),
      Buffer.from('tdx'),
      time(validity.from),
      time(validity.until),
      Buffer.alloc(32, 0xc1),
      Buffer.alloc(48, 0x4d),
      Buffer.alloc(48, 0xa0),
      Buffer.alloc(48, 0xa1),
      Buffer.alloc(48, 0xa2),
      Buffer.alloc(0),
    ];
    const hash = createHash('sha256').update('affidavit/reference-values/v1\0');
    hash.update(Buffer.concat(parts.map(part)));
    expect(toHex(valuesDigest(tdxValues({ rtmr3: null })))).toBe(hash.digest('hex'));
  });

  test('each value has its say, and texts cannot run into each other', () => {
    const all = [
      snpValues(),
      tdxValues(),
      ...changesOf['sev-snp'].map((change) => ({ ...snpValues(), ...change })),
      ...changesOf.tdx.map((change) => ({ ...tdxValues(), ...change })),
      snpValues({ name: 'guest1', release: '.2.0' }),
    ] as ReferenceValues[];
    const digests = all.map((values) => toHex(valuesDigest(values)));
    expect(new Set(digests).size).toBe(all.length);
  });

  test('the values hold from the first second on, and before the last', () => {
    const values = snpValues({ validity: { from: 10, until: 20 } });
    const when = [9, 10, 19, 20].map((at) => validityAt(values, at));
    expect(when).toEqual(['future', 'valid', 'valid', 'expired']);
  });
});

describe('a file that was changed after it was signed', () => {
  const goodOf = async (file: ReferenceFile) =>
    (await verifiedOf(file)).files.flatMap(({ signatures }) => signatures.map(({ good }) => good));

  test('unchanged, all signatures are good', async () => {
    expect(await goodOf(snp)).toEqual([true, true]);
    expect(await goodOf(tdx)).toEqual([true]);
  });

  test.each(changesOf['sev-snp'])('values: %j', async (change) => {
    const values = { ...snp.values, ...change } as ReferenceValues;
    expect(await goodOf({ ...snp, values })).toEqual([false, false]);
  });

  test.each(changesOf.tdx)('values: %j', async (change) => {
    const values = { ...tdx.values, ...change } as ReferenceValues;
    expect(await goodOf({ ...tdx, values })).toEqual([false]);
  });

  test('builder and source are each signer’s own: changed, that one signature is false', async () => {
    for (const change of [{ builder: 'alicf builds' }, { source: 'git:alicf' }]) {
      const [first, second] = snp.signatures;
      const signatures = [{ ...first, ...change }, second] as ReferenceFile['signatures'];
      expect(await goodOf({ ...snp, signatures })).toEqual([false, true]);
    }
  });

  test('a signature under another’s key is false, and so is any changed bit of it', async () => {
    const [first, second] = snp.signatures;
    if (first === undefined || second === undefined) throw new RangeError('two signatures');
    const swapped = { ...first, key: second.key, publicKey: second.publicKey };
    expect(await goodOf({ ...snp, signatures: [swapped] })).toEqual([false]);
    for (const index of [0, 31, 32, 63]) {
      const signature = first.signature.map((byte, i) => (i === index ? byte ^ 1 : byte));
      expect(await goodOf({ ...snp, signatures: [{ ...first, signature }] })).toEqual([false]);
    }
  });
});

test('under a point off the curve no signature is good, whichever library looks', async () => {
  const [first] = snp.signatures;
  if (first === undefined) throw new RangeError('two signatures');
  const { spki } = alice.signer;
  const publicKey = spki.with(90, (spki[90] as number) ^ 1);
  const forged = { ...first, publicKey, key: fingerprintOf(publicKey, 'key') };
  for (const crypto of [nodeCrypto, webCrypto]) {
    expect(await isGoodSignature(snp.values, first, crypto)).toBe(true);
    expect(await isGoodSignature(snp.values, forged, crypto)).toBe(false);
  }
});

describe('reading', () => {
  test('gives back what was written', () => {
    for (const file of [snp, tdx, { values: tdxValues({ rtmr3: null }), signatures: [] }])
      expect(parseReference(utf8(encodeReference(file)))).toEqual(file);
  });

  const refused: [why: string, code: string, change: (document: Json) => Json][] = [
    ['an unknown member', 'json-shape', (it) => ({ ...it, comment: '' })],
    ['another version', 'version-unknown', (it) => ({ ...it, version: 2, comment: '' })],
    ['another platform', 'json-shape', (it) => ({ ...it, platform: 'sgx' })],
    ['values of another platform', 'json-shape', (it) => ({ ...it, platform: 'tdx' })],
    ['a name of nothing', 'json-shape', (it) => ({ ...it, name: '' })],
    ['a release with a line feed', 'json-shape', (it) => ({ ...it, release: '1\n2' })],
    ['upper-case hex', 'hex-malformed', (it) => ({ ...it, measurement: 'AA'.repeat(48) })],
    ['a measurement too short', 'hex-malformed', (it) => ({ ...it, measurement: other(32) })],
    ['no closure digest', 'json-shape', ({ closureDigest: _, ...it }) => it],
    ['no signatures member', 'json-shape', ({ signatures: _, ...it }) => it],
    [
      'a validity that ends as it begins',
      'json-shape',
      (it) => ({ ...it, validity: { from: 5, until: 5 } }),
    ],
    [
      'an unknown member of validity',
      'json-shape',
      (it) => ({ ...it, validity: { from: 5, until: 6, at: 5 } }),
    ],
  ];
  test.each(refused)('refuses %s', (_, code, change) => {
    expect(codeOf(() => toReference(change(documentOf(snp))))).toBe(code);
    expect(codeOf(() => toReference(documentOf(snp)))).toBe(null);
  });

  const signature = (change: (signature: Json) => Json) => (document: Json) => ({
    ...document,
    signatures: [change((document['signatures'] as Json[])[0] as Json)],
  });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  const refusedSignatures: [why: string, code: string, change: (signature: Json) => Json][] = [
    ['an unknown member', 'json-shape', (it) => ({ ...it, comment: '' })],
    ['no source', 'json-shape', ({ source: _, ...it }) => it],
    ['a source of nothing', 'json-shape', (it) => ({ ...it, source: '' })],
    ['another fingerprint', 'value-out-of-range', (it) => ({ ...it, key: other(32) })],
    [
      'another key',
      'value-out-of-range',
      (it) => ({ ...it, publicKey: toBase64(bob.signer.spki) }),
    ],
    [
      'a key on another curve',
      'signature-malformed',
      (it) => ({
        ...it,
        publicKey: toBase64(new Uint8Array(stranger.export({ format: 'der', type: 'spki' }))),
      }),
    ],
    [
      '63 bytes',
      'signature-malformed',
      (it) => ({ ...it, signature: toBase64(new Uint8Array(63)) }),
    ],
    ['base64url', 'base64-malformed', (it) => ({ ...it, signature: '_'.repeat(86) })],
  ];
  test.each(refusedSignatures)('refuses a signature with %s', (_, code, change) => {
    expect(codeOf(() => toReference(signature(change)(documentOf(snp))))).toBe(code);
    expect(codeOf(() => toReference(signature((it) => it)(documentOf(snp))))).toBe(null);
  });

  test('refuses two signatures of one key, in whatever words', async () => {
    const again = await signReference(
      { ...snp, signatures: [] },
      { builder: 'alice again', source: 'git:other' },
      alice.signer,
    );
    const signatures = [...snp.signatures, ...again.signatures];
    expect(codeOf(() => encodeReference({ ...snp, signatures }))).toBe('value-out-of-range');
    expect(codeOf(() => encodeReference({ ...snp, signatures: again.signatures }))).toBe(null);
  });

  test('refuses what is too long, no text, no JSON, and a member that stands twice', () => {
    const text = encodeReference(snp);
    const spaces = ' '.repeat(maxReferenceLength - text.length);
    expect(codeOf(() => parseReference(utf8(`${text}${spaces}`)))).toBe(null);
    expect(codeOf(() => parseReference(utf8(`${text}${spaces} `)))).toBe('too-large');
    expect(codeOf(() => parseReference(Uint8Array.of(0xff)))).toBe('utf8-malformed');
    expect(codeOf(() => parseReference(utf8(`${text}x`)))).toBe('json-malformed');
    const twice = text.replace('"version": 1', '"version": 1, "version": 1');
    expect(codeOf(() => parseReference(utf8(twice)))).toBe('json-malformed');
  });

  test('random text and mutations are refused with a known error, or read as themselves', () => {
    const whole = utf8(encodeReference(snp));
    const anyOf = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 3,
        })
        .map((edits) => {
          const bytes = whole.slice();
          for (const [at, byte] of edits) bytes[at] = byte;
          return bytes;
        }),
      fc.nat(whole.length).map((length) => whole.slice(0, length)),
    );
    fc.assert(
      fc.property(anyOf, (bytes) => {
        codeOf(() => {
          const file = parseReference(bytes);
          expect(parseReference(utf8(encodeReference(file)))).toEqual(file);
        });
      }),
      { numRuns: 1500 },
    );
  });
});

describe('signing', () => {
  const signatory = { builder: 'carol', source: 'git:carol' };

  test('adds one signature and changes nothing else', async () => {
    const signed = await signReference(snp, signatory, carol.signer);
    expect(signed.values).toEqual(snp.values);
    expect(signed.signatures.slice(0, 2)).toEqual(snp.signatures);
    expect(signed.signatures.map(({ key }) => key)).toEqual([alice.key, bob.key, carol.key]);
  });

  test('no key signs twice', async () => {
    await expect(signReference(snp, signatory, bob.signer)).rejects.toThrow(RangeError);
  });

  test('a builder or source that no file can hold is refused', async () => {
    const refused = signReference(snp, { ...signatory, source: 'ü' }, carol.signer);
    await expect(refused).rejects.toMatchObject({ code: 'json-shape' });
  });

  test('a key has one spelling: the compressed point is refused', () => {
    const spki = alice.signer.spki;
    expect(fingerprintOf(spki, 'key')).toBe(alice.key);
    const compressed = Uint8Array.of(
      ...[0x30, 0x39, ...spki.subarray(2, 23), 0x03, 0x22, 0x00, 0x02],
      ...spki.subarray(27, 59),
    );
    expect(codeOf(() => fingerprintOf(compressed, 'key'))).toBe('signature-malformed');
  });
});
