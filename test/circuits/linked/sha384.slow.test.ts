/**
 * Every hint of a block of SHA-384, wrong. And what holds the range of the hints' halves, told by proofs: the witness is edited
 * after execution, as a dishonest prover would, and proved; the verifier in the in-process EVM judges. noir_js alone cannot tell:
 * it computes the hints itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acvm, type CompiledCircuit, Noir } from '@noir-lang/noir_js';
import { describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { readCircuitSources } from '#prover/circuit-sources.ts';
import { compileSources } from '#prover/compile.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import { pointsNeeded, proveForEvm } from '#test/evm/bb.ts';
import { compileContracts, deployVerifier, withOtherG2 } from '#test/evm/contract.ts';
import { compileToy } from '#test/evm/toy.ts';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { insecureG2 } from '#test/tools/dev-srs-points.ts';
import type { Bytes } from '#verifier/bytes.ts';
import {
  blockCircuit,
  blockInputs,
  borrowed,
  initialState,
  upperHalves,
  valuesOf,
} from './sha384-block.ts';

/** 2^64 over the golden ratio: its multiples are any words. */
const golden = 0x9e3779b97f4a7c15n;

describe('refused', () => {
  const word = (i: number) => BigInt.asUintN(64, golden * BigInt(i));
  const values = valuesOf(
    blockInputs({
      state: Array.from({ length: 8 }, (_, j) => word(j + 1)),
      message: Array.from({ length: 16 }, (_, j) => word(j + 9)),
    }),
  );
  // The message is no hint: another one has another digest.
  const paths = [...values.keys()].filter((path) => !path.startsWith('message'));

  test('each value, more or less by 1', async () => {
    const circuit = await blockCircuit();
    expect(await circuit(values)).toBeUndefined();
    for (const [i, path] of paths.entries()) {
      const wrong = (values.get(path) as bigint) + (i % 2 === 0 ? 1n : -1n);
      expect(await circuit(values, new Map([[path, wrong]])), path).toBeDefined();
    }
  });

  test('each pair of halves of which the lower took 2^32 from the upper', async () => {
    const circuit = await blockCircuit();
    for (const hi of upperHalves(paths)) {
      expect(await circuit(values, borrowed(values, hi)), hi).toBeDefined();
    }
  });
});

/** Proofs of edited witnesses of a circuit with one public input, which is 1. */
async function judge(artifact: CompiledCircuit, honest: Bytes, edits: Edits[]): Promise<boolean[]> {
  const srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  try {
    await writeInsecureSrs(srsFolder, await pointsNeeded(artifact));
    const { contract } = await proveForEvm(artifact, honest, srsFolder);
    const { own } = compileContracts({ own: withOtherG2(contract, insecureG2()) });
    const verifier = await deployVerifier(own);
    const verdicts: boolean[] = [];
    for (const edit of edits) {
      const { proof } = await proveForEvm(artifact, edited(honest, edit), srsFolder);
      verdicts.push((await verifier.verify(proof, [1n])).accepted);
    }
    return verdicts;
  } finally {
    await rm(srsFolder, { recursive: true });
  }
}

/** Value of the honest witness → what stands in its place, wherever it stands. */
type Edits = ReadonlyMap<bigint, bigint>;

function edited(honest: Bytes, edits: Edits): Bytes {
  const stack = acvm.decompressWitnessStack(honest);
  const witness = stack[0]?.witness;
  const found = [...(witness ?? [])].filter(([, value]) => edits.has(BigInt(value)));
  expect(new Set(found.map(([, value]) => value)).size).toBe(edits.size);
  for (const [i, value] of found) witness?.set(i, fieldInput(edits.get(BigInt(value)) as bigint));
  return acvm.compressWitnessStack(stack);
}

const honestly: Edits = new Map();

test('halves that no operation takes are below 2^32 in a proof', async () => {
  const sources = new Map(await readCircuitSources('test/sha384_hints'));
  const main = `use sha384::sha384_words;
fn main(words: [Field; 16], one: pub Field) {
    let _ = sha384_words([words]);
    assert(one == 1);
}
`;
  sources.set('test/sha384_hints/src/main.nr', main);
  const artifact = toCompiledCircuit(await compileSources('test/sha384_hints', sources));
  const message = Array.from({ length: 16 }, (_, j) => BigInt.asUintN(64, golden * BigInt(j + 9)));
  const words = message.map(fieldInput);
  const { witness } = await new Noir(artifact).execute({ words, one: 1 });
  const { rounds, state } = blockInputs({ state: initialState, message }).hints;
  const last = rounds[79];
  const edits = [last?.a, last?.e, state[3], state[7]].map((word) => {
    const { hi, lo } = word as { hi: bigint; lo: bigint };
    return new Map([
      [hi, hi - 1n],
      [lo, lo + (1n << 32n)],
    ]);
  });
  expect(await judge(artifact, witness, [honestly, ...edits])).toEqual([
    true,
    ...edits.map(() => false),
  ]);
});

describe.each([
  ['XOR', '^', (x: bigint, y: bigint) => x ^ y],
  ['AND', '&', (x: bigint, y: bigint) => x & y],
])('%s of 32 bits in a proof', (_, operator, answerOf) => {
  const main = `unconstrained fn __half(x: Field) -> u32 { x as u32 }
fn main(x: Field, y: u32, answer: Field, one: pub Field) {
    // Safety: none. What the operation alone makes of it is what is asked.
    let half = unsafe { __half(x) };
    assert(half as Field == x);
    assert((half ${operator} y) as Field == answer);
    assert(one == 1);
}
`;
  const [x, y] = [0x12345678n, 0xf0f0f0f1n];

  test('holds its operands below 2^32', async () => {
    const artifact = await compileToy(main);
    const answer = answerOf(x, y);
    const inputs = { x: fieldInput(x), y: Number(y), answer: fieldInput(answer), one: 1 };
    const { witness } = await new Noir(artifact).execute(inputs);
    // Bits that a table of six bits would take for the last six, and one that none would.
    const edits = [32n, 33n, 35n, 36n].map((bit) => {
      const other = x + (1n << bit);
      return new Map([
        [x, other],
        ...(operator === '^' ? [[answer, answerOf(other, y)] as const] : []),
      ]);
    });
    const all = [honestly, ...edits];
    expect(await judge(artifact, witness, all)).toEqual([true, false, false, false, false]);
  });
});
