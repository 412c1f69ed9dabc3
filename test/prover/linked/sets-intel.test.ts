/** Nothing gets into a set that Intel does not vouch for: each change of what was given is refused by the check that it fails. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { chipTdx, issuerTdx, serial } from '#prover/linked/formulas.ts';
import { readQuoteFacts } from '#prover/linked/quote-facts.ts';
import type { Trust } from '#prover/linked/set-believe.ts';
import { gatherLevels, gatherRevoked, gatherVek } from '#prover/linked/set-intel.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import { collateralOf, type Intel, type IntelOptions } from '#test/fake/intel.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { put } from '#test/verifier/chain/profile.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';

const plain = intelOf('tdx');
const trust: Trust = {
  roots: [insecureRoot(parseCertificate(plain.root.der, 'root'))],
  now: fakeNow,
  crypto: nodeCrypto,
};
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const past = { notAfter: fakeNow - 1 };
const overrides = (changes: NonNullable<IntelOptions['overrides']>): IntelOptions => ({
  overrides: changes,
});

type Outcome = { kind: string; check?: { id: string; status: string } };

/** The check that refused, or null. */
function refusal(found: Outcome): string | null {
  return found.kind === 'refused' ? `${found.check?.id} ${found.check?.status}` : null;
}

describe('levels', () => {
  const given = (intel: Intel, without?: IntelCollateralKind) => (kind: IntelCollateralKind) =>
    collateralOf(intel)
      .filter((item) => item.kind === kind && kind !== without)
      .map(({ data }) => data);
  const gather = (options?: IntelOptions, without?: IntelCollateralKind, asked = trust) =>
    gatherLevels(given(intelOf('tdx', options), without), ['UpToDate'], asked);

  test('are gathered from what verifies, with until when it counts', async () => {
    const found = await gather();
    expect(refusal(found)).toBeNull();
    expect(found).toMatchObject({
      kind: 'gathered',
      source: expect.stringMatching(
        /^TCB info of FMSPC [0-9a-f]{12}, evaluation 19, QE identity 19, next update 2026-02-1\dT/,
      ),
    });
    expect(found.kind === 'gathered' && found.entries.length).toBe(3);
  });

  test.each<[string, IntelOptions]>([
    ['chain.root-signature', overrides({ root: { signer: stranger.privateKey } })],
    ['chain.root-validity', overrides({ root: past })],
    ['collateral.root-crl-signature', overrides({ rootCrl: { signer: stranger.privateKey } })],
    ['collateral.root-crl-validity', overrides({ rootCrl: { nextUpdate: fakeNow - 1 } })],
    ['collateral.tcb-info-signer', overrides({ tcbSigning: past })],
    ['collateral.tcb-info-signature', overrides({ tcbInfo: { signer: stranger.privateKey } })],
    ['collateral.tcb-info-validity', overrides({ tcbInfo: { nextUpdate: fakeNow - 1 } })],
    ['collateral.qe-identity-signer', overrides({ qeIdentitySigning: past })],
    [
      'collateral.qe-identity-signature',
      overrides({ qeIdentity: { signer: stranger.privateKey } }),
    ],
    ['collateral.qe-identity-validity', overrides({ qeIdentity: { nextUpdate: fakeNow - 1 } })],
    ['collateral.signer-revocation', { revoked: ['tcbSigning'] }],
  ])('need %s', async (id, options) => {
    expect(refusal(await gather(options))).toBe(`${id} fail`);
  });

  test.each<[IntelCollateralKind, string]>([
    ['intel-root', 'chain.root-certificate'],
    ['intel-root-crl', 'collateral.root-crl-signature'],
    ['tcb-signing', 'collateral.tcb-info-signer'],
    ['tcb-info', 'collateral.tcb-info-signature'],
    ['qe-identity-signing', 'collateral.qe-identity-signer'],
    ['qe-identity', 'collateral.qe-identity-signature'],
  ])('say what is missing: %s', async (kind, id) => {
    expect(refusal(await gather(undefined, kind))).toBe(`${id} skip`);
  });

  test('need the root that is pinned', async () => {
    const pinned = { ...trust, roots: vendorRoots };
    expect(refusal(await gather(undefined, undefined, pinned))).toBe('chain.root-pinned fail');
  });

  test('are refused where the statuses accepted are no floor', async () => {
    const found = await gatherLevels(given(plain), ['OutOfDate'], trust);
    expect(found).toMatchObject({ kind: 'no-floor', problem: expect.stringContaining('FMSPC') });
  });
});

const issuer = issuerTdx(pointOf(plain.pckCa.der));

