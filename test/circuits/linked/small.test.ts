/** The test-size builds: the same public inputs and commitments as the circuits they stand for, and the checker's demands. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { levelTdx } from '#prover/linked/formulas.ts';
import {
  machineInputs,
  pckInputs,
  responseInputs,
  textInputs,
} from '#prover/linked/public-inputs.ts';
import { type Circuit, firstValues, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed } from '#test/circuits/scene.ts';
import { flipped, leavesOf, outOfRange } from './inputs.ts';
import { type LinkedStory, setOf, tellLinkedStory } from './scene.ts';
import { shortDepth, type TestCircuit, testCircuits } from './test-size.ts';

const circuits = {} as Record<TestCircuit, Circuit>;
let story: LinkedStory;
beforeAll(async () => {
  for (const name of testCircuits) circuits[name] = await forTests(name);
  story = await tellLinkedStory();
}, 600_000);

const publicOf = ({ statements }: LinkedStory) => ({
  linked_pck: pckInputs(statements['tdx-pck']),
  linked_quote: machineInputs(statements['tdx-quote']),
  linked_response: responseInputs(statements.response),
  linked_text: textInputs(statements['response-text']),
});

test.each(testCircuits)('%s has the public inputs of its circuit', async (name) => {
  const { witness } = await circuits[name](story.testInputs[name]);
  const expected = publicOf(story)[name];
  expect(firstValues(witness, expected.length)).toEqual(expected);
});

/** What only the signatures, the hash of REPORTDATA or the asker's own word holds. */
const free: Record<TestCircuit, RegExp> = {
  linked_pck: /^at$|^certificate\.1215$/,
  linked_quote: /^epoch_(min|max)$|^nonce\.(hi|lo)$|^tee_tcb_svn|^qe_isv_svn$/,
  linked_response: /^(response_hash|audience|nonce)\.(hi|lo)$/,
  linked_text: /^length$|^(audience|nonce)\.(hi|lo)$|^content\./,
};

test.each(testCircuits)(
  '%s refuses every input that is changed',
  {
    timeout: 300_000,
  },
  async (name) => {
    const inputs = story.testInputs[name];
    const wrong: string[] = [];
    for (const at of leavesOf(inputs).filter((one) => !free[name].test(one))) {
      const isAccepted = (await refusalOf(circuits[name], flipped(inputs, at))) === undefined;
      if (isAccepted) wrong.push(at);
    }
    expect(wrong).toEqual([]);
  },
);

describe('the floor', () => {
  const refusal = (inputs: InputMap) => refusalOf(circuits.linked_quote, inputs);
  const bytes = (values: Uint8Array, at: number, by: number) =>
    values.with(at, (values[at] as number) + by);

  test('is reached by a machine that is exactly there', { timeout: 60_000 }, async () => {
    const { facts } = story;
    const { cpuSvn, pceSvn } = facts.pck;
    const level = { cpuSvn, pceSvn, teeTcbSvn: facts.report.teeTcbSvn, qeIsvSvn: facts.qeIsvSvn };
    const told = await tellLinkedStory({ level });
    expect(await refusal(told.testInputs.linked_quote)).toBeUndefined();
  });

  const cases: [string, (story: LinkedStory) => Partial<LinkedStory['level']>, string][] = [
    ...[0, 7, 15].map((at): (typeof cases)[number] => [
      `byte ${at} of CPUSVN`,
      ({ facts }) => ({ cpuSvn: bytes(facts.pck.cpuSvn, at, 1) }),
      'CPUSVN is below the level',
    ]),
    ...[0, 2, 15].map((at): (typeof cases)[number] => [
      `byte ${at} of TEE_TCB_SVN`,
      ({ facts }) => ({ teeTcbSvn: bytes(facts.report.teeTcbSvn, at, 1) }),
      'TEE_TCB_SVN is below the level',
    ]),
    [
      'a module of a later version',
      ({ facts }) => ({ teeTcbSvn: bytes(facts.report.teeTcbSvn, 1, 1) }),
      'TEE_TCB_SVN is below the level',
    ],
    [
      'a module of an earlier version',
      ({ facts }) => ({ teeTcbSvn: bytes(facts.report.teeTcbSvn, 1, -1) }),
      'the module is of another version than the level',
    ],
    ['PCESVN', ({ facts }) => ({ pceSvn: facts.pck.pceSvn + 1 }), 'PCESVN is below the level'],
    ['a high byte of PCESVN', () => ({ pceSvn: 256 }), 'PCESVN is below the level'],
    [
      'the enclave’s ISVSVN',
      ({ facts }) => ({ qeIsvSvn: facts.qeIsvSvn + 1 }),
      "the quoting enclave's ISVSVN is below the level",
    ],
    [
      'the level of another FMSPC',
      () => ({ fmspc: Uint8Array.of(1, 2, 3, 4, 5, 6) }),
      'the path does not lead from the leaf to the root',
    ],
  ];
  test.each(cases)('is not reached: %s', { timeout: 60_000 }, async (_, level, message) => {
    const told = await tellLinkedStory({ level: level(story) });
    expect(await refusal(told.testInputs.linked_quote)).toBe(message);
  });

  test('has canonical parts', { timeout: 60_000 }, async () => {
    const { sets, level } = story;
    for (const [at, value] of [
      ['cpu_svn', 1n << 128n],
      ['tee_tcb_svn', 1n << 128n],
      ['pce_svn', 1n << 16n],
      ['qe_isv_svn', 1n << 16n],
    ] as const) {
      const inputs = changed(story.testInputs.linked_quote, `level.${at}`, value);
      // Whichever is asked first refuses: the set has no such level.
      expect(await refusal(inputs), at).toBeDefined();
    }
    expect(sets.levels.get(levelTdx(level))).toBe(1n);
  });
});

describe('revocation', () => {
  const refusal = (inputs: InputMap) => refusalOf(circuits.linked_quote, inputs);
  const ownLeaf = "the leaf in the key's place is the key's own";

  test.each(['chip', 'serial'] as const)('of the %s', { timeout: 60_000 }, async (part) => {
    const key = story.facts.pck[part];
    const revoked = setOf(key);
    const revocation = {
      ...(story.testInputs.linked_quote['revocation'] as Record<string, InputMap>),
    };
    const other = part === 'chip' ? story.facts.pck.serial : story.facts.pck.chip;
    const absent = (wanted: bigint) => ({
      is_empty: false,
      other_key: fieldInput(key),
      other_value: fieldInput(1n),
      path: {
        n: fieldInput(BigInt(revoked.prove(wanted).proof.siblings.length)),
        siblings: Array.from({ length: shortDepth }, () => fieldInput(0n)),
      },
    });
    const inputs = {
      ...story.testInputs.linked_quote,
      revoked: fieldInput(revoked.root),
      revocation: {
        ...revocation,
        [part]: absent(key),
        [part === 'chip' ? 'serial' : 'chip']: absent(other),
      },
    };
    expect(await refusal(inputs as InputMap)).toBe(ownLeaf);
  });
});

test('limbs of the asker’s words are in range', async () => {
  for (const at of ['nonce.hi', 'audience.lo', 'response_hash.hi']) {
    const inputs = changed(story.testInputs.linked_response, at, 1n << 128n);
    expect(await refusalOf(circuits.linked_response, inputs), at).toMatch(outOfRange);
  }
});
