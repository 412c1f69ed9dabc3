import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  limbsInput,
  type ResponseWitness,
  toResponseOpenInputs,
  toResponseOpenKeyInputs,
} from '#prover/circuit-inputs.ts';
import type { OpenCircuitName } from '#prover/circuit-names.ts';
import { serviceId, serviceKey } from '#verifier/abi/service.ts';
import { bigEndian, concat, fromBigEndian } from '#verifier/bytes.ts';
import { fieldOrder, hiLo, p2 } from '#verifier/field.ts';
import { leafHash } from '#verifier/smt/proof.ts';
import { type Circuit, refusalOf, shipped } from './circuit.ts';
import { changed, publicKey, serviceOf, signature, valueAt, witnessOf } from './scene.ts';

const inputsOf: Record<OpenCircuitName, (witness: ResponseWitness) => InputMap> = {
  'response-open': toResponseOpenInputs,
  'response-open-key': toResponseOpenKeyInputs,
};
const names = ['response-open', 'response-open-key'] as const;
const circuits = {} as Record<OpenCircuitName, Circuit>;
beforeAll(async () => {
  for (const name of names) circuits[name] = await shipped(name);
});

const refusal = (name: OpenCircuitName, inputs: InputMap) => refusalOf(circuits[name], inputs);

const wrongPath = 'the path does not lead from the leaf to the root';
const beyond = "a sibling beyond the path's depth is not zero";
const emptyLast = 'the last sibling of the path is empty';
const tooDeep = 'the path has more siblings than the circuit takes';
const notSigned = "the signature does not verify under the service's key";
/** The standard library's, of assert_max_bit_size. */
const notLimb = /^call to assert_max_bit_size$/;

describe.each(names)('%s refuses', (name) => {
  const right = inputsOf[name](witnessOf());
  const content = name === 'response-open' ? 'service.' : '';
  const plusOne = (at: string) => changed(right, at, valueAt(right, at) + 1n);

  test('nothing of the right inputs', async () => {
    expect(await refusal(name, right)).toBeUndefined();
  });

  test.each([
    ['another root', 'tree_root'],
    ['another id (hi)', 'service_id.hi'],
    ['another id (lo)', 'service_id.lo'],
    ['another NAR hash (hi)', `${content}nar_hash.hi`],
    ['another NAR hash (lo)', `${content}nar_hash.lo`],
    ['another x (hi)', `${content}x.hi`],
    ['another x (lo)', `${content}x.lo`],
    ['another y (hi)', `${content}y.hi`],
    ['another y (lo)', `${content}y.lo`],
    ['another first sibling', 'path.siblings.0'],
    ['another last sibling', 'path.siblings.3'],
    ['a sibling where there is none', 'path.siblings.1'],
  ])('%s', async (_, at) => {
    expect(await refusal(name, plusOne(at))).toBe(wrongPath);
  });

  test("another service's leaf on this service's path", async () => {
    const { siblings } = witnessOf('echo-rust');
    const inputs = inputsOf[name]({ ...witnessOf(), siblings });
    expect(await refusal(name, inputs)).toBe(wrongPath);
    const renamed = { ...witnessOf(), service: serviceOf('echo-rust') };
    expect(await refusal(name, inputsOf[name](renamed))).toBe(wrongPath);
  });

  test('a node or the root itself given as a leaf', async () => {
    const { siblings } = witnessOf();
    const upper = inputsOf[name]({ ...witnessOf(), siblings: siblings.slice(0, 1) });
    expect(await refusal(name, upper)).toBe(wrongPath);
    expect(await refusal(name, inputsOf[name]({ ...witnessOf(), siblings: [] }))).toBe(wrongPath);
  });

  test.each([
    ['one level too few', 3n, beyond],
    ['none', 0n, beyond],
    ['one level too many', 5n, emptyLast],
    ['all 64', 64n, emptyLast],
    ['65', 65n, tooDeep],
    ['−1', fieldOrder - 1n, tooDeep],
  ])('a wrong depth: %s', async (_, n, message) => {
    expect(await refusal(name, changed(right, 'path.n', n))).toBe(message);
  });

  test('a sibling beyond the path, also at the very end', async () => {
    expect(await refusal(name, changed(right, 'path.siblings.4', 1n))).toBe(beyond);
    expect(await refusal(name, changed(right, 'path.siblings.63', 1n))).toBe(beyond);
  });

  test('an empty last sibling', async () => {
    expect(await refusal(name, changed(right, 'path.siblings.3', 0n))).toBe(emptyLast);
  });

  const pairs = [
    'service_id',
    'audience',
    'nonce',
    ...['nar_hash', 'x', 'y'].map((one) => content + one),
  ];
  const limbs = pairs.flatMap((pair) => [`${pair}.hi`, `${pair}.lo`]);

  test.each(limbs)('%s of 2^128', async (at) => {
    expect(await refusal(name, changed(right, at, 1n << 128n))).toMatch(notLimb);
  });

  test('other limbs of the same integer', async () => {
    for (const pair of ['audience', 'nonce', 'service_id']) {
      const moved = changed(right, `${pair}.hi`, valueAt(right, `${pair}.hi`) - 1n);
      const same = changed(moved, `${pair}.lo`, valueAt(right, `${pair}.lo`) + (1n << 128n));
      expect(await refusal(name, same)).toMatch(notLimb);
    }
  });

  test.each(['audience', 'nonce'])('no %s of 32 bytes, whichever', async (pair) => {
    const most = limbsInput(new Uint8Array(32).fill(0xff));
    expect(await refusal(name, { ...right, [pair]: most })).toBeUndefined();
  });
});

