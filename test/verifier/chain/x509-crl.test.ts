import { beforeAll, expect, test } from 'vitest';
import { amdCaAlgorithm } from '#test/fake/amd.ts';
import type { Change, CrlPlan } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { crlNumber, extension, keyUsage } from '#test/fake/extensions.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { hierarchyOf } from '../scene.ts';
import { parts } from './parts.ts';

beforeAll(() => hierarchyOf('Milan'));

const entry = (...more: Bytes[]) =>
  der.sequence(der.sequence(der.integer(5), der.time(1_700_000_000), ...more));
const reason = (critical: boolean) =>
  der.sequence(
    der.sequence(
      der.objectIdentifier('2.5.29.21'),
      ...(critical ? [der.derTrue()] : []),
      der.octetString(fromHex('0a0101', 'reason')),
    ),
  );
const withList = (list: Bytes) => parts((all) => all.toSpliced(5, 0, list));

type Case = [name: string, change: Change<CrlPlan>, code: ErrorCode | null];
const cases: Case[] = [
  ['accepted: an empty list, left out', {}, null],
  ['accepted: two entries', { revoked: [1n, 2n].map((serial) => ({ serial, at: 1 })) }, null],
  ['accepted: no extensions', { extensions: [] }, null],
  ['accepted: an entry with a reason that is not critical', withList(entry(reason(false))), null],
  ['a critical entry extension', withList(entry(reason(true))), 'certificate-profile'],
  [
    'something after the entry extensions',
    withList(entry(reason(false), der.derNull())),
    'der-malformed',
  ],
  ['an empty list written out', withList(der.sequence()), 'der-malformed'],
  [
    'an entry without a date',
    withList(der.sequence(der.sequence(der.integer(5)))),
    'der-malformed',
  ],
  ['version 1, which has no version field', { version: 1, extensions: [] }, 'der-malformed'],
  ['version 3', { version: 3 }, 'certificate-profile'],
  ['no nextUpdate', { nextUpdate: null }, 'der-malformed'],
  [
    'a critical extension (a list of some certificates only)',
    { extensions: [extension('2.5.29.28', true, fromHex('30038101ff', 'IDP'))] },
    'certificate-profile',
  ],
  [
    'a delta list',
    { extensions: [extension('2.5.29.27', true, der.integer(1))] },
    'certificate-profile',
  ],
  ['an extension twice', { extensions: [crlNumber(1), crlNumber(2)] }, 'certificate-profile'],
  ['something after the extensions', parts((all) => [...all, der.derNull()]), 'der-malformed'],
  ['another inner algorithm', { innerAlgorithm: amdCaAlgorithm }, 'certificate-profile'],
  ['accepted: the trailer field in both', { algorithm: amdCaAlgorithm }, null],
  [
    'accepted: an extension that nobody knows',
    { extensions: [{ ...keyUsage([]), critical: false }] },
    null,
  ],
];

test.for(cases)('%s', async ([, change, code]) => {
  const { crl } = await hierarchyOf('Milan', { crl: change });
  expect(codeOf(() => parseRevocationList(crl.der, 'CRL'))).toBe(code);
});

test('entries and dates are read', async () => {
  const { crl } = await hierarchyOf('Genoa');
  const read = parseRevocationList(crl.der, 'CRL');
  expect(read.revoked.map(toHex)).toEqual(['020001']);
  expect([read.thisUpdate, read.nextUpdate]).toEqual([crl.plan.thisUpdate, crl.plan.nextUpdate]);
});

test('a certificate is no list and a list no certificate', async () => {
  const { ark, crl } = await hierarchyOf('Milan');
  expect(codeOf(() => parseRevocationList(ark.der, 'CRL'))).toBe('der-malformed');
  expect(codeOf(() => parseCertificate(crl.der, 'ARK'))).toBe('der-malformed');
  expect(codeOf(() => parseCertificate(ark.der, 'ARK'))).toBe(null);
});
