/** Signed tokens: what is accepted, and the twin of it that is not. */
import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { type CborTagged, type CborValue, encodeCbor, parseCbor } from '#verifier/abi/cbor.ts';
import { type Bytes, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { freshSigner } from '#verifier/cli/node-signer.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { maxTokenLength } from '#verifier/tokens/accept.ts';
import { toBase64Url } from '#verifier/tokens/base64url.ts';
import { signCwt, signedMessageOf, verifyCwt } from '#verifier/tokens/cwt.ts';
import { type EarClaims, makeEar } from '#verifier/tokens/ear.ts';
import { earToCbor } from '#verifier/tokens/ear-cbor.ts';
import { signJwt, verifyJwt } from '#verifier/tokens/jwt.ts';
import { publicJwkOf, spkiOf } from '#verifier/tokens/keys.ts';
import {
  b64,
  coseHeader,
  header,
  jwks,
  reader,
  refusal,
  sampleClaims,
  signedCwt,
  signedJwt,
  signer,
  strictVerdict,
} from './samples.ts';

let claims: EarClaims;
let jwt: string;
let cwt: Bytes;

beforeAll(async () => {
  claims = await sampleClaims();
  jwt = await signJwt(claims, signer);
  cwt = await signCwt(claims, signer);
});

describe('a token', () => {
  test('gives back its claims, by node:crypto and by WebCrypto', async () => {
    for (const crypto of [reader.crypto, webCrypto]) {
      expect(await verifyJwt(jwt, jwks, { ...reader, crypto })).toEqual(claims);
      expect(await verifyCwt(cwt, jwks, { ...reader, crypto })).toEqual(claims);
    }
  });

  test('is a JWS and a COSE_Sign1 to node:crypto alone', () => {
    const key = createPublicKey({ key: { ...signer.publicJwk }, format: 'jwk' });
    const isSigned = (message: Bytes, signature: Bytes) =>
      nodeVerify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
    const [head, payload, signature] = jwt.split('.') as [string, string, string];
    const text = (part: string) => Buffer.from(part, 'base64url').toString();
    expect(JSON.parse(text(head))).toEqual(header());
    expect(JSON.parse(text(payload))).toEqual(claims);
    expect(isSigned(utf8(`${head}.${payload}`), Buffer.from(signature, 'base64url'))).toBe(true);

    const { value } = parseCbor(cwt, 'CWT') as CborTagged;
    const [first, open, body, mark] = value as [Bytes, Map<number, CborValue>, Bytes, Bytes];
    expect(open.size).toBe(0);
    // ["Signature1", protected, h'', payload], written by hand (RFC 9052, 4.4)
    const message = concat(
      fromHex('846a5369676e617475726531', 'start'),
      Uint8Array.of(0x58, first.length),
      first,
      body.length < 256
        ? Uint8Array.of(0x40, 0x58, body.length)
        : Uint8Array.of(0x40, 0x59, body.length >> 8, body.length & 0xff),
      body,
    );
    expect(isSigned(message, mark)).toBe(true);
  });

  test('is the same bytes for the same claims, up to the signature', async () => {
    const again = await signJwt(
      makeEar(await strictVerdict(), { nonce: new Uint8Array(32).fill(7) }),
      signer,
    );
    const signed = (token: string) => token.slice(0, token.lastIndexOf('.'));
    expect(signed(again)).toBe(signed(jwt));
  });

  test('by a key that is not in the JWKS is refused', async () => {
    const other = freshSigner();
    for (const token of [await signJwt(claims, other), await signCwt(claims, other)]) {
      expect(await refusal(token)).toBe('token-key-unknown');
      expect(await refusal(token, reader, { keys: [...jwks.keys, other.publicJwk] })).toBeNull();
    }
  });

  test('by a key that names itself as another is refused', async () => {
    const imposter = { ...freshSigner(), kid: signer.kid };
    for (const token of [await signJwt(claims, imposter), await signCwt(claims, imposter)]) {
      expect(await refusal(token)).toBe('token-false');
    }
  });

  test('holds from a minute before its time until it expires', async () => {
    const { iat, exp = 0 } = claims;
    expect([iat, exp]).toEqual([fakeNow, fakeNow + 3600]);
    for (const token of [jwt, cwt]) {
      const at = (now: number) => refusal(token, { ...reader, now });
      expect([await at(iat - 60), await at(exp - 1)]).toEqual([null, null]);
      expect([await at(iat - 61), await at(exp)]).toEqual(['token-expired', 'token-expired']);
    }
  });

  test('answers one nonce', async () => {
    const silent = makeEar(await strictVerdict());
    for (const token of [jwt, cwt]) {
      const asked = (fill: number) =>
        refusal(token, { ...reader, nonce: new Uint8Array(32).fill(fill) });
      expect([await asked(7), await asked(8)]).toEqual([null, 'token-nonce']);
    }
    for (const token of [await signJwt(silent, signer), await signCwt(silent, signer)]) {
      expect(await refusal(token, { ...reader, nonce: new Uint8Array(32) })).toBe('token-nonce');
      expect(await refusal(token)).toBeNull();
    }
  });

  test('too long is not looked at', async () => {
    expect(await refusal('.'.repeat(maxTokenLength + 1))).toBe('too-large');
    expect(await refusal(new Uint8Array(maxTokenLength + 1))).toBe('too-large');
    expect(await refusal('.'.repeat(maxTokenLength))).toBe('token-malformed');
  });
});

describe('a JWT', () => {
  test('is accepted as it is signed here', async () => {
    expect(await refusal(await signedJwt(header(), claims))).toBeNull();
  });

  test.for<[string, object]>([
    ['no algorithm', { alg: 'none' }],
    ['another algorithm', { alg: 'HS256' }],
    ['another type', { typ: 'JWT' }],
    ['no type', { typ: undefined }],
    ['no key id', { kid: undefined }],
    ['a key of its own', { jwk: {} }],
    ['a place to fetch keys from', { jku: 'https://example.com' }],
    ['a certificate', { x5c: [] }],
    ['a critical extension', { crit: ['b64'], b64: false }],
  ])('with %s in its header is refused', async ([, edit]) => {
    expect(await refusal(await signedJwt({ ...header(), ...edit }, claims))).toBe('json-shape');
  });

  test.for<[string, (token: string) => string, string]>([
    ['without a signature', (token) => token.replace(/[^.]*$/, ''), 'token-false'],
    ['of two parts', (token) => token.replace(/\.[^.]*$/, ''), 'token-malformed'],
    ['of four parts', (token) => `${token}.`, 'token-malformed'],
    ['with padding', (token) => `${token}==`, 'base64-malformed'],
    ['with white space', (token) => `${token}\n`, 'base64-malformed'],
    ['of standard base64', (token) => `${token.slice(0, -1)}+`, 'base64-malformed'],
    ['with a signature of 63 bytes', (token) => token.slice(0, -2), 'token-false'],
  ])('%s is refused', async ([, edit, code]) => {
    expect(await refusal(edit(jwt))).toBe(code);
  });

  test('whose header holds a member twice is refused', async () => {
    const head = `{"alg":"ES256","alg":"ES256","kid":"${signer.kid}","typ":"eat+jwt"}`;
    const message = `${toBase64Url(utf8(head))}.${b64(claims)}`;
    const token = `${message}.${toBase64Url(await signer.sign(utf8(message)))}`;
    expect(await refusal(token)).toBe('json-malformed');
  });

  test('with a bit changed in any character is refused', async () => {
    const accepted: number[] = [];
    const bytes = utf8(jwt);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.with(at, (bytes[at] as number) ^ (1 << (at % 7)));
      if ((await refusal(new TextDecoder().decode(changed))) === null) accepted.push(at);
    }
    expect(accepted).toEqual([]);
  });
});

