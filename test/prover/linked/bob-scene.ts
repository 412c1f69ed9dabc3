/**
 * What the checker of linked proofs is given in the story of test/circuits/linked/scene.ts, and tools that say of a "proof" what a
 * sound proof system would: that it holds for the public inputs of the story, and for no others.
 */
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import {
  checkLinkedProof,
  type GivenLinkedProof,
  type LinkedSettings,
  type LinkedTools,
} from '#prover/linked/bob.ts';
import { type Demands, parseDemands } from '#prover/linked/demands.ts';
import type { LinkedVerdict } from '#prover/linked/linked-checks.ts';
import {
  type Disclosure,
  encodeLinkedProofFile,
  type LinkedProofFile,
} from '#prover/linked/proof-file.ts';
import {
  memberInputs,
  pckInputs,
  quoteInputs,
  responseInputs,
  textInputs,
} from '#prover/linked/public-inputs.ts';
import { proofLength } from '#prover/proof-file.ts';
import {
  attestationNonce,
  type LinkedStory,
  type StoryOptions,
  tellLinkedStory,
} from '#test/circuits/linked/scene.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { type Bytes, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { CheckStatus } from '#verifier/checklist.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';

export const audience = 'bob.example';
export const nonce: Bytes = new Uint8Array(32).fill(0xb0);
/** The checker's clock. */
export const now = fakeNow + 120;
/** Until when his sets count. */
export const until = fakeNow + 86_400;
export const pinned = 'ab'.repeat(32);

export type Kinds = { key: 'pck' | 'member'; response: 'hash' | 'text' };

/** A proof file as the prover of the story makes it. @param proofs default: zeros */
export function fileOf(
  { statements, intel, service }: LinkedStory,
  kinds: Kinds,
  proofs: Partial<Record<LinkedCircuitName, { artifact: string; proof: Bytes }>> = {},
): LinkedProofFile {
  const proofOf = (circuit: LinkedCircuitName) =>
    proofs[circuit] ?? { artifact: pinned, proof: new Uint8Array(proofLength) };
  const { keyCommitment, attestation, ...quote } = statements['tdx-quote'];
  return {
    keyCommitment,
    attestation,
    key:
      kinds.key === 'pck'
        ? { kind: 'pck', proof: proofOf('tdx-pck'), issuer: intel.pckCa.der, at: fakeNow }
        : { kind: 'member', proof: proofOf('vek-member') },
    quote: { proof: proofOf('tdx-quote'), ...quote },
    response:
      kinds.response === 'hash'
        ? { kind: 'hash', proof: proofOf('response') }
        : {
            kind: 'text',
            proof: proofOf('response-text'),
            service: service.name,
            disclosure: disclosureOf(statements['response-text']),
          },
  };
}

/** Of a mask that shows one part from the first byte on. */
function disclosureOf(text: LinkedStory['statements']['response-text']): Disclosure {
  const { clientNonce, time, requestHash, length, mask, shown } = text;
  const count = mask.filter((isShown) => isShown).length;
  const parts = count === 0 ? [] : [{ at: 0, bytes: shown.slice(0, count) }];
  return { clientNonce, time, requestHash, length, shown: parts };
}

export function hexOf(field: Field): string {
  return toHex(fieldToBytes(field));
}

/** Demands that the story meets, of both kinds of key. */
export function demandsFor({ sets }: LinkedStory, changes: Partial<Demands> = {}): Demands {
  const one = (root: Field) => [{ root: hexOf(root), until }];
  return {
    version: 1,
    name: 'tests',
    accepted: one(sets.accepted.root),
    levels: one(sets.levels.root),
    revoked: one(sets.revoked.root),
    key: [
      { kind: 'pck-ca', maxAge: 3600 },
      { kind: 'veks', roots: one(sets.veks.root) },
    ],
    epoch: { maxAge: 600, maxFuture: 60 },
    attestationNonce: toHex(attestationNonce),
    services: ['echo-node'],
    mustShow: ['nonce', 'time'],
    responseTime: { maxAge: 600, maxFuture: 60 },
    challenge: 'caller',
    ...changes,
  };
}

export type Scene = {
  story: LinkedStory;
  file: LinkedProofFile;
  given: GivenLinkedProof;
  settings: LinkedSettings;
  tools: LinkedTools;
};

/** What of a scene a test changes. */
export type Changes = {
  file?: (file: LinkedProofFile) => LinkedProofFile;
  given?: Partial<GivenLinkedProof>;
  demands?: Partial<Demands>;
  settings?: Partial<LinkedSettings>;
  tools?: Partial<LinkedTools>;
};

const whole: Kinds = { key: 'pck', response: 'hash' };

export async function linkedScene(
  kinds: Partial<Kinds> = {},
  options: StoryOptions = {},
): Promise<Scene> {
  const story = await tellLinkedStory(options);
  return sceneOf(story, fileOf(story, { ...whole, ...kinds }), soundTools(story));
}

export function sceneOf(story: LinkedStory, file: LinkedProofFile, tools: LinkedTools): Scene {
  const blank = { ...story.response, signature: new Uint8Array(64) };
  return {
    story,
    file,
    given: {
      proof: utf8(encodeLinkedProofFile(file)),
      response: file.response.kind === 'hash' ? utf8(encodeResponse(blank)) : null,
      audience,
      nonce,
    },
    settings: {
      demands: demandsFor(story),
      now,
      root: { spki: parseCertificate(story.intel.root.der, 'root').spki, insecure: true },
      rootCrls: [story.intel.rootCrl.der],
    },
    tools,
  };
}

/** Of each circuit the public inputs that the story's statements are about. */
export function truthOf({ statements }: LinkedStory): Record<LinkedCircuitName, Uint8Array[]> {
  return {
    'tdx-pck': pckInputs(statements['tdx-pck']),
    'vek-member': memberInputs(statements['vek-member']),
    'tdx-quote': quoteInputs(statements['tdx-quote']),
    response: responseInputs(statements.response),
    'response-text': textInputs(statements['response-text']),
  };
}

function soundTools(story: LinkedStory): LinkedTools {
  const truth = truthOf(story);
  return {
    artifactHash: async () => pinned,
    key: async (circuit) => utf8(circuit),
    verify: async (key, _proof, inputs) => {
      const circuit = fromUtf8(key, 'key') as LinkedCircuitName;
      return truth[circuit].map(toHex).join() === inputs.map(toHex).join();
    },
    crypto: nodeCrypto,
  };
}

export async function verdictIn(scene: Scene, changes: Changes = {}): Promise<LinkedVerdict> {
  const { given, settings, tools, file } = scene;
  const proof = utf8(encodeLinkedProofFile(changes.file?.(file) ?? file));
  const demands = { ...settings.demands, ...changes.demands };
  // Demands are read as a user's are.
  const read = parseDemands(utf8(JSON.stringify(demands)));
  return checkLinkedProof(
    { ...given, proof, ...changes.given },
    { ...settings, demands: read, ...changes.settings },
    { ...tools, ...changes.tools },
  );
}

export function withStatus(status: CheckStatus, { checks }: LinkedVerdict): LinkedCheckId[] {
  return checks.filter((check) => check.status === status).map(({ id }) => id);
}

export function resultOf(id: LinkedCheckId, { checks }: LinkedVerdict) {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`${id} was not made`);
  return found;
}
