/** ID blocks and their authentication: others' published bytes and key digests, every field, and each refusal. */
import { createHash, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf } from '#test/verifier/code-of.ts';
import { decodeGuestPolicy } from '#verifier/abi/snp.ts';
import { type Bytes, concat, fromHex, toBase64, toHex } from '#verifier/bytes.ts';
import {
  checkIdAuth,
  encodeIdAuth,
  type IdAuth,
  parseIdAuth,
  signIdBlock,
} from '#verifier/measure/snp/id-auth.ts';
import { encodeIdBlock, type IdBlock, parseIdBlock } from '#verifier/measure/snp/id-block.ts';
import {
  encodeOwnerKey,
  encodeOwnerSignature,
  type OwnerSigner,
  ownerKeyDigest,
} from '#verifier/measure/snp/owner-key.ts';

const hex = (text: string) => fromHex(text, 'fact');

/** Of virtee/sev, tests/id-block.rs (9cf2adb): two public keys, their digests, and signatures. */
const published = {
  launchDigest:
    'a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd13d214b35c231715b38e263dc6059745',
  idBlock:
    'oU1jg0HlZ0Yo/h4C++3r5eWrT68d1y2JZgaOYVu5nv0T0hSzXCMXFbOOJj3GBZdFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAwAAAAAA',
  idKey:
    'f6763e4d2609cf1b2cf22f2cc8b8ca4cf55d470c3c23552c93b168874390dd95cb3fdee847ddf79ff29efbb8803c6d1f' +
    'ccd7a8d047b9cdc1c750b1190abe6d1dad37a8decb14327b766619f712607cfd0d38853c50da9bcd080b35389c93be3e',
  idKeyDigest: 'WfssaG36T+9J84M5qndckAUcKNVzg93DuvO160sUlt87DbvcuuX+J2d6ZEggdz/i',
  authorKey:
    '6270c78bd6904cd1336299a25b98736a71ce92fef07494d72cb28b073c830f9f564af7a5c1c6ffc5a34973d5da45868c' +
    '863c7930a2c98448a77a10088102e2a95f9308cd3e56b559b7fd3acc88b3cc2a19774348fea2f2c9031191e07187acf5',
  authorKeyDigest: '7tgRafsMteDsNHlPEo/U4MSkb2fGWhrfqB/LJLzAiMJyNpt//D6ytq9qQoShs2xf',
  blockSignature:
    'da38b7016f7b3a6147c0c81b6b8c5cef057dff71ae5e13f018f3049fc6c3a90959e0ca6a7c8f4ebd61e0f99b7dbfd3e5' +
    'd8a597d14427643bc36ae16df221e91a2b33ef8b54e56429e961aaa6af5e1f3cdd032b037c266dec8183de67ca4d19d4',
  idKeySignature:
    '99ea62b40e1fa31a776676b94ca371a7ca0e02dd18dc34116529d4ec543d0c8199edf7c35548ff8986567f55947b88bb' +
    '33916fafbfa2719334e0a3fe7d1b0104b1704ffbb98898e98cd1642f25ee0fbb7da719a2485f42352a1ba75db9e861f2',
  /** SHA-256 of the 4096 bytes. */
  idAuth: '357559109700077566355a0fefd0fbdcfdf7f5b82de7e3ede55f8054d4bea447',
};

const block: IdBlock = {
  launchDigest: hex(published.launchDigest),
  familyId: new Uint8Array(16),
  imageId: new Uint8Array(16),
  guestSvn: 0,
  policy: decodeGuestPolicy(0x30000n),
};

function signer(): OwnerSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  return {
    key: concat(...[x, y].map((one) => new Uint8Array(Buffer.from(one as string, 'base64url')))),
    sign: async (message) =>
      new Uint8Array(nodeSign('sha384', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}

const id = signer();
const author = signer();
const bytes = encodeIdBlock(block);
const both = await signIdBlock(bytes, id, author);
const alone = await signIdBlock(bytes, id, null);

describe('published', () => {
  test('the block', () => {
    expect(toBase64(bytes)).toBe(published.idBlock);
    expect(parseIdBlock(bytes)).toEqual(block);
  });

  test.each([
    [published.idKey, published.idKeyDigest],
    [published.authorKey, published.authorKeyDigest],
  ])('a key’s digest', (key, digest) => {
    expect(toBase64(ownerKeyDigest(hex(key)))).toBe(digest);
  });

  test('the authentication, to the byte', () => {
    const auth: IdAuth = {
      idKey: hex(published.idKey),
      blockSignature: hex(published.blockSignature),
      author: { key: hex(published.authorKey), signature: hex(published.idKeySignature) },
    };
    const written = encodeIdAuth(auth);
    expect(createHash('sha256').update(written).digest('hex')).toBe(published.idAuth);
    expect(parseIdAuth(written)).toEqual(auth);
    expect(checkIdAuth(bytes, auth)).toEqual({ block: true, idKey: true });
  });
});

describe('the block', () => {
  const idOf = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const any = fc.record({
    launchDigest: fc.uint8Array({ minLength: 48, maxLength: 48 }),
    familyId: idOf,
    imageId: idOf,
    guestSvn: fc.nat(0xffff_ffff),
    policy: fc.bigInt(0n, 0x3ff_ffffn).map((bits) => decodeGuestPolicy(bits | 0x20000n)),
  });

  test('is read as it is written', () => {
    fc.assert(
      fc.property(any, (one) => {
        expect(parseIdBlock(encodeIdBlock(one))).toEqual(one);
      }),
    );
  });

  test.each([
    ['a byte less', (one: Bytes) => one.slice(0, 95), 'length-wrong'],
    ['a byte more', (one: Bytes) => concat(one, Uint8Array.of(0)), 'length-wrong'],
    ['version 2', (one: Bytes) => changed(one, 0x50, 2), 'version-unknown'],
    ['policy without bit 17', (one: Bytes) => changed(one, 0x5a, 1), 'reserved-not-zero'],
    ['policy with bit 26', (one: Bytes) => changed(one, 0x5b, 4), 'reserved-not-zero'],
    ['nothing else', (one: Bytes) => one, null],
  ] as const)('with %s', (_name, change, code) => {
    expect(codeOf(() => parseIdBlock(change(bytes)))).toBe(code);
  });

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (one) => void codeOf(() => parseIdBlock(one))),
    );
  });
});

