/** What Intel's certificates must say in each role: simulated ones, bent in one place each. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CertificatePlan,
  type Change,
  type Extension,
  type Name,
  removeExtension,
  replaceExtension,
} from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { basicConstraints, extension, keyUsage, oids } from '#test/fake/extensions.ts';
import { createIntel, type IntelOverrides, intelAlgorithm } from '#test/fake/intel.ts';
import {
  intelName,
  intelNames,
  type PckValues,
  pckValues,
  sgxExtension,
  sgxExtensionMembers,
  sgxExtensionOid,
} from '#test/fake/intel-profile.ts';
import { generateEcKey, generateIntelKeys, generateRsaKey, type KeyPair } from '#test/fake/keys.ts';
import { asIntelRoot, asPck, asPckCa, asTcbSigning } from '#verifier/chain/intel.ts';
import { type Certificate, parseCertificate } from '#verifier/chain/x509.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';

const keys = generateIntelKeys();
let p384: KeyPair;
let rsa: KeyPair;
beforeAll(async () => {
  [p384, rsa] = await Promise.all([generateEcKey('P-384'), generateRsaKey(2048)]);
});

type Plan = Change<CertificatePlan>;
type Role = 'root' | 'platformCa' | 'processorCa' | 'tcbSigning' | 'pck';
const profiles: Record<Role, (certificate: Certificate) => unknown> = {
  root: asIntelRoot,
  platformCa: asPckCa,
  processorCa: asPckCa,
  tcbSigning: asTcbSigning,
  pck: asPck,
};
const roles = Object.keys(profiles) as Role[];

function certificateOf(role: Role, change: Plan = {}, machine: Partial<PckValues> = {}) {
  const overrides: IntelOverrides = { [role]: change };
  return parseCertificate(createIntel({ keys, overrides, machine })[role].der, role);
}
const codeFor = (role: Role, change: Plan) =>
  codeOf(() => profiles[role](certificateOf(role, change)));

const withExtensions =
  (edit: (extensions: readonly Extension[]) => readonly Extension[]): Plan =>
  ({ extensions }) => ({ extensions: edit(extensions) });
const replaced = (one: Extension) => withExtensions((all) => replaceExtension(all, one));
const removed = (oid: string) => withExtensions((all) => removeExtension(all, oid));
const added = (one: Extension) => withExtensions((all) => [...all, one]);
const attribute = (type: Name[number]['type'], change: Partial<Name[number]>) => (name: Name) =>
  name.map((one) => (one.type === type ? { ...one, ...change } : one));

describe('accepted', () => {
  test('each in its role', () => {
    expect(asIntelRoot(certificateOf('root'))).toEqual({ role: 'root' });
    expect(asPckCa(certificateOf('platformCa'))).toEqual({ role: 'pck-ca', ca: 'platform' });
    expect(asPckCa(certificateOf('processorCa'))).toEqual({ role: 'pck-ca', ca: 'processor' });
    expect(asTcbSigning(certificateOf('tcbSigning'))).toEqual({ role: 'tcb-signing' });
  });

  test('a PCK certificate of a server', () => {
    const values = pckValues();
    expect(asPck(certificateOf('pck'))).toEqual({
      role: 'pck',
      ca: 'platform',
      ppid: values.ppid,
      tcb: {
        components: values.components,
        pceSvn: 13,
        cpuSvn: Uint8Array.from(values.components),
      },
      pceId: values.pceId,
      fmspc: values.fmspc,
      sgxType: 'scalable',
      platformInstanceId: values.platformInstanceId,
      configuration: { dynamicPlatform: true, cachedKeys: true, smtEnabled: true },
    });
  });

  test('a PCK certificate of a single-socket machine', () => {
    expect(asPck(certificateOf('pck', {}, { ca: 'processor' }))).toMatchObject({
      ca: 'processor',
      sgxType: 'standard',
      platformInstanceId: null,
      configuration: null,
    });
  });
});

describe('what holds for every role', () => {
  type Case = [name: string, change: () => Plan, code: ErrorCode | null];
  const cases: Case[] = [
    ['accepted: another serial number', () => ({ serial: 5n }), null],
    ['accepted: other dates', () => ({ notBefore: 1, notAfter: 2 }), null],
    [
      'accepted: an extension that nobody knows, not critical',
      () => added(extension('1.2.3', false, der.derNull())),
      null,
    ],
    ['a critical one', () => added(extension('1.2.3', true, der.derNull())), 'certificate-profile'],
    [
      'the key identifiers critical',
      () => withExtensions((all) => all.map((one) => ({ ...one, critical: true }))),
      'certificate-profile',
    ],
    [
      'another extension of Intel’s arc',
      () => added(extension('1.2.840.113741.1.13.2', false, der.derNull())),
      'certificate-profile',
    ],
    ['a key on P-384', () => ({ publicKey: p384.publicKey }), 'certificate-profile'],
    ['an RSA key', () => ({ publicKey: rsa.publicKey }), 'certificate-profile'],
    [
      'basic constraints not critical',
      () =>
        withExtensions((all) =>
          all.map((one) => (one.oid === oids.basicConstraints ? { ...one, critical: false } : one)),
        ),
      'certificate-profile',
    ],
    [
      'key usage not critical',
      () =>
        withExtensions((all) =>
          all.map((one) => (one.oid === oids.keyUsage ? { ...one, critical: false } : one)),
        ),
      'certificate-profile',
    ],
    [
      'CA without a path length',
      () => replaced(basicConstraints(true, null)),
      'certificate-profile',
    ],
    ['path length 2', () => replaced(basicConstraints(true, 2)), 'certificate-profile'],
    [
      'every key usage',
      () => replaced(keyUsage(['digitalSignature', 'nonRepudiation', 'keyCertSign', 'cRLSign'])),
      'certificate-profile',
    ],
    [
      'digitalSignature alone',
      () => replaced(keyUsage(['digitalSignature'])),
      'certificate-profile',
    ],
    ['keyCertSign alone', () => replaced(keyUsage(['keyCertSign'])), 'certificate-profile'],
    ['no key usage', () => replaced(keyUsage([])), 'certificate-profile'],
    ...Object.values(oids)
      .filter((oid) => oid !== oids.crlNumber)
      .map((oid): Case => [`without extension ${oid}`, () => removed(oid), 'certificate-profile']),
    ...(['subject', 'issuer'] as const).flatMap((field): Case[] => {
      const renamed = (edit: (name: Name) => Name) => (): Plan => (plan) => ({
        [field]: edit(plan[field]),
      });
      const refused = 'certificate-profile';
      return [
        [`accepted: the ${field} unchanged`, renamed((name) => name), null],
        [`another CN of the ${field}`, renamed(attribute('CN', { value: 'Intel' })), refused],
        [
          `a longer CN of the ${field}`,
          renamed((name) => intelName(`${name[0]?.value} `)),
          refused,
        ],
        [`another O of the ${field}`, renamed(attribute('O', { value: 'Intel' })), refused],
        [
          `another string type in the ${field}`,
          renamed(attribute('CN', { string: 'printable' })),
          refused,
        ],
        [
          `the ${field} in another order`,
          renamed((name) => [...name.slice(1), ...name.slice(0, 1)]),
          refused,
        ],
        [`the ${field} without its country`, renamed((name) => name.slice(0, -1)), refused],
        [
          `an OU more in the ${field}`,
          renamed((name) => [...name, { type: 'OU', value: 'x', string: 'utf8' }]),
          refused,
        ],
      ];
    }),
  ];
  describe.each(roles)('%s', (role) => {
    test.each(cases)('%s', (_, change, code) => {
      expect(codeFor(role, change())).toBe(code);
    });
  });

  test('signed with RSA', async () => {
    const change: Plan = {
      algorithm: { name: 'rsa-pss', hash: 'sha384', saltLength: 48, trailerField: false },
      signer: rsa.privateKey,
    };
    for (const role of roles) {
      expect(codeFor(role, change)).toBe('certificate-profile');
      expect(codeFor(role, { algorithm: intelAlgorithm })).toBe(null);
    }
  });
});

describe('a certificate of one role is none of another', () => {
  const pairs = roles.flatMap((role) => roles.map((other): [Role, Role] => [role, other]));
  test.each(pairs)('%s as %s', (role, other) => {
    const expected = profiles[role] === profiles[other] ? null : 'certificate-profile';
    expect(codeOf(() => profiles[other](certificateOf(role)))).toBe(expected);
  });

  test('by its name, not even with the other’s name', () => {
    const refused = 'certificate-profile';
    expect(codeFor('root', { subject: intelNames.platform })).toBe(refused);
    expect(codeFor('platformCa', { issuer: intelNames.processor })).toBe(refused);
    expect(codeFor('platformCa', { subject: intelNames.root })).toBe(refused);
    expect(codeFor('platformCa', { subject: intelNames.processor })).toBe(null);
    expect(codeFor('tcbSigning', { issuer: intelNames.platform })).toBe(refused);
    expect(codeFor('pck', { issuer: intelNames.root })).toBe(refused);
    expect(codeFor('pck', { subject: intelNames.tcbSigning })).toBe(refused);
  });

  test('a signer of data that says it is a CA, a CA that says it is none', () => {
    const refused = 'certificate-profile';
    expect(codeFor('pck', replaced(basicConstraints(true, 0)))).toBe(refused);
    expect(codeFor('tcbSigning', replaced(basicConstraints(true, 0)))).toBe(refused);
    expect(codeFor('platformCa', replaced(basicConstraints(false, null)))).toBe(refused);
    expect(codeFor('platformCa', replaced(basicConstraints(true, 1)))).toBe(refused);
    expect(codeFor('root', replaced(basicConstraints(true, 0)))).toBe(refused);
    expect(codeFor('pck', replaced(basicConstraints(false, null)))).toBe(null);
    expect(codeFor('platformCa', replaced(basicConstraints(true, 0)))).toBe(null);
    expect(codeFor('root', replaced(basicConstraints(true, 1)))).toBe(null);
  });

  test('an SGX extension where it does not belong, none where it does', () => {
    const own = sgxExtension(sgxExtensionMembers(pckValues()));
    for (const role of ['root', 'platformCa', 'tcbSigning'] as const)
      expect(codeFor(role, added(own))).toBe('certificate-profile');
    expect(codeFor('pck', removed(sgxExtensionOid))).toBe('certificate-profile');
    expect(codeFor('pck', replaced(own))).toBe(null);
    expect(codeFor('pck', replaced({ ...own, critical: true }))).toBe('certificate-profile');
  });
});
