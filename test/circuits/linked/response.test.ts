/** response and response-text on a service of the simulated TD: accepted, and every input changed. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { InputMap } from '@noir-lang/noir_js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { responseInputs, textInputs } from '#prover/linked/public-inputs.ts';
import { type Circuit, firstValues, refusalOf, shipped } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { utf8 } from '#verifier/bytes.ts';
import { flipped, leavesOf, outOfRange } from './inputs.ts';
import { type LinkedStory, type StoryOptions, tellLinkedStory } from './scene.ts';

const names = ['response', 'response-text'] as const;
const circuits = {} as Record<(typeof names)[number], Circuit>;
let story: LinkedStory;
beforeAll(async () => {
  for (const name of names) circuits[name] = await shipped(name);
  story = await tellLinkedStory();
}, 300_000);

const notSigned = "the signature does not verify under the service's key";
const wrongPath = 'the path does not lead from the leaf to the root';
const otherAttestation = 'C_att is not of this attestation';
const notBody = "what is shown is not the body's";
const notShown = "what is shown is not the response's";
const behind = 'the mask shows a byte behind the body';

async function accepted(told: LinkedStory) {
  const { response, 'response-text': text } = told.statements;
  const expected = { response: responseInputs(response), 'response-text': textInputs(text) };
  for (const name of names) {
    const { witness } = await circuits[name](told.inputs[name]);
    expect(firstValues(witness, expected[name].length)).toEqual(expected[name]);
  }
}

describe('accepted, with the public inputs that the checker rebuilds', () => {
  test.each<[string, StoryOptions]>([
    ['half of the body shown', {}],
    ['another service', { service: 'echo-rust' }],
    ['nothing shown', { mask: () => false }],
    ['all shown', { mask: () => true }],
    ['an empty body', { content: { body: new Uint8Array() } }],
    ['a body of 800 bytes', { content: { body: new Uint8Array(800).fill(0xc3) } }],
    ['a body of zeros', { content: { body: new Uint8Array(55) }, mask: () => true }],
    ['a body that is a padding', { content: { body: Uint8Array.of(0x80, 0, 0, 8) } }],
    ['a response without a nonce', { content: { nonce: new Uint8Array(32) } }],
  ])('%s', { timeout: 60_000 }, async (_, options) => {
    await accepted(await tellLinkedStory(options));
  });

  test('bodies of every number of blocks, any part shown', { timeout: 300_000 }, async () => {
    const body = fc.uint8Array({ minLength: 0, maxLength: 800 });
    await fc.assert(
      fc.asyncProperty(body, fc.integer({ min: 1, max: 9 }), async (body, step) => {
        const mask = (i: number) => i % step === 0;
        const told = await tellLinkedStory({ content: { body }, mask });
        expect(await refusalOf(circuits['response-text'], told.inputs['response-text'])).toBe(
          undefined,
        );
      }),
      { numRuns: 6 },
    );
  });

  test('a longer body has no place', async () => {
    const content = { body: new Uint8Array(801) };
    await expect(tellLinkedStory({ content })).rejects.toThrow(RangeError);
  });
});

/** Whoever asks is bound by the proof alone, in whatever he chose. */
const free = ['audience.hi', 'audience.lo', 'nonce.hi', 'nonce.lo'];

test.each(names)('%s refuses every input that is changed', { timeout: 300_000 }, async (name) => {
  const inputs = story.inputs[name];
  const leaves = leavesOf(inputs);
  const wrong: string[] = [];
  for (const at of leaves) {
    const isAccepted = (await refusalOf(circuits[name], flipped(inputs, at))) === undefined;
    if (isAccepted !== free.includes(at)) wrong.push(at);
  }
  expect(wrong).toEqual([]);
  expect(leaves.length).toBeGreaterThan(20);
});

describe.each(names)('%s refuses', (name) => {
  const refusal = (inputs: InputMap) => refusalOf(circuits[name], inputs);
  const right = () => story.inputs[name];

  test.each([
    ['another C_att', 'attestation', otherAttestation],
    ['another tree', 'tree_root', otherAttestation],
    ['another reference', 'reference', otherAttestation],
    ['another epoch', 'epoch', otherAttestation],
    ['another salt', 'salt', otherAttestation],
    ['another service', 'service_id.hi', wrongPath],
    ['another build', 'service.nar_hash.lo', wrongPath],
    ['another key', 'service.x.lo', wrongPath],
    ['another path', 'path.siblings.0', wrongPath],
    ['another signature', 'signature.s.lo', notSigned],
  ])('%s', async (_, at, message) => {
    const inOpening = ['tree_root', 'reference', 'epoch', 'salt'].includes(at);
    const place = name === 'response-text' && inOpening ? `opening.${at}` : at;
    expect(await refusal(flipped(right(), place))).toBe(message);
  });

  test('the tree of another attestation', async () => {
    const other = (await tellLinkedStory({ seed: 'another machine' })).inputs[name];
    expect(await refusal(other)).toBeUndefined();
    const { attestation } = right();
    expect(await refusal({ ...other, attestation: attestation as string })).toBe(otherAttestation);
  });

  test('a high s', async () => {
    const { ORDER } = secp256k1.Point.Fn;
    const [hi, lo] = ['signature.s.hi', 'signature.s.lo'] as const;
    const s = ORDER - ((valueAt(right(), hi) << 128n) + valueAt(right(), lo));
    const high = changed(changed(right(), hi, s >> 128n), lo, s & ((1n << 128n) - 1n));
    expect(await refusal(high)).toBe('s is not in the lower half');
  });

  test.each(['audience', 'nonce', 'service_id'])('limbs of %s too large', async (pair) => {
    for (const limb of ['hi', 'lo']) {
      expect(await refusal(changed(right(), `${pair}.${limb}`, 1n << 128n))).toMatch(outOfRange);
    }
  });
});