function changed(one: Bytes, at: number, byte: number): Bytes {
  const out = one.slice();
  out[at] = byte;
  return out;
}

describe('the authentication', () => {
  test.each([
    ['with an author key', both, { block: true, idKey: true }],
    ['without', alone, { block: true, idKey: null }],
  ] as const)('is read as it is written, and holds: %s', (_name, auth, checks) => {
    const written = encodeIdAuth(auth);
    expect(written).toHaveLength(4096);
    expect(parseIdAuth(written)).toEqual(auth);
    expect(checkIdAuth(bytes, auth)).toEqual(checks);
  });

  test('does not hold for another block, key or author', () => {
    const other = encodeIdBlock({ ...block, guestSvn: 1 });
    expect(checkIdAuth(other, both)).toEqual({ block: false, idKey: true });
    expect(checkIdAuth(bytes, { ...both, idKey: author.key })).toEqual({
      block: false,
      idKey: false,
    });
    const wrong = { key: id.key, signature: both.author?.signature as Bytes };
    expect(checkIdAuth(bytes, { ...both, author: wrong })).toEqual({ block: true, idKey: false });
  });

  test.each([
    ['a byte less', (one: Bytes) => one.slice(1), 'length-wrong'],
    ['a byte more', (one: Bytes) => concat(one, Uint8Array.of(0)), 'length-wrong'],
    ['another algorithm', (one: Bytes) => changed(one, 0, 2), 'value-out-of-range'],
    ['another algorithm of the author', (one: Bytes) => changed(one, 4, 0), 'value-out-of-range'],
    ['a byte before the signature', (one: Bytes) => changed(one, 0x3f, 1), 'reserved-not-zero'],
    ['a byte above r', (one: Bytes) => changed(one, 0x40 + 48, 1), 'reserved-not-zero'],
    ['a byte after s', (one: Bytes) => changed(one, 0x40 + 144, 1), 'reserved-not-zero'],
    ['another curve', (one: Bytes) => changed(one, 0x240, 1), 'value-out-of-range'],
    [
      'a key that is no point',
      (one: Bytes) => changed(one, 0x244, (one[0x244] as number) ^ 1),
      'signature-malformed',
    ],
    ['a byte above y', (one: Bytes) => changed(one, 0x240 + 4 + 143, 1), 'reserved-not-zero'],
    ['a byte after the key', (one: Bytes) => changed(one, 0x644, 1), 'reserved-not-zero'],
    ['a byte after the author key', (one: Bytes) => changed(one, 0xc84, 1), 'reserved-not-zero'],
    ['nothing else', (one: Bytes) => one, null],
  ] as const)('with %s', (_name, change, code) => {
    expect(codeOf(() => parseIdAuth(change(encodeIdAuth(both))))).toBe(code);
  });

  test.each([
    ['an algorithm and no author key', 4, 1, 'value-out-of-range'],
    ['a byte of an author key', 0x880, 2, 'value-out-of-range'],
  ])('without an author: %s', (_name, at, byte, code) => {
    expect(codeOf(() => parseIdAuth(changed(encodeIdAuth(alone), at, byte)))).toBe(code);
  });

  test('a signature of zero, or over the order', () => {
    const order =
      'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973';
    const written = encodeIdAuth(both);
    const withR = (r: Bytes) => {
      const out = written.slice();
      out.set(r.toReversed(), 0x40);
      return codeOf(() => parseIdAuth(out));
    };
    expect(withR(new Uint8Array(48))).toBe('signature-malformed');
    expect(withR(hex(order))).toBe('signature-malformed');
    expect(withR(hex(order.replace(/73$/, '72')))).toBeNull();
  });

  test('random bytes and changed ones', () => {
    const written = encodeIdAuth(both);
    fc.assert(
      fc.property(fc.nat(4095), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = changed(written, at, (written[at] as number) ^ change);
        if (codeOf(() => parseIdAuth(other)) !== null) return;
        const checks = checkIdAuth(bytes, parseIdAuth(other));
        expect(checks.block && checks.idKey).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (one) => {
        expect(codeOf(() => parseIdAuth(one))).not.toBeNull();
      }),
      { numRuns: 20 },
    );
  });

  test('the caller’s mistakes', async () => {
    await expect(signIdBlock(bytes.slice(1), id, null)).rejects.toThrow(RangeError);
    expect(() => encodeOwnerKey(new Uint8Array(96))).toThrow(RangeError);
    expect(() => encodeOwnerKey(id.key.slice(1))).toThrow(RangeError);
    expect(() => encodeOwnerSignature(new Uint8Array(96))).toThrow(RangeError);
  });
});

test('key digests are those of the 0x404 bytes', () => {
  const digest = createHash('sha384').update(encodeOwnerKey(id.key)).digest('hex');
  expect(toHex(ownerKeyDigest(id.key))).toBe(digest);
});