describe('a CWT', () => {
  test('is signed as the example of RFC 8392, A.3', async () => {
    const key = publicJwkOf({
      x: fromHex('143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f', 'x'),
      y: fromHex('60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9', 'y'),
    });
    const payload = fromHex(
      'a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c69676874' +
        '2e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b71',
      'payload',
    );
    const signature = fromHex(
      '5427c1ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca5acd' +
        '08c8d4d4f96131680c429a01f85951ecee743a52b9b63632c57209120e1c9e30',
      'signature',
    );
    const message = signedMessageOf(fromHex('a10126', 'header'), payload);
    const verifies = (signed: Bytes) =>
      reader.crypto.verifyP256Sha256(spkiOf(key), signed, signature);
    expect(await verifies(message)).toBe(true);
    expect(await verifies(signedMessageOf(fromHex('a10127', 'header'), payload))).toBe(false);
    expect(toHex(encodeCbor(parseCbor(payload, 'payload')))).toBe(toHex(payload));
  });

  test('is accepted as it is signed here', async () => {
    expect(await refusal(await signedCwt(coseHeader(), encodeCbor(earToCbor(claims))))).toBeNull();
  });

  test.for<[string, (good: Map<number, CborValue>) => CborValue, string]>([
    ['another algorithm', (good) => good.set(1, -35), 'token-malformed'],
    ['no algorithm', (good) => new Map([...good].filter(([key]) => key !== 1)), 'token-malformed'],
    ['no key id', (good) => new Map([...good].filter(([key]) => key !== 4)), 'token-malformed'],
    ['a key id of text', (good) => good.set(4, signer.kid), 'token-malformed'],
    ['a third member', (good) => good.set(3, 0), 'token-malformed'],
    ['no map', () => 0, 'token-malformed'],
  ])('with %s in its header is refused', async ([, edit, code]) => {
    const payload = encodeCbor(earToCbor(claims));
    expect(await refusal(await signedCwt(edit(coseHeader()), payload))).toBe(code);
  });

  test('with anything outside its signature is refused', async () => {
    const payload = encodeCbor(earToCbor(claims));
    const open = new Map<number, CborValue>([[4, utf8(signer.kid)]]);
    expect(await refusal(await signedCwt(coseHeader(), payload, open))).toBe('token-malformed');
    expect(await refusal(await signedCwt(coseHeader(), payload, null))).toBe('token-malformed');
  });

  test('of another frame is refused', async () => {
    const { value } = parseCbor(cwt, 'CWT') as CborTagged;
    const parts = value as CborValue[];
    const frame = (tag: number, inner: CborValue) => refusal(encodeCbor({ tag, value: inner }));
    expect(await frame(18, parts)).toBeNull();
    expect(await frame(98, parts)).toBe('token-malformed');
    expect(await frame(18, parts.slice(0, 3))).toBe('token-malformed');
    expect(await frame(18, [...parts, 0])).toBe('token-malformed');
    expect(await frame(18, parts.with(3, 'text'))).toBe('token-malformed');
    expect(await frame(18, 0)).toBe('token-malformed');
    expect(await refusal(encodeCbor(parts))).toBe('token-malformed');
    expect(await refusal(concat(cwt, Uint8Array.of(0)))).toBe('length-wrong');
  });

  test('with a bit changed in any byte is refused', async () => {
    const accepted: number[] = [];
    for (let at = 0; at < cwt.length; at += 1) {
      const changed = cwt.with(at, (cwt[at] as number) ^ (1 << (at % 8)));
      if ((await refusal(changed)) === null) accepted.push(at);
    }
    expect(accepted).toEqual([]);
  });

  test('is not changed by who changes its bytes while it is checked', async () => {
    const bytes = concat(cwt);
    const pending = verifyCwt(bytes, jwks, reader);
    bytes.fill(0);
    expect(await pending).toEqual(claims);
  });
});

test('random bytes and text are refused with a known error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.string(), async (bytes, text) => {
      for (const token of [bytes, text, concat(cwt.subarray(0, 8), bytes)]) {
        expect(await refusal(token as Bytes)).not.toBeNull();
      }
    }),
    { numRuns: 300 },
  );
});
