/** What goes into the circuit snp-vek. Checks nothing: the circuit refuses what does not hold. */
import type { InputMap } from '@noir-lang/noir_js';
import type { Field } from '#verifier/field.ts';
import { fieldInput } from '../circuit-inputs.ts';
import { rsaSignatureInput } from './rsa-inputs.ts';
import { paddedInput384 } from './sha384-inputs.ts';
import type { SnpFacts } from './snp-facts.ts';

/** Bytes of SHA-384's blocks that the circuit has for the certificate. */
export const vekCertificateRoom = 9 * 128;

/** What the circuit takes of the facts. */
export type SnpCertified = Pick<SnpFacts, 'certificate' | 'vek' | 'issuer' | 'issuerModulus'>;

export type SnpVekWitness = {
  readonly facts: SnpCertified;
  /** YYYYMMDDhhmmss UTC as an integer. */
  readonly at: bigint;
  readonly commitment: Field;
  readonly salt: Field;
};

/** @throws RangeError for a certificate that has no room, or a signature that `rsaSignatureInput` does not take */
export function toSnpVekInputs({ facts, at, commitment, salt }: SnpVekWitness): InputMap {
  const { certificate, vek, issuer, issuerModulus } = facts;
  const { bytes, blocks } = paddedInput384(certificate.tbs, vekCertificateRoom);
  return {
    issuer: fieldInput(issuer),
    at: fieldInput(at),
    key_commitment: fieldInput(commitment),
    certificate: bytes,
    blocks,
    issuer_modulus: [...issuerModulus],
    product: fieldInput(BigInt(vek.product)),
    kind: fieldInput(BigInt(vek.kind)),
    signature: rsaSignatureInput(issuerModulus, certificate.signature),
    salt: fieldInput(salt),
  };
}
