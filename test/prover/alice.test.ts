/** What Alice refuses before any work is done, each beside the input that she takes. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { solve, toTask } from '#prover/alice.ts';
import { loadArtifact } from '#prover/artifact.ts';
import { openCircuitNames } from '#prover/circuit-names.ts';
import { codeOf } from '#test/agent/helpers.ts';
import { encodeResponse, signResponse } from '#verifier/abi/response.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import { type Story, sampleAudience, sampleNonce, tellStory } from './scene.ts';

let story: Story;
let other: Story;

beforeAll(async () => {
  story = await tellStory();
  other = await tellStory();
});

function request(files: Partial<Story['files']> = {}) {
  const common = { audience: sampleAudience, nonce: sampleNonce };
  return { ...story.files, ...common, circuit: 'response-open-key' as const, ...files };
}

function signedBy(secretKey: Bytes): Bytes {
  return utf8(encodeResponse(signResponse(story.response, secretKey)));
}

describe('Alice', () => {
  test('takes what belongs together', () => {
    const { statement, witness } = toTask(request());
    expect(statement.treeRoot).toBe(story.bundle.bound.treeRoot);
    expect(statement.publicKey).toEqual(witness.service.publicKey);
    expect(statement.nonce).toEqual(sampleNonce);
  });

  test('keeps the key out of the statement of response-open', () => {
    expect(toTask({ ...request(), circuit: 'response-open' }).statement.publicKey).toBeNull();
  });

  test.each([
    ['a bundle that is none', { bundle: utf8('<html>') }, 'json-malformed'],
    ['a response that is none', { response: utf8('{}') }, 'json-shape'],
    ['a tree proof that is none', { treeProof: utf8('[]') }, 'json-shape'],
  ])('refuses %s', async (_, files, code) => {
    expect(await codeOf(() => toTask(request(files)))).toBe(code);
  });

  test('refuses the tree proof of another service, another boot, or of absence', async () => {
    const proofs = [
      story.treeProofOf('echo-cpp'),
      other.treeProofOf('echo-node'),
      story.treeProofOf('echo-none'),
    ];
    for (const treeProof of proofs) {
      expect(await codeOf(() => toTask(request({ treeProof })))).toBe('proof-false');
    }
    const unknown = utf8(
      encodeResponse(signResponse({ ...story.response, service: 'echo-none' }, keyOf('echo-node'))),
    );
    const absent = request({ response: unknown, treeProof: story.treeProofOf('echo-none') });
    expect(await codeOf(() => toTask(absent))).toBe('proof-false');
  });

  test('refuses the bundle of another boot', async () => {
    expect(await codeOf(() => toTask(request({ bundle: other.files.bundle })))).toBe('proof-false');
  });

  test('refuses a signature by another key, or over other content', async () => {
    expect(await codeOf(() => toTask(request({ response: signedBy(keyOf('echo-node')) })))).toBe(
      'accepted',
    );
    const altered = { ...story.response, body: utf8('hallo') };
    for (const response of [signedBy(keyOf('echo-cpp')), utf8(encodeResponse(altered))]) {
      expect(await codeOf(() => toTask(request({ response })))).toBe('signature-false');
    }
  });

  test('refuses a high s, which is as valid elsewhere', async () => {
    const { signature } = story.response;
    const s = secp256k1.Point.Fn.ORDER - fromBigEndian(signature.subarray(32));
    const high = {
      ...story.response,
      signature: concat(signature.subarray(0, 32), bigEndian(s, 32)),
    };
    const response = utf8(encodeResponse(high));
    expect(await codeOf(() => toTask(request({ response })))).toBe('signature-malformed');
  });
});

describe('what is executed before it is proved', () => {
  test.each(openCircuitNames)('%s: what belongs together', async (circuit) => {
    const task = toTask({ ...request(), circuit });
    expect((await solve(task, await loadArtifact(circuit))).length).toBeGreaterThan(0);
  });

  test.each(openCircuitNames)('%s: never what does not', async (circuit) => {
    const task = toTask({ ...request(), circuit });
    const { root } = task.witness;
    const wrong = { ...task, witness: { ...task.witness, root: root ^ 1n } };
    await expect(solve(wrong, await loadArtifact(circuit))).rejects.toThrow();
  });
});

function keyOf(name: string): Bytes {
  return story.agent.secretKeys[name] as Bytes;
}
