/** What goes into a circuit, and what Bob rebuilds of it (protocol, "Linked proofs"). */
import { sha256 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import { type Service, serviceId } from '#verifier/abi/service.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { type Field, fieldToBytes, hiLo } from '#verifier/field.ts';
import { maxDepth } from '#verifier/smt/proof.ts';
import { tag } from '#verifier/tags.ts';
import type { OpenCircuitName } from './circuit-names.ts';

/** What a proof about a response in open linkage states. All byte strings have 32 bytes, but the key. */
export type ResponseStatement = {
  readonly treeRoot: Field;
  readonly serviceId: Bytes;
  /** No public input of `response-open-key`: Bob checks the signature himself. */
  readonly responseHash: Bytes;
  /** x ‖ y, 64 bytes, for `response-open-key`; null where the key stays hidden. */
  readonly publicKey: Bytes | null;
  /** `audienceHash` of Bob's name. */
  readonly audience: Bytes;
  /** Bob's. */
  readonly nonce: Bytes;
};

/** SHA-256(tag(audience) ‖ UTF-8 text) */
export function audienceHash(text: string): Bytes {
  return sha256(concat(tag('audience'), utf8(text)));
}

/**
 * Public inputs of response-open: tree root, service id hi, lo, response hash hi, lo, audience hi,
 * lo, nonce hi, lo · response-open-key: tree root, service id hi, lo, x hi, lo, y hi, lo, audience
 * hi, lo, nonce hi, lo. In this order, each one field of 32 bytes.
 * @throws RangeError when the statement lacks the key that the circuit shows, or a part has a wrong
 * length
 */
export function publicInputs(name: OpenCircuitName, statement: ResponseStatement): Uint8Array[] {
  const { treeRoot, audience, nonce } = statement;
  const shown = name === 'response-open' ? [statement.responseHash] : halves(statement.publicKey);
  const strings = [statement.serviceId, ...shown, audience, nonce];
  return [treeRoot, ...strings.flatMap(hiLo)].map(fieldToBytes);
}

function halves(publicKey: Bytes | null): [x: Bytes, y: Bytes] {
  if (publicKey === null) throw new RangeError('response-open-key shows the public key: give it');
  if (publicKey.length !== 64) {
    throw new RangeError(`a public key has 64 bytes x ‖ y, got ${publicKey.length}`);
  }
  return [publicKey.subarray(0, 32), publicKey.subarray(32)];
}

/** What Alice knows beside the response. */
export type KeyWitness = {
  readonly service: Service;
  /** Of the proof that the tree with this root holds the service. */
  readonly siblings: readonly Field[];
  readonly root: Field;
  /** `audienceHash` of Bob's name. */
  readonly audience: Bytes;
  /** Bob's 32 bytes. */
  readonly nonce: Bytes;
};

export type ResponseWitness = KeyWitness & {
  readonly responseHash: Bytes;
  /** r ‖ s, 64 bytes. */
  readonly signature: Bytes;
};

/**
 * Checks nothing: the circuit refuses what does not hold.
 * @throws RangeError for a wrong length, more than 64 siblings, or what is no field
 * @throws AttestationError `value-out-of-range` for a name that no service can have
 */
export function toResponseOpenInputs(witness: ResponseWitness): InputMap {
  const { service, responseHash, signature } = witness;
  const [x, y] = halves(service.publicKey);
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  return {
    ...sharedInputs(witness),
    response_hash: limbsInput(responseHash),
    service: { nar_hash: limbsInput(service.narHash), x: limbsInput(x), y: limbsInput(y) },
    signature: { r: limbsInput(r), s: limbsInput(s) },
  };
}

/** Like `toResponseOpenInputs`, for the circuit that shows the key. */
export function toResponseOpenKeyInputs(witness: KeyWitness): InputMap {
  const { service } = witness;
  const [x, y] = halves(service.publicKey);
  return {
    ...sharedInputs(witness),
    x: limbsInput(x),
    y: limbsInput(y),
    nar_hash: limbsInput(service.narHash),
  };
}

/** @throws RangeError for more than 64 siblings */
export function pathInput(siblings: readonly Field[]): InputMap {
  if (siblings.length > maxDepth) {
    throw new RangeError(`a path has ${maxDepth} siblings at most, got ${siblings.length}`);
  }
  const padded = Array.from({ length: maxDepth }, (_, i) => fieldInput(siblings[i] ?? 0n));
  return { n: fieldInput(BigInt(siblings.length)), siblings: padded };
}

function sharedInputs({ service, siblings, root, audience, nonce }: KeyWitness): InputMap {
  return {
    tree_root: fieldInput(root),
    service_id: limbsInput(serviceId(service.name)),
    audience: limbsInput(audience),
    nonce: limbsInput(nonce),
    path: pathInput(siblings),
  };
}

/** 32 bytes as the circuits' struct of two limbs. */
export function limbsInput(bytes: Bytes): InputMap {
  const [hi, lo] = hiLo(bytes);
  return { hi: fieldInput(hi), lo: fieldInput(lo) };
}

/** @throws RangeError for what is no field: noir_js would reduce it */
export function fieldInput(value: Field): string {
  return `0x${toHex(fieldToBytes(value))}`;
}
