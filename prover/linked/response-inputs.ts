/** What goes into the circuits response and response-text. Checks nothing: the circuit refuses what does not hold. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import type { SignedResponse } from '#verifier/abi/response.ts';
import type { Service } from '#verifier/abi/service.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { fieldInput, limbsInput, pathInput } from '../circuit-inputs.ts';
import type { AttestationOpening } from './formulas.ts';
import {
  type Asked,
  maskFields,
  type ResponseStatement,
  shownFields,
  type TextStatement,
} from './public-inputs.ts';
import { paddedInput, type Siblings } from './tdx-inputs.ts';

/** Bytes of SHA-256's blocks that response-text has for a body. */
export const bodyRoom = 13 * 64;

/** Who signed, and where the tree of C_att holds him. */
export type SignerWitness = {
  readonly opening: AttestationOpening;
  readonly service: Service;
  readonly siblings: Siblings;
  /** r ‖ s, 64 bytes. */
  readonly signature: Bytes;
};

export type LinkedResponseWitness = SignerWitness & { readonly statement: ResponseStatement };

/** @throws RangeError for a wrong length, more than 64 siblings, or what is no field */
export function toLinkedResponseInputs(witness: LinkedResponseWitness): InputMap {
  const { statement } = witness;
  return {
    ...sharedInputs(statement),
    response_hash: limbsInput(statement.responseHash),
    ...openingInput(witness.opening),
    ...signerInput(witness),
  };
}

export type TextWitness = SignerWitness & {
  readonly statement: TextStatement;
  readonly response: Pick<SignedResponse, 'nonce' | 'time' | 'request' | 'body'>;
};

/** @throws RangeError as `toLinkedResponseInputs`, and for a body of more than 800 bytes */
export function toResponseTextInputs(witness: TextWitness): InputMap {
  const { statement, response } = witness;
  const { bytes, blocks } = paddedInput(response.body, bodyRoom);
  const hidden = new Uint8Array(32);
  return {
    ...sharedInputs(statement),
    client_nonce: limbsInput(statement.clientNonce ?? hidden),
    time: fieldInput(BigInt(statement.time ?? 0)),
    request_hash: limbsInput(statement.requestHash ?? hidden),
    length: fieldInput(BigInt(statement.length)),
    mask: maskFields(statement).map(fieldInput),
    shown: shownFields(statement).map(fieldInput),
    opening: openingInput(witness.opening),
    content: {
      nonce: limbsInput(response.nonce),
      time: fieldInput(BigInt(response.time)),
      request_hash: limbsInput(sha256(response.request)),
      body: bytes,
      blocks,
    },
    ...signerInput(witness),
  };
}

function sharedInputs(
  statement: Asked & { readonly attestation: bigint; readonly serviceId: Bytes },
): InputMap {
  return {
    attestation: fieldInput(statement.attestation),
    service_id: limbsInput(statement.serviceId),
    audience: limbsInput(statement.audience),
    nonce: limbsInput(statement.nonce),
  };
}

function openingInput({ treeRoot, reference, epoch, salt }: AttestationOpening): InputMap {
  return {
    tree_root: fieldInput(treeRoot),
    reference: fieldInput(reference),
    epoch: fieldInput(BigInt(epoch)),
    salt: fieldInput(salt),
  };
}

function signerInput({ service, siblings, signature }: SignerWitness): InputMap {
  const { narHash, publicKey } = service;
  return {
    service: {
      nar_hash: limbsInput(narHash),
      x: limbsInput(publicKey.subarray(0, 32)),
      y: limbsInput(publicKey.subarray(32)),
    },
    path: pathInput(siblings),
    signature: {
      r: limbsInput(signature.subarray(0, 32)),
      s: limbsInput(signature.subarray(32)),
    },
  };
}
