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
  type LinkedKey,
  type LinkedProofFile,
} from '#prover/linked/proof-file.ts';
import {
  machineInputs,
  memberInputs,
  pckInputs,
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
import type { TdxCircuitName } from '#test/circuits/linked/test-size.ts';
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

export type Kinds = { key: 'pck' | 'member' | 'shown'; response: 'hash' | 'text' };

/** Of one circuit, or zeros. */
export type Proofs = Partial<Record<LinkedCircuitName, { artifact: string; proof: Bytes }>>;

export function proofIn(proofs: Proofs, circuit: LinkedCircuitName) {
  return proofs[circuit] ?? { artifact: pinned, proof: new Uint8Array(proofLength) };
}

/** A proof file as the prover of the story makes it. @param proofs default: zeros */
export function fileOf(story: LinkedStory, kinds: Kinds, proofs: Proofs = {}): LinkedProofFile {
  const { statements, service } = story;
  const proofOf = (circuit: LinkedCircuitName) => proofIn(proofs, circuit);
  const { keyCommitment, attestation, ...machine } = statements['tdx-quote'];
  return {
    keyCommitment,
    attestation,
    key: keyOf(story, kinds.key, proofs),
    machine: { circuit: 'tdx-quote', proof: proofOf('tdx-quote'), ...machine },
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

function keyOf({ intel, salts }: LinkedStory, kind: Kinds['key'], proofs: Proofs): LinkedKey {
  switch (kind) {
    case 'pck':
      return { kind, proof: proofIn(proofs, 'tdx-pck'), issuer: intel.pckCa.der, at: fakeNow };
    case 'member':
      return { kind, proof: proofIn(proofs, 'vek-member') };
    case 'shown':
      return { kind, certificates: [intel.pck.der, intel.pckCa.der], salt: salts.key };
  }
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

/** Demands that the story meets, of every kind of key. */
export function demandsFor(
  { sets }: { sets: Readonly<Record<keyof LinkedStory['sets'], { root: Field }>> },
  changes: Partial<Demands> = {},
): Demands {
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
      { kind: 'shown', vendors: ['intel'] },
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

export type Scene = CheckedScene & { story: LinkedStory };

/** Of either vendor. */
export type CheckedScene = {
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
  settings?: Partial<Pick<LinkedSettings, 'now'>>;
  intel?: Partial<LinkedSettings['intel']>;
  amd?: Partial<LinkedSettings['amd']>;
  tools?: Partial<LinkedTools>;
};

const whole: Kinds = { key: 'pck', response: 'hash' };

/** Of a TDX machine. */
export async function linkedScene(
  kinds: Partial<Kinds> = {},
  options: StoryOptions = {},
): Promise<Scene> {
  const story = await tellLinkedStory(options);
  return sceneOf(story, fileOf(story, { ...whole, ...kinds }), soundTools(truthOf(story)));
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
      intel: {
        root: { spki: parseCertificate(story.intel.root.der, 'root').spki, insecure: true },
        rootCrls: [story.intel.rootCrl.der],
        pckCrls: [story.intel.pckCrl.der],
      },
      amd: { roots: [], crls: [] },
    },
    tools,
  };
}

/** Of each circuit the public inputs that the story's statements are about. */
export function truthOf({ statements }: LinkedStory): Record<TdxCircuitName, Uint8Array[]> {
  return {
    'tdx-pck': pckInputs(statements['tdx-pck']),
    'vek-member': memberInputs(statements['vek-member']),
    'tdx-quote': machineInputs(statements['tdx-quote']),
    response: responseInputs(statements.response),
    'response-text': textInputs(statements['response-text']),
  };
}

/** Of the public inputs that are true of each circuit. */
export type Truth = Partial<Record<LinkedCircuitName, Uint8Array[]>>;

export function soundTools(truth: Truth): LinkedTools {
  return {
    artifactHash: async () => pinned,
    key: async (circuit) => utf8(circuit),
    verify: async (key, _proof, inputs) => {
      const circuit = fromUtf8(key, 'key') as LinkedCircuitName;
      return truth[circuit]?.map(toHex).join() === inputs.map(toHex).join();
    },
    crypto: nodeCrypto,
  };
}

export async function verdictIn(
  scene: CheckedScene,
  changes: Changes = {},
): Promise<LinkedVerdict> {
  const { given, settings, tools, file } = scene;
  const proof = utf8(encodeLinkedProofFile(changes.file?.(file) ?? file));
  const demands = { ...settings.demands, ...changes.demands };
  // Demands are read as a user's are.
  const read = parseDemands(utf8(JSON.stringify(demands)));
  return checkLinkedProof(
    { ...given, proof, ...changes.given },
    {
      ...settings,
      demands: read,
      ...changes.settings,
      intel: { ...settings.intel, ...changes.intel },
      amd: { ...settings.amd, ...changes.amd },
    },
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
