/** Certificates and lists that are signed by P-256 keys: what is read, and each other way to write it refused. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { CertificatePlan, Change, CrlPlan } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { crlNumber, extension } from '#test/fake/extensions.ts';
import { createIntel, type Intel, intelAlgorithm } from '#test/fake/intel.ts';
import { generateEcKey, generateIntelKeys, type IntelKeys, type KeyPair } from '#test/fake/keys.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, fromHex, toHex } from '#verifier/bytes.ts';
import { asArk, asAsk, asVek } from '#verifier/chain/amd.ts';
import {
  p256Spki,
  parseCertificate,
  parseRevocationList,
  verifySignedBy,
} from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { AttestationError, type ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { hierarchyOf } from '../scene.ts';
import { parts, partsOf } from './parts.ts';

let keys: IntelKeys;
let intel: Intel;
let p384: KeyPair;
beforeAll(async () => {
  keys = generateIntelKeys();
  intel = createIntel({ keys });
  p384 = await generateEcKey('P-384');
  await hierarchyOf('Milan');
});

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const signing = (change: Change<CertificatePlan>) =>
  createIntel({ keys, overrides: { tcbSigning: change } }).tcbSigning;
const codeOfSigning = (change: Change<CertificatePlan>) =>
  codeOf(() => parseCertificate(signing(change).der, 'certificate'));
const read = (bytes: Bytes) => parseCertificate(bytes, 'certificate');
const signatureOf = (signature: Bytes): Change<CertificatePlan> => ({
  editSignature: () => signature,
});
const rawInteger = (...octets: number[]) => der.tlv(0x02, Uint8Array.from(octets));
const one = der.integer(1);

test('what is read is what the plan says', () => {
  const { plan, der: bytes } = intel.pck;
  const found = read(bytes);
  expect(found.signatureAlgorithm).toBe('ecdsa-p256-sha256');
  expect(found.signature).toHaveLength(64);
  const spki = new Uint8Array(plan.publicKey.export({ type: 'spki', format: 'der' }));
  expect(toHex(found.spki)).toBe(toHex(spki));
  expect(found.publicKey).toEqual({ kind: 'p256', point: spki.subarray(-64) });
  expect(found.commonName).toBe('Intel SGX PCK Certificate');
  expect(found.extensions.map(({ oid }) => oid)).toEqual(plan.extensions.map(({ oid }) => oid));
});

describe('the signature has one spelling', () => {
  type Case = [name: string, signature: () => Bytes, code: ErrorCode | null];
  const written = (edit: (parts: Bytes[]) => Bytes[]) => (): Bytes => {
    const [, , bits] = partsOf(intel.tcbSigning.der) as [Bytes, Bytes, Bytes];
    return der.sequence(...edit(partsOf(bits.subarray(3))));
  };
  const cases: Case[] = [
    ['accepted: as it is', written((all) => all), null],
    ['accepted: small r and s', () => der.sequence(one, der.integer(0x80)), null],
    [
      'accepted: r and s of 32 bytes with the sign octet',
      () => der.sequence(der.integer((1n << 256n) - 1n), der.integer(1n << 255n)),
      null,
    ],
    ['r zero', () => der.sequence(der.integer(0), one), 'der-malformed'],
    ['s zero', () => der.sequence(one, der.integer(0)), 'der-malformed'],
    ['r negative', () => der.sequence(der.integer(-1), one), 'der-malformed'],
    ['s without its sign octet', () => der.sequence(one, rawInteger(0x80)), 'der-malformed'],
    ['r with a zero too many', () => der.sequence(rawInteger(0, 1), one), 'der-malformed'],
    ['s with a zero too many', () => der.sequence(one, rawInteger(0, 0, 0x80)), 'der-malformed'],
    ['r of 33 bytes', () => der.sequence(der.integer(1n << 256n), one), 'der-malformed'],
    ['s of 33 bytes', () => der.sequence(one, der.integer(1n << 256n)), 'der-malformed'],
    ['r empty', () => der.sequence(rawInteger(), one), 'der-malformed'],
    ['r alone', () => der.sequence(one), 'der-malformed'],
    ['a third number', () => der.sequence(one, one, one), 'der-malformed'],
    ['another type', () => der.sequence(one, der.octetString(Uint8Array.of(1))), 'der-malformed'],
    ['a SET', () => der.set(one, one), 'der-malformed'],
    ['a long length', () => concat(fromHex('308106', 'BER'), one, one), 'der-malformed'],
    ['something after it', () => concat(der.sequence(one, one), der.derNull()), 'der-malformed'],
    ['r ‖ s, bare', () => new Uint8Array(64).fill(7), 'der-malformed'],
    ['nothing', () => new Uint8Array(0), 'der-malformed'],
  ];
  test.each(cases)('%s', (_, signature, code) => {
    expect(codeOfSigning(signatureOf(signature()))).toBe(code);
  });

  test('numbers become 32 bytes each', () => {
    const number = fc.bigInt({ min: 1n, max: (1n << 256n) - 1n });
    fc.assert(
      fc.property(number, number, (r, s) => {
        const written = der.sequence(der.integer(r), der.integer(s));
        const { signature } = read(signing(signatureOf(written)).der);
        expect(toHex(signature)).toBe(toHex(concat(bigEndian(r, 32), bigEndian(s, 32))));
      }),
      { numRuns: 50 },
    );
  });
});

describe('algorithms and keys', () => {
  const ecKey = (curve: string) =>
    der.sequence(der.objectIdentifier('1.2.840.10045.2.1'), der.objectIdentifier(curve));
  const publicKey = (algorithm: Bytes, key: Bytes) =>
    parts((all) => all.with(6, der.sequence(algorithm, der.bitString(key))));
  const point = (first: number, length: number) =>
    concat(Uint8Array.of(first), new Uint8Array(length).fill(7));
  const p256 = ecKey('1.2.840.10045.3.1.7');
  /** Both algorithm fields: the one inside is signed, so that only the parser can refuse it. */
  const withNull = ({ signer }: CertificatePlan): Partial<CertificatePlan> => ({
    signer,
    algorithm: intelAlgorithm,
    ...parts((all) => all.with(2, ecdsaWithNull)),
  });
  const ecdsaWithNull = der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2'), der.derNull());

  type Case = [name: string, change: Change<CertificatePlan>, code: ErrorCode | null];
  const cases: Case[] = [
    ['accepted: ECDSA with SHA-256', {}, null],
    ['ECDSA with SHA-512', { algorithm: { name: 'ecdsa', hash: 'sha512' } }, 'certificate-profile'],
    ['ECDSA with SHA-512', { algorithm: { name: 'ecdsa', hash: 'sha512' } }, 'certificate-profile'],
    [
      'another algorithm inside',
      { innerAlgorithm: { name: 'ecdsa', hash: 'sha384' } },
      'certificate-profile',
    ],
    [
      'another algorithm outside',
      { outerAlgorithm: { name: 'ecdsa', hash: 'sha384' } },
      'certificate-profile',
    ],
    ['parameters inside', withNull, 'certificate-profile'],
    ['accepted: a point of 65 bytes', publicKey(p256, point(4, 64)), null],
    ['a point that is too short', publicKey(p256, point(4, 63)), 'certificate-profile'],
    ['a point that is too long', publicKey(p256, point(4, 65)), 'certificate-profile'],
    ['a compressed point', publicKey(p256, point(2, 32)), 'certificate-profile'],
    ['a hybrid point', publicKey(p256, point(6, 64)), 'certificate-profile'],
    ['P-521', publicKey(ecKey('1.3.132.0.35'), point(4, 132)), 'certificate-profile'],
    ['secp256k1', publicKey(ecKey('1.3.132.0.10'), point(4, 64)), 'certificate-profile'],
  ];
  test.each(cases)('%s', (_, change, code) => {
    expect(codeOfSigning(change)).toBe(code);
  });

  test('parameters in both algorithm fields', () => {
    const [tbs, , signature] = partsOf(signing(withNull).der) as [Bytes, Bytes, Bytes];
    expect(codeOf(() => read(der.sequence(tbs, ecdsaWithNull, signature)))).toBe(
      'certificate-profile',
    );
    const [good, algorithm, bits] = partsOf(intel.tcbSigning.der) as [Bytes, Bytes, Bytes];
    expect(codeOf(() => read(der.sequence(good, algorithm, bits)))).toBe(null);
  });
});

