import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { toHex } from '#verifier/bytes.ts';
import { fieldOrder, fieldToBytes, p2 } from '#verifier/field.ts';
import { fieldTag } from '#verifier/tags.ts';
import { type Circuit, forTests } from './circuit.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p2_vectors');
});

async function inNoir(tag: bigint, inputs: readonly bigint[]): Promise<bigint[]> {
  const run = await circuit({ tag: fieldInput(tag), a: inputs.map(fieldInput) });
  return (run.returnValue as string[]).map(BigInt);
}

test("the protocol's vectors come out of Noir", async () => {
  const inputs = [1n, 2n, 3n, 4n, 5n, 6n];
  const hex = (value: bigint | undefined) => toHex(fieldToBytes(value ?? -1n));
  const nodes = await inNoir(fieldTag('node'), inputs);
  expect(hex(nodes[1])).toBe('180da3bf3cf830699ab736ff2ef60e59cfb1810f7f5cd06f15bbcc1c0195c857');
  const values = await inNoir(fieldTag('value'), inputs);
  expect(hex(values[5])).toBe('184647837830cff007f6f1c362cc87f6311e3cf59d5726af8e5003a34855d704');
});

test('P2 of 1 to 6 inputs is the same in TypeScript and in Noir', async () => {
  const field = fc.oneof(
    fc.bigInt({ min: 0n, max: fieldOrder - 1n }),
    fc.constantFrom(0n, 1n, fieldOrder - 1n),
  );
  const six = fc.array(field, { minLength: 6, maxLength: 6 });
  const tag = fc.constantFrom('key', 'value', 'leaf', 'node');
  await fc.assert(
    fc.asyncProperty(tag, six, async (name, inputs) => {
      const expected = inputs.map((_, i) => p2(name, ...inputs.slice(0, i + 1)));
      expect(await inNoir(fieldTag(name), inputs)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});
