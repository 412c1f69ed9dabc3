/** A table of tries: what a member of `sevSnp` refuses of simulated reports, and the twin that it accepts. */
import { describe, expect, test } from 'vitest';
import type { SnpReport } from '#verifier/abi/snp.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import type { CheckId } from '#verifier/checks.ts';
import { checkOf, idsWith, reportScene, type SceneOptions, verdictOf } from '../scene.ts';

export const genuine = genuinePolicy.sevSnp as SnpPolicy;

export function policyWith(member: Partial<SnpPolicy>): Policy {
  return toPolicy({ ...genuinePolicy, sevSnp: { ...genuine, ...member } });
}

/** What the policy asks, of which report, and the GUIDs of its certificate table. */
export type Try = [member: Partial<SnpPolicy>, scene?: SceneOptions, table?: readonly string[]];
export type Row = [name: string, check: CheckId, accepted: Try, refused: Try, reason: RegExp];

export async function verdict([member, options, certificateTable]: Try) {
  const scene = await reportScene(options);
  if (scene.evidence.form === 'report' && certificateTable !== undefined) {
    scene.evidence = { ...scene.evidence, certificateTable };
  }
  return verdictOf(scene, policyWith(member));
}

export function table(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    test.each(rows)('%s', async (_, check, accepted, refused, reason) => {
      const good = await verdict(accepted);
      expect(idsWith('fail', good)).toEqual([]);
      expect(good.decision).toBe('accepted');
      const bad = await verdict(refused);
      expect(idsWith('fail', bad)).toEqual([check]);
      expect(checkOf(check, bad).reason).toMatch(reason);
      expect(bad.decision).toBe('rejected');
    });
  });
}

export const of = (fields: Partial<SnpReport>): SceneOptions => ({ fields });
