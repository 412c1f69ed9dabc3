/** Stage proof of linked proofs: pinned artefacts, their keys, and each proof for inputs that the checker rebuilt. */
import type { Bytes } from '#verifier/bytes.ts';
import type { ProofTools } from '../bob.ts';
import { audienceHash } from '../circuit-inputs.ts';
import type { LinkedCircuitName } from '../circuit-names.ts';
import { ProverError } from '../errors.ts';
import { keyDemandOf } from './bob-demands.ts';
import type { Message } from './bob-message.ts';
import { checkOpening } from './bob-shown.ts';
import type { Vouched } from './bob-vouched.ts';
import type { Demands, SetDemand } from './demands.ts';
import { type Finding, fail, judge, pass, skip } from './linked-checks.ts';
import type { LinkedKey, LinkedProof, LinkedProofFile } from './proof-file.ts';
import { circuitOfKey } from './proof-file-key.ts';
import { machineInputs, memberInputs, pckInputs, timeInteger } from './public-inputs.ts';

/** What the checker works with. What they lack they throw as ProverError, and the check is skipped. */
export type LinkedProofTools = {
  /** Hash of the pinned artefact, hex. */
  artifactHash(circuit: LinkedCircuitName): Promise<string>;
  key(circuit: LinkedCircuitName): Promise<Bytes>;
  verify: ProofTools['verify'];
};

/** Who asked for the proof. */
export type AskedBy = {
  /** The checker's own name, as the prover was told it. */
  readonly audience: string;
  /** The 32 bytes that he drew for her. */
  readonly nonce: Bytes;
};

export type ProofFindings = {
  'link.artifacts': Finding;
  'link.verification-keys': Finding;
  /** Null: the demands name no set that the key could be in, and the check of its kind says so. */
  'link.key': Finding | null;
  'link.machine': Finding;
  'link.response': Finding;
};

type Part = 'key' | 'machine' | 'response';

/** What is to be verified: no key's proof where its certificate is shown. */
type Circuits = Readonly<
  Record<'machine' | 'response', LinkedCircuitName> & { key: LinkedCircuitName | null }
>;

/** Which circuit each part of the file is of, by what the file says it is. */
export function circuitsOf({ key, machine, response }: LinkedProofFile): Circuits {
  return {
    key: circuitOfKey[key.kind],
    machine: machine.circuit,
    response: response.kind === 'hash' ? 'response' : 'response-text',
  };
}

type Proven = {
  readonly part: Part;
  readonly circuit: LinkedCircuitName;
  readonly proof: LinkedProof;
};

function proofsOf(file: LinkedProofFile): Proven[] {
  const { key, machine, response } = file;
  const circuits = circuitsOf(file);
  const rest: Proven[] = [
    { part: 'machine', circuit: circuits.machine, proof: machine.proof },
    { part: 'response', circuit: circuits.response, proof: response.proof },
  ];
  return key.kind === 'shown'
    ? rest
    : [{ part: 'key', circuit: circuitOfKey[key.kind], proof: key.proof }, ...rest];
}

export type ProofInputs = {
  readonly file: LinkedProofFile;
  readonly vouched: Pick<Vouched, 'issuer' | 'vek'>;
  readonly message: Message | null;
  readonly askedBy: AskedBy;
  readonly demands: Demands;
};

/** @returns also the set that the key was proved to be in */
export async function checkProofs(
  inputs: ProofInputs,
  tools: LinkedProofTools,
): Promise<{ findings: ProofFindings; memberOf: SetDemand | null }> {
  const proofs = proofsOf(inputs.file);
  const artifacts = await checkArtifacts(proofs, tools);
  const keys = await keysOf(artifacts, proofs, tools);
  const verifier = verifierOf(keys, tools);
  const key = await checkKey(inputs, verifier);
  return {
    findings: {
      'link.artifacts': artifacts,
      'link.verification-keys': keys.finding,
      'link.key': key.finding,
      'link.machine': await checkMachine(inputs, verifier),
      'link.response': await checkResponse(inputs, verifier),
    },
    memberOf: key.memberOf,
  };
}

async function checkArtifacts(
  proofs: readonly Proven[],
  tools: LinkedProofTools,
): Promise<Finding> {
  for (const { circuit, proof } of proofs) {
    const expected = await tools.artifactHash(circuit);
    if (proof.artifact !== expected) {
      const reason = `the proof was made with another ${circuit} than this release holds`;
      return fail({ expected, actual: proof.artifact, reason });
    }
  }
  return pass({ actual: proofs.map(({ circuit }) => circuit).join(', ') });
}

type Keys = { finding: Finding; of: ReadonlyMap<Part, Bytes> | null };

