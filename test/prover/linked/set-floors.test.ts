/** SEV-SNP floors of policies, and floors that ask nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SnpSvns } from '#prover/linked/formulas-snp.ts';
import { acceptedByPolicy } from '#prover/linked/set-accepted.ts';
import type { LevelSnp } from '#prover/linked/set-entries-snp.ts';
import { idleFloor, levelsByPolicy } from '#prover/linked/set-floors.ts';
import { svnsAtLeast } from '#prover/linked/set-reach.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { strictIntelPolicy } from '#test/verifier/intel-scene.ts';
import { strictPolicy } from '#test/verifier/scene.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { SnpFloors, SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { anyTcb } from './set-arbitraries.ts';

const strict = await strictPolicy();
const low = { fmc: 0, bootLoader: 3, tee: 0, snp: 8, microcode: 115 };
const high = { fmc: 0, bootLoader: 4, tee: 0, snp: 22, microcode: 100 };
const both = { fmc: 0, bootLoader: 4, tee: 0, snp: 22, microcode: 115 };

const policyOf = (change: Partial<SnpPolicy>): Policy => ({
  ...strict,
  sevSnp: { ...(strict.sevSnp as SnpPolicy), ...change },
});
const withFloors = (
  floors: Partial<Record<'reported' | 'current' | 'committed' | 'launch', SnpFloors>>,
  product: SnpPolicy['product'] = ['Milan'],
): Policy => {
  const open = { reported: 'any', current: 'any', committed: 'any', launch: 'any' } as const;
  return policyOf({ product, minimumTcb: { ...open, ...floors } });
};

describe('the floor of a policy', () => {
  test('is that of each product which it accepts', () => {
    const floors = { Milan: low, Genoa: high, Turin: { ...high, fmc: 1 } };
    const levels = levelsByPolicy(withFloors({ reported: floors }, ['Milan', 'Turin']));
    expect(levels).toEqual([
      { product: 'Milan', ...low },
      { product: 'Turin', ...high, fmc: 1 },
    ]);
  });

  test('is the highest that it asks of any TCB which a proof is about', () => {
    const levelOf = (policy: Policy) => levelsByPolicy(policy);
    const { reported, committed } = { reported: { Milan: low }, committed: { Milan: high } };
    expect(levelOf(withFloors({ reported, committed }))).toEqual([{ product: 'Milan', ...both }]);
    expect(levelOf(withFloors({ reported, current: { Milan: high } }))).toEqual([
      { product: 'Milan', ...both },
    ]);
    expect(levelOf(withFloors({ committed }))).toEqual([{ product: 'Milan', ...high }]);
    // No circuit sees the launch TCB.
    expect(levelOf(withFloors({ reported, launch: { Milan: high } }))).toEqual([
      { product: 'Milan', ...low },
    ]);
  });

  test('leaves out a product that the policy refuses for want of one', () => {
    const reported = { Milan: low, Genoa: high };
    const products: SnpPolicy['product'] = ['Milan', 'Genoa'];
    const levelsOf = (floors: Parameters<typeof withFloors>[0]) =>
      levelsByPolicy(withFloors(floors, products)).map(({ product }) => product);
    expect(levelsOf({ reported })).toEqual(['Milan', 'Genoa']);
    expect(levelsOf({ reported, committed: { Genoa: low } })).toEqual(['Genoa']);
    expect(levelsOf({ reported, launch: { Milan: low } })).toEqual(['Milan']);
  });

  test.each<[string, Policy, string]>([
    ['says nothing of SEV-SNP', strictIntelPolicy(), 'policy.sevSnp is missing'],
    ['names none', genuinePolicy, 'policy.sevSnp.minimumTcb is "any"'],
    [
      'names none that a proof is about',
      withFloors({ launch: { Milan: low } }),
      'policy.sevSnp.minimumTcb is "any"',
    ],
    [
      'names one of another product',
      withFloors({ reported: { Genoa: low } }),
      'policy.sevSnp.minimumTcb has no floor of a product',
    ],
    [
      'asks an FMC before Turin',
      withFloors({ reported: { Milan: { ...low, fmc: 1 } } }),
      'policy, floor of Milan.fmc: expected 0, as on every Milan, got 1',
    ],
  ])('is none where it %s', (_, policy, problem) => {
    expect(() => levelsByPolicy(policy)).toThrow(problem);
    expect(codeOf(() => levelsByPolicy(policy))).toBe('json-shape');
    expect(codeOf(() => levelsByPolicy(withFloors({ reported: { Milan: low } })))).toBeNull();
  });

  test('is reached by no machine that the policy’s own floors refuse', () => {
    const floor = anyTcb.map(({ tcb }): SnpSvns => ({ ...tcb, fmc: 0 }));
    const floors = fc.oneof(
      fc.constant('any' as const),
      floor.map((Milan) => ({ Milan })),
    );
    fc.assert(
      fc.property(floor, floors, floors, floor, (least, current, committed, machine) => {
        const reported = { Milan: least };
        const [level] = levelsByPolicy(withFloors({ reported, current, committed }));
        const passes = [reported, current, committed].every(
          (one) => one === 'any' || svnsAtLeast(machine, one.Milan),
        );
        expect(svnsAtLeast(machine, level as LevelSnp)).toBe(passes);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a floor above another of its product', () => {
  const milan: LevelSnp = { product: 'Milan', ...low };
  const above: LevelSnp = { ...milan, snp: 9 };

  test('asks nothing, and is named', () => {
    const problem =
      'a machine of Milan reaches fmc 0, boot loader 3, tee 0, snp 8, microcode 115, ' +
      'so that fmc 0, boot loader 3, tee 0, snp 9, microcode 115 asks nothing more';
    expect(idleFloor([milan, above])).toBe(problem);
    expect(idleFloor([above, milan])).toBe(problem);
  });

  test('is none where each asks for more in one part, is the same, or is of another product', () => {
    expect(idleFloor([milan, { product: 'Milan', ...high }])).toBeNull();
    expect(idleFloor([milan, milan])).toBeNull();
    expect(idleFloor([milan, { ...above, product: 'Genoa' }])).toBeNull();
    expect(idleFloor([])).toBeNull();
  });
});

describe('the software of a policy', () => {
  const tdx = strictIntelPolicy('bundle').tdx as NonNullable<Policy['tdx']>;
  const closures = ['aa'.repeat(32), 'bb'.repeat(32)];
  const measurement = ['01'.repeat(48), '02'.repeat(48), '03'.repeat(48)];
  const policy = { ...policyOf({ measurement }), closureDigest: closures };

  test('is every measurement with every closure, beside that of TDX', () => {
    expect(acceptedByPolicy(policy)).toHaveLength(2 * 3);
    expect(acceptedByPolicy({ ...policy, tdx })).toHaveLength(2 * (3 + 1));
    const ofTdx = { ...strictIntelPolicy('bundle'), closureDigest: closures };
    expect(acceptedByPolicy(ofTdx)).toHaveLength(2);
    const [first] = acceptedByPolicy({ ...policy, closureDigest: closures.slice(0, 1) });
    expect(first).toEqual({
      measurement: new Uint8Array(48).fill(1),
      closureDigest: new Uint8Array(32).fill(0xaa),
    });
  });

  test('is refused where one vendor’s is open, though the other’s is not', () => {
    const open = (changed: Policy) => () => acceptedByPolicy(changed);
    const anyMeasurement = policyOf({ measurement: 'any' });
    expect(open({ ...anyMeasurement, tdx })).toThrow('policy.sevSnp.measurement is "any"');
    expect(open({ ...policy, tdx: { ...tdx, rtmr2: 'any' } })).toThrow('policy.tdx.rtmr2 is "any"');
    expect(open({ ...policy, closureDigest: 'any' })).toThrow('policy.closureDigest is "any"');
    expect(codeOf(open({ ...policy, tdx }))).toBeNull();
  });

  test('is refused before it is combined to more than a set holds', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => i.toString(16).padStart(96, '0'));
    const of = (count: number) =>
      codeOf(() => acceptedByPolicy({ ...policyOf({ measurement: many(count) }), closureDigest }));
    const closureDigest = Array.from({ length: 1000 }, (_, i) => i.toString(16).padStart(64, '0'));
    expect(of(101)).toBe('too-large');
    expect(of(100)).toBeNull();
  });
});