function pointOf(der: Bytes): Bytes {
  const { publicKey } = parseCertificate(der, 'CA');
  if (publicKey.kind !== 'p256') throw new Error('expected a key on P-256');
  return publicKey.point;
}

describe('what is revoked', () => {
  const gather = (
    options?: IntelOptions,
    change: { certificates?: Bytes[]; rootLists?: Bytes[] } = {},
  ) => {
    const intel = intelOf('tdx', options);
    const certificates = [intel.platformCa.der, intel.processorCa.der, intel.root.der];
    const given = { certificates, rootLists: [intel.rootCrl.der], ...change };
    return gatherRevoked(intel.pckCrl.der, given, trust);
  };

  test('is gathered with its issuer, number and next update', async () => {
    const found = await gather({ revoked: ['pck'] });
    expect(found).toEqual({
      kind: 'gathered',
      entries: [{ issuer, serialNumber: parseCertificate(plain.pck.der, 'PCK').serial }],
      source: expect.stringMatching(
        /^CRL number \d+ of Intel SGX PCK Platform CA, next update 2026-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
      ),
    });
    expect(await gather()).toMatchObject({ kind: 'gathered', entries: [] });
  });

  test.each<[string, IntelOptions]>([
    ['chain.root-validity', overrides({ root: past })],
    ['chain.issuer-certificate', overrides({ platformCa: put(basicConstraints(false, null)) })],
    ['chain.issuer-signature', overrides({ platformCa: { signer: stranger.privateKey } })],
    ['chain.issuer-validity', overrides({ platformCa: past })],
    ['collateral.issuer-revocation', { revoked: ['platformCa'] }],
    ['collateral.root-crl-signature', overrides({ rootCrl: { signer: stranger.privateKey } })],
    ['collateral.pck-crl-signature', overrides({ platformCrl: { signer: stranger.privateKey } })],
    ['collateral.pck-crl-validity', overrides({ platformCrl: { nextUpdate: fakeNow - 1 } })],
  ])('needs %s', async (id, options) => {
    expect(refusal(await gather(options))).toBe(`${id} fail`);
  });

  test('says what is missing', async () => {
    const { platformCa, processorCa, root } = plain;
    const without = (...certificates: Bytes[]) => gather(undefined, { certificates });
    expect(refusal(await without(platformCa.der))).toBe('chain.root-certificate skip');
    expect(refusal(await without(root.der))).toBe('chain.issuer-certificate skip');
    expect(refusal(await without(root.der, processorCa.der))).toBe('chain.issuer-certificate skip');
    expect(refusal(await gather(undefined, { rootLists: [] }))).toBe(
      'collateral.root-crl-signature skip',
    );
    expect(refusal(await without(root.der, platformCa.der))).toBeNull();
  });
});

describe('keys', () => {
  const gather = (options?: IntelOptions, change: { caLists?: Bytes[] } = {}) => {
    const intel = intelOf('tdx', options);
    const certificates = [intel.pckCa.der, intel.root.der];
    const lists = { rootLists: [intel.rootCrl.der], caLists: [intel.pckCrl.der], ...change };
    return gatherVek(intel.pck.der, { certificates, ...lists }, trust);
  };

  test('are those that a quote of the machine brings', async () => {
    const quote = createTdxDevice(plain).quote(new Uint8Array(64));
    const found = await gather();
    expect(found).toEqual({ kind: 'believed', value: readQuoteFacts(quote).pck });
    expect(found).toMatchObject({
      value: {
        chip: chipTdx(plain.machine.ppid),
        serial: serial(issuer, parseCertificate(plain.pck.der, 'PCK').serial),
      },
    });
  });

  test.each<[string, IntelOptions]>([
    ['chain.pck-certificate', overrides({ pck: put(basicConstraints(true, 0)) })],
    ['chain.pck-signature', overrides({ pck: { signer: stranger.privateKey } })],
    ['chain.pck-validity', overrides({ pck: past })],
    ['chain.issuer-signature', overrides({ platformCa: { signer: stranger.privateKey } })],
    ['collateral.pck-revocation', { revoked: ['pck'] }],
    ['collateral.issuer-revocation', { revoked: ['platformCa'] }],
    ['collateral.pck-crl-validity', overrides({ platformCrl: { nextUpdate: fakeNow - 1 } })],
  ])('need %s', async (id, options) => {
    expect(refusal(await gather(options))).toBe(`${id} fail`);
  });

  test('need the list of their CA', async () => {
    expect(refusal(await gather(undefined, { caLists: [] }))).toBe(
      'collateral.pck-crl-signature skip',
    );
    const processor = { caLists: [plain.processorCrl.der] };
    expect(refusal(await gather(undefined, processor))).toBe('collateral.pck-crl-signature fail');
  });
});
