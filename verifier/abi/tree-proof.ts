/** The document `/proofs/:name`: a tree holds this service, or does not (protocol, "Tree"). */
import { toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import {
  base64Bytes,
  bool,
  type Decoder,
  hexBytes,
  nullable,
  object,
  parseJson,
  version,
} from '#verifier/json.ts';
import {
  assertField,
  type Entry,
  encodeProof,
  parseProof,
  type TreeProof,
  verifyProof,
} from '#verifier/smt/proof.ts';
import type { Tree } from '#verifier/smt/tree.ts';
import {
  type ServiceContent,
  serviceId,
  serviceKey,
  serviceName,
  serviceValue,
} from './service.ts';

/**
 * What an agent says. Only `verifyTreeProof` makes it true, for the name, root and claim that its
 * caller names.
 */
export type TreeProofDocument = {
  readonly root: Field;
  readonly name: string;
  readonly proof: TreeProof;
} & (
  | { readonly present: true; readonly service: ServiceContent; readonly other: null }
  | { readonly present: false; readonly service: null; readonly other: Entry | null }
);

const field: Decoder<Field> = (value, path) => fieldFromBytes(hexBytes(32)(value, path), path);
const proof: Decoder<TreeProof> = (value, path) => parseProof(base64Bytes(value, path));

const members = object({
  version: version(1),
  root: field,
  name: serviceName,
  present: bool,
  service: nullable(object({ narHash: hexBytes(32), publicKey: hexBytes(64) })),
  other: nullable(object({ key: field, value: field })),
  proof,
});

/**
 * From the parsed JSON: `version` 1 · `root` · `name` · `present` · `service` {`narHash`,
 * `publicKey`} or null · `other` {`key`, `value`} or null · `proof` (base64). A service stands
 * beside `present` true and nowhere else, an other leaf beside `present` false only.
 */
export const treeProofDocument: Decoder<TreeProofDocument> = (value, path) => {
  const { root, name, present, service, other, proof } = members(value, path);
  if (present) {
    if (service !== null && other === null) return { root, name, proof, present, service, other };
    throw crossError(path, '"present" true needs a service and no other leaf');
  }
  if (service === null) return { root, name, proof, present, service, other };
  throw crossError(path, '"present" false forbids a service');
};

function crossError(path: string, problem: string): AttestationError {
  return new AttestationError('json-shape', `${path}: ${problem}`);
}

/**
 * @throws AttestationError `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 * `base64-malformed`, `field-not-canonical`, `proof-malformed`
 */
export function parseTreeProof(text: string): TreeProofDocument {
  return treeProofDocument(parseJson(text, 'tree proof'), 'tree proof');
}

/** The mirror of `parseTreeProof`, as the object to write as JSON. */
export function encodeTreeProof(document: TreeProofDocument) {
  const { root, name, present, service, other, proof } = document;
  return {
    version: 1,
    root: fieldHex(root),
    name,
    present,
    service: service && {
      narHash: toHex(service.narHash),
      publicKey: toHex(service.publicKey),
    },
    other: other && { key: fieldHex(other.key), value: fieldHex(other.value) },
    proof: toBase64(encodeProof(proof)),
  };
}

function fieldHex(value: Field): string {
  return toHex(fieldToBytes(value));
}

/**
 * The document that proves what is true of `name` in this tree.
 * @param service what the tree was built from under this name, null when it holds no such name
 * @throws RangeError when the tree holds something else than `service`
 */
export function buildTreeProof(
  tree: Tree,
  name: string,
  service: ServiceContent | null,
): TreeProofDocument {
  const { claim, proof } = tree.prove(serviceKey(serviceId(name)));
  const base = { root: tree.root, name, proof };
  if (claim.kind === 'absent' && service === null) {
    return { ...base, present: false, service, other: claim.other };
  }
  if (claim.kind === 'present' && service !== null && serviceValue(service) === claim.value) {
    const { narHash, publicKey } = service;
    return { ...base, present: true, service: { narHash, publicKey }, other: null };
  }
  throw new RangeError(`the tree holds something else under the name ${name}`);
}

/** What the verifier asks. The document decides none of it. */
export type TreeQuestion = {
  readonly root: Field;
  readonly name: string;
  readonly claim: 'present' | 'absent';
};

/**
 * verify(root, key, claim, proof) with root, name and claim of the caller; what the document says
 * of them must be the same, and is otherwise not used.
 * @returns the service that the tree holds under the name; null when its absence was asked for and
 * is proved
 * @throws AttestationError `proof-false` when the document answers another question or its proof
 * does not hold, `signature-malformed` for a public key not on the curve, `value-out-of-range` for
 * a name that no service can have
 * @throws RangeError when the claim or the root asked for is none
 */
export function verifyTreeProof(
  document: TreeProofDocument,
  question: TreeQuestion & { readonly claim: 'present' },
): ServiceContent;
export function verifyTreeProof(
  document: TreeProofDocument,
  question: TreeQuestion & { readonly claim: 'absent' },
): null;
export function verifyTreeProof(
  document: TreeProofDocument,
  question: TreeQuestion,
): ServiceContent | null;
export function verifyTreeProof(
  document: TreeProofDocument,
  { root, name, claim }: TreeQuestion,
): ServiceContent | null {
  if (claim !== 'present' && claim !== 'absent') {
    throw new RangeError('the claim asked for is "present" or "absent"');
  }
  assertField(root, 'root');
  const key = serviceKey(serviceId(name));
  const said = document.present ? 'present' : 'absent';
  if (document.name !== name) throw isFalse(name, `the document is about ${document.name}`);
  if (document.root !== root) throw isFalse(name, 'the document is about another tree root');
  if (said !== claim) throw isFalse(name, `expected a proof that it is ${claim}, got ${said}`);

  const holds = document.present
    ? verifyProof(root, key, toPresent(document.service), document.proof)
    : verifyProof(root, key, { kind: 'absent', other: document.other }, document.proof);
  if (!holds) throw isFalse(name, `the siblings do not lead to the root for "${claim}"`);
  return document.service;
}

function toPresent(service: ServiceContent) {
  return { kind: 'present', value: serviceValue(service) } as const;
}

function isFalse(name: string, problem: string): AttestationError {
  return new AttestationError('proof-false', `tree proof of service ${name}: ${problem}`);
}
