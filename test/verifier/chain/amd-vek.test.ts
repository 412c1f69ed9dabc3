import { beforeAll, describe, test } from 'vitest';
import { amdAlgorithm, amdCaAlgorithm, amdName } from '#test/fake/amd.ts';
import { amdExtensions, amdOids } from '#test/fake/amd-profile.ts';
import * as der from '#test/fake/der.ts';
import { extension } from '#test/fake/extensions.ts';
import { type AmdKeys, generateEcKey, type KeyPair } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { concat, fromHex, utf8 } from '#verifier/bytes.ts';
import {
  add,
  asPrintable,
  type Case,
  drop,
  expectFailure,
  flipped,
  put,
  type SignatureCase,
  signedBy,
} from './profile.ts';

let keys: AmdKeys;
let p256: KeyPair;
beforeAll(async () => {
  keys = await testKeys();
  p256 = await generateEcKey('P-256');
});

const acme = amdName('SEV-VCEK').with(4, { type: 'O', value: 'ACME', string: 'utf8' });
const raw = (oid: string, ...values: Uint8Array[]) => extension(oid, false, concat(...values));

describe('a VCEK is not one for', () => {
  const cases: Case[] = [
    ['another common name', () => ({ subject: amdName('SEV-VCEX') }), /SEV-VCEK or SEV-VLEK/],
    ['the VLEK’s common name', () => ({ subject: amdName('SEV-VLEK') }), /issuer: common name/],
    [
      'a subject in another order',
      () => ({ subject: amdName('SEV-VCEK').toReversed() }),
      /subject: the name/,
    ],
    [
      'a subject of other string types',
      () => ({ subject: asPrintable(amdName('SEV-VCEK')) }),
      /subject: the name/,
    ],
    ['a subject of another organisation', () => ({ subject: acme }), /subject: the name/],
    [
      'an issuer of an unknown product',
      () => ({ issuer: amdName('SEV-Venice') }),
      /got "SEV-Venice"/,
    ],
    [
      'an issuer’s name in another order',
      () => ({ issuer: amdName('SEV-Milan').toReversed() }),
      /issuer: the name/,
    ],
    [
      'the ASVK as its issuer',
      () => ({ issuer: amdName('SEV-VLEK-Milan') }),
      /issuer: common name/,
    ],
    ['a serial number of 1', () => ({ serial: 1n }), /serial number should be 0/],
    ['a key on P-256', () => ({ publicKey: p256.publicKey }), /on P-384/],
    ['an RSA key', () => ({ publicKey: keys.ask.publicKey }), /on P-384/],
    [
      'an unknown critical extension',
      () => add(extension('1.2.3', true, der.derNull())),
      /critical extension 1\.2\.3/,
    ],
    [
      'a critical extension of AMD',
      () => put({ ...amdExtensions.structVersion(0), critical: true }),
      /critical/,
    ],
    ['no structVersion', () => drop(amdOids.structVersion), /structVersion\) is missing/],
    [
      'structVersion 2',
      () => put(amdExtensions.structVersion(2)),
      /structVersion should be at most 1/,
    ],
    ['no product name', () => drop(amdOids.productName), /productName\) is missing/],
    [
      'a product name of another type',
      () => put(raw(amdOids.productName, der.utf8String('Milan'))),
      /expected tag 0x16/,
    ],
    [
      'a product name that is not printable',
      () => put(amdExtensions.productName('Milan-\n')),
      /printable/,
    ],
    [
      'something after the product name',
      () => put(raw(amdOids.productName, der.ia5String('Milan'), der.derNull())),
      /unexpected bytes/,
    ],
    ...[1, 2, 3, 4, 5, 6, 7, 8].map(
      (n): Case => [`no SPL ${n}`, () => drop(amdOids.spl(n)), /is missing/],
    ),
    ['an SPL twice', () => add(amdExtensions.spl(3, 99)), /occurs twice/],
    ['a reserved SPL that is not zero', () => put(amdExtensions.spl(4, 1)), /reserved/],
    ['an SPL over 255', () => put(amdExtensions.spl(3, 256)), /0 to 255/],
    ['a negative SPL', () => put(raw(amdOids.spl(3), fromHex('0201ff', 'SPL'))), /negative/],
    [
      'an SPL of another type',
      () => put(raw(amdOids.spl(3), der.octetString(Uint8Array.of(27)))),
      /expected tag 0x2/,
    ],
    [
      'something after an SPL',
      () => put(raw(amdOids.spl(3), der.integer(27), der.derNull())),
      /unexpected bytes/,
    ],
    ['an FMC on Milan', () => add(amdExtensions.spl(9, 1)), /3\.9 does not belong here/],
    ['no FMC on Turin', () => drop(amdOids.spl(9)), /3\.9.*is missing/, 'Turin'],
    ['SPL 4 on Turin', () => add(amdExtensions.spl(4, 0)), /3\.4 does not belong here/, 'Turin'],
    ['no hwID', () => drop(amdOids.hardwareId), /hwID\) is missing/],
    [
      'a hwID of 63 bytes',
      () => put(amdExtensions.hardwareId(new Uint8Array(63))),
      /64 bytes, got 63/,
    ],
    [
      'a hwID of 8 bytes on Milan',
      () => put(amdExtensions.hardwareId(new Uint8Array(8))),
      /64 bytes, got 8/,
    ],
    [
      'a hwID of 64 bytes on Turin',
      () => put(amdExtensions.hardwareId(new Uint8Array(64))),
      /8 bytes, got 64/,
      'Turin',
    ],
    [
      'a hwID in an OCTET STRING',
      () => put(amdExtensions.hardwareId(der.octetString(new Uint8Array(64)))),
      /64 bytes, got 66/,
    ],
    ['a CSP id', () => add(amdExtensions.cspId('cloud')), /1\.5 does not belong here/],
    [
      'an unknown extension of AMD',
      () => add(extension('1.3.6.1.4.1.3704.1.6', false, der.derNull())),
      /1\.6 does not belong here/,
    ],
    ['X.509 version 1', () => ({ version: 1 }), /version/],
    ['PSS with SHA-256', () => ({ algorithm: { ...amdAlgorithm, hash: 'sha256' } }), /SHA-384/],
    [
      'PSS with a salt of 32',
      () => ({ algorithm: { ...amdAlgorithm, saltLength: 32 } }),
      /salt 48/,
    ],
    ['two different algorithm fields', () => ({ outerAlgorithm: amdCaAlgorithm }), /differ/],
    [
      'ECDSA of its own key',
      () => ({ signer: keys.vcek.privateKey, algorithm: { name: 'ecdsa', hash: 'sha384' } }),
      /signature algorithm/,
    ],
  ];
  test.for(cases)('%s', ([, change, reason, product = 'Milan']) =>
    expectFailure('chain.vek-certificate', { vcek: change() }, reason, { product }),
  );
});

