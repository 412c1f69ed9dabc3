/**
 * Alice's side: what she was given is held to everything that Bob will hold it to, before any work
 * is done.
 */
import { parseBundle } from '#verifier/abi/bundle.ts';
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
import type { Backend } from './backend.ts';
import {
  audienceHash,
  publicInputs,
  type ResponseStatement,
  type ResponseWitness,
  toResponseOpenInputs,
  toResponseOpenKeyInputs,
} from './circuit-inputs.ts';
import type { OpenCircuitName } from './circuit-names.ts';
import { type Executable, executeCircuit } from './execute.ts';
import type { ProofFile } from './proof-file.ts';

export type ProofRequest = {
  bundle: Bytes;
  /** JSON, and so is `treeProof`: the agent's answer to /proofs/:name. */
  response: Bytes;
  treeProof: Bytes;
  /** Bob's name, as he spells it. */
  audience: string;
  /** Bob's 32 bytes. */
  nonce: Bytes;
  circuit: OpenCircuitName;
};

export type Task = {
  readonly circuit: OpenCircuitName;
  readonly response: SignedResponse;
  readonly statement: ResponseStatement;
  readonly witness: ResponseWitness;
};

/** A compiled circuit, and the hash that names it. */
type Artifact = Executable & { readonly artifactHash: string };

/**
 * Refuses what would not verify: an unreadable bundle, a tree proof of another tree or service, a
 * signature that the tree's key did not make. Whether the bundle is genuine is Bob's to decide,
 * under his policy.
 * @throws AttestationError of those parsers, `proof-false`, `signature-malformed`,
 * `signature-false`
 */
export function toTask({ circuit, nonce, ...given }: ProofRequest): Task {
  const { treeRoot: root } = parseBundle(given.bundle).bound;
  const response = parseResponse(fromUtf8(given.response, 'response'));
  const document = parseTreeProof(fromUtf8(given.treeProof, 'tree proof'));
  const { service: name } = response;
  const content = verifyTreeProof(document, { root, name, claim: 'present' });
  if (!verifyResponse(response, content.publicKey)) {
    throw new AttestationError(
      'signature-false',
      `response: its signature is not by the key that the tree holds for ${name}`,
    );
  }
  const audience = audienceHash(given.audience);
  const hash = responseHash(response);
  const { publicKey } = content;
  return {
    circuit,
    response,
    statement: {
      treeRoot: root,
      serviceId: serviceId(name),
      responseHash: hash,
      publicKey: circuit === 'response-open-key' ? publicKey : null,
      audience,
      nonce,
    },
    witness: {
      service: { name, ...content },
      siblings: document.proof.siblings,
      root,
      audience,
      nonce,
      responseHash: hash,
      signature: response.signature,
    },
  };
}

/**
 * Executes the circuit: what it refuses is never proved, for the backend would not say so.
 * @throws Error when the circuit refuses what `toTask` accepted: a fault of the program
 */
export async function solve({ circuit, witness }: Task, artifact: Artifact): Promise<Bytes> {
  const inputs =
    circuit === 'response-open' ? toResponseOpenInputs(witness) : toResponseOpenKeyInputs(witness);
  return executeCircuit(artifact, inputs);
}

/**
 * @param solved the circuit's witness, gzipped as `solve` gives it
 * @throws Error when her own proof does not verify: a fault of the program, and nothing is handed
 * out
 */
export async function prove(
  { circuit, statement }: Task,
  artifact: Artifact,
  solved: Bytes,
  key: Bytes,
  backend: Backend,
): Promise<ProofFile> {
  const proof = await backend.prove(artifact, solved, key);
  if (!(await backend.verify(key, proof, publicInputs(circuit, statement)))) {
    throw new Error(`the proof of ${circuit} that was just made does not verify`);
  }
  const { publicKey } = statement;
  return { circuit, artifact: artifact.artifactHash, proof, publicKey };
}
