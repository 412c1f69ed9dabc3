import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  audienceHash,
  fieldInput,
  publicInputs,
  toResponseOpenInputs,
  toResponseOpenKeyInputs,
} from '#prover/circuit-inputs.ts';
import type { OpenCircuitName } from '#prover/circuit-names.ts';
import { serviceTree } from '#verifier/abi/service.ts';
import { concat, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldOrder, fieldToBytes } from '#verifier/field.ts';
import { type Circuit, firstValues, shipped } from './circuit.ts';
import { publicKey, responseHash, serviceOf, statementOf, tree, witnessOf } from './scene.ts';

const cases = [
  ['response-open', toResponseOpenInputs],
  ['response-open-key', toResponseOpenKeyInputs],
] as const;

const circuits = {} as Record<OpenCircuitName, Circuit>;
beforeAll(async () => {
  for (const [name] of cases) circuits[name] = await shipped(name);
});

describe.each(cases)('%s', (name, toInputs) => {
  test.each(['echo-node', 'echo-cpp', 'echo-rust'])('accepts %s in R3', async (service) => {
    const witness = witnessOf(service);
    const run = await circuits[name](toInputs(witness));
    const expected = publicInputs(name, statementOf(witness));
    expect(firstValues(run.witness, expected.length)).toEqual(expected);
  });

  test('accepts the only service of a tree, with no sibling', async () => {
    const witness = witnessOf('only', serviceTree([serviceOf('only')]));
    expect(witness.siblings).toEqual([]);
    await expect(circuits[name](toInputs(witness))).resolves.toBeDefined();
  });
});

test('the vectors are those of the protocol', () => {
  expect(toHex(fieldToBytes(tree.root))).toBe(
    '1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3e',
  );
  expect(witnessOf().siblings).toHaveLength(4);
});

describe('public inputs', () => {
  const statement = statementOf(witnessOf());
  const hex = (name: OpenCircuitName) => publicInputs(name, statement).map(toHex);
  const upper = '0'.repeat(32);

  test('of response-open: root, id, response hash, audience, nonce', () => {
    const audience = toHex(sha256(concat(utf8('affidavit/audience/v1\0'), utf8('bob.example'))));
    expect(hex('response-open')).toEqual([
      '1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3e',
      `${upper}2e94955919399143f5c0f1cdaf75f401`,
      `${upper}cc58ee21c4a5b21ed68f06ec22f54100`,
      `${upper}6c80c31871af7a4a3de2a2198dfe2dea`,
      `${upper}9a71780e161180a1b357471d40b16e34`,
      upper + audience.slice(0, 32),
      upper + audience.slice(32),
      `${upper}000102030405060708090a0b0c0d0e0f`,
      `${upper}101112131415161718191a1b1c1d1e1f`,
    ]);
  });

  test('of response-open-key: root, id, x, y, audience, nonce', () => {
    const open = hex('response-open');
    const key = toHex(publicKey);
    const limbs = [0, 32, 64, 96].map((at) => upper + key.slice(at, at + 32));
    expect(hex('response-open-key')).toEqual([...open.slice(0, 3), ...limbs, ...open.slice(5)]);
  });

  test('a statement without the shown key, or with a short part, is a mistake', () => {
    const hidden = { ...statement, publicKey: null };
    expect(publicInputs('response-open', hidden)).toHaveLength(9);
    expect(() => publicInputs('response-open-key', hidden)).toThrow(RangeError);
    const short = responseHash.subarray(1);
    expect(() => publicInputs('response-open', { ...statement, responseHash: short })).toThrow(
      RangeError,
    );
  });

  test('no value is reduced', () => {
    expect(fieldInput(fieldOrder - 1n)).toMatch(/^0x30644e72/);
    expect(() => fieldInput(fieldOrder)).toThrow(RangeError);
    expect(() => publicInputs('response-open', { ...statement, treeRoot: fieldOrder })).toThrow(
      RangeError,
    );
    const siblings = Array.from({ length: 65 }, () => 1n);
    expect(() => toResponseOpenInputs({ ...witnessOf(), siblings })).toThrow(RangeError);
  });

  test('audiences differ as texts do', () => {
    expect(audienceHash('bob')).not.toEqual(audienceHash('bob '));
  });
});
