import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeResponse,
  parseResponse,
  type ResponseContent,
  responseHash,
  responseMessage,
  signResponse,
  verifyResponse,
} from '#verifier/abi/response.ts';
import { bigEndian, concat, fromBigEndian, fromHex, toHex, utf8 } from '#verifier/bytes.ts';

const order = secp256k1.Point.Fn.ORDER;
const privateKey = bigEndian(1, 32);
const publicKey = secp256k1.Point.BASE.toBytes(false).slice(1);
const otherKey = secp256k1.Point.BASE.double().toBytes(false).slice(1);
const content: ResponseContent = {
  service: 'echo-node',
  nonce: Uint8Array.from({ length: 32 }, (_, i) => i),
  time: 1_700_000_002,
  request: utf8('hello'),
  body: utf8('hello'),
};
const signature = fromHex(
  '5c7743b586ad0bd470658e00b82e604a7daf5556092a42eae0fbee60b06659b5' +
    '1a5b83a099277a6f412c4e8d060f8ab439cc3a948959ed8f33accd35764a00a1',
  'test',
);
const signed = { ...content, signature };
const malformed = expect.objectContaining({ code: 'signature-malformed' });
const rOf = (bytes: Uint8Array) => bytes.slice(0, 32);
const sOf = (bytes: Uint8Array) => bytes.slice(32);

describe('message', () => {
  test('is the protocol’s 158 bytes', () => {
    const id = '2e94955919399143f5c0f1cdaf75f401cc58ee21c4a5b21ed68f06ec22f54100';
    const hello = toHex(sha256(utf8('hello')));
    const message = responseMessage(content);
    expect(message).toHaveLength(158);
    expect(toHex(message)).toBe(
      `${toHex(utf8('affidavit/response/v1'))}00${id}${toHex(content.nonce)}` +
        `000000006553f102${hello}${hello}`,
    );
  });

  test('response hash is the protocol’s', () => {
    expect(toHex(responseHash(content))).toBe(
      '6c80c31871af7a4a3de2a2198dfe2dea9a71780e161180a1b357471d40b16e34',
    );
  });

  test.each<[string, Partial<ResponseContent>]>([
    ['a short nonce', { nonce: new Uint8Array(31) }],
    ['a long nonce', { nonce: new Uint8Array(33) }],
    ['a time before 1970', { time: -1 }],
    ['a time with a fraction', { time: 0.5 }],
    ['a time of 2^53', { time: 2 ** 53 }],
  ])('%s is a RangeError', (_, change) => {
    const limits = { nonce: new Uint8Array(32), time: 2 ** 53 - 1 };
    expect(responseMessage({ ...content, ...limits })).toHaveLength(158);
    expect(() => responseMessage({ ...content, ...change })).toThrow(RangeError);
  });

  test('a name that no service can have is refused', () => {
    expect(() => responseMessage({ ...content, service: 'Echo' })).toThrow(
      expect.objectContaining({ code: 'value-out-of-range' }),
    );
  });
});

