/**
 * Bob's side: stage proof. Whatever the proof is about is rebuilt from his own data; nothing of it
 * comes from Alice's word.
 */
import {
  parseResponse,
  responseHash,
  type SignedResponse,
  verifyResponse,
} from '#verifier/abi/response.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, isZero } from '#verifier/bytes.ts';
import type { Checklist } from '#verifier/checklist.ts';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime } from '#verifier/time.ts';
import { type ProofClaims, type Verified, withProof } from '#verifier/verified.ts';
import { audienceHash, publicInputs } from './circuit-inputs.ts';
import type { OpenCircuitName } from './circuit-names.ts';
import { ProverError } from './errors.ts';
import { type ProofFile, parseProofFile } from './proof-file.ts';

export type GivenProof = {
  /** Bytes of the proof file. */
  proof: Bytes;
  /** Bytes of the response's JSON. */
  response: Bytes;
  /** Bob's own name, as Alice was told it. */
  audience: string;
  /** The 32 bytes that he drew for her. */
  nonce: Bytes;
};

/**
 * What the checker works with. What they lack they throw as ProverError, and the check is skipped.
 */
export type ProofTools = {
  /** Hash of the pinned artefact, hex. */
  artifactHash(circuit: OpenCircuitName): Promise<string>;
  key(circuit: OpenCircuitName): Promise<Bytes>;
  verify(key: Bytes, proof: Bytes, publicInputs: readonly Bytes[]): Promise<boolean>;
};

/** @returns `verified` with the checks of stage proof; bad proofs fail checks and never throw */
export async function checkProof(
  verified: Verified,
  given: GivenProof,
  tools: ProofTools,
): Promise<Verified> {
  const readProof = () => parseProofFile(given.proof);
  const readResponse = () => parseResponse(fromUtf8(given.response, 'response'));
  const claims = claimsOf(orNull(readProof), orNull(readResponse));
  return withProof(verified, claims, async (list) => {
    const proof = list.attempt('proof.file', readProof, ({ circuit }) => ({ actual: circuit }));
    const response = list.attempt('proof.response', readResponse, ({ service, time }) => ({
      actual: `${service}, signed at ${formatTime(time)} by the service's clock`,
    }));
    if (proof === null) return list.skipRest('a readable proof file');
    const pinned = await checkArtifact(list, proof, tools);
    checkSignature(list, proof, response);
    const key = await keyOf(list, proof.circuit, pinned, tools);
    await checkInputs(list, proof, response, key, verified, given, tools);
  });
}

async function checkArtifact(list: Checklist, proof: ProofFile, tools: ProofTools) {
  const pinned = await tools.artifactHash(proof.circuit);
  return list.decide('proof.artifact', proof.artifact === pinned, {
    expected: pinned,
    actual: proof.artifact,
    reason: `the proof was made with another ${proof.circuit} than this release holds`,
  });
}

/** The circuit that shows the key leaves the signature to the verifier. */
function checkSignature(
  list: Checklist,
  { circuit, publicKey }: ProofFile,
  response: SignedResponse | null,
): void {
  if (circuit !== 'response-open-key') return;
  const id = 'proof.signature';
  if (response === null) return list.skip(id, 'a readable response');
  try {
    list.decide(id, verifyResponse(response, publicKey as Bytes), {
      reason: 'the response was not signed by the disclosed key, or was altered',
    });
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, { reason: error.message });
  }
}

async function keyOf(
  list: Checklist,
  circuit: OpenCircuitName,
  pinned: boolean,
  tools: ProofTools,
): Promise<Bytes | null> {
  if (!pinned) {
    list.skip('proof.key', 'a proof of the circuit of this release');
    return null;
  }
  const key = await orLacking(() => tools.key(circuit));
  if (typeof key === 'string') {
    list.skip('proof.key', key);
    return null;
  }
  list.pass('proof.key');
  return key;
}

async function checkInputs(
  list: Checklist,
  { circuit, proof, publicKey }: ProofFile,
  response: SignedResponse | null,
  key: Bytes | null,
  { bundle }: Verified,
  { audience, nonce }: GivenProof,
  tools: ProofTools,
): Promise<void> {
  const id = 'proof.valid';
  if (bundle === null) return list.skip(id, 'a readable bundle, which has the tree root');
  if (response === null) return list.skip(id, 'a readable response');
  if (key === null) return list.skip(id, 'the verification key');
  const inputs = publicInputs(circuit, {
    treeRoot: bundle.bound.treeRoot,
    serviceId: serviceId(response.service),
    responseHash: responseHash(response),
    publicKey,
    audience: audienceHash(audience),
    nonce,
  });
  const holds = await orLacking(() => tools.verify(key, proof, inputs));
  if (typeof holds === 'string') return list.skip(id, holds);
  const about = circuit === 'response-open' ? 'response' : 'service key';
  list.decide(id, holds, {
    expected: `a proof for audience "${audience}" and this nonce`,
    reason: `the proof was altered, or is about another tree, service, ${about}, audience or nonce than these`,
  });
}

function claimsOf(proof: ProofFile | null, response: SignedResponse | null): ProofClaims {
  return {
    circuit: proof?.circuit ?? 'unreadable',
    service: response?.service ?? null,
    replayable: response !== null && isZero(response.nonce),
    signed: response !== null && !isZero(response.signature),
  };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return null;
  }
}

/** @returns in words what is lacking, when that is why there is no answer */
async function orLacking<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ProverError)) throw error;
    return error.lack;
  }
}
