import { expect, test } from 'vitest';
import { withCollateral } from '#agent/collateral.ts';
import type { EvidenceSource } from '#agent/source.ts';
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';

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
