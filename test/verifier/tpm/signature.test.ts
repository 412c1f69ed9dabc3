/** TPMT_SIGNATURE of every scheme that is read, and the others by name; TPMT_PUBLIC of attestation keys. */
import { describe, expect, test } from 'vitest';
import { createTpm } from '#test/fake/tpm.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import {
  anAttestationKey,
  encodeTpmPublic,
  objectAttributes,
  parseTpmPublic,
  readAkPublic,
  spkiOfTpmKey,
} from '#verifier/abi/tpm/public.ts';
import { encodeTpmSignature, parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import { sized } from '#verifier/abi/tpm/wire.ts';
import { type Bytes, concat, fromHex, fromUtf8, toBase64, utf8 } from '#verifier/bytes.ts';
import { ecdsaSpki, rsaSpki } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';

const hex = (text: string) => fromHex(text, 'test');
const rsaValue = new Uint8Array(256).fill(0xab);
const ecdsa = (hash: string, r: Bytes, s: Bytes) => concat(hex(`0018${hash}`), sized(r), sized(s));
const ones = (length: number) => new Uint8Array(length).fill(1);

describe('signatures', () => {
  test.for([
    ['RSASSA with SHA-256', concat(hex('0014000b'), sized(rsaValue))],
    ['RSASSA with SHA-384', concat(hex('0014000c'), sized(new Uint8Array(384)))],
    ['RSAPSS with SHA-384', concat(hex('0016000c'), sized(new Uint8Array(512)))],
    ['ECDSA with SHA-256', ecdsa('000b', ones(32), ones(32))],
    ['ECDSA with SHA-384', ecdsa('000c', ones(48), ones(48))],
  ] as const)('%s, there and back', ([scheme, bytes]) => {
    const found = parseTpmSignature(bytes);
    expect(found).toMatchObject({ scheme, bare: false });
    expect(encodeTpmSignature(found)).toEqual(bytes);
  });

  test('an RSA signature alone', () => {
    for (const length of [256, 384, 512]) {
      const found = parseTpmSignature(new Uint8Array(length));
      expect(found).toMatchObject({ scheme: 'RSASSA with SHA-256', hash: 'sha256', bare: true });
      expect(encodeTpmSignature(found).length).toBe(length);
    }
    expect(codeOf(() => parseTpmSignature(new Uint8Array(255)))).toBe('value-out-of-range');
  });

  test('r and s without their leading zeros are the same', () => {
    const short = ecdsa('000b', Uint8Array.of(5), ones(31));
    const whole = ecdsa(
      '000b',
      concat(new Uint8Array(31), Uint8Array.of(5)),
      concat(new Uint8Array(1), ones(31)),
    );
    expect(parseTpmSignature(short)).toEqual(parseTpmSignature(whole));
    const neither = ecdsa('000b', Uint8Array.of(0, 5), ones(32));
    expect(codeOf(() => parseTpmSignature(neither))).toBe('value-out-of-range');
  });

  test.for([
    ['RSASSA with sha1', concat(hex('00140004'), sized(rsaValue))],
    ['RSASSA with sha512', concat(hex('0014000d'), sized(rsaValue))],
    ['RSAPSS with sha256', concat(hex('0016000b'), sized(rsaValue))],
    ['ECDSA with sha512', ecdsa('000d', ones(64), ones(64))],
    ['ECDSA with hash 0x0027', ecdsa('0027', ones(32), ones(32))],
    ['HMAC', hex('0005000b')],
    ['no signature', hex('0010')],
    ['ECDAA', hex('001a000b')],
    ['SM2', hex('001b0012')],
    ['ECSCHNORR', hex('001c000b')],
    ['scheme 0x1234', hex('1234')],
  ] as const)('%s is refused by name', ([name, bytes]) => {
    expect(codeOf(() => parseTpmSignature(bytes))).toBe('value-out-of-range');
    expect(() => parseTpmSignature(bytes)).toThrow(new RegExp(`got ${name}$`));
  });

  test('other lengths', () => {
    const whole = concat(hex('0014000b'), sized(rsaValue));
    expect(codeOf(() => parseTpmSignature(whole))).toBe(null);
    expect(codeOf(() => parseTpmSignature(concat(whole, ones(1))))).toBe('length-wrong');
    expect(codeOf(() => parseTpmSignature(whole.subarray(0, -1)))).toBe('length-wrong');
    expect(codeOf(() => parseTpmSignature(concat(hex('0014000b'), sized(ones(128)))))).toBe(
      'value-out-of-range',
    );
    expect(codeOf(() => parseTpmSignature(ecdsa('000b', ones(33), ones(32))))).toBe(
      'value-out-of-range',
    );
    expect(codeOf(() => parseTpmSignature(ecdsa('000b', new Uint8Array(), ones(32))))).toBe(
      'value-out-of-range',
    );
  });
});

describe('public areas', () => {
  test.for(['rsa', 'p256', 'p384'] as const)('%s, there and back', async (key) => {
    const { publicArea, publicKey } = await createTpm({ key });
    const area = parseTpmPublic(publicArea);
    expect(encodeTpmPublic(area)).toEqual(publicArea);
    expect(spkiOfTpmKey(area.key)).toEqual(publicKey);
    const other =
      area.key.kind === 'rsa'
        ? rsaSpki(area.key.modulus, area.key.exponent)
        : ecdsaSpki(area.key.kind, area.key.point);
    expect(other).toEqual(publicKey);
    expect(encodeTpmPublic({ ...area, scheme: null }).length).toBe(publicArea.length - 2);
    expect(parseTpmPublic(encodeTpmPublic({ ...area, scheme: null })).scheme).toBe(null);
  });

  test('every file that holds a key', async () => {
    const { publicArea, publicKey } = await createTpm({ key: 'rsa' });
    const body = toBase64(publicKey).replace(/(.{64})/g, '$1\n');
    const pem = utf8(`-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`);
    for (const file of [publicKey, publicArea, sized(publicArea), pem]) {
      expect(readAkPublic(file)).toEqual(publicKey);
    }
    const wrong = utf8(fromUtf8(pem, 'PEM').replaceAll('PUBLIC KEY', 'CERTIFICATE'));
    expect(codeOf(() => readAkPublic(wrong))).toBe('pem-malformed');
    expect(codeOf(() => readAkPublic(new Uint8Array()))).toBe('length-wrong');
  });

  test('each attribute that an attestation key needs', async () => {
    const { publicArea } = await createTpm({ key: 'p256' });
    const area = parseTpmPublic(publicArea);
    expect(codeOf(() => anAttestationKey(area))).toBe(null);
    for (const [name, bit] of Object.entries(objectAttributes)) {
      const other = { ...area, attributes: (area.attributes ^ (1 << bit)) >>> 0 };
      expect(() => anAttestationKey(other)).toThrow(new RegExp(`${name} of an attestation key`));
      expect(codeOf(() => readAkPublic(encodeTpmPublic(other)))).toBe('value-out-of-range');
    }
  });

  test('refused', async () => {
    const rsa = (await createTpm({ key: 'rsa' })).publicArea;
    const ecc = (await createTpm({ key: 'p256' })).publicArea;
    const changed = (area: Bytes, at: number, ...values: number[]) => {
      const out = area.slice();
      out.set(values, at);
      return codeOf(() => parseTpmPublic(out));
    };
    // type 0, nameAlg 2, attributes 4, policy 8, symmetric 10, scheme 12, its hash 14; RSA: bits 16, exponent 18, modulus 22;
    // ECC: curve 16, kdf 18, x 20
    expect(changed(rsa, 0, 0, 1)).toBe(null);
    expect(changed(rsa, 0, 0, 8)).toBe('value-out-of-range');
    expect(changed(rsa, 2, 0, 0x12)).toBe('value-out-of-range');
    expect(changed(rsa, 4, 0x80)).toBe('reserved-not-zero');
    expect(changed(rsa, 10, 0, 6)).toBe('value-out-of-range');
    expect(changed(rsa, 12, 0, 0x18)).toBe('value-out-of-range');
    expect(changed(rsa, 14, 0, 0x27)).toBe('value-out-of-range');
    expect(changed(rsa, 16, 4, 0)).toBe('value-out-of-range');
    expect(changed(rsa, 18, 0, 0, 0, 3)).toBe('value-out-of-range');
    expect(changed(rsa, 18, 0, 1, 0, 1)).toBe(null);
    expect(changed(rsa, 24, 0x7f)).toBe('value-out-of-range');
    expect(changed(ecc, 16, 0, 5)).toBe('value-out-of-range');
    expect(changed(ecc, 18, 0, 0x20)).toBe('value-out-of-range');
    expect(changed(ecc, 20, 0, 31)).toBe('value-out-of-range');
    expect(codeOf(() => parseTpmPublic(concat(ecc, ones(1))))).toBe('length-wrong');
    expect(() => parseTpmPublic(new Uint8Array(3))).toThrow(AttestationError);
  });
});

if (hasShared) {
  test('the PEM file of an Azure vTPM’s key', () => {
    const pem = sharedFile('corpus/tpm-quote/kinvolk-azure-vtpm-quote/akpub.pem');
    expect(readAkPublic(pem).length).toBe(294);
  });
} else test.skip(sharedMissing);
