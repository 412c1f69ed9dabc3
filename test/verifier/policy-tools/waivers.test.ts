/** What lint says of waivers, held against what waivers do: each one, on evidence that lacks each thing in turn. */
import { expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import { checkIds, waivableChecks } from '#verifier/checks.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import type { Verified } from '#verifier/verified.ts';
import { azureMachine, bundleWith, gpu, hex, nvidiaRules } from '../appraise/beside-scene.ts';
import {
  enclaveScene,
  quoteScene,
  strictIntelPolicy,
  strictTdx,
  tdxBundleScene,
} from '../intel-scene.ts';
import {
  bundleScene,
  reportScene,
  type Scene,
  strictPolicy,
  verifyScene,
  without,
} from '../scene.ts';

async function strictest(): Promise<Policy> {
  const snp = await strictPolicy();
  const { sevSnp } = snp;
  return toPolicy({
    ...strictIntelPolicy(),
    tpm: {
      key: ['certificate', 'hcl'],
      provider: 'any',
      firmware: 'any',
      pcrs: { sha256: { 4: { events: [hex(1, 32)] }, others: 'any' } },
      eventLog: 'required',
      secureBoot: 'required',
    },
    tdx: { ...strictTdx(), rtmr1: { events: [hex(1, 48)] } },
    nitro: genuinePolicy.nitro,
    devices: { nvidia: nvidiaRules, tpm: 'required', nitroTpm: 'allowed' },
    sevSnp: {
      ...sevSnp,
      // All that a report can lack.
      signingKey: ['vcek', 'vlek'],
      provider: ['CN=none'],
      chipId: 'any',
      certificateTable: {
        unknownGuids: 'refused',
        requiredGuids: ['01234567-89ab-cdef-0123-456789abcdef'],
      },
    },
  });
}

/** Evidence with each piece of collateral missing, and with none. */
async function poorScenes(): Promise<Scene[]> {
  const raw = [
    await reportScene(),
    await reportScene({ role: 'vlek' }),
    quoteScene(),
    enclaveScene(),
  ];
  const bundles = [
    await bundleScene({ nonce: null, connection: null }),
    await bundleScene(),
    tdxBundleScene(),
  ];
  return [
    ...raw.flatMap((scene) => [
      scene,
      { ...scene, collateral: [] },
      ...scene.collateral.map(({ kind }) => without(scene, kind)),
    ]),
    ...bundles,
    ...bundles.map((scene) => ({ ...scene, roots: [] })),
  ];
}

/** TPMs without event logs, and devices that were compared with nothing and tell little. */
async function poorDevices(): Promise<Verified[]> {
  const poor = gpu({ confidentialMode: null, matched: { driver: false, firmware: false } });
  return [
    await azureMachine(),
    await bundleWith(['nvidia', 'tpm'], { devices: [poor] }),
    await bundleWith(['nvidia', 'tpm', 'nitro-tpm'], { devices: [gpu()] }),
  ];
}

test('a waiver that lint calls without effect changes no decision; each that counts can', async () => {
  const policy = await strictest();
  const scenes = await Promise.all((await poorScenes()).map((scene) => verifyScene(scene)));
  const verified = [...scenes, ...(await poorDevices())];
  const at = verified[0]?.at ?? 0;
  const waiver = (check: string) => ({ check, reason: 'x', expires: at + 1 });
  const all = waivableChecks.map(waiver);
  const dead = new Set(
    lintPolicy(toPolicy({ ...policy, waivers: all }), at)
      .filter(({ id }) => id === 'waiver-without-effect')
      .map(({ path }) => waivableChecks[Number(/\d+/.exec(path)?.[0])]),
  );
  const live = waivableChecks.filter((check) => !dead.has(check));
  expect(live).toEqual(
    checkIds.filter((id) =>
      [
        'collateral.crl-signature',
        'collateral.crl-validity',
        'collateral.revocation',
        'collateral.root-crl-signature',
        'collateral.root-crl-validity',
        'collateral.issuer-revocation',
        'collateral.pck-crl-signature',
        'collateral.pck-crl-validity',
        'collateral.pck-revocation',
        'collateral.signer-revocation',
        'collateral.gpu-revocation',
        'collateral.rim-signature',
        'collateral.rim-validity',
        'collateral.gpu-driver',
        'collateral.gpu-firmware',
        'policy.certificate-table',
        'policy.rtmr1',
        'policy.pcrs',
        'policy.event-log',
        'policy.secure-boot',
        'policy.gpu-confidential-mode',
        'policy.gpu-references',
        'policy.devices',
        'policy.closure-digest',
        'policy.tree-root',
        'policy.freshness',
        'policy.channel',
      ].includes(id),
    ),
  );
  const decisions = (waivers: readonly object[]) => {
    const judged = toPolicy({ ...policy, waivers });
    return verified.map((one) => appraise(one, judged).decision);
  };
  // With all that count, nothing is left that another could change.
  const withLive = decisions(live.map(waiver));
  expect(decisions(all)).toEqual(withLive);
  expect(withLive).not.toEqual(decisions([]));
});

test('a waiver shows as waived, with its reason, until it expires', async () => {
  const scene = without(await reportScene(), 'ark-crl');
  const verified = await verifyScene(scene);
  const snp = await strictPolicy();
  const judge = (expires: number) =>
    appraise(
      verified,
      toPolicy({
        ...snp,
        closureDigest: 'any',
        treeRoot: 'any',
        freshness: 'any',
        channel: 'any',
        waivers: ['crl-signature', 'crl-validity', 'revocation'].map((name) => ({
          check: `collateral.${name}`,
          reason: 'the list comes next week',
          expires,
        })),
      }),
    );
  const [good, late] = [judge(scene.now + 1), judge(scene.now)];
  expect([good.decision, late.decision]).toEqual(['accepted', 'undecided']);
  const shown = (verdict: typeof good) =>
    verdict.checks.find(({ id }) => id === 'collateral.revocation');
  expect(shown(good)).toMatchObject({
    status: 'waived',
    reason: expect.stringContaining('waived: the list comes next week'),
  });
  expect(shown(late)).toMatchObject({
    status: 'skip',
    reason: expect.stringContaining('its waiver has expired'),
  });
});
