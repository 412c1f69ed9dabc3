import { beforeAll, describe, expect, test } from 'vitest';
import { amdCaAlgorithm, amdName } from '#test/fake/amd.ts';
import type { CertificatePlan, Change } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { extension } from '#test/fake/extensions.ts';
import { generateEcKey, generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { type Bytes, concat, fromHex, toHex } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { hierarchyOf } from '../scene.ts';
import { parts, partsOf } from './parts.ts';

let p521: KeyPair;
let shortRsa: KeyPair;
beforeAll(async () => {
  await hierarchyOf('Milan');
  [p521, shortRsa] = await Promise.all([generateEcKey('P-521'), generateRsaKey(2048)]);
});

const part = (index: number, edit: (part: Bytes) => Bytes) =>
  parts((all) => all.with(index, edit(all[index] as Bytes)));
/** Where the signed part of a certificate has what. */
const at = { version: 0, serial: 1, validity: 4, subject: 5, publicKey: 6, extensions: 7 };

const asVcek = async (change: Change<CertificatePlan>) => {
  const { vcek } = await hierarchyOf('Milan', { vcek: change });
  return codeOf(() => parseCertificate(vcek.der, 'VCEK'));
};

/** Replaces the extension list by one item that is not an extension as it should be. */
const oneExtension = (...item: Bytes[]) =>
  part(at.extensions, () => der.context(3, der.sequence(der.sequence(...item))));
const someOid = der.objectIdentifier('1.2.3');
const derFalse = fromHex('010100', 'FALSE');
const rdn = (...values: Bytes[]) =>
  der.set(...values.map((value) => der.sequence(der.objectIdentifier('2.5.4.3'), value)));
const spki = (algorithm: Bytes, key: Bytes) => der.sequence(algorithm, der.bitString(key));
const rsaAlgorithm = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1'), der.derNull());
const rsaKey = (exponent: bigint, ...more: Bytes[]) =>
  spki(rsaAlgorithm, der.sequence(der.integer(0xabcdefn), der.integer(exponent), ...more));
const p384Algorithm = der.sequence(
  der.objectIdentifier('1.2.840.10045.2.1'),
  der.objectIdentifier('1.3.132.0.34'),
);
const point = (first: number, length: number) =>
  concat(Uint8Array.of(first), new Uint8Array(length).fill(7));

describe('certificates', () => {
  type Case = [name: string, change: Change<CertificatePlan>, code: ErrorCode | null];
  const refused: Case[] = [
    [
      'X.509 version 1, which has no version field',
      { version: 1, extensions: [] },
      'der-malformed',
    ],
    ['X.509 version 2', { version: 2 }, 'certificate-profile'],
    ['X.509 version 4', { version: 4 }, 'certificate-profile'],
    [
      'something beside the version',
      part(at.version, () => der.context(0, der.integer(2), der.derNull())),
      'der-malformed',
    ],
    ['a negative serial number', { serial: -1n }, 'der-malformed'],
    [
      'a serial number with a zero too many',
      part(at.serial, () => fromHex('02020001', 'serial')),
      'der-malformed',
    ],
    [
      'a third time',
      part(at.validity, (validity) => der.sequence(...partsOf(validity), der.time(0))),
      'der-malformed',
    ],
    ['one time', part(at.validity, () => der.sequence(der.time(0))), 'der-malformed'],
    ['no extensions', { extensions: [] }, 'der-malformed'],
    [
      'an empty extension list',
      part(at.extensions, () => der.context(3, der.sequence())),
      'der-malformed',
    ],
    [
      'something beside the extension list',
      part(at.extensions, (list) => der.context(3, ...partsOf(list), der.derNull())),
      'der-malformed',
    ],
    [
      'a unique id before the extensions',
      parts((all) => all.toSpliced(7, 0, der.contextPrimitive(1, Uint8Array.of(0, 1)))),
      'der-malformed',
    ],
    ['something after the extensions', parts((all) => [...all, der.derNull()]), 'der-malformed'],
    [
      'an extension twice',
      ({ extensions }) => ({
        extensions: [
          ...extensions,
          extension('1.2.3', false, der.derNull()),
          extension('1.2.3', false, der.derNull()),
        ],
      }),
      'certificate-profile',
    ],
    ['an extension without a value', oneExtension(someOid), 'der-malformed'],
    [
      'an extension with something after its value',
      oneExtension(someOid, der.octetString(der.derNull()), der.derNull()),
      'der-malformed',
    ],
    [
      'critical FALSE written out, which DER leaves out',
      oneExtension(someOid, derFalse, der.octetString(der.derNull())),
      'der-malformed',
    ],
    ['no common name', { subject: amdName('SEV-VCEK').slice(0, -1) }, 'certificate-profile'],
    [
      'two common names',
      { subject: [...amdName('SEV-VCEK'), ...amdName('SEV-VCEK').slice(-1)] },
      'certificate-profile',
    ],
    [
      'two attributes in one relative name',
      part(at.subject, () => der.sequence(rdn(der.utf8String('SEV-VCEK'), der.utf8String('x')))),
      'der-malformed',
    ],
    [
      'a common name that is not UTF-8',
      part(at.subject, () => der.sequence(rdn(der.tlv(0x0c, Uint8Array.of(0xff))))),
      'utf8-malformed',
    ],
    [
      'an uncompressed point that is too short',
      part(at.publicKey, () => spki(p384Algorithm, point(4, 95))),
      'certificate-profile',
    ],
    [
      'a compressed point',
      part(at.publicKey, () => spki(p384Algorithm, point(2, 48))),
      'certificate-profile',
    ],
    [
      'something beside the key',
      part(at.publicKey, (key) => der.sequence(...partsOf(key), der.derNull())),
      'der-malformed',
    ],
    [
      'an RSA exponent of 40 bits',
      part(at.publicKey, () => rsaKey(1n << 33n)),
      'certificate-profile',
    ],
    [
      'something beside the RSA exponent',
      part(at.publicKey, () => rsaKey(65537n, der.derNull())),
      'der-malformed',
    ],
    [
      'an RSA key without the NULL of its algorithm',
      part(at.publicKey, () =>
        spki(der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1')), new Uint8Array(9)),
      ),
      'certificate-profile',
    ],
    [
      'PSS with SHA-256',
      { algorithm: { ...amdCaAlgorithm, hash: 'sha256' } },
      'certificate-profile',
    ],
    [
      'PSS with SHA-512',
      { algorithm: { ...amdCaAlgorithm, hash: 'sha512' } },
      'certificate-profile',
    ],
    [
      'PSS with a salt of 32',
      { algorithm: { ...amdCaAlgorithm, saltLength: 32 } },
      'certificate-profile',
    ],
    [
      'PKCS #1 v1.5 with SHA-512',
      { algorithm: { name: 'rsa-pkcs1', hash: 'sha512' } },
      'certificate-profile',
    ],
    ['another inner algorithm', { innerAlgorithm: amdCaAlgorithm }, 'certificate-profile'],
    ['another outer algorithm', { outerAlgorithm: amdCaAlgorithm }, 'certificate-profile'],
  ];
  const accepted: Case[] = [
    ['a VCEK as it should be', {}, null],
    ['both algorithm fields with the trailer field', { algorithm: amdCaAlgorithm }, null],
    ['a serial number of 20 bytes', { serial: (1n << 158n) + 1n }, null],
    ['one extension', oneExtension(someOid, der.octetString(der.derNull())), null],
    [
      'one critical extension',
      oneExtension(someOid, der.derTrue(), der.octetString(der.derNull())),
      null,
    ],
    [
      'a name of one attribute',
      part(at.subject, () => der.sequence(rdn(der.utf8String('é')))),
      null,
    ],
    ['a small RSA key', part(at.publicKey, () => rsaKey(65537n)), null],
    ['an RSA exponent of 32 bits', part(at.publicKey, () => rsaKey(0xffffffffn)), null],
    ['PKCS #1 v1.5', { algorithm: { name: 'rsa-pkcs1', hash: 'sha384' } }, null],
    ['a time from 2050 on', { notAfter: 2_600_000_000 }, null],
  ];

  test.for([...accepted, ...refused])('%s', async ([, change, code]) => {
    expect(await asVcek(change)).toBe(code);
  });

  test('keys on other curves are refused, RSA keys of any size are read', async () => {
    expect(await asVcek({ publicKey: p521.publicKey })).toBe('certificate-profile');
    const { vcek } = await hierarchyOf('Milan', { vcek: { publicKey: shortRsa.publicKey } });
    expect(parseCertificate(vcek.der, 'VCEK').publicKey).toMatchObject({
      kind: 'rsa',
      exponent: 65537,
    });
  });

  test('what is read is what the plan says', async () => {
    const { vcek } = await hierarchyOf('Milan', { vcek: { serial: 0xdeadbeefn } });
    const read = parseCertificate(vcek.der, 'VCEK');
    const { plan } = vcek;
    expect(toHex(read.serial)).toBe('deadbeef');
    expect(read.commonName).toBe('SEV-VCEK');
    expect([read.notBefore, read.notAfter]).toEqual([plan.notBefore, plan.notAfter]);
    expect(toHex(read.spki)).toBe(
      toHex(new Uint8Array(plan.publicKey.export({ type: 'spki', format: 'der' }))),
    );
    expect(
      read.extensions.map(({ oid, critical, value }) => [oid, critical, toHex(value)]),
    ).toEqual(plan.extensions.map(({ oid, critical, value }) => [oid, critical, toHex(value)]));
  });
});

test('nothing stands around the outer sequence or inside it beside its three parts', async () => {
  const { vcek } = await hierarchyOf('Milan');
  const [tbs, algorithm, signature] = partsOf(vcek.der) as [Bytes, Bytes, Bytes];
  const code = (...found: Bytes[]) => codeOf(() => parseCertificate(concat(...found), 'VCEK'));
  expect(code(der.sequence(tbs, algorithm, signature))).toBe(null);
  expect(code(vcek.der, Uint8Array.of(0))).toBe('der-malformed');
  expect(code(der.sequence(tbs, algorithm, signature, der.derNull()))).toBe('der-malformed');
  expect(code(der.sequence(tbs, algorithm))).toBe('der-malformed');
  expect(code(der.set(tbs, algorithm, signature))).toBe('der-malformed');
  expect(code(der.sequence(tbs, algorithm, der.bitString(new Uint8Array(512), 1)))).toBe(
    'der-malformed',
  );
});
