import { expect, test } from 'vitest';
import { splitByPlatform, withCollateral } from '#agent/collateral.ts';
import type { EvidenceSource } from '#agent/source.ts';
import {
  amdCollateralKinds,
  type CollateralItem,
  type CollateralKind,
  collateralKinds,
  deviceCollateralKinds,
  intelCollateralKinds,
} from '#verifier/abi/bundle.ts';

const der = new Uint8Array([0x30, 3, 2, 1, 5]);

test("the agent's own collateral takes the place of the host's, kind by kind", async () => {
  const item = (kind: CollateralKind, source: string): CollateralItem => {
    return { kind, data: der, source, fetched: 1 };
  };
  const source: EvidenceSource = {
    platform: 'sev-snp',
    name: 'device',
    report: async (evidence) => ({
      evidence,
      collateral: [item('vek', 'host'), item('ask', 'host')],
    }),
  };
  const { collateral } = await withCollateral(source, [
    item('ask', 'own'),
    item('ark', 'own'),
  ]).report(new Uint8Array(64));
  expect(collateral.map(({ kind, source }) => `${kind} ${source}`).sort()).toEqual([
    'ark own',
    'ask own',
    'vek host',
  ]);
  const without = await withCollateral(source, []).report(new Uint8Array(64));
  expect(without.collateral).toHaveLength(2);
});

test('every kind belongs to one platform, and those of devices to both', () => {
  const items = collateralKinds.map((kind) => ({ kind, data: der, source: 'own', fetched: 1 }));
  const kindsOf = (platform: 'sev-snp' | 'tdx') => {
    const { own, foreign } = splitByPlatform(platform, items);
    return { own: own.map(({ kind }) => kind), foreign };
  };
  const amd = [...amdCollateralKinds];
  const intel = [...intelCollateralKinds];
  const devices = [...deviceCollateralKinds];
  expect(kindsOf('sev-snp')).toEqual({ own: [...amd, ...devices], foreign: intel });
  expect(kindsOf('tdx')).toEqual({ own: [...intel, ...devices], foreign: amd });
});