async function keysOf(
  artifacts: Finding,
  proofs: readonly Proven[],
  tools: LinkedProofTools,
): Promise<Keys> {
  if (artifacts.status !== 'pass') {
    return { finding: skip('proofs of the circuits of this release'), of: null };
  }
  const found = await orLacking(async () => {
    const keys = new Map<Part, Bytes>();
    for (const { part, circuit } of proofs) keys.set(part, await tools.key(circuit));
    return keys;
  });
  return typeof found === 'string'
    ? { finding: skip(found), of: null }
    : { finding: pass(), of: found };
}

/** @returns whether a part holds for these public inputs; in words what is lacking, when that is why there is no answer */
type Verifier = (
  part: Part,
  proof: LinkedProof,
  publicInputs: readonly Bytes[],
) => Promise<boolean | string>;

function verifierOf({ of: keys }: Keys, tools: LinkedProofTools): Verifier {
  return async (part, { proof }, publicInputs) => {
    const key = keys?.get(part);
    return key === undefined
      ? 'the verification key'
      : orLacking(() => tools.verify(key, proof, publicInputs));
  };
}

function judgeProof(answer: boolean | string, expected: string, reason: string): Finding {
  return typeof answer === 'string' ? skip(answer) : judge(answer, { expected, reason });
}

type KeyFinding = { finding: Finding | null; memberOf: SetDemand | null };

async function checkKey(inputs: ProofInputs, verifier: Verifier): Promise<KeyFinding> {
  const { file, vouched } = inputs;
  const { key, keyCommitment } = file;
  switch (key.kind) {
    case 'pck':
    case 'vek':
      return { finding: await checkCertified(inputs, key, verifier), memberOf: null };
    case 'member':
      return checkMember(inputs, key, verifier);
    case 'shown':
      return { finding: checkOpening(vouched.vek, key.salt, keyCommitment), memberOf: null };
  }
}

async function checkCertified(
  { file, vouched: { issuer } }: ProofInputs,
  key: LinkedKey & { kind: 'pck' | 'vek' },
  verifier: Verifier,
): Promise<Finding> {
  if (issuer === null) return skip('a readable certificate of the issuer');
  const at = timeInteger(key.at);
  if (at === null) {
    const reason = 'no certificate is valid at a time outside the years 1970 to 9999';
    return fail({ expected: 'a time up to 9999', actual: `${key.at} s`, reason });
  }
  const { keyCommitment } = file;
  const answer = await verifier('key', key.proof, pckInputs({ issuer, at, keyCommitment }));
  return judgeProof(
    answer,
    'a proof under this issuer, time and C_key',
    'the proof was altered, or is of another issuer, time or C_key',
  );
}

async function checkMember(
  { file, demands }: ProofInputs,
  { proof }: LinkedKey & { kind: 'member' },
  verifier: Verifier,
): Promise<KeyFinding> {
  const demand = keyDemandOf(demands, 'veks');
  if (demand === undefined) return { finding: null, memberOf: null };
  const { keyCommitment } = file;
  // The file does not say which set: the checker's own are few, and each question takes milliseconds.
  for (const set of demand.roots) {
    const inputs = memberInputs({ veks: BigInt(`0x${set.root}`), keyCommitment });
    const answer = await verifier('key', proof, inputs);
    if (typeof answer === 'string') return { finding: skip(answer), memberOf: null };
    if (answer) return { finding: pass({ actual: set.root }), memberOf: set };
  }
  const finding = fail({
    expected: demand.roots.map(({ root }) => root).join(' or '),
    actual: 'in none of them',
    reason: 'the proof was altered, or is of a set that the demands do not name, or another C_key',
  });
  return { finding, memberOf: null };
}

async function checkMachine({ file }: ProofInputs, verifier: Verifier): Promise<Finding> {
  const { keyCommitment, attestation, machine } = file;
  const statement = { ...machine, keyCommitment, attestation };
  return judgeProof(
    await verifier('machine', machine.proof, machineInputs(statement)),
    'a proof about these sets, epochs and nonce, this C_key and this C_att',
    'the proof was altered, or is about other sets, epochs or nonce, or another C_key or C_att',
  );
}

async function checkResponse(
  { file, message, askedBy }: ProofInputs,
  verifier: Verifier,
): Promise<Finding> {
  if (message === null) return skip('a readable message');
  const { audience, nonce } = askedBy;
  const asked = { audience: audienceHash(audience), nonce };
  return judgeProof(
    await verifier('response', file.response.proof, message.inputs(file.attestation, asked)),
    `a proof for audience "${audience}" and this nonce`,
    'the proof was altered, or is about another message, C_att, audience or nonce than these',
  );
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
