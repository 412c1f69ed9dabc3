/** No key gets into a set that AMD does not vouch for: each change of what was given is refused by the check that it fails. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chipSnp, vekSnp } from '#prover/linked/formulas-snp.ts';
import { gatherAmdVek } from '#prover/linked/set-amd.ts';
import type { Trust } from '#prover/linked/set-believe.ts';
import type { VekSnp } from '#prover/linked/set-entries-snp.ts';
import { elementOf, encodeSet, memberSiblings, parseSet, vekSet } from '#prover/linked/sets.ts';
import { snpVekOf } from '#prover/linked/vek-facts.ts';
import { type AmdHierarchy, type AmdOverrides, amdName, fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import { testKeys } from '#test/fake/test-keys.ts';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { put } from '#test/verifier/chain/profile.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { formatTime } from '#verifier/time.ts';

const milan = await hierarchyOf('Milan');
const turin = await hierarchyOf('Turin');
const keys = await testKeys();
const trust: Trust = {
  roots: [milan, turin].map(({ ark }) => insecureRoot(parseCertificate(ark.der, 'ARK'))),
  now: fakeNow,
  crypto: nodeCrypto,
};
const past = { notAfter: fakeNow - 1 };
const stranger = { signer: keys.asvk.privateKey };

/** The check that refused, or null. */
function refusal(found: Awaited<ReturnType<typeof gatherAmdVek>>): string | null {
  return found.kind === 'refused' ? `${found.check.id} ${found.check.status}` : null;
}

const above = ({ ark, ask, asvk }: AmdHierarchy) => [ask.der, asvk.der, ark.der];
type Given = { certificates?: Bytes[]; crls?: Bytes[]; trust?: Trust };

function gather(of: AmdHierarchy, role: 'vcek' | 'vlek' = 'vcek', change: Given = {}) {
  const given = { certificates: above(of), crls: [of.crl.der], ...change };
  return gatherAmdVek(of[role].der, given, change.trust ?? trust);
}

describe('keys', () => {
  test.each([
    [milan, 'vcek'],
    [milan, 'vlek'],
    [turin, 'vcek'],
    [turin, 'vlek'],
  ] as const)('are those that the certificate states', async (of, role) => {
    const found = await gather(of, role, { certificates: [...above(turin), ...above(milan)] });
    if (found.kind === 'refused') throw new Error(`refused: ${found.check.id}`);
    const { entry, list } = found.value;
    expect(entry).toEqual({
      product: of.product,
      keyKind: role,
      publicKey: expect.any(Uint8Array),
      chip: role === 'vcek' ? chipSnp(of.hardwareId) : 0n,
      tcb: of.tcb,
    } satisfies VekSnp);
    const certificate = parseCertificate(of[role].der, 'VEK');
    const vek = vekSnp(snpVekOf(certificate, asVek(certificate)));
    expect(elementOf('veks', entry)).toBe(vek);
    expect(memberSiblings(vekSet([entry], { made: fakeNow, source: list }), vek)).toEqual([]);
    const next = formatTime(of.crl.plan.nextUpdate as number);
    expect(list).toBe(`CRL number 1 of ARK-${of.product}, next update ${next}`);
  });

  test.each<[string, AmdOverrides]>([
    ['chain.root-signature', { ark: stranger }],
    ['chain.root-validity', { ark: past }],
    ['chain.issuer-certificate', { ask: put(basicConstraints(false, null)) }],
    ['chain.issuer-signature', { ask: stranger }],
    ['chain.issuer-validity', { ask: past }],
    ['chain.vek-certificate', { vcek: { serial: 1n } }],
    ['chain.vek-signature', { vcek: stranger }],
    ['chain.vek-validity', { vcek: past }],
    ['collateral.crl-signature', { crl: stranger }],
    ['collateral.crl-validity', { crl: { nextUpdate: fakeNow - 1 } }],
    ['collateral.revocation', { crl: { revoked: [{ serial: 0x010001n, at: fakeNow - 1 }] } }],
  ])('need %s', async (id, overrides) => {
    expect(refusal(await gather(await hierarchyOf('Milan', overrides)))).toBe(`${id} fail`);
  });

  test('of a VLEK need its own issuer, not revoked', async () => {
    const revoked = { revoked: [{ serial: 0x010101n, at: fakeNow - 1 }] };
    const of = await hierarchyOf('Milan', { crl: revoked });
    expect(refusal(await gather(of, 'vlek'))).toBe('collateral.revocation fail');
    expect(refusal(await gather(of, 'vcek'))).toBeNull();
  });

  test('say what is missing', async () => {
    const { ask, asvk, ark } = milan;
    const without = (...certificates: Bytes[]) => gather(milan, 'vcek', { certificates });
    expect(refusal(await without(ark.der))).toBe('chain.issuer-certificate skip');
    expect(refusal(await without(asvk.der, ark.der))).toBe('chain.issuer-certificate skip');
    expect(refusal(await without(ask.der))).toBe('chain.root-certificate skip');
    expect(refusal(await without(ask.der, turin.ark.der))).toBe('chain.root-certificate skip');
    expect(refusal(await without(ark.der, ask.der))).toBeNull();
    const lists = async (...crls: Bytes[]) => refusal(await gather(milan, 'vcek', { crls }));
    expect(await lists()).toBe('collateral.crl-signature skip');
    expect(await lists(turin.crl.der)).toBe('collateral.crl-signature skip');
    expect(await lists(turin.crl.der, milan.crl.der)).toBeNull();
  });

  test('need the root that is pinned', async () => {
    const pinned = { ...trust, roots: vendorRoots };
    expect(refusal(await gather(milan, 'vcek', { trust: pinned }))).toBe('chain.root-pinned fail');
    const ofTurin = { ...trust, roots: trust.roots.slice(1) };
    expect(refusal(await gather(milan, 'vcek', { trust: ofTurin }))).toBe('chain.root-pinned fail');
    expect(refusal(await gather(turin, 'vcek', { trust: ofTurin }))).toBeNull();
  });

  test('of a product cannot be had under the name of another', async () => {
    const genoa = { subject: amdName('SEV-Genoa') };
    const renamed = await hierarchyOf('Milan', { ask: genoa });
    expect(refusal(await gather(renamed))).toBe('chain.issuer-certificate fail');
  });

  test('that are no certificates are refused by code', async () => {
    const run = gatherAmdVek(utf8('none'), { certificates: [], crls: [] }, trust);
    const error: unknown = await run.catch((thrown) => thrown);
    expect(
      codeOf(() => {
        throw error;
      }),
    ).toBe('der-malformed');
  });
});

