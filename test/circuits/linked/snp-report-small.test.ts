/** The test-size build of snp-report: the same public inputs and commitments, and the checker's demands. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { levelSnp, noChip, type SnpSvns, tcbSnp } from '#prover/linked/formulas-snp.ts';
import { machineInputs } from '#prover/linked/public-inputs.ts';
import type { SnpLevel } from '#prover/linked/snp-report-inputs.ts';
import { type Circuit, firstValues, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import type { Field } from '#verifier/field.ts';
import type { Tree } from '#verifier/smt/tree.ts';
import { flipped, leavesOf } from './inputs.ts';
import { saltOf, setOf } from './scene.ts';
import { levelElement, type SnpStory, tellSnpStory } from './snp-scene.ts';
import { shortDepth } from './test-size.ts';

/** Parts that differ, none of them 0 or 255. */
const tcb = { fmc: 9, bootLoader: 8, tee: 7, snp: 60, microcode: 250 };
const parts = Object.keys(tcb) as (keyof SnpSvns)[];

let circuit: Circuit;
let story: SnpStory;
let ofVlek: SnpStory;
beforeAll(async () => {
  circuit = await forTests('linked_snp');
  story = await tellSnpStory({ product: 'Turin', hierarchy: { tcb } });
  ofVlek = await tellSnpStory({ kind: 'vlek' });
}, 600_000);

const refusal = (inputs: InputMap) => refusalOf(circuit, inputs);
const wrongPath = 'the path does not lead from the leaf to the root';

test('it has the public inputs of its circuit', async () => {
  for (const { testInputs, statement } of [story, ofVlek]) {
    const { witness } = await circuit(testInputs);
    const expected = machineInputs(statement);
    expect(firstValues(witness, expected.length)).toEqual(expected);
  }
});

test('it refuses every input that is changed', { timeout: 300_000 }, async () => {
  // What only the signature and the hash of REPORT_DATA hold.
  const free = /^epoch_(min|max)$|^nonce\.(hi|lo)$|^committed/;
  const wrong: string[] = [];
  const leaves = leavesOf(story.testInputs).filter((one) => !free.test(one));
  for (const at of leaves) {
    if ((await refusal(flipped(story.testInputs, at))) === undefined) wrong.push(at);
  }
  expect(wrong).toEqual([]);
  expect(leaves.length).toBeGreaterThan(30);
});

/** A machine that committed this, held against this level. */
function held(level: SnpLevel, committed: SnpSvns = tcb): InputMap {
  const others = [1, 2, 3, 4].map((i) => saltOf(`other level ${i}`));
  const levels = setOf(levelElement(level), ...others);
  return {
    ...story.testInputs,
    committed: parts.map((part) => committed[part]),
    levels: fieldInput(levels.root),
    level: { tcb: fieldInput(tcbSnp(level.svns)), path: pathIn(levels, levelElement(level)) },
  };
}

function pathIn(set: Tree, key: Field): InputMap {
  const { siblings } = set.prove(key).proof;
  const padded = Array.from({ length: shortDepth }, (_, i) => fieldInput(siblings[i] ?? 0n));
  return { n: fieldInput(BigInt(siblings.length)), siblings: padded };
}

describe('the floor', () => {
  test('is reached by a machine that is exactly there, or above in every part', async () => {
    expect(await refusal(held({ product: 3, svns: tcb }))).toBeUndefined();
    const zero = { fmc: 0, bootLoader: 0, tee: 0, snp: 0, microcode: 0 };
    expect(await refusal(held({ product: 3, svns: zero }))).toBeUndefined();
  });

  test.each(parts)('is not reached where %s of REPORTED_TCB is below', async (part) => {
    const above = { ...tcb, [part]: tcb[part] + 1 };
    const message = 'REPORTED_TCB is below the level';
    expect(await refusal(held({ product: 3, svns: above }, above))).toBe(message);
    // Another part that is far above does not make up for it.
    const low = { fmc: 0, bootLoader: 0, tee: 0, snp: 0, microcode: 0, [part]: tcb[part] + 1 };
    expect(await refusal(held({ product: 3, svns: low }, above))).toBe(message);
  });

  test.each(parts)('is not reached where %s of COMMITTED_TCB is below', async (part) => {
    const below = { ...tcb, [part]: tcb[part] - 1 };
    const message = 'COMMITTED_TCB is below the level';
    expect(await refusal(held({ product: 3, svns: tcb }, below))).toBe(message);
    expect(await refusal(held({ product: 3, svns: below }, below))).toBeUndefined();
  });

  test('is not that of another product', async () => {
    for (const product of [1, 2] as const) {
      expect(await refusal(held({ product, svns: tcb })), String(product)).toBe(wrongPath);
    }
  });

  test('has parts of a byte each', async () => {
    const inputs = held({ product: 3, svns: tcb });
    const beyond = valueAt(inputs, 'level.tcb') + (1n << 40n);
    expect(await refusal(changed(inputs, 'level.tcb', beyond))).toBe(wrongPath);
    const element = levelSnp(3, beyond);
    const levels = setOf(element);
    const forged = {
      ...inputs,
      levels: fieldInput(levels.root),
      level: { tcb: fieldInput(beyond), path: pathIn(levels, element) },
    };
    expect(await refusal(forged)).toMatch(/^Field failed to decompose into/);
  });
});

describe('revocation', () => {
  /** With the leaf of `other` in the chip's place; 0n: with nothing there. */
  const revoking = ({ testInputs, facts }: SnpStory, chip: Field, other: Field): InputMap => {
    const revoked = setOf(chip);
    const isEmpty = other === 0n;
    return {
      ...testInputs,
      revoked: fieldInput(revoked.root),
      revocation: {
        is_empty: isEmpty,
        other_key: fieldInput(other),
        other_value: fieldInput(isEmpty ? 0n : 1n),
        path: pathIn(revoked, facts.vek.chip),
      },
    };
  };

  test('of the chip', async () => {
    const chip = story.facts.vek.chip;
    const another = saltOf('another chip');
    expect(await refusal(revoking(story, another, another))).toBeUndefined();
    expect(await refusal(revoking(story, chip, chip))).toBe(
      "the leaf in the key's place is the key's own",
    );
    // Neither another leaf nor nothing stands in its place.
    expect(await refusal(revoking(story, chip, another))).toBe(wrongPath);
    expect(await refusal(revoking(story, chip, 0n))).toBe(wrongPath);
  });

  test('is of no VLEK: its chip is 0, which is absent', async () => {
    expect(ofVlek.facts.vek.chip).toBe(noChip);
    const another = saltOf('another chip');
    expect(await refusal(revoking(ofVlek, another, another))).toBeUndefined();
    expect(await refusal(revoking(ofVlek, noChip, 0n))).toBe(wrongPath);
  });
});

test('epochs are inclusive', async () => {
  const epoch = valueAt(story.testInputs, 'opening.epoch');
  const within = (min: bigint, max: bigint) =>
    refusal(changed(changed(story.testInputs, 'epoch_min', min), 'epoch_max', max));
  expect(await within(epoch, epoch)).toBeUndefined();
  expect(await within(epoch + 1n, epoch + 9n)).toBe('the epoch is before the first accepted');
  expect(await within(0n, epoch - 1n)).toBe('the epoch is after the last accepted');
});