describe('verifySignedBy', () => {
  const no = vi.fn(() => Promise.resolve(true));
  const yes = {
    verifyRsaPssSha384: no,
    verifyP384Sha384: no,
    verifyP256Sha256: no,
    verifyRsaPkcs1Sha256: no,
    verifyRsaPkcs1Sha384: no,
  };

  test('the issuer’s own, with a low and a high s', async () => {
    const [issuer, signed] = [read(intel.root.der), read(intel.tcbSigning.der)];
    expect(await verifySignedBy(nodeCrypto, issuer, signed)).toBe(true);
    const [r, s] = [signed.signature.subarray(0, 32), signed.signature.subarray(32)];
    const other = concat(r, bigEndian(order - fromBigEndian(s), 32));
    expect(await verifySignedBy(nodeCrypto, issuer, { ...signed, signature: other })).toBe(true);
  });

  test('RSA by RSA', async () => {
    const { ark, ask, crl } = await hierarchyOf('Milan');
    const issuer = read(ark.der);
    expect(await verifySignedBy(nodeCrypto, issuer, read(ask.der))).toBe(true);
    expect(await verifySignedBy(nodeCrypto, issuer, parseRevocationList(crl.der, 'CRL'))).toBe(
      true,
    );
    expect(await verifySignedBy(nodeCrypto, read(ask.der), issuer)).toBe(false);
  });

  test('another key of the same kind, another message', async () => {
    const signed = read(intel.tcbSigning.der);
    expect(await verifySignedBy(nodeCrypto, read(intel.platformCa.der), signed)).toBe(false);
    const tbs = signed.tbs.with(20, (signed.tbs[20] as number) ^ 1);
    expect(await verifySignedBy(nodeCrypto, read(intel.root.der), { ...signed, tbs })).toBe(false);
  });

  test('a key of another kind is not even tried', async () => {
    const { ark, ask, vcek } = await hierarchyOf('Milan');
    const [rsa, onP384, onP256] = [read(ark.der), read(vcek.der), read(intel.root.der)];
    const [byRsa, byP256] = [read(ask.der), read(intel.tcbSigning.der)];
    for (const issuer of [rsa, onP384])
      expect(await verifySignedBy(yes, issuer, byP256)).toBe(false);
    for (const issuer of [onP256, onP384])
      expect(await verifySignedBy(yes, issuer, byRsa)).toBe(false);
    expect(no).not.toHaveBeenCalled();
    expect(await verifySignedBy(yes, onP256, byP256)).toBe(true);
    expect(await verifySignedBy(yes, rsa, byRsa)).toBe(true);
  });
});