test('response refuses another response', async () => {
  for (const limb of ['hi', 'lo']) {
    const inputs = flipped(story.inputs.response, `response_hash.${limb}`);
    expect(await refusalOf(circuits.response, inputs)).toBe(notSigned);
  }
});

describe('response-text refuses', () => {
  const refusal = (inputs: InputMap) => refusalOf(circuits['response-text'], inputs);
  const right = () => story.inputs['response-text'];
  /** Byte j is in this field, by this factor. */
  const shown = (j: number): [string, bigint] => [
    `shown.${Math.floor(j / 31)}`,
    1n << BigInt(8 * (30 - (j % 31))),
  ];
  const masked = (j: number): [string, bigint] => [
    `mask.${Math.floor(j / 248)}`,
    1n << BigInt(247 - (j % 248)),
  ];
  const plus = (inputs: InputMap, [at, step]: [string, bigint], by = 1n) =>
    changed(inputs, at, valueAt(inputs, at) + by * step);

  test('a shown byte that is another', async () => {
    expect(await refusal(plus(right(), shown(3)))).toBe(notBody);
  });

  test('a hidden byte that is shown without the mask', async () => {
    const { body } = story.response;
    const at = body.length - 1;
    expect(await refusal(plus(right(), shown(at), BigInt(body[at] as number)))).toBe(notBody);
  });

  test('a byte that the mask shows, but that is 0', async () => {
    const { body } = story.response;
    const at = body.length - 1;
    const inMask = plus(right(), masked(at));
    expect(await refusal(inMask)).toBe(notBody);
    const both = plus(inMask, shown(at), BigInt(body[at] as number));
    expect(await refusal(both)).toBeUndefined();
  });

  test('a byte shown that the mask hides', async () => {
    expect(await refusal(plus(right(), masked(0), -1n))).toBe(notBody);
  });

  test.each(['length', 799, 800, 805, 991])('a mask at byte %s, behind the body', async (at) => {
    const j = at === 'length' ? story.response.body.length : (at as number);
    expect(await refusal(plus(right(), masked(j)))).toBe(behind);
  });

  test('what is shown behind the body', async () => {
    for (const j of [story.response.body.length, 800, 805]) {
      expect(await refusal(plus(right(), shown(j)))).toBe(notBody);
    }
  });

  test('a mask of 2^248, and a shown field of 2^248', async () => {
    expect(await refusal(changed(right(), 'mask.0', 1n << 248n))).toMatch(outOfRange);
    expect(await refusal(plus(right(), ['shown.1', 1n << 248n]))).toBe(notBody);
  });

  test('another length', async () => {
    const at = story.response.body.length;
    const start = 'the padding does not begin with 0x80';
    expect(await refusal(changed(right(), 'length', BigInt(at + 1)))).toBe(start);
    expect(await refusal(changed(right(), 'length', BigInt(at - 1)))).toBe(start);
    const long = 'the body is longer than the circuit takes';
    expect(await refusal(changed(right(), 'length', 801n))).toBe(long);
    expect(await refusal(changed(right(), 'length', 1n << 16n))).toMatch(outOfRange);
  });

  test('another body of the same padding', async () => {
    expect(await refusal(flipped(right(), `content.body.${story.response.body.length - 1}`))).toBe(
      notSigned,
    );
  });

  test.each(['client_nonce.hi', 'client_nonce.lo'])('another %s', async (at) => {
    expect(await refusal(flipped(right(), at))).toBe(notShown);
  });

  test('each of nonce, time and request is shown or hidden, and nothing else', async () => {
    const hide = (at: string) => (inputs: InputMap) => changed(inputs, at, 0n);
    const nonce = hide('client_nonce.lo')(hide('client_nonce.hi')(right()));
    expect(await refusal(nonce)).toBeUndefined();
    expect(await refusal(hide('client_nonce.hi')(right()))).toBe(notShown);
    expect(await refusal(hide('time')(right()))).toBeUndefined();
    expect(await refusal(flipped(right(), 'time'))).toBe(
      'the time shown is not that of the response',
    );
    const requestHash = (right()['content'] as InputMap)['request_hash'] as InputMap;
    const shownRequest = { ...right(), request_hash: { ...requestHash } };
    expect(await refusal(shownRequest)).toBeUndefined();
    expect(await refusal(flipped(shownRequest, 'request_hash.lo'))).toBe(notShown);
    expect(await refusal(flipped(right(), 'request_hash.lo'))).toBe(notShown);
  });

  test.each(['content.nonce.lo', 'content.request_hash.hi'])('another %s', async (at) => {
    const hidden = ['client_nonce.hi', 'client_nonce.lo'].reduce(
      (inputs, limb) => changed(inputs, limb, 0n),
      right(),
    );
    expect(await refusal(flipped(hidden, at))).toBe(notSigned);
  });

  test('another hidden time', async () => {
    const hidden = changed(right(), 'time', 0n);
    expect(await refusal(flipped(hidden, 'content.time'))).toBe(notSigned);
    expect(await refusal(changed(hidden, 'content.time', 1n << 64n))).toMatch(outOfRange);
  });

  test('another request', async () => {
    const other = await tellLinkedStory({ content: { request: utf8('another') } });
    expect(await refusal(other.inputs['response-text'])).toBeUndefined();
    const { signature } = right();
    expect(await refusal({ ...other.inputs['response-text'], signature: signature as never })).toBe(
      notSigned,
    );
  });
});