describe('signature', () => {
  test('is the protocol’s, each time', () => {
    expect(toHex(signResponse(content, privateKey).signature)).toBe(toHex(signature));
    expect(signResponse(content, privateKey)).toEqual(signed);
    expect(verifyResponse(signed, publicKey)).toBe(true);
  });

  test('each member counts, and so does the key', () => {
    const changes: Partial<ResponseContent>[] = [
      { service: 'echo-cpp' },
      { nonce: new Uint8Array(32) },
      { time: content.time + 1 },
      { request: utf8('hello ') },
      { body: utf8('Hello') },
      { request: utf8('hell'), body: utf8('ohello') },
    ];
    for (const change of changes) {
      expect(verifyResponse({ ...signed, ...change }, publicKey)).toBe(false);
    }
    expect(verifyResponse(signed, otherKey)).toBe(false);
    expect(verifyResponse(signed, publicKey)).toBe(true);
  });

  test('the message is hashed once: a signature over its hash’s hash is false', () => {
    const twice = secp256k1.sign(responseHash(content), privateKey, { prehash: true });
    const once = secp256k1.sign(responseMessage(content), privateKey, { prehash: true });
    expect(verifyResponse({ ...content, signature: twice }, publicKey)).toBe(false);
    expect(verifyResponse({ ...content, signature: once }, publicKey)).toBe(true);
  });

  test('its high-s twin is refused, though the curve would take it', () => {
    const high = concat(rOf(signature), bigEndian(order - fromBigEndian(sOf(signature)), 32));
    const options = { prehash: false, lowS: false };
    const uncompressed = concat(Uint8Array.of(4), publicKey);
    expect(secp256k1.verify(high, responseHash(content), uncompressed, options)).toBe(true);
    expect(() => verifyResponse({ ...content, signature: high }, publicKey)).toThrow(malformed);
    expect(verifyResponse(signed, publicKey)).toBe(true);
  });

  const [zero, half] = [new Uint8Array(32), (order - 1n) / 2n];
  test.each([
    ['r = 0', concat(zero, sOf(signature))],
    ['r = order', concat(bigEndian(order, 32), sOf(signature))],
    ['r = all ones', concat(new Uint8Array(32).fill(0xff), sOf(signature))],
    ['s = 0', concat(rOf(signature), zero)],
    ['s = (order + 1)/2', concat(rOf(signature), bigEndian(half + 1n, 32))],
    ['s = order', concat(rOf(signature), bigEndian(order, 32))],
    ['s + order', concat(rOf(signature), bigEndian(order + 1n, 32))],
    ['63 bytes', signature.slice(1)],
    ['65 bytes', concat(signature, Uint8Array.of(0))],
    ['no bytes', new Uint8Array(0)],
  ])('%s is malformed', (_, wrong) => {
    expect(() => verifyResponse({ ...content, signature: wrong }, publicKey)).toThrow(malformed);
  });

  test.each([
    ['r = 1', concat(bigEndian(1, 32), sOf(signature))],
    ['r = order − 1', concat(bigEndian(order - 1n, 32), sOf(signature))],
    ['s = 1', concat(rOf(signature), bigEndian(1, 32))],
    ['s = (order − 1)/2', concat(rOf(signature), bigEndian(half, 32))],
  ])('%s is well-formed, and false', (_, wrong) => {
    expect(verifyResponse({ ...content, signature: wrong }, publicKey)).toBe(false);
  });

  test('a public key off the curve is refused', () => {
    const off = publicKey.map((byte, i) => (i === 63 ? byte ^ 1 : byte));
    expect(() => verifyResponse(signed, off)).toThrow(malformed);
    expect(() => verifyResponse(signed, concat(Uint8Array.of(4), publicKey))).toThrow(malformed);
  });

  test.each([
    ['0', new Uint8Array(32)],
    ['the order', bigEndian(order, 32)],
    ['31 bytes', new Uint8Array(31).fill(1)],
  ])('private key %s is a RangeError', (_, key) => {
    expect(() => signResponse(content, key)).toThrow(RangeError);
    expect(signResponse(content, bigEndian(order - 1n, 32)).signature).toHaveLength(64);
  });

  test('what is signed verifies; no single flipped bit of the signature does', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const scalar = fc.bigInt({ min: 1n, max: order - 1n });
    const time = fc.nat();
    const bit = fc.nat({ max: 511 });
    fc.assert(
      fc.property(bytes, bytes, scalar, time, bit, (request, body, scalar, time, bit) => {
        const key = bigEndian(scalar, 32);
        const response = signResponse({ ...content, request, body, time }, key);
        const point = secp256k1.getPublicKey(key, false).slice(1);
        expect(verifyResponse(response, point)).toBe(true);
        const flipped = response.signature.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(holds(flipped, response, point)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  function holds(signature: Uint8Array, of: ResponseContent, key: Uint8Array): boolean {
    try {
      return verifyResponse({ ...of, signature }, key);
    } catch (error) {
      expect(error).toEqual(malformed);
      return false;
    }
  }
});

describe('JSON', () => {
  const json =
    `{"version":1,"service":"echo-node","nonce":"${toHex(content.nonce)}",` +
    `"time":1700000002,"request":"aGVsbG8=","body":"aGVsbG8=","signature":"${toHex(signature)}"}`;
  const value = JSON.parse(json) as Record<string, unknown>;

  test('is the protocol’s text: its order, no spaces', () => {
    expect(encodeResponse(signed)).toBe(json);
    expect(parseResponse(json)).toEqual(signed);
  });

  test('there and back, with any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    const time = fc.maxSafeNat();
    fc.assert(
      fc.property(bytes, bytes, time, (request, body, time) => {
        const response = { ...signed, request, body, time };
        expect(parseResponse(encodeResponse(response))).toEqual(response);
      }),
    );
  });

  test('members in another order are the same response', () => {
    const reversed = Object.fromEntries(Object.entries(value).reverse());
    expect(parseResponse(JSON.stringify(reversed))).toEqual(signed);
  });

  test.each([
    ['json-malformed', ''],
    ['json-malformed', `${json}${json}`],
    ['json-malformed', json.replace('{', '{"version":1,')],
    ['json-shape', { ...value, extra: 1 }],
    ['json-shape', { ...value, body: undefined }],
    ['version-unknown', { ...value, version: 2 }],
    ['json-shape', { ...value, service: 'Echo' }],
    ['json-shape', { ...value, time: '1700000002' }],
    ['json-shape', { ...value, time: 2 ** 53 }],
    ['hex-malformed', { ...value, nonce: '00' }],
    ['hex-malformed', { ...value, signature: `${toHex(signature)}00` }],
    ['hex-malformed', { ...value, signature: toHex(signature).toUpperCase() }],
    ['base64-malformed', { ...value, request: 'aGVsbG8' }],
    ['base64-malformed', { ...value, body: 'aGVsbG9=' }],
    ['json-shape', { ...value, body: null }],
  ])('%s: %j', (code, wrong) => {
    const text = typeof wrong === 'string' ? wrong : JSON.stringify(wrong);
    expect(() => parseResponse(text)).toThrow(expect.objectContaining({ code }));
  });
});
