/**
 * One story for prover and checker: an agent's bundle, an echo service's response, the tree's
 * proofs.
 */
import { makeBundle } from '#agent/evidence.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createInsecureAgent, type InsecureAgent } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type Bundle, encodeBundle } from '#verifier/abi/bundle.ts';
import {
  encodeResponse,
  type ResponseContent,
  type SignedResponse,
  signResponse,
} from '#verifier/abi/response.ts';
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';

export const sampleAudience = 'bob.example';
export const sampleNonce: Bytes = new Uint8Array(32).fill(0xb0);

export type Story = {
  hierarchy: AmdHierarchy;
  agent: InsecureAgent;
  bundle: Bundle;
  /** As the files' bytes. */
  files: { bundle: Bytes; response: Bytes; treeProof: Bytes };
  response: SignedResponse;
  /** The agent's answer to /proofs/:name. */
  treeProofOf(name: string): Bytes;
  /** A response of echo-node, or of whom it names. */
  sign(content?: Partial<ResponseContent>): SignedResponse;
  bundleBytes(bundle: Bundle): Bytes;
};

export const quiet = { info() {}, warn() {}, error() {} };

/** A boot of an agent with three echo services of new keys. */
export async function tellStory(now = fakeNow): Promise<Story> {
  const hierarchy = await testHierarchy({ product: 'Milan', now });
  const agent = await createInsecureAgent({ hierarchy, now: () => now, logger: quiet });
  const { state, source, secretKeys } = agent;
  const bundle = await makeBundle({
    state,
    source,
    nonce: new Uint8Array(32).fill(0xe0),
    channel: null,
    now: () => now,
    random: (length) => new Uint8Array(length),
  });
  const sign = (content: Partial<ResponseContent> = {}) => {
    const whole = {
      service: 'echo-node',
      nonce: new Uint8Array(32).fill(0xa1),
      time: now,
      request: utf8('hello'),
      body: utf8('hello'),
      ...content,
    };
    return signResponse(whole, secretKeys[whole.service] as Bytes);
  };
  const treeProofOf = (name: string) => {
    const service = state.services.find((known) => known.name === name) ?? null;
    return utf8(JSON.stringify(encodeTreeProof(buildTreeProof(state.tree, name, service))));
  };
  const response = sign();
  const bundleBytes = (made: Bundle) => utf8(encodeBundle(made));
  return {
    hierarchy,
    agent,
    bundle,
    files: {
      bundle: bundleBytes(bundle),
      response: utf8(encodeResponse(response)),
      treeProof: treeProofOf('echo-node'),
    },
    response,
    treeProofOf,
    sign,
    bundleBytes,
  };
}

export const nonceHex: string = toHex(sampleNonce);
