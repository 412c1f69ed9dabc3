/** The ports: what is a signature and what is not, alike in all of them. */
import { constants, type KeyObject, sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AmdKeys, generateEcKey, generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, fromHex, utf8 } from '#verifier/bytes.ts';
import { p256Spki } from '#verifier/chain/x509.ts';
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

const methods = ['verifyRsaPssSha384', 'verifyP384Sha384', 'verifyP256Sha256'] as const;
const curves = [
  {
    name: 'P-384 with SHA-384',
    size: 48,
    hash: 'sha384',
    wrongHashes: ['sha256', 'sha512'],
    order: BigInt(
      '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ),
    method: 'verifyP384Sha384',
    signer: (): KeyPair => keys.vcek,
  },
  {
    name: 'P-256 with SHA-256',
    size: 32,
    hash: 'sha256',
    wrongHashes: ['sha384', 'sha512'],
    order: BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
    method: 'verifyP256Sha256',
    signer: (): KeyPair => p256,
  },
] as const;
const strangerOf = async (size: number): Promise<KeyObject> =>
  (await generateEcKey(size === 32 ? 'P-256' : 'P-384')).publicKey;
const rfc6979 = {
  point: fromHex(
    '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    'U',
  ),
  signature: fromHex(
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    'r and s',
  ),
};

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

    test('without its leading zero', async () => {
      // The same integer, one byte shorter: OpenSSL alone takes it.
      let signature = pss('sha384', 48, shortRsa.privateKey);
      while (signature[0] !== 0) signature = pss('sha384', 48, shortRsa.privateKey);
      expect(await verify(signature, message, shortRsa.publicKey)).toBe(true);
      expect(await verify(signature.subarray(1), message, shortRsa.publicKey)).toBe(false);
      const longer = concat(new Uint8Array(1), signature);
      expect(await verify(longer, message, shortRsa.publicKey)).toBe(false);
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

  describe.each([
    ['sha256', 'verifyRsaPkcs1Sha256', 'sha384'],
    ['sha384', 'verifyRsaPkcs1Sha384', 'sha256'],
  ] as const)('RSASSA-PKCS1-v1_5, %s', (hash, method, otherHash) => {
    const pkcs1 = (text = message, name: string = hash, key = shortRsa.privateKey) =>
      new Uint8Array(sign(name, text, key));
    const verify = (signature: Bytes, text = message, key = shortRsa.publicKey) =>
      port[method](spkiOf(key), text, signature);

    test('good', async () => {
      expect(await verify(pkcs1())).toBe(true);
      const long = pkcs1(message, hash, keys.ark.privateKey);
      expect(await verify(long, message, keys.ark.publicKey)).toBe(true);
    });

    test('another message, key, hash or padding', async () => {
      expect(await verify(pkcs1(), utf8('signee'))).toBe(false);
      expect(await verify(pkcs1(), message, keys.ark.publicKey)).toBe(false);
      expect(await verify(pkcs1(message, otherHash))).toBe(false);
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const pss = sign(hash, message, { key: shortRsa.privateKey, padding, saltLength: 48 });
      expect(await verify(new Uint8Array(pss))).toBe(false);
    });

    test('bits changed, and wrong lengths, without its leading zero too', async () => {
      let count = 0;
      while (pkcs1(bigEndian(count, 4))[0] !== 0) count++;
      const text = bigEndian(count, 4);
      const signature = pkcs1(text);
      expect(await verify(signature, text)).toBe(true);
      for (const at of [1, 128, 255])
        expect(await verify(flipped(signature, at), text)).toBe(false);
      const wrong = [
        signature.subarray(1),
        signature.subarray(0, -1),
        concat(new Uint8Array(1), signature),
        new Uint8Array(0),
        new Uint8Array(256),
      ];
      for (const one of wrong) expect(await verify(one, text)).toBe(false);
    });

    test('a key that is none, and a key on a curve', async () => {
      const spki = spkiOf(shortRsa.publicKey);
      for (const bad of [
        new Uint8Array(0),
        spki.subarray(1),
        spki.subarray(0, 40),
        utf8('rubbish'),
      ])
        expect(await port[method](bad, message, pkcs1())).toBe(false);
      expect(await verify(pkcs1(), message, keys.vcek.publicKey)).toBe(false);
    });
  });

  describe.each(curves)('ECDSA $name', ({ size, hash, wrongHashes, order, method, signer }) => {
    const raw = (text: string = hash, key = signer().privateKey) =>
      new Uint8Array(sign(text, message, { key, dsaEncoding: 'ieee-p1363' }));
    const verify = (signature: Bytes, text = message, key = signer().publicKey) =>
      port[method](spkiOf(key), text, signature);
    const join = (r: bigint, s: bigint) => concat(bigEndian(r, size), bigEndian(s, size));
    const split = (signature: Bytes) =>
      [signature.subarray(0, size), signature.subarray(size)].map(fromBigEndian) as [
        bigint,
        bigint,
      ];

    test('good, with a low and a high s, twice', async () => {
      const [r, s] = split(raw());
      for (let i = 0; i < 2; i++) {
        expect(await verify(join(r, s))).toBe(true);
        expect(await verify(join(r, order - s))).toBe(true);
      }
    });

    test('r and s out of range', async () => {
      const [r, s] = split(raw());
      const out = [0n, order, order + 1n, (1n << BigInt(8 * size)) - 1n];
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
      expect(await verify(signature, message, await strangerOf(size))).toBe(false);
      for (const wrong of wrongHashes) expect(await verify(raw(wrong))).toBe(false);
      const der = new Uint8Array(sign(hash, message, signer().privateKey));
      expect(await verify(der)).toBe(false);
      for (const wrong of [signature.subarray(1), concat(signature, new Uint8Array(1))]) {
        expect(await verify(wrong)).toBe(false);
      }
      expect(await verify(new Uint8Array(0))).toBe(false);
      expect(await verify(signature)).toBe(true);
    });

    test('a point off the curve, and the point at infinity', async () => {
      const signature = raw();
      const spki = spkiOf(signer().publicKey);
      const off = [
        flipped(spki, -1),
        flipped(spki, -2 * size),
        concat(spki.subarray(0, -2 * size), new Uint8Array(2 * size)),
      ];
      for (const key of off) expect(await port[method](key, message, signature)).toBe(false);
      expect(await port[method](spki, message, signature)).toBe(true);
    });

    test('a key that is none', async () => {
      const spki = spkiOf(signer().publicKey);
      for (const bad of [
        new Uint8Array(0),
        spki.subarray(1),
        spki.subarray(0, -1),
        utf8('rubbish'),
      ])
        expect(await port[method](bad, message, raw())).toBe(false);
    });

    test('a key of another kind, with a signature of its own kind', async () => {
      for (const { privateKey, publicKey } of curves.map((curve) => curve.signer())) {
        if (publicKey === signer().publicKey) continue;
        expect(await verify(raw(hash, privateKey), message, publicKey)).toBe(false);
      }
      const pkcs1 = new Uint8Array(sign(hash, message, shortRsa.privateKey));
      expect(await verify(pkcs1, message, shortRsa.publicKey)).toBe(false);
    });
  });

  test('the P-256 example of RFC 6979, A.2.5', async () => {
    const { point, signature } = rfc6979;
    const spki = p256Spki(point);
    expect(await port.verifyP256Sha256(spki, utf8('sample'), signature)).toBe(true);
    expect(await port.verifyP256Sha256(spki, utf8('simple'), signature)).toBe(false);
  });

  test('a signature good under one method is not good under another', async () => {
    for (const { hash, method, signer } of curves) {
      const { publicKey, privateKey } = signer();
      const signature = new Uint8Array(
        sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      );
      const good = [spkiOf(publicKey), message, signature] as const;
      expect(await port[method](...good)).toBe(true);
      for (const other of methods) expect(await port[other](...good)).toBe(other === method);
    }
  });
});
