/** Evidence of a TPM as a bundle's device, as files of tpm2-tools, and as go-tpm-tools' protobuf. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createTpm, type FakeTpm } from '#test/fake/tpm.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { encodeMessage } from '#verifier/abi/protobuf.ts';
import {
  encodeTpmEvidence,
  maxTpmEvidenceLength,
  parseTpmEvidence,
  readTpm2Quote,
  type TpmQuote,
} from '#verifier/abi/tpm/evidence.ts';
import {
  encodeGoTpmAttestation,
  type GoTpmAttestation,
  looksLikeGoTpm,
  parseGoTpmAttestation,
} from '#verifier/abi/tpm/go-tpm.ts';
import { encodePcrs } from '#verifier/abi/tpm/pcrs.ts';
import { encodeTpmPublic, parseTpmPublic } from '#verifier/abi/tpm/public.ts';
import { type Bytes, concat, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { nonce } from './tpm-scene.ts';

let tpm: FakeTpm;
let quote: TpmQuote;
beforeAll(async () => {
  tpm = await createTpm({ key: 'p256' });
  quote = await tpm.quote(nonce, { algorithm: 'sha256', indices: [0, 7] });
});

describe('a device of a bundle', () => {
  test('there and back', () => {
    const evidence = { quotes: [quote, quote], certificates: tpm.certificates };
    expect(parseTpmEvidence(encodeTpmEvidence(evidence))).toEqual(evidence);
    const bare = { quotes: [{ ...quote, pcrs: new Map() }], certificates: [] };
    expect(parseTpmEvidence(encodeTpmEvidence(bare))).toEqual(bare);
  });

  test.for([
    ['version', { version: 2 }, 'version-unknown'],
    ['a member more', { more: 1 }, 'json-shape'],
    ['no quote', { quotes: [] }, 'json-shape'],
    ['nine quotes', { quotes: Array(9).fill({}) }, 'json-shape'],
    ['nine certificates', { certificates: Array(9).fill('') }, 'json-shape'],
    ['a certificate that is no base64', { certificates: ['*'] }, 'base64-malformed'],
    ['no certificates', { certificates: undefined }, 'json-shape'],
  ] as const)('refused: %s', ([, change, code]) => {
    const written = fromUtf8(encodeTpmEvidence({ quotes: [quote], certificates: [] }), 'evidence');
    const bytes = utf8(JSON.stringify({ ...JSON.parse(written), ...change }));
    expect(codeOf(() => parseTpmEvidence(utf8(written)))).toBe(null);
    expect(codeOf(() => parseTpmEvidence(bytes))).toBe(code);
  });

  test('16 MiB, at once', () => {
    const before = performance.now();
    const large = new Uint8Array(16 * 1024 * 1024).fill(0x5b);
    expect(codeOf(() => parseTpmEvidence(large))).toBe('too-large');
    expect(codeOf(() => parseGoTpmAttestation(large))).toBe('too-large');
    const deep = large.subarray(0, maxTpmEvidenceLength);
    expect(codeOf(() => parseTpmEvidence(deep))).toBe('json-malformed');
    // Half a million empty certificates, in two bytes each.
    const many = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i % 2 === 0 ? 0x3a : 0));
    expect(() => parseGoTpmAttestation(many)).toThrow(/more than 64 fields/);
    const zeros = new Uint8Array(1024 * 1024);
    expect(codeOf(() => parseGoTpmAttestation(zeros))).toBe('protobuf-malformed');
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

test('the three files of tpm2_quote', () => {
  const files = {
    message: quote.message,
    signature: quote.signature,
    pcrs: utf8(JSON.stringify(encodePcrs(quote.pcrs))),
  };
  expect(readTpm2Quote(files)).toEqual(quote);
  const values = concat(...(quote.pcrs.get('sha256')?.values() ?? []));
  expect(readTpm2Quote({ ...files, pcrs: values })).toEqual(quote);
  expect(codeOf(() => readTpm2Quote({ ...files, message: quote.signature }))).toBe(
    'value-out-of-range',
  );
});

describe('go-tpm-tools’ protobuf', () => {
  const content = (): Omit<GoTpmAttestation, 'publicKey'> => ({
    quotes: [quote, { ...quote, pcrs: new Map() }],
    publicArea: tpm.publicArea,
    certificates: tpm.certificates,
    eventLog: tpm.eventLog,
    canonicalEventLog: null,
    sevSnp: null,
    tdx: null,
  });
  const encoded = (change: Partial<GoTpmAttestation> = {}) =>
    encodeGoTpmAttestation({ ...content(), quotes: [quote], ...change });
  const codeOfBytes = (bytes: Bytes) => codeOf(() => parseGoTpmAttestation(bytes));

  test('there and back', () => {
    const given = { ...content(), quotes: [quote], sevSnp: utf8('x') };
    const bytes = encodeGoTpmAttestation(given);
    expect(looksLikeGoTpm(bytes)).toBe(true);
    expect(parseGoTpmAttestation(bytes)).toEqual({ ...given, publicKey: tpm.publicKey });
    const least = { ...given, certificates: [], eventLog: null, sevSnp: null };
    expect(parseGoTpmAttestation(encodeGoTpmAttestation(least))).toMatchObject(least);
  });

  test('no other form looks like it', () => {
    const others = [
      quote.message,
      tpm.publicKey,
      tpm.eventLog,
      encodeTpmEvidence({ quotes: [quote], certificates: [] }),
      new Uint8Array(),
      Uint8Array.of(0x0a),
    ];
    expect(others.map(looksLikeGoTpm)).toEqual(others.map(() => false));
  });

  test('a key that signs what it is given', () => {
    expect(codeOfBytes(encoded())).toBe(null);
    const area = parseTpmPublic(tpm.publicArea);
    const publicArea = encodeTpmPublic({ ...area, attributes: area.attributes & ~(1 << 16) });
    expect(codeOfBytes(encoded({ publicArea }))).toBe('value-out-of-range');
  });

  test.for<[string, () => Bytes]>([
    ['no key', () => encoded().subarray(2 + tpm.publicArea.length)],
    ['no quote', () => encoded({ quotes: [] })],
    ['nine quotes', () => encoded({ quotes: Array(9).fill(quote) })],
    ['two CPUs', () => encoded({ sevSnp: utf8('x'), tdx: utf8('y') })],
    ['intermediates alone', () => encoded({ certificates: [new Uint8Array(), utf8('x')] })],
    ['nine certificates', () => encoded({ certificates: Array(9).fill(utf8('x')) })],
    ['a field more', () => concat(encoded(), Uint8Array.of(0x58, 1))],
    ['a field twice', () => concat(encoded(), Uint8Array.of(0x1a, 0))],
    ['a field of the instance more', () => concat(encoded(), Uint8Array.of(0x22, 2, 0x30, 1))],
    ['one PCR twice', () => withPcrs(11, [0, 0])],
    ['a quote without a message', () => concat(encoded(), Uint8Array.of(0x12, 0))],
  ])('refused: %s', ([, make]) => {
    expect(codeOfBytes(make())).toBe('protobuf-malformed');
  });

  test('PCR values in order of the map, and others', () => {
    expect(codeOfBytes(withPcrs(11, [7, 0]))).toBe(null);
    expect(codeOfBytes(withPcrs(0x27, [0]))).toBe('value-out-of-range');
    expect(codeOfBytes(withPcrs(11, [24]))).toBe('value-out-of-range');
    expect(codeOfBytes(withPcrs(4, [0]))).toBe('value-out-of-range');
  });

  function withPcrs(hash: number, indices: readonly number[]): Bytes {
    const values = indices.map((key) =>
      encodeMessage(
        { key: [1, 'uint32'], value: [2, 'bytes'] },
        { key, value: new Uint8Array(32) },
      ),
    );
    const pcrs = encodeMessage(
      { hash: [1, 'uint32'], pcrs: [2, 'repeated'] },
      { hash, pcrs: values },
    );
    const message = encodeMessage(
      { quote: [1, 'bytes'], raw_sig: [2, 'bytes'], pcrs: [3, 'bytes'] },
      { quote: quote.message, raw_sig: quote.signature, pcrs },
    );
    const shape = { ak_pub: [1, 'bytes'], quotes: [2, 'repeated'] } as const;
    return encodeMessage(shape, { ak_pub: tpm.publicArea, quotes: [message] });
  }
});

if (hasShared) {
  test('attestations of a GCE instance', () => {
    for (const id of ['no-nonce', 'nonce9009']) {
      const file = sharedFile(`corpus/tpm-quote/go-tpm-tools-gce-cos-85-${id}/attestation.pb`);
      expect(looksLikeGoTpm(file)).toBe(true);
      const found = parseGoTpmAttestation(file);
      expect(found.quotes.map(({ pcrs }) => [...pcrs.keys()])).toEqual([
        ['sha1'],
        ['sha256'],
        ['sha384'],
      ]);
      expect(found.certificates.length).toBe(1);
      expect(found.eventLog?.length).toBe(23970);
      expect(parseGoTpmAttestation(encodeGoTpmAttestation(found))).toEqual(found);
    }
  });
} else test.skip(sharedMissing);
