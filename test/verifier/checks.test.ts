/** Each check fails in a scene of its own (check-rows.ts) and passes in the one they differ from. */
import { beforeAll, describe, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type CheckId, catalogue, checkIds, stages } from '#verifier/checks.ts';
import { azureScene } from './azure/scene.ts';
import { genuineStory, prepare, proved, rows, strict } from './check-rows.ts';
import { deviceScene, strictDevicePolicy } from './device-scene.ts';
import { enclaveScene, strictIntelPolicy, tdxBundleScene } from './intel-scene.ts';
import { alice, bob, referring, signedBy, snpValues, verifiedOf } from './reference/samples.ts';
import { bundleScene, idsWith, verifyScene } from './scene.ts';

beforeAll(prepare);

const skipsOnly: readonly CheckId[] = [
  'collateral.rim-validity',
  'proof.key',
  'policy.event-log',
  'policy.gpu-references',
  'policy.freshness',
];

describe('every check is noticed', () => {
  test.for(checkIds)('%s', async (id) => {
    const { verified, policy, references, fails = [id], decision } = rows[id];
    const verdict = appraise(await verified(), policy?.() ?? strict, await references?.());
    expect(idsWith('fail', verdict)).toEqual(fails);
    expect(idsWith(skipsOnly.includes(id) ? 'skip' : 'fail', verdict)).toContain(id);
    expect(verdict.decision).toBe(decision);
  });

  test('only these can do no more than be skipped', () => {
    const others = checkIds.filter((id) => !(rows[id].fails ?? [id]).includes(id));
    expect(others).toEqual(skipsOnly);
  });
});

test('every check passes in the scene that they differ from', async () => {
  const bundle = appraise(await verifyScene(await bundleScene()), strict);
  const proof = appraise(await proved(), genuineStory());
  const td = appraise(await verifyScene(tdxBundleScene()), strictIntelPolicy());
  const enclave = appraise(await verifyScene(enclaveScene()), strictIntelPolicy('quote'));
  const signed = await verifiedOf(await signedBy(snpValues(), alice, bob));
  const release = appraise(await verifyScene(await bundleScene()), referring(strict), signed);
  const devices = appraise(await verifyScene(await deviceScene()), await strictDevicePolicy());
  const azure = appraise(await verifyScene(await azureScene({ tee: 'tdx' })), genuinePolicy);
  const verdicts = [bundle, proof, td, enclave, release, devices, azure];
  expect(verdicts.map(({ decision }) => decision)).toEqual(verdicts.map(() => 'accepted'));
  const passing = new Set(verdicts.flatMap((verdict) => idsWith('pass', verdict)));
  expect(checkIds.filter((id) => !passing.has(id))).toEqual([]);
});

describe('the catalogue', () => {
  test('goes stage by stage, and every verdict in its order', async () => {
    const order = checkIds.map((id) => stages.indexOf(catalogue[id].stage));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const { checks } = appraise(await verifyScene(await bundleScene()), strict);
    const made = checks.map(({ id }) => id);
    expect(made).toEqual(checkIds.filter((id) => made.includes(id)));
  });

  test('each id begins with its stage, each text says something', () => {
    for (const id of checkIds) {
      const { stage, title, protects, remedy, spec } = catalogue[id];
      expect(id.startsWith(`${stage}.`)).toBe(true);
      for (const text of [title, protects, remedy, spec])
        expect(text.length, id).toBeGreaterThan(9);
    }
  });

  test('a failure says why, a skip what it lacks', async () => {
    for (const id of checkIds) {
      const { verified, policy, references } = rows[id];
      const signed = await references?.();
      for (const check of appraise(await verified(), policy?.() ?? strict, signed).checks) {
        if (check.status === 'fail') expect(check.reason, check.id).toMatch(/../);
        if (check.status === 'skip') expect(check.reason, check.id).toMatch(/^lacks /);
      }
    }
  });
});
