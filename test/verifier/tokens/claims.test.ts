/** What a token may say, in JSON and in CBOR: everything else is refused, also when it is rightly signed. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#test/tools/layers.ts';
import { type CborValue, encodeCbor, parseCbor } from '#verifier/abi/cbor.ts';
import { fromHex, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fromBase64Url, toBase64Url } from '#verifier/tokens/base64url.ts';
import {
  type EarClaims,
  earProfile,
  makeEar,
  maxRawEvidenceLength,
  toEar,
  verifierId,
} from '#verifier/tokens/ear.ts';
import { earFromCbor, earToCbor } from '#verifier/tokens/ear-cbor.ts';
import { signJwt } from '#verifier/tokens/jwt.ts';
import { codeOf } from '../code-of.ts';
import {
  coseHeader,
  header,
  refusal,
  sampleClaims,
  signedCwt,
  signedJwt,
  signer,
  strictVerdict,
} from './samples.ts';

let claims: EarClaims;

beforeAll(async () => {
  claims = await sampleClaims();
});

describe('claims', () => {
  test('name this tool as package.json does', () => {
    const { version } = manifest as unknown as { version: string };
    expect(verifierId.build).toBe(`affidavit ${version}`);
  });

  test('survive the way to CBOR and back', async () => {
    const all = makeEar(await strictVerdict(), {
      nonce: new Uint8Array(64).fill(1),
      rawEvidence: Uint8Array.of(1, 2, 3),
      lifetime: 5,
    });
    expect(earFromCbor(parseCbor(encodeCbor(earToCbor(all)), 'claims'))).toEqual(all);
    expect(all).toMatchObject({ exp: all.iat + 5, 'ear.raw-evidence': 'AQID' });
  });

  test('have the names, numbers and shape of the draft’s example', () => {
    // draft-ietf-rats-ear-00, its first example in JSON and in CBOR; both evidences are its own.
    const status = 'contraindicated' as const;
    const example = {
      eat_profile: earProfile as typeof earProfile,
      iat: 1666529184,
      'ear.verifier-id': { developer: 'https://veraison-project.org', build: 'vts 0.0.1' },
      'ear.raw-evidence': toBase64Url(fromHex('6c696665626f61746d616e', 'evidence')),
      submods: {
        PSA: {
          'ear.status': status,
          'ear.trustworthiness-vector': { 'instance-identity': 2, executables: 96, hardware: 2 },
          'ear.appraisal-policy-id': 'https://veraison.example/policy/1/60a0068d',
        },
      },
    };
    expect(toEar(example)).toEqual(example);
    const map = new Map<number, CborValue>([
      [265, 'tag:github.com,2023:veraison/ear'],
      [6, 1666529184],
      [
        1004,
        new Map([
          [0, 'https://veraison-project.org'],
          [1, 'vts 0.0.1'],
        ]),
      ],
      [1002, fromHex('6c696665626f61746d616e', 'evidence')],
      [
        266,
        new Map([
          [
            'PSA',
            new Map<number, CborValue>([
              [1000, 96],
              [
                1001,
                new Map([
                  [0, 2],
                  [2, 96],
                  [4, 2],
                ]),
              ],
              [1003, 'https://veraison.example/policy/1/60a0068d'],
            ]),
          ],
        ]),
      ],
    ]);
    expect(toHex(encodeCbor(earToCbor(example)))).toBe(toHex(encodeCbor(map)));
    expect(earFromCbor(map)).toEqual(example);
  });

  test.for<[string, (good: Record<string, unknown>) => unknown, string]>([
    [
      'of another profile',
      (good) => ({ ...good, eat_profile: 'tag:ietf.org,2026:rats/ear#04' }),
      'json-shape',
    ],
    ['with a claim that nobody knows', (good) => ({ ...good, extra: 1 }), 'json-shape'],
    ['without a time', ({ iat: _, ...good }) => good, 'json-shape'],
    ['with a fraction of a second', (good) => ({ ...good, iat: 1.5 }), 'json-shape'],
    ['without a submodule', (good) => ({ ...good, submods: {} }), 'json-shape'],
    [
      'with a nonce of 7 bytes',
      (good) => ({ ...good, eat_nonce: toBase64Url(new Uint8Array(7)) }),
      'json-shape',
    ],
    [
      'with a nonce that is no base64url',
      (good) => ({ ...good, eat_nonce: 'AAAAAAAAAAB' }),
      'base64-malformed',
    ],
    [
      'with a value of nine bits',
      (good) => withAppraisal(good, { 'ear.trustworthiness-vector': { hardware: 128 } }),
      'json-shape',
    ],
    [
      'with a claim of another vector',
      (good) => withAppraisal(good, { 'ear.trustworthiness-vector': { firmware: 2 } }),
      'json-shape',
    ],
    [
      'with a better status than their vector',
      (good) => withAppraisal(good, { 'ear.trustworthiness-vector': { hardware: 96 } }),
      'value-out-of-range',
    ],
    [
      'affirming nothing',
      (good) => withAppraisal(good, { 'ear.trustworthiness-vector': { hardware: 0 } }),
      'value-out-of-range',
    ],
  ])('%s are refused, also when rightly signed', async ([, edit, code]) => {
    const changed = edit({ ...claims });
    expect(codeOf(() => toEar(claims))).toBeNull();
    expect(codeOf(() => toEar(changed))).toBe(code);
    expect(await refusal(await signedJwt(header(), changed))).toBe(code);
  });

  test.for<[string, (good: Map<number | string, CborValue>) => CborValue, string]>([
    ['with a number that nobody knows', (good) => good.set(7, 0), 'token-malformed'],
    ['with a name for a number', (good) => good.set('iat', 0), 'token-malformed'],
    ['with text for bytes', (good) => good.set(10, 'text'), 'token-malformed'],
    ['with a number for a map', (good) => good.set(1004, 1), 'token-malformed'],
    [
      'with a numbered submodule',
      (good) => good.set(266, new Map([[1, new Map()]])),
      'token-malformed',
    ],
    ['of another profile', (good) => good.set(265, 'x'), 'json-shape'],
    ['that are no map', () => 1, 'token-malformed'],
  ])('in CBOR %s are refused, also when rightly signed', async ([, edit, code]) => {
    const good = () => new Map(earToCbor(claims));
    expect(codeOf(() => earFromCbor(good()))).toBeNull();
    expect(codeOf(() => earFromCbor(edit(good())))).toBe(code);
    expect(await refusal(await signedCwt(coseHeader(), encodeCbor(edit(good()))))).toBe(code);
  });

  test('end before anything of the forecast does', async () => {
    const verdict = await strictVerdict();
    const { at } = verdict;
    const forecast = [
      { what: 'past', at: at - 1 },
      { what: 'next', at: at + 100 },
    ];
    expect(makeEar({ ...verdict, forecast }).exp).toBe(at + 100);
    expect(makeEar({ ...verdict, forecast: forecast.slice(0, 1) }).exp).toBe(at + 3600);
  });

  test('out of range are a mistake of the caller', async () => {
    const verdict = await strictVerdict();
    for (const options of [
      { nonce: new Uint8Array(7) },
      { nonce: new Uint8Array(65) },
      { lifetime: 0 },
      { lifetime: 1.5 },
      { rawEvidence: new Uint8Array(maxRawEvidenceLength + 1) },
    ]) {
      expect(() => makeEar(verdict, options)).toThrow(RangeError);
    }
    await expect(
      signJwt(claims, { ...signer, sign: async () => new Uint8Array(63) }),
    ).rejects.toThrow(RangeError);
  });
});

function withAppraisal(good: Record<string, unknown>, edit: object): unknown {
  const [[label, one] = []] = Object.entries(good['submods'] as EarClaims['submods']);
  return { ...good, submods: { [label as string]: { ...one, ...edit } } };
}

test('base64url has one form', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = toBase64Url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(toHex(fromBase64Url(text, 'test'))).toBe(toHex(bytes));
    }),
  );
  for (const bad of ['A', 'AB', 'AA==', 'A+AA', 'A/AA', 'AA A']) {
    expect(() => fromBase64Url(bad, 'test')).toThrow(AttestationError);
  }
});
