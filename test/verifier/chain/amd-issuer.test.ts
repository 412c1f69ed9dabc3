import { beforeAll, describe, test } from 'vitest';
import { amdAlgorithm, amdName } from '#test/fake/amd.ts';
import type { Name } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { basicConstraints, extension, keyUsage, oids } from '#test/fake/extensions.ts';
import { type AmdKeys, generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { fromHex } from '#verifier/bytes.ts';
import {
  add,
  asPrintable,
  type Case,
  drop,
  expectFailure,
  type Plan,
  put,
  type SignatureCase,
} from './profile.ts';

let keys: AmdKeys;
let shortRsa: KeyPair;
beforeAll(async () => {
  keys = await testKeys();
  shortRsa = await generateRsaKey(3072);
});

const rawUsage = (hex: string) => put({ ...keyUsage([]), value: fromHex(hex, 'key usage') });

describe('an ASK is not one for', () => {
  const cases: Case[] = [
    ['an issuer of another product', () => ({ issuer: amdName('ARK-Genoa') }), /issuer: the name/],
    ['an RSA key of 3072 bits', () => ({ publicKey: shortRsa.publicKey }), /4096 bits/],
    ['a key on P-384', () => ({ publicKey: keys.vcek.publicKey }), /4096 bits/],
    ['no basic constraints', () => drop(oids.basicConstraints), /basic constraints/],
    [
      'basic constraints that are not critical',
      () => put({ ...basicConstraints(true, 0), critical: false }),
      /basic constraints/,
    ],
    ['no CA', () => put(basicConstraints(false, null)), /basic constraints/],
    ['no path length', () => put(basicConstraints(true, null)), /basic constraints/],
    ['a path length of 1', () => put(basicConstraints(true, 1)), /basic constraints/],
    ['no key usage', () => drop(oids.keyUsage), /key usage/],
    [
      'key usage that is not critical',
      () => put({ ...keyUsage(['keyCertSign'], 1), critical: false }),
      /key usage/,
    ],
    ['key usage without keyCertSign', () => put(keyUsage(['cRLSign'])), /key usage/],
    ['key usage with cRLSign too', () => put(keyUsage(['keyCertSign', 'cRLSign'])), /key usage/],
    [
      'key usage with digitalSignature too',
      () => put(keyUsage(['keyCertSign', 'digitalSignature'])),
      /key usage/,
    ],
    ['something after the key usage', () => rawUsage('0302010400'), /key usage/],
    ['key usage of two octets', () => rawUsage('0303070480'), /key usage/],
    [
      'an unknown critical extension',
      () => add(extension('2.5.29.30', true, der.sequence())),
      /critical extension 2\.5\.29\.30/,
    ],
    ['X.509 version 2', () => ({ version: 2 }), /version 3 expected, got 2/],
  ];
  test.for(cases)('%s', ([, change, reason]) =>
    expectFailure('chain.issuer-certificate', { ask: change() }, reason),
  );

  // A child takes its issuer from its parent's subject: here it keeps the right one.
  const subject = (name: Name) => ({
    ask: { subject: name },
    vcek: { issuer: amdName('SEV-Milan') },
  });
  test('another subject', async () => {
    const names: [Name, RegExp][] = [
      [amdName('SEV-Rome'), /SEV-Milan, SEV-Genoa, SEV-Turin/],
      [asPrintable(amdName('SEV-Milan')), /subject: the name/],
      [amdName('SEV-Genoa'), /issuer: the name/],
    ];
    for (const [name, reason] of names) {
      await expectFailure('chain.issuer-certificate', subject(name), reason);
    }
  });
  test('a VCEK when it has the name of the ASVK', () =>
    expectFailure(
      'chain.issuer-certificate',
      subject(amdName('SEV-VLEK-Milan')),
      /vlek\/v1\/Milan\/crl/,
    ));
});

test('an ASVK is not one for the same', async () => {
  const broken: Plan[] = [
    put(basicConstraints(true, null)),
    put(keyUsage(['cRLSign'])),
    { publicKey: keys.vcek.publicKey },
  ];
  for (const asvk of broken) {
    await expectFailure('chain.issuer-certificate', { asvk }, /should be/, { role: 'vlek' });
  }
});

describe('an ASK is not signed by the root with', () => {
  const cases: SignatureCase[] = [
    ['the signature of another key', () => ({ signer: keys.asvk.privateKey })],
    ['its own signature', () => ({ signer: keys.ask.privateKey })],
  ];
  test.for(cases)('%s', ([, change]) =>
    expectFailure('chain.issuer-signature', { ask: change() }, /not by the key of ARK-Milan/),
  );
});

test('an ASK with another key than the one that signed breaks the VCEK', () =>
  expectFailure(
    'chain.vek-signature',
    { ask: { publicKey: keys.asvk.publicKey } },
    /SEV-VCEK is not by the key of SEV-Milan/,
  ));

describe('an ARK is not one for', () => {
  const cases: Case[] = [
    ['another issuer', () => ({ issuer: amdName('ARK-Genoa') }), /issuer: the name/],
    [
      'an RSA key of 3072 bits',
      () => ({ publicKey: shortRsa.publicKey, signer: shortRsa.privateKey }),
      /4096 bits/,
    ],
    ['no CA', () => put(basicConstraints(false, null)), /basic constraints/],
    ['a path length', () => put(basicConstraints(true, 1)), /basic constraints/],
    ['key usage without cRLSign', () => put(keyUsage(['keyCertSign'])), /key usage/],
    ['key usage without keyCertSign', () => put(keyUsage(['cRLSign'])), /key usage/],
    [
      'an unknown critical extension',
      () => add(extension('1.2.3', true, der.derNull())),
      /critical/,
    ],
    ['another inner algorithm', () => ({ innerAlgorithm: amdAlgorithm }), /differ/],
  ];
  test.for(cases)('%s', ([, change, reason]) =>
    expectFailure('chain.root-certificate', { ark: change() }, reason),
  );

  test('another subject', async () => {
    const names: [Name, RegExp][] = [
      [amdName('ARK-Rome'), /ARK-Milan, ARK-Genoa, ARK-Turin/],
      [asPrintable(amdName('ARK-Milan')), /subject: the name/],
    ];
    for (const [name, reason] of names) {
      const issuer = amdName('ARK-Milan');
      const overrides = { ark: { subject: name, issuer: name }, ask: { issuer }, crl: { issuer } };
      await expectFailure('chain.root-certificate', overrides, reason);
    }
  });
});

test('an ARK that another key signed is not the one the vendor made', () =>
  expectFailure(
    'chain.root-signature',
    { ark: { signer: keys.ask.privateKey } },
    /ARK-Milan is not by the key of ARK-Milan/,
  ));