describe('response-open refuses', () => {
  const witness = witnessOf();
  const { Fn, Fp } = secp256k1.Point;
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];

  async function withSignature(first: bigint, second: bigint) {
    const both = concat(bigEndian(first, 32), bigEndian(second, 32));
    return refusal('response-open', toResponseOpenInputs({ ...witness, signature: both }));
  }
  const [rValue, sValue] = [fromBigEndian(r), fromBigEndian(s)];

  test.each(['response_hash.hi', 'response_hash.lo', 'signature.r.lo', 'signature.s.hi'])(
    'a changed %s',
    async (at) => {
      const right = toResponseOpenInputs(witness);
      const inputs = changed(right, at, valueAt(right, at) ^ 1n);
      expect(await refusal('response-open', inputs)).toBe(notSigned);
    },
  );

  test('the same signature with its high s', async () => {
    expect(await withSignature(rValue, sValue)).toBeUndefined();
    expect(await withSignature(rValue, Fn.ORDER - sValue)).toBe('s is not in the lower half');
  });

  test.each([
    ['r = 0', 0n, 1n, 'r is not between 0 and the order'],
    ['r = order', Fn.ORDER, 1n, 'r is not between 0 and the order'],
    ['r = 2^256 − 1', (1n << 256n) - 1n, 1n, 'r is not between 0 and the order'],
    ['r = order − 1', Fn.ORDER - 1n, 1n, notSigned],
    ['s = 0', 1n, 0n, 's is not in the lower half'],
    ['s = (order − 1)/2', 1n, (Fn.ORDER - 1n) / 2n, notSigned],
    ['s = (order + 1)/2', 1n, (Fn.ORDER + 1n) / 2n, 's is not in the lower half'],
    ['s = order', 1n, Fn.ORDER, 's is not in the lower half'],
  ])('%s', async (_, first, second, message) => {
    expect(await withSignature(first, second)).toBe(message);
  });

  test.each(['response_hash', 'signature.r', 'signature.s'])(
    '%s of limbs too large',
    async (at) => {
      const right = toResponseOpenInputs(witness);
      for (const limb of ['hi', 'lo']) {
        const inputs = changed(right, `${at}.${limb}`, 1n << 128n);
        expect(await refusal('response-open', inputs)).toMatch(/^Field failed to decompose into/);
      }
    },
  );

  /** A tree with a key in it that only a faulty builder lets in. */
  function withKey(x: bigint, y: bigint) {
    const halves = [bigEndian(x, 32), bigEndian(y, 32)] as const;
    const service = { ...witness.service, publicKey: concat(...halves) };
    const value = p2('value', ...[service.narHash, ...halves].flatMap(hiLo));
    const root = leafHash(serviceKey(serviceId(service.name)), value);
    return toResponseOpenInputs({ ...witness, service, siblings: [], root });
  }
  const [x, y] = [fromBigEndian(publicKey.subarray(0, 32)), fromBigEndian(publicKey.subarray(32))];

  test.each([
    ['(the right key)', x, y, undefined],
    ["another's key", x, Fp.ORDER - y, notSigned],
    ['a key off the curve', x, y + 1n, notSigned],
    ['a key off the curve, x small', 5n, 1n, notSigned],
    ['(0, 0)', 0n, 0n, 'y of the key is zero'],
    ['y = 0', x, 0n, 'y of the key is zero'],
    ['x = p', Fp.ORDER, y, 'x of the key is not below the prime of secp256k1'],
    ['x = 1 + p', Fp.ORDER + 1n, y, 'x of the key is not below the prime of secp256k1'],
    ['y = p', x, Fp.ORDER, 'y of the key is not below the prime of secp256k1'],
    ['y = 2^256 − 1', x, (1n << 256n) - 1n, 'y of the key is not below the prime of secp256k1'],
  ])('a tree that holds %s', async (_, keyX, keyY, message) => {
    expect(await refusal('response-open', withKey(keyX, keyY))).toBe(message);
  });
});