describe('a VLEK is not one for', () => {
  const cases: Case[] = [
    ['the VCEK’s common name', () => ({ subject: amdName('SEV-VCEK') }), /issuer: common name/],
    ['the ASK as its issuer', () => ({ issuer: amdName('SEV-Milan') }), /issuer: common name/],
    [
      'a hwID',
      () => add(amdExtensions.hardwareId(new Uint8Array(64))),
      /1\.4 does not belong here/,
    ],
    ['no CSP id', () => drop(amdOids.cspId), /CSP id\) is missing/],
    ['an empty CSP id', () => put(amdExtensions.cspId('')), /printable/],
    ['a CSP id of another type', () => put(raw(amdOids.cspId, utf8('cloud'))), /CSP id/],
    ['a CSP id that is not UTF-8', () => put(raw(amdOids.cspId, fromHex('1601ff', 'id'))), /UTF-8/],
    ['a serial number of 1', () => ({ serial: 1n }), /serial number/],
    ['an FMC on Genoa', () => add(amdExtensions.spl(9, 0)), /does not belong here/, 'Genoa'],
  ];
  test.for(cases)('%s', ([, change, reason, product = 'Milan']) =>
    expectFailure('chain.vek-certificate', { vlek: change() }, reason, { product, role: 'vlek' }),
  );
});

describe('a VEK is not signed by its issuer with', () => {
  const cases: SignatureCase[] = [
    ['a salt of 32 in the signature alone', () => signedBy({ ...amdAlgorithm, saltLength: 32 })],
    ['SHA-512 in the signature alone', () => signedBy({ ...amdAlgorithm, hash: 'sha512' })],
    ['PKCS #1 v1.5 in the signature alone', () => signedBy({ name: 'rsa-pkcs1', hash: 'sha384' })],
    ['the signature of the ASVK', () => ({ signer: keys.asvk.privateKey })],
    ['the signature of the ARK', () => ({ signer: keys.ark.privateKey })],
    ['a signature with one bit changed', () => ({ editSignature: flipped })],
    ['an empty signature', () => ({ editSignature: () => new Uint8Array(0) })],
  ];
  test.for(cases)('%s', ([, change]) =>
    expectFailure('chain.vek-signature', { vcek: change() }, /not by the key of SEV-Milan/),
  );

  test('and a VLEK with that of the ASK', () =>
    expectFailure(
      'chain.vek-signature',
      { vlek: { signer: keys.ask.privateKey } },
      /not by the key of SEV-VLEK-Milan/,
      { role: 'vlek' },
    ));
});
