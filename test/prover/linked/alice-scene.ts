/** What Alice is given in these tests: a simulated TD's bundle, the checker's sets as files, a response and its tree proof. */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type AttestationInputs,
  type AttestationTask,
  toAttestationTask,
} from '#prover/linked/attestation-task.ts';
import type { LevelTdx } from '#prover/linked/formulas.ts';
import type { RevokedEntry } from '#prover/linked/set-entries.ts';
import { acceptedSet, levelSet, revokedSet, vekSet } from '#prover/linked/sets.ts';
import {
  attestationNonce,
  type LinkedStory,
  type StoryOptions,
  saltOf,
  tellLinkedStory,
} from '#test/circuits/linked/scene.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { makeQuote, type QuoteOptions } from '#test/fake/intel-qe.ts';
import { encodeBundle } from '#verifier/abi/bundle.ts';
import { encodeResponse, type ResponseContent, signResponse } from '#verifier/abi/response.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

export { attestationNonce, fakeNow };

export const origin = { made: fakeNow, source: 'a test' };

export type AliceScene = {
  readonly story: LinkedStory;
  /** What she proves, and has accepted. */
  readonly inputs: AttestationInputs;
  /** The machine's own versions. */
  readonly machine: LevelTdx;
  readonly files: { readonly bundle: Bytes; readonly response: Bytes; readonly treeProof: Bytes };
  /** A response of the same service. */
  sign(content: Partial<ResponseContent>): Bytes;
  /** The agent's answer to /proofs/:name. */
  treeProofOf(name: string): Bytes;
  /** The machine's quote with other fields or other parts, bound to the same. */
  requote(changes?: Partial<TdReport>, options?: QuoteOptions): Bytes;
  task(changes?: Partial<AttestationInputs>): AttestationTask;
};

export async function aliceScene(options: StoryOptions = {}): Promise<AliceScene> {
  const story = await tellLinkedStory(options);
  const { facts, bundle, state, intel } = story;
  const { fmspc, cpuSvn, pceSvn } = facts.pck;
  const { teeTcbSvn, mrTd, rtmr } = facts.report;
  const machine = { fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn: facts.qeIsvSvn };
  const { closureDigest } = bundle.bound;
  const other = { mrTd: new Uint8Array(48), rtmr, closureDigest };
  const key = { kind: 'certified', at: fakeNow } as const;
  const inputs: AttestationInputs = {
    bundle,
    accepted: acceptedSet([{ mrTd, rtmr, closureDigest }, other], origin),
    levels: levelSet([machine, { ...machine, pceSvn: 900 }], origin),
    revoked: revokedSet(someRevoked, origin),
    key,
    epochMin: bundle.epoch - 300,
    epochMax: bundle.epoch,
    salts: { key: saltOf('alice/key'), attestation: saltOf('alice/attestation') },
    made: fakeNow,
  };
  const treeProofOf = (name: string) => {
    const service = state.services.find((known) => known.name === name) ?? null;
    return utf8(JSON.stringify(encodeTreeProof(buildTreeProof(state.tree, name, service))));
  };
  return {
    story,
    inputs,
    machine,
    files: {
      bundle: utf8(encodeBundle(bundle)),
      response: utf8(encodeResponse(story.response)),
      treeProof: treeProofOf(story.service.name),
    },
    // As the story draws the services' keys from its seed.
    sign: (content) => {
      const secretKey = sha256(utf8(`${options.seed ?? 'linked'}/${story.service.name}`));
      return utf8(encodeResponse(signResponse({ ...story.response, ...content }, secretKey)));
    },
    treeProofOf,
    requote: (changes = {}, quoting = {}) =>
      makeQuote(intel, { kind: 'tdx', report: { ...facts.report, ...changes } }, quoting),
    task: (changes = {}) => toAttestationTask({ ...inputs, ...changes }),
  };
}

/** Other chips and certificates. */
export const someRevoked: readonly RevokedEntry[] = [1, 2, 3].flatMap((byte) => [
  { chip: new Uint8Array(16).fill(byte) },
  { issuer: 5n, serialNumber: Uint8Array.of(byte) },
]);

/** The set of keys with the machine's among others. */
export function vekSetOf({ story }: AliceScene, withOwn = true) {
  const { pck } = story.facts;
  const others = [1, 2].map((byte) => ({ ...pck, chip: BigInt(byte) }));
  return vekSet([...(withOwn ? [pck] : []), ...others], origin);
}
