/** Alice's task about a response, under an attestation that she proved before: refused at once, or one more proof. */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  parseResponse,
  responseHash,
  type SignedResponse,
  verifyResponse,
} from '#verifier/abi/response.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { parseTreeProof, verifyTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { audienceHash } from '../circuit-inputs.ts';
import { AliceError } from './alice-errors.ts';
import { machineCircuit } from './alice-release.ts';
import { discloseOf, maskOf, type Show } from './alice-show.ts';
import { attestationCommitment } from './formulas.ts';
import type { Disclosure, LinkedKey, LinkedProof, LinkedProofFile } from './proof-file.ts';
import { responseInputs, textInputs } from './public-inputs.ts';
import {
  type SignerWitness,
  toLinkedResponseInputs,
  toResponseTextInputs,
} from './response-inputs.ts';
import type { SecretFile } from './secret-file.ts';
import type { ProofJob } from './stages.ts';

export type LinkedResponseRequest = {
  readonly secret: SecretFile;
  /** JSON, and so is `treeProof`: the agent's answer to /proofs/:name. */
  readonly response: Bytes;
  readonly treeProof: Bytes;
  /** Bob's name, as he spells it. */
  readonly audience: string;
  /** Bob's 32 bytes. */
  readonly nonce: Bytes;
  /** Null: the whole response goes to Bob, without its signature. */
  readonly show: Show | null;
};

export type LinkedResponseTask = {
  readonly attestation: Finished;
  readonly response: SignedResponse;
  readonly job: ProofJob;
  /** Null when the proof is about the response's hash. */
  readonly disclosure: Disclosure | null;
};

/** An attestation whose proofs are made. */
type Finished = {
  readonly secret: SecretFile;
  readonly key: LinkedKey;
  /** Of tdx-quote or snp-report. */
  readonly machine: LinkedProof;
};

/**
 * Refuses what would not verify: a service that is not in the tree of C_att, a signature that the tree's key did not make, a body
 * that has no room, what cannot be shown.
 * @throws AliceError `attestation-unfinished`, `body-too-long`, `disclosure-impossible`
 * @throws AttestationError of the parsers, `proof-false`, `signature-malformed`, `signature-false`
 */
export function toLinkedResponseTask(request: LinkedResponseRequest): LinkedResponseTask {
  const { secret, show, nonce } = request;
  const attestation = finished(secret);
  const response = parseResponse(fromUtf8(request.response, 'response'));
  const signer = signerOf(secret, response, request.treeProof);
  const audience = audienceHash(request.audience);
  const commitment = attestationCommitment(secret.opening);
  const about = {
    attestation: commitment,
    serviceId: serviceId(response.service),
    audience,
    nonce,
  };
  if (show === null) {
    const statement = { ...about, responseHash: responseHash(response) };
    const inputs = toLinkedResponseInputs({ ...signer, statement });
    const job = { circuit: 'response', inputs, publicInputs: responseInputs(statement) } as const;
    return { attestation, response, job, disclosure: null };
  }
  const disclosure = discloseOf(response, sha256(response.request), show);
  const statement = { ...about, ...disclosure, ...maskOf(disclosure) };
  const inputs = toResponseTextInputs({ ...signer, statement, response });
  const job = { circuit: 'response-text', inputs, publicInputs: textInputs(statement) } as const;
  return { attestation, response, job, disclosure };
}

/** @throws AliceError `attestation-unfinished` */
function finished(secret: SecretFile): Finished {
  const { machine } = secret.proofs;
  const key = linkedKey(secret);
  if (key !== null && machine !== null) return { secret, key, machine };
  const missing = key === null ? 'the machine’s key' : 'the machine';
  throw new AliceError('attestation-unfinished', `the proof about ${missing} is still to be made`);
}

/** Null while its proof is to be made. */
function linkedKey({ key, proofs }: SecretFile): LinkedKey | null {
  if (key.kind === 'shown') return key;
  const { key: proof } = proofs;
  if (proof === null) return null;
  // The set's root is Bob's to know.
  return key.kind === 'member' ? { kind: 'member', proof } : { ...key, proof };
}

/** Who signed, as the tree of C_att holds him. */
function signerOf(
  { opening }: SecretFile,
  response: SignedResponse,
  treeProof: Bytes,
): SignerWitness {
  const { service: name, signature } = response;
  const document = parseTreeProof(fromUtf8(treeProof, 'tree proof'));
  const content = verifyTreeProof(document, { root: opening.treeRoot, name, claim: 'present' });
  if (!verifyResponse(response, content.publicKey)) {
    throw new AttestationError(
      'signature-false',
      `response: its signature is not by the key that the tree holds for ${name}`,
    );
  }
  const { siblings } = document.proof;
  return { opening, service: { name, ...content }, siblings, signature };
}

/** What Bob is handed. */
export function toLinkedProofFile(task: LinkedResponseTask, proof: LinkedProof): LinkedProofFile {
  const { attestation, response, disclosure } = task;
  const { secret, key, machine } = attestation;
  return {
    keyCommitment: secret.keyCommitment,
    attestation: attestationCommitment(secret.opening),
    key,
    machine: { circuit: machineCircuit(secret), proof: machine, ...secret.demanded },
    response:
      disclosure === null
        ? { kind: 'hash', proof }
        : { kind: 'text', proof, service: response.service, disclosure },
  };
}
