/** The ports: what is a signature and what is not, alike in all of them. */
import { constants, type KeyObject, sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AmdKeys, generateEcKey, generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import { nodeCrypto, nodeCryptoKeepingKeys, pooledNodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import { webCrypto } from '#verifier/crypto-web.ts';

let keys: AmdKeys;
let p256: KeyPair;
let shortRsa: KeyPair;
beforeAll(async () => {
  keys = await testKeys();
  [p256, shortRsa] = await Promise.all([generateEcKey('P-256'), generateRsaKey(2048)]);
});

const ports: [string, CryptoPort][] = [
  ['node:crypto', nodeCrypto],
  ['node:crypto on its pool', pooledNodeCrypto],
  ['node:crypto keeping keys', nodeCryptoKeepingKeys()],
  ['WebCrypto', webCrypto],
  ['with a memory', rememberingCrypto(nodeCrypto)],
];

const message = utf8('signed');
const spkiOf = (key: KeyObject): Bytes =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));
function flipped(bytes: Bytes, at: number): Bytes {
  return bytes.with(at, (bytes.at(at) as number) ^ 1);
}

describe.each(ports)('%s', (_, port) => {
  describe('RSASSA-PSS, SHA-384, salt 48', () => {
    const pss = (hash = 'sha384', saltLength = 48, key = keys.ark.privateKey) =>
      new Uint8Array(
        sign(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
      );
    const verify = (signature: Bytes, text = message, key = keys.ark.publicKey) =>
      port.verifyRsaPssSha384(spkiOf(key), text, signature);

    test('good, twice', async () => {
      const signature = pss();
      expect(await verify(signature)).toBe(true);
      expect(await verify(signature)).toBe(true);
      // Another signature of the same: the salt is new.
      expect(await verify(pss())).toBe(true);
    });

    test('another message, key, hash, salt or padding', async () => {
      const signature = pss();
      expect(await verify(signature, utf8('signee'))).toBe(false);
      expect(await verify(signature, message, keys.ask.publicKey)).toBe(false);
      for (const salt of [0, 32, 47, 49]) expect(await verify(pss('sha384', salt))).toBe(false);
      for (const hash of ['sha256', 'sha512']) expect(await verify(pss(hash))).toBe(false);
      const pkcs1 = new Uint8Array(sign('sha384', message, keys.ark.privateKey));
      expect(await verify(pkcs1)).toBe(false);
      expect(await verify(signature)).toBe(true);
    });

    test('bits changed, and wrong lengths', async () => {
      const signature = pss();
      for (const at of [0, 255, 511]) expect(await verify(flipped(signature, at))).toBe(false);
      const wrong = [
        signature.subarray(1),
        concat(new Uint8Array(1), signature),
        new Uint8Array(0),
      ];
      for (const one of wrong) expect(await verify(one)).toBe(false);
      expect(await verify(new Uint8Array(512))).toBe(false);
      expect(await verify(new Uint8Array(512).fill(0xff))).toBe(false);
    });

    test('a key that is none', async () => {
      const spki = spkiOf(keys.ark.publicKey);
      for (const bad of [new Uint8Array(0), spki.subarray(1), utf8('rubbish')]) {
        expect(await port.verifyRsaPssSha384(bad, message, pss())).toBe(false);
      }
      const small = pss('sha384', 48, shortRsa.privateKey);
      expect(await verify(small)).toBe(false);
    });

    test('a key on a curve, with a signature of its own kind', async () => {
      const ecdsa = (dsaEncoding: 'der' | 'ieee-p1363') =>
        new Uint8Array(sign('sha384', message, { key: keys.vcek.privateKey, dsaEncoding }));
      for (const encoding of ['der', 'ieee-p1363'] as const) {
        expect(await verify(ecdsa(encoding), message, keys.vcek.publicKey)).toBe(false);
      }
    });
  });

  describe('ECDSA P-384 with SHA-384', () => {
    const order = BigInt(
      '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    );
    const raw = (hash = 'sha384', key = keys.vcek.privateKey) =>
      new Uint8Array(sign(hash, message, { key, dsaEncoding: 'ieee-p1363' }));
    const verify = (signature: Bytes, text = message, key = keys.vcek.publicKey) =>
      port.verifyP384Sha384(spkiOf(key), text, signature);
    const join = (r: bigint, s: bigint) => concat(bigEndian(r, 48), bigEndian(s, 48));
    const split = (signature: Bytes) =>
      [signature.subarray(0, 48), signature.subarray(48)].map(fromBigEndian) as [bigint, bigint];

    test('good, with a low and a high s', async () => {
      const [r, s] = split(raw());
      expect(await verify(join(r, s))).toBe(true);
      expect(await verify(join(r, order - s))).toBe(true);
    });

    test('r and s out of range', async () => {
      const [r, s] = split(raw());
      const out = [0n, order, order + 1n, (1n << 384n) - 1n];
      for (const value of out) {
        expect(await verify(join(value, s))).toBe(false);
        expect(await verify(join(r, value))).toBe(false);
      }
      expect(await verify(join(0n, 0n))).toBe(false);
      expect(await verify(join(s, r))).toBe(false);
    });

    test('another message, key, hash or encoding', async () => {
      const signature = raw();
      expect(await verify(signature, utf8('signee'))).toBe(false);
      expect(await verify(signature, message, keys.vlek.publicKey)).toBe(false);
      for (const hash of ['sha256', 'sha512']) expect(await verify(raw(hash))).toBe(false);
      const der = new Uint8Array(sign('sha384', message, keys.vcek.privateKey));
      expect(await verify(der)).toBe(false);
      for (const wrong of [signature.subarray(1), concat(signature, new Uint8Array(1))]) {
        expect(await verify(wrong)).toBe(false);
      }
      expect(await verify(new Uint8Array(0))).toBe(false);
      expect(await verify(signature)).toBe(true);
    });

    test('a point off the curve, and the point at infinity', async () => {
      const signature = raw();
      const spki = spkiOf(keys.vcek.publicKey);
      const off = [
        flipped(spki, -1),
        flipped(spki, -96),
        concat(spki.subarray(0, -96), new Uint8Array(96)),
      ];
      for (const key of off) {
        expect(await port.verifyP384Sha384(key, message, signature)).toBe(false);
      }
    });

    test('a key of another kind, with a signature of its own kind', async () => {
      expect(await verify(raw('sha384', p256.privateKey), message, p256.publicKey)).toBe(false);
      const pkcs1 = new Uint8Array(sign('sha384', message, shortRsa.privateKey));
      expect(await verify(pkcs1, message, shortRsa.publicKey)).toBe(false);
    });
  });
});