/** Both lists that the corpus holds were current then. */
const moment = 1_756_425_600;

describe.skipIf(!hasShared)(
  `keys of real chips${hasShared ? '' : ` (skipped: ${sharedMissing})`}`,
  () => {
    const amd = (name: string) => sharedFile(`corpus/collateral/amd/${name}`);
    const chain = (name: string) => readPemChain(amd(name), 'chain');
    const given = () => ({
      certificates: ['milan', 'genoa', 'turin'].flatMap((product) =>
        ['vcek', 'vlek'].flatMap((key) => chain(`${product}-${key}-chain.pem`)),
      ),
      crls: [amd('milan-ark-crl.der'), amd('genoa-ark-crl.der')],
    });
    const real: Trust = { roots: vendorRoots, now: moment, crypto: nodeCrypto };
    const found = hasShared
      ? ['sev-snp', 'azure-snp-vtpm'].flatMap((kind) =>
          readdirSync(sharedPath(`corpus/${kind}`)).flatMap((name) =>
            ['vcek.der', 'vlek.der']
              .map((file) => `corpus/${kind}/${name}/${file}`)
              .filter((path) => existsSync(sharedPath(path))),
          ),
        )
      : [];

    test('make a set where chain and list are there, and are refused for what is not', async () => {
      const entries: VekSnp[] = [];
      const wrong: string[] = [];
      for (const path of found) {
        const certificate = parseCertificate(sharedFile(path), 'VEK');
        const { notBefore, notAfter, publicKey } = certificate;
        const vek = asVek(certificate);
        const outcome = await gatherAmdVek(certificate.der, given(), real);
        const isCurrent = notBefore <= moment && moment <= notAfter;
        // The corpus has no list of Turin's root.
        const lacks = vek.product === 'Turin' ? 'collateral.crl-signature skip' : null;
        const expected = isCurrent ? lacks : 'chain.vek-validity fail';
        if (refusal(outcome) !== expected) wrong.push(`${path}: ${refusal(outcome)}`);
        if (outcome.kind === 'refused') continue;
        const { entry } = outcome.value;
        expect(publicKey).toMatchObject({ kind: 'p384', point: entry.publicKey });
        expect(elementOf('veks', entry)).toBe(vekSnp(snpVekOf(certificate, vek)));
        entries.push(entry);
      }
      expect(wrong).toEqual([]);
      const set = vekSet(entries, { made: moment, source: 'the corpus' });
      expect(encodeSet(parseSet(utf8(encodeSet(set))))).toBe(encodeSet(set));
      const kinds = new Set(entries.map(({ product, keyKind }) => `${product} ${keyKind}`));
      expect(kinds).toEqual(new Set(['Milan vcek', 'Milan vlek', 'Genoa vcek']));
      expect(set.entries.length).toBeGreaterThan(10);
    });
  },
);
