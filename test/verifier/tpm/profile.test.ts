/** Certificates of attestation keys and of the CAs above: each rule of their profiles broken once. */
import { describe, expect, test } from 'vitest';
import * as der from '#test/fake/der.ts';
import { basicConstraints, extension, keyUsage } from '#test/fake/extensions.ts';
import { generateEcKey, generateRsaKey } from '#test/fake/keys.ts';
import {
  createTpmProvider,
  extendedKeyUsage,
  gceInstance,
  securityProperties,
  tpmOids,
  vtpmAltName,
} from '#test/fake/tpm-certificates.ts';
import { utf8 } from '#verifier/bytes.ts';
import { asAk, asTpmCa, weaknessOf } from '#verifier/chain/tpm.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { add, drop, type Plan, put, type Role } from './plans.ts';

/** What `asAk` or `asTpmCa` says of a certificate with this change; null: it is accepted. */
async function refusalOf(role: Role, change: Plan): Promise<string | null> {
  const provider = await createTpmProvider({ [role]: change });
  const { publicKey } = await generateEcKey('P-256');
  const written = role === 'ak' ? provider.certify(publicKey).der : provider[role].der;
  try {
    const certificate = parseCertificate(written, role);
    if (role === 'ak') asAk(certificate);
    else asTpmCa(certificate);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the profile of an AK certificate', () => {
  const uses = (...found: string[]) => add(extendedKeyUsage(...found));
  test.for<[string, Plan]>([
    ['as Google issues it', {}],
    ['no subject', { subject: [] }],
    ['with the use of an AK', uses(tpmOids.aikCertificate)],
    ['with the use that Google’s first have', uses(tpmOids.ekCertificate)],
    ['with another use beside it', uses('1.3.6.1.4.1.311.10.3.12', tpmOids.aikCertificate)],
    ['without basic constraints', drop('2.5.29.19')],
    ['without an instance', drop(tpmOids.gceInstance)],
    ['with the TPM’s name in a critical extension', add(vtpmAltName())],
    ['an instance without security properties', put(gceInstance(null))],
  ])('accepted: %s', async ([, change]) => {
    expect(await refusalOf('ak', change)).toBe(null);
  });

  test.for<[string, Plan, RegExp]>([
    ['no key usage', drop('2.5.29.15'), /key usage/],
    [
      'key usage that is not critical',
      put({ ...keyUsage(['digitalSignature']), critical: false }),
      /key usage/,
    ],
    [
      'the key usage of an EK',
      put(extension('2.5.29.15', true, der.bitString(Uint8Array.of(0x20), 5))),
      /key usage/,
    ],
    ['more key usage', put(keyUsage(['digitalSignature', 'nonRepudiation'])), /key usage/],
    ['a CA', put(basicConstraints(true, null)), /should not be a CA/],
    ['the use of a TLS server', uses('1.3.6.1.5.5.7.3.1'), /extended key usage/],
    [
      'an unknown critical extension',
      add(extension('1.2.3', true, der.derNull())),
      /1\.2\.3 is not known/,
    ],
    [
      'a vTPM that is not in production',
      put(gceInstance(securityProperties(false))),
      /not in production/,
    ],
    ['properties without production', put(gceInstance(der.sequence())), /not in production/],
    [
      'properties out of order',
      put(gceInstance(der.sequence(der.context(1, der.derTrue()), der.context(0, der.integer(0))))),
      /not in order/,
    ],
    [
      'properties twice',
      put(gceInstance(der.sequence(der.context(1, der.derTrue()), der.context(1, der.derTrue())))),
      /not in order/,
    ],
    [
      'an instance with a control character',
      put(gceInstance(securityProperties(true), 'a\u0007b')),
      /printable ASCII/,
    ],
    [
      'an instance that is no sequence',
      put(extension(tpmOids.gceInstance, false, utf8('x'))),
      /GCE instance/,
    ],
    [
      'a signature by RSASSA-PSS',
      { algorithm: { name: 'rsa-pss', hash: 'sha384', saltLength: 48, trailerField: false } },
      /PKCS1/,
    ],
  ])('refused: %s', async ([, change, reason]) => {
    expect(await refusalOf('ak', change)).toMatch(reason);
  });

  test('a key of 1024 bits, and an exponent of 3', async () => {
    const { publicKey } = await generateRsaKey(1024);
    expect(await refusalOf('ak', { publicKey })).toMatch(/1024 bits is too weak/);
    const modulus = new Uint8Array(256).fill(0xff);
    expect(weaknessOf({ kind: 'rsa', modulus, exponent: 65537 })).toBe(null);
    expect(weaknessOf({ kind: 'rsa', modulus, exponent: 3 })).toMatch(/exponent is 3, not 65537/);
  });
});

describe('the profile of a CA', () => {
  test.for<[string, Plan]>([
    ['as Google issues it', {}],
    [
      'as Azure does, with both uses',
      put(extendedKeyUsage(tpmOids.ekCertificate, tpmOids.aikCertificate)),
    ],
    ['without uses, as Azure’s root', drop('2.5.29.37')],
    ['for certificates alone', put(keyUsage(['keyCertSign']))],
    ['with a path length', put(basicConstraints(true, 0))],
    ['signed with SHA-384', { algorithm: { name: 'rsa-pkcs1', hash: 'sha384' } }],
  ])('accepted: %s', async ([, change]) => {
    expect(await refusalOf('ca', change)).toBe(null);
  });

  test.for<[string, Plan, RegExp]>([
    ['no key usage', drop('2.5.29.15'), /key usage/],
    [
      'a key usage that signs no certificates',
      put(keyUsage(['cRLSign', 'digitalSignature'])),
      /key usage/,
    ],
    ['no basic constraints', drop('2.5.29.19'), /basic constraints/],
    ['no CA', put(basicConstraints(false, null)), /basic constraints/],
    [
      'constraints that are not critical',
      put({ ...basicConstraints(true, null), critical: false }),
      /basic constraints/,
    ],
    ['the use of a TLS server', put(extendedKeyUsage('1.3.6.1.5.5.7.3.1')), /extended key usage/],
    [
      'an unknown critical extension',
      add(extension('1.2.3', true, der.derNull())),
      /1\.2\.3 is not known/,
    ],
  ])('refused: %s', async ([, change, reason]) => {
    expect(await refusalOf('ca', change)).toMatch(reason);
    expect(await refusalOf('root', change)).toMatch(reason);
  });

  test('a key on a curve, which none of them has', async () => {
    const { publicKey } = await generateEcKey('P-384');
    expect(await refusalOf('ca', { publicKey })).toMatch(/should be RSA/);
  });
});
