/** tdx-pck, tdx-quote and vek-member on a simulated TD that our agent bound: accepted, and every input changed. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { limbsInput } from '#prover/circuit-inputs.ts';
import { machineInputs, memberInputs, pckInputs } from '#prover/linked/public-inputs.ts';
import { type Circuit, firstValues, refusalOf, shipped } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import type { TdxFields } from '#test/fake/tdx-device.ts';
import { flipped, leavesOf } from './inputs.ts';
import { type LinkedStory, tellLinkedStory } from './scene.ts';

const names = ['tdx-pck', 'tdx-quote', 'vek-member'] as const;
const circuits = {} as Record<(typeof names)[number], Circuit>;
let story: LinkedStory;
beforeAll(async () => {
  for (const name of names) circuits[name] = await shipped(name);
  story = await tellLinkedStory();
}, 300_000);

const publicOf = ({ statements }: LinkedStory) => ({
  'tdx-pck': pckInputs(statements['tdx-pck']),
  'tdx-quote': machineInputs(statements['tdx-quote']),
  'vek-member': memberInputs(statements['vek-member']),
});

/** Version 4; and a body of TDX 1.0 in version 5. */
const oldBody = { teeTcbSvn2: null, mrServiceTd: null };
const kinds: [string, Partial<TdxFields>, number, number][] = [
  ['version 5, TDX 1.5', {}, 5, 702],
  ['version 5, TDX 1.0', oldBody, 5, 638],
  ['version 4', { ...oldBody, version: 4 }, 4, 632],
];

describe('accepted, with the public inputs that the checker rebuilds', () => {
  test.each(kinds)('%s', { timeout: 60_000 }, async (_, fields, version, length) => {
    const told = await tellLinkedStory({ fields });
    expect([told.facts.signed[0], told.facts.signed.length]).toEqual([version, length]);
    for (const name of names) {
      const { witness } = await circuits[name](told.inputs[name]);
      const expected = publicOf(told)[name];
      expect(firstValues(witness, expected.length)).toEqual(expected);
    }
  });

  test('a machine under the processor CA', { timeout: 60_000 }, async () => {
    const told = await tellLinkedStory({ machine: { ca: 'processor' } });
    for (const name of names) {
      expect(await refusalOf(circuits[name], told.inputs[name]), name).toBeUndefined();
    }
  });
});

/** Flipping the lowest bit of these is another right input, or refused elsewhere than here. */
const apart = {
  'tdx-pck': ['at'],
  'tdx-quote': ['epoch_min', 'epoch_max', 'signed.bytes.767'],
  'vek-member': [],
} as const;

test.each(names)('%s refuses every input that is changed', { timeout: 300_000 }, async (name) => {
  const inputs = story.inputs[name];
  const accepted: string[] = [];
  for (const at of leavesOf(inputs)) {
    if ((await refusalOf(circuits[name], flipped(inputs, at))) === undefined) accepted.push(at);
  }
  const [allowed, all] = [apart[name] as readonly string[], leavesOf(inputs)];
  expect(accepted.filter((at) => !allowed.includes(at))).toEqual([]);
  expect(all.length).toBeGreaterThan(name === 'tdx-quote' ? 60 : 6);
});

