/** SEV-SNP floors: AMD publishes no list of levels, so that whoever makes the set says them, or takes them from his policy. */
import { describeTcb } from '#verifier/abi/snp-tcb.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { SnpFloors } from '#verifier/appraise/snp-policy.ts';
import type { SnpSvns } from './formulas-snp.ts';
import { openMember } from './set-accepted.ts';
import { type LevelSnp, levelsSnp } from './set-entries-snp.ts';
import { svnsAtLeast } from './set-reach.ts';

/**
 * One level of each product that the policy accepts: of each part the highest that it asks of REPORTED, CURRENT or COMMITTED. A
 * machine that reaches it passes those three floors, since firmware keeps CURRENT at or above the other two. LAUNCH_TCB is not
 * seen by a circuit.
 * @throws AttestationError `json-shape` for a policy that says nothing of SEV-SNP, names no floor, or one with an FMC before
 *   Turin
 */
export function levelsByPolicy({ sevSnp }: Policy): LevelSnp[] {
  if (sevSnp === undefined)
    throw openMember('sevSnp', 'is missing: the policy accepts no SEV-SNP guest');
  const { reported, current, committed, launch } = sevSnp.minimumTcb;
  const seen = [reported, current, committed].filter(isNamed);
  if (seen.length === 0)
    throw openMember(
      'sevSnp.minimumTcb',
      'is "any" of the reported, the current and the committed TCB, and a set names a floor',
    );
  // The policy refuses a product that has no floor where another has one.
  const asked = [...seen, ...[launch].filter(isNamed)];
  const accepted = sevSnp.product.filter((product) => asked.every((floors) => floors[product]));
  if (accepted.length === 0)
    throw openMember('sevSnp.minimumTcb', 'has no floor of a product that policy.sevSnp accepts');
  return accepted.map((product) => {
    const floors = seen.flatMap((one) => one[product] ?? []);
    return levelsSnp.decode({ product, ...highestOf(floors) }, `policy, floor of ${product}`);
  });
}

function isNamed(floors: SnpFloors): floors is Exclude<SnpFloors, 'any'> {
  return floors !== 'any';
}

function highestOf(floors: readonly SnpSvns[]): SnpSvns {
  const highest = (part: keyof SnpSvns) => Math.max(...floors.map((floor) => floor[part]));
  return {
    fmc: highest('fmc'),
    bootLoader: highest('bootLoader'),
    tee: highest('tee'),
    snp: highest('snp'),
    microcode: highest('microcode'),
  };
}

/**
 * A machine needs to reach one level only, so that one above another of its product asks nothing.
 * @returns what is wrong, in words; null where each level counts
 */
export function idleFloor(levels: readonly LevelSnp[]): string | null {
  for (const level of levels) {
    const lower = levels.find(
      (other) =>
        other.product === level.product && svnsAtLeast(level, other) && !svnsAtLeast(other, level),
    );
    if (lower !== undefined) {
      const { product } = level;
      return `a machine of ${product} reaches ${describeTcb(lower)}, so that ${describeTcb(level)} asks nothing more`;
    }
  }
  return null;
}