test('a certificate of AMD’s is not one when it is signed with ECDSA', async () => {
  const change: Change<CertificatePlan> = {
    algorithm: intelAlgorithm,
    signer: keys.stranger.privateKey,
  };
  const roles = [
    ['ark', asArk],
    ['ask', asAsk],
    ['vcek', asVek],
  ] as const;
  for (const [role, as] of roles) {
    const bent = (await hierarchyOf('Milan', { [role]: change }))[role];
    const certificate = read(bent.der);
    expect(certificate.signatureAlgorithm).toBe('ecdsa-p256-sha256');
    expect(() => as(certificate)).toThrow(/signature algorithm should be RSASSA-PSS/);
    expect(codeOf(() => as(certificate))).toBe('certificate-profile');
    const good = (await hierarchyOf('Milan'))[role];
    expect(codeOf(() => as(read(good.der)))).toBe(null);
  }
});

describe('revocation lists', () => {
  const list = (change: Change<CrlPlan>) =>
    createIntel({ keys, overrides: { platformCrl: change } }).platformCrl.der;
  const code = (change: Change<CrlPlan>) => codeOf(() => parseRevocationList(list(change), 'CRL'));
  const numbered = (value: Bytes) => ({ extensions: [extension('2.5.29.20', false, value)] });

  test('entries with reasons, and the issuer’s signature', async () => {
    const revoked = [(1n << 159n) + 1n, 1n].map((serial) => ({
      serial,
      at: 1_700_000_000,
      reason: 1,
    }));
    const found = parseRevocationList(list({ revoked }), 'CRL');
    expect(found.revoked.map(toHex)).toEqual([`80${'00'.repeat(18)}01`, '01']);
    expect(found.signatureAlgorithm).toBe('ecdsa-p256-sha256');
    expect(await verifySignedBy(nodeCrypto, read(intel.platformCa.der), found)).toBe(true);
    expect(await verifySignedBy(nodeCrypto, read(intel.processorCa.der), found)).toBe(false);
  });

  test('the CRL number', () => {
    const numberOf = (change: Change<CrlPlan>) =>
      parseRevocationList(list(change), 'CRL').crlNumber;
    expect(numberOf({})).toBe(1n);
    expect(numberOf({ extensions: [] })).toBe(null);
    expect(numberOf({ extensions: [crlNumber(0)] })).toBe(0n);
    const largest = (1n << 160n) - 1n;
    expect(numberOf({ extensions: [crlNumber(largest)] })).toBe(largest);
    expect(code({ extensions: [crlNumber(largest + 1n)] })).toBe('der-malformed');
    expect(code({ extensions: [crlNumber(-1)] })).toBe('der-malformed');
    expect(code(numbered(concat(one, one)))).toBe('der-malformed');
    expect(code(numbered(der.octetString(one)))).toBe('der-malformed');
    expect(code(numbered(one))).toBe(null);
  });

  test('a signature with another spelling, a critical extension', () => {
    const long = der.sequence(rawInteger(0, 1), one);
    expect(code({ editSignature: () => long })).toBe('der-malformed');
    expect(code({ extensions: [extension('2.5.29.28', true, der.sequence())] })).toBe(
      'certificate-profile',
    );
  });
});