describe('tdx-quote refuses', () => {
  const refusal = (inputs: InputMap) => refusalOf(circuits['tdx-quote'], inputs);
  const quote = () => story.inputs['tdx-quote'];
  const otherBinding = 'REPORTDATA does not bind this';
  const otherFreshness = 'REPORTDATA is not of this nonce, channel and epoch';
  const wrongPath = 'the path does not lead from the leaf to the root';

  test.each([
    ['another nonce', 'nonce.lo', otherFreshness],
    ['another channel', 'opening.channel.hi', otherFreshness],
    ['another epoch', 'opening.epoch', otherFreshness],
    ['another closure', 'opening.bound.closure.lo', otherBinding],
    ['another tree', 'opening.bound.tree_root', otherBinding],
    ['a device', 'opening.bound.device.lo', otherBinding],
    ['another log', 'opening.bound.log.hi', otherBinding],
    ['another accepted set', 'accepted', wrongPath],
    ['another set of levels', 'levels', wrongPath],
    ['another revoked set', 'revoked', wrongPath],
    ['another C_att', 'attestation', 'C_att is not of this attestation'],
    ['another salt of C_att', 'opening.salt', 'C_att is not of this attestation'],
    ['another C_key', 'key_commitment', 'C_key is of another PCK'],
  ])('%s', async (_, at, message) => {
    expect(await refusal(flipped(quote(), at))).toBe(message);
  });

  test('an epoch outside the window, whose ends are inside', async () => {
    const epoch = valueAt(quote(), 'opening.epoch');
    const within = (min: bigint, max: bigint) =>
      refusal(changed(changed(quote(), 'epoch_min', min), 'epoch_max', max));
    expect(await within(epoch, epoch)).toBeUndefined();
    expect(await within(epoch + 1n, epoch + 9n)).toBe('the epoch is before the first accepted');
    expect(await within(0n, epoch - 1n)).toBe('the epoch is after the last accepted');
    expect(await within(0n, (1n << 64n) - 1n)).toBeUndefined();
    expect(await within(0n, 1n << 64n)).toMatch(/assert_max_bit_size|failed to decompose/);
  });

  test.each<[string, Partial<TdxFields>, string]>([
    ['a TD to be debugged', { tdAttributes: ofBits(0, 28) }, 'the TD is to be debugged'],
    ['a TD under debug otherwise', { tdAttributes: ofBits(4, 28) }, 'the TD is to be debugged'],
    [
      'a TD whose pages may vanish',
      { tdAttributes: ofBits() },
      'the TD does not set SEPT_VE_DISABLE',
    ],
    [
      'a module of another signer',
      { mrSignerSeam: new Uint8Array(48).fill(1) },
      "the module is not Intel's, or has attributes",
    ],
    [
      'a module with attributes',
      { seamAttributes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1) },
      "the module is not Intel's, or has attributes",
    ],
  ])('%s', { timeout: 60_000 }, async (_, fields, message) => {
    const { inputs } = await tellLinkedStory({ fields });
    expect(await refusal(inputs['tdx-quote'])).toBe(message);
  });

  test('another attribute is none of its business', { timeout: 60_000 }, async () => {
    const { inputs } = await tellLinkedStory({ fields: { tdAttributes: ofBits(28, 30) } });
    expect(await refusal(inputs['tdx-quote'])).toBeUndefined();
  });

  test('a TD that runs other software than what C_att says', { timeout: 60_000 }, async () => {
    const other = await tellLinkedStory({ fields: { mrTd: new Uint8Array(48).fill(0x66) } });
    const { accepted, attestation, reference_path } = quote();
    expect(await refusal(other.inputs['tdx-quote'])).toBeUndefined();
    const claimed = { ...other.inputs['tdx-quote'], accepted, attestation, reference_path };
    expect(await refusal(claimed as InputMap)).toBe(wrongPath);
  });

  test('the quote of another of our machines', { timeout: 60_000 }, async () => {
    const other = await tellLinkedStory({ seed: 'another machine' });
    const certified = other.inputs['tdx-quote']['certified'] as InputMap;
    expect(await refusal({ ...quote(), certified })).toBe('C_key is of another PCK');
    const nonce = limbsInput(new Uint8Array(32));
    expect(await refusal({ ...other.inputs['tdx-quote'], nonce })).toBe(otherFreshness);
  });
});

/** TDATTRIBUTES with these bits. */
function ofBits(...bits: readonly number[]): Uint8Array {
  const attributes = new Uint8Array(8);
  for (const bit of bits)
    attributes[bit >> 3] = (attributes[bit >> 3] as number) | (1 << (bit & 7));
  return attributes;
}
