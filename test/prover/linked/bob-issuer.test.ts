/** The PCK CA that a proof brings, against the pinned root and its list. */
import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkIssuer, type IntelRootKey, intelRootKey } from '#prover/linked/bob-issuer.ts';
import { issuerTdx } from '#prover/linked/formulas.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createIntel, type Intel, type IntelOverrides, type Revocable } from '#test/fake/intel.ts';
import { generateIntelKeys, type IntelKeys } from '#test/fake/keys.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote, pckChainType } from '#verifier/abi/quote.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { p256Spki, parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';

let keys: IntelKeys;
let intel: Intel;

beforeAll(() => {
  keys = generateIntelKeys('issuer');
  intel = createIntel({ keys });
});

function rootOf({ root }: Intel): IntelRootKey {
  return { spki: parseCertificate(root.der, 'root').spki, insecure: true };
}

type Given = {
  ca?: Bytes;
  root?: IntelRootKey | null;
  rootCrls?: readonly Bytes[];
  now?: number;
};

async function judged(of: Intel, given: Given = {}) {
  const {
    ca = of.pckCa.der,
    root = rootOf(of),
    rootCrls = [of.rootCrl.der],
    now = fakeNow,
  } = given;
  const clock = { now, crypto: nodeCrypto };
  const found = await checkIssuer(ca, { root, rootCrls, pckCrls: [] }, clock);
  const { issuer, crl } = found;
  return { ...found, issuer, crl, statuses: [issuer.status, crl.status] };
}

function changed(overrides: IntelOverrides, revoked: readonly Revocable[] = []): Intel {
  return createIntel({ keys, overrides, revoked });
}

const day = 86_400;

describe('accepted', () => {
  test.each(['platform', 'processor'] as const)('the %s CA', async (ca) => {
    const of = createIntel({ keys, machine: { ca } });
    const { statuses, field, ends } = await judged(of);
    expect(statuses).toEqual(['pass', 'pass']);
    const { publicKey } = parseCertificate(of.pckCa.der, 'CA');
    expect(field).toBe(publicKey.kind === 'p256' ? issuerTdx(publicKey.point) : null);
    expect(ends.map(({ at }) => at)).toEqual([2_000_285_410, fakeNow + 364 * day]);
  });

  test('the newest list of several counts, and another issuer’s does not', async () => {
    const newer = changed({ rootCrl: () => ({ thisUpdate: fakeNow - 1 }) }, ['platformCa']);
    const lists = [intel.rootCrl.der, newer.rootCrl.der, intel.pckCrl.der];
    expect((await judged(intel, { rootCrls: lists })).statuses).toEqual(['pass', 'fail']);
    const older = [intel.rootCrl.der, intel.pckCrl.der];
    expect((await judged(intel, { rootCrls: older })).statuses).toEqual(['pass', 'pass']);
  });
});

describe('refused', () => {
  type Row = [name: string, () => [Intel, Given?], statuses: string[], reason: RegExp];
  test.each([
    [
      'a CA of another root',
      () => [intel, { root: intelRootKey() }],
      ['fail', 'fail'],
      /not signed by the root's key/,
    ],
    [
      'a CA where no root of Intel’s is trusted',
      () => [intel, { root: null }],
      ['fail', 'skip'],
      /no root was handed over/,
    ],
    [
      'a CA that has expired',
      () => [changed({ platformCa: () => ({ notAfter: fakeNow - 1 }) })],
      ['fail', 'pass'],
      /has expired/,
    ],
    [
      'a CA that is not valid yet',
      () => [changed({ platformCa: () => ({ notBefore: fakeNow + 1 }) })],
      ['fail', 'pass'],
      /not valid yet/,
    ],
    ['a revoked CA', () => [changed({}, ['platformCa'])], ['pass', 'fail'], /has revoked/],
    [
      'a list that is out of date',
      () => [changed({ rootCrl: () => ({ nextUpdate: fakeNow - 1 }) })],
      ['pass', 'fail'],
      /out of date/,
    ],
    [
      'a list from after that time',
      () => [changed({ rootCrl: () => ({ thisUpdate: fakeNow + 1 }) })],
      ['pass', 'fail'],
      /after that time/,
    ],
    [
      'a list that another key signed',
      () => [changed({ rootCrl: () => ({ signer: keys.platformCa.privateKey }) })],
      ['pass', 'fail'],
      /list is not signed/,
    ],
    [
      'a list of another issuer',
      () => [intel, { rootCrls: [intel.pckCrl.der] }],
      ['pass', 'fail'],
      /no list here/,
    ],
    [
      'a list that cannot be read',
      () => [intel, { rootCrls: [intel.rootCrl.der, Uint8Array.of(0x30, 0)] }],
      ['pass', 'fail'],
      /revocation list/,
    ],
    ['no list', () => [intel, { rootCrls: [] }], ['pass', 'skip'], /--root-ca-crl/],
    ['a PCK', () => [intel, { ca: intel.pck.der }], ['fail', 'skip'], /PCK CA/],
    ['the root', () => [intel, { ca: intel.root.der }], ['fail', 'skip'], /PCK CA/],
    ['no certificate', () => [intel, { ca: new Uint8Array(3) }], ['fail', 'skip'], /PCK CA/],
  ] satisfies Row[])('%s', async (_, make, statuses, reason) => {
    const [of, given] = make() as [Intel, Given?];
    const found = await judged(of, given);
    expect(found.statuses).toEqual(statuses);
    const reasons = [found.issuer, found.crl].map(({ comparison }) => comparison.reason ?? '');
    expect(reasons.join('\n')).toMatch(reason);
  });

  test('a CA with one byte of what is signed changed', async () => {
    const at = intel.pckCa.der.indexOf(0x32, 60);
    const ca = intel.pckCa.der.map((byte, i) => (i === at ? byte ^ 1 : byte));
    expect((await judged(intel, { ca })).statuses[0]).toBe('fail');
  });
});

describe('Intel’s root', () => {
  test('has the key that is pinned, and no other will do', () => {
    const { spki, insecure } = intelRootKey();
    const pins = vendorRoots.filter(({ vendor }) => vendor === 'intel');
    expect(pins.map(({ spkiSha256 }) => toHex(spkiSha256))).toEqual([toHex(sha256(spki))]);
    expect(insecure).toBe(false);
    const others = vendorRoots.filter(({ vendor }) => vendor !== 'intel');
    expect(() => intelRootKey(others)).toThrow(/not the one that is pinned/);
  });

  test.skipIf(!hasShared)(
    `certifies a genuine CA (${hasShared ? 'here' : sharedMissing})`,
    async () => {
      const { certification } = parseQuote(sharedFile('corpus/tdx/neg-v4-debug-bit/quote.bin'));
      if (certification.type !== pckChainType) throw new Error('a quote with its chain');
      const [, ca, root] = readPemChain(certification.data, 'chain');
      const { publicKey } = parseCertificate(root as Bytes, 'root');
      expect(publicKey.kind === 'p256' && p256Spki(publicKey.point)).toEqual(intelRootKey().spki);
      const given = { ca: ca as Bytes, root: intelRootKey(), rootCrls: [] };
      expect((await judged(intel, given)).statuses).toEqual(['pass', 'skip']);
    },
  );
});