describe('a bare point', () => {
  test('becomes the SubjectPublicKeyInfo that others write', () => {
    const spki = new Uint8Array(keys.pck.publicKey.export({ type: 'spki', format: 'der' }));
    expect(toHex(p256Spki(spki.subarray(-64)))).toBe(toHex(spki));
  });

  test.each([0, 63, 65, 96])('of %i bytes is a mistake of the caller', (length) => {
    expect(() => p256Spki(new Uint8Array(length))).toThrow(RangeError);
  });
});

test('a key on another curve is read as what it is', () => {
  const found = read(signing({ publicKey: p384.publicKey }).der);
  expect(found.publicKey.kind).toBe('p384');
});

/** Null when it is refused. */
function readOrNull<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    expect(error).toBeInstanceOf(AttestationError);
    return null;
  }
}

test('a damaged byte, anywhere, is refused or breaks the signature', async () => {
  const issuer = read(intel.platformCa.der);
  expect(await verifySignedBy(nodeCrypto, issuer, read(intel.pck.der))).toBe(true);
  const mask = fc.integer({ min: 1, max: 255 });
  const damaged = fc.asyncProperty(fc.nat(intel.pck.der.length - 1), mask, async (at, by) => {
    const bytes = intel.pck.der.with(at, (intel.pck.der[at] as number) ^ by);
    const found = readOrNull(() => read(bytes));
    if (found !== null) expect(await verifySignedBy(nodeCrypto, issuer, found)).toBe(false);
  });
  await fc.assert(damaged, { numRuns: 1000 });
});

test('random bytes, bare or as the parts of a certificate, are refused', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, bytes, (some, others) => {
      const [tbs, algorithm, signature] = partsOf(intel.pck.der) as [Bytes, Bytes, Bytes];
      const made = [
        some,
        der.sequence(der.sequence(some), algorithm, signature),
        der.sequence(tbs, algorithm, der.bitString(others)),
        der.sequence(tbs, some, signature),
      ];
      for (const one of made) {
        expect(readOrNull(() => read(one))).toBe(null);
        expect(readOrNull(() => parseRevocationList(one, 'CRL'))).toBe(null);
      }
    }),
  );
});
