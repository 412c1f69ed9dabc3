/** Intel's certificates and lists as `affidavit show` prints them. */
import { describe, expect, test } from 'vitest';
import { type Extension, replaceExtension } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { createIntel } from '#test/fake/intel.ts';
import { member, sgxExtension, sgxExtensionOid } from '#test/fake/intel-profile.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { certificateSection } from '#verifier/show/certificate.ts';

const keys = generateIntelKeys();
const intel = createIntel({ keys });

function fieldsOf(bytes: Bytes) {
  const { fields } = certificateSection(bytes, 'X.509');
  return new Map(fields.map((field) => [field.name, field]));
}

const pckWith = (one: Extension) =>
  createIntel({
    keys,
    overrides: { pck: ({ extensions }) => ({ extensions: replaceExtension(extensions, one) }) },
  }).pck.der;
const partsWith = (...members: Bytes[]) =>
  fieldsOf(pckWith(sgxExtension(members))).get('SGX extension')?.parts;

test('a PCK certificate: the key, the key identifiers, the address of its list', () => {
  const fields = fieldsOf(intel.pck.der);
  const value = (name: string) => fields.get(name)?.value;
  expect(value('public key')).toBe('elliptic curve, P-256');
  expect(value('signature algorithm')).toBe('ECDSA with SHA-256');
  expect(value('key usage')).toBe('digitalSignature, nonRepudiation (critical)');
  expect(value('basic constraints')).toBe('CA no (critical)');
  expect(value('subject key identifier')).toMatch(/^[0-9a-f]{40}$/);
  expect(value('authority key identifier')).toMatch(/^[0-9a-f]{40}$/);
  expect(value('CRL distribution points')).toMatch(/^https:.*ca=platform&encoding=der$/);
  expect(value('affidavit')).toBe('reads this certificate');
});

describe('the SGX extension', () => {
  test('by the names of its members', () => {
    const { machine } = intel;
    expect(fieldsOf(intel.pck.der).get('SGX extension')).toMatchObject({
      value: '26 values',
      parts: [
        { name: 'PPID', value: toHex(machine.ppid) },
        ...machine.components.map((svn, i) => ({
          name: `TCB component ${i + 1} SVN`,
          value: String(svn),
        })),
        { name: 'PCE SVN', value: '13' },
        { name: 'CPU SVN', value: toHex(Uint8Array.from(machine.components)) },
        { name: 'PCE-ID', value: '0000' },
        { name: 'FMSPC', value: '90c06f000000' },
        { name: 'SGX type', value: '1 (scalable)' },
        { name: 'platform instance id', value: '1d'.repeat(16) },
        { name: 'dynamic platform', value: 'yes' },
        { name: 'cached keys', value: 'yes' },
        { name: 'SMT enabled', value: 'yes' },
      ],
    });
  });

  test('one that the verifier refuses', () => {
    expect(
      partsWith(
        member([5], der.enumerated(7)),
        member([9], der.derNull()),
        member([2], der.sequence(member([2, 1], der.integer(1n << 64n)))),
        member([7], der.sequence(member([7, 3], der.derBoolean(false)))),
      ),
    ).toEqual([
      { name: 'SGX type', value: '7 (unknown)' },
      { name: `${sgxExtensionOid}.9`, value: '0500' },
      { name: 'TCB component 1 SVN', value: '0x010000000000000000' },
      { name: 'SMT enabled', value: 'no' },
    ]);
  });

  test('one that is not made so, as hex', () => {
    const value = der.octetString(Uint8Array.of(1, 2));
    const field = fieldsOf(pckWith({ oid: sgxExtensionOid, critical: false, value })).get(
      'SGX extension',
    );
    expect(field?.value).toBe(toHex(value));
    expect(field?.parts).toBe(undefined);
    expect(partsWith(member([2], der.sequence(member([2], der.sequence()))))).toEqual([
      { name: 'TCB', value: '3000' },
    ]);
  });
});

test('a list', () => {
  const revoking = createIntel({ keys, revoked: ['pck'] });
  const fields = fieldsOf(revoking.pckCrl.der);
  expect(fields.get('CRL number')?.value).toBe('1');
  expect(fields.get('revoked')?.value).toMatch(/^serial number [0-9a-f]+ at 2/);
  expect(fields.get('affidavit')?.value).toBe('reads this revocation list');
});

test('several addresses, or a key identifier with more beside it, as hex', () => {
  const uri = der.contextPrimitive(6, Uint8Array.of(0x61));
  const point = der.sequence(der.context(0, der.context(0, uri)));
  const valueWith = (oid: string, name: string, value: Bytes) =>
    fieldsOf(pckWith({ oid, critical: false, value })).get(name)?.value;
  const addresses = (...points: Bytes[]) =>
    valueWith('2.5.29.31', 'CRL distribution points', der.sequence(...points));
  expect(addresses(point)).toBe('a');
  expect(addresses(point, point)).toBe(toHex(der.sequence(point, point)));
  const identifier = der.contextPrimitive(0, Uint8Array.of(1));
  const authority = (...parts: Bytes[]) =>
    valueWith('2.5.29.35', 'authority key identifier', der.sequence(...parts));
  expect(authority(identifier)).toBe('01');
  expect(authority(identifier, der.derNull())).toBe('30058001010500');
});
