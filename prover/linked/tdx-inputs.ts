/** What goes into the circuits tdx-pck and tdx-quote. Checks nothing: the circuit refuses what does not hold. */
import type { InputMap } from '@noir-lang/noir_js';
import { type Bytes, bigEndian, fromBigEndian } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import type { Claim } from '#verifier/smt/proof.ts';
import { fieldInput, limbsInput, pathInput } from '../circuit-inputs.ts';
import type { LevelTdx, Pck } from './formulas.ts';
import type { QuoteFacts } from './quote-facts.ts';

/** Order of P-256's group. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Bytes of SHA-256's blocks that the circuits have for each message. */
export const certificateRoom = 19 * 64;
export const signedRoom = 12 * 64;

/**
 * message ‖ 0x80 ‖ zeros ‖ length in bits, 8 bytes (FIPS 180-4, 5.1.1), then zeros to `room` bytes.
 * @throws RangeError for a message that has no room
 */
export function paddedInput(message: Bytes, room: number): { bytes: number[]; blocks: string } {
  const blocks = Math.ceil((message.length + 9) / 64);
  if (64 * blocks > room) {
    throw new RangeError(`${message.length} bytes do not fit into ${room / 64} blocks of SHA-256`);
  }
  const bytes = new Uint8Array(room);
  bytes.set(message);
  bytes[message.length] = 0x80;
  bytes.set(bigEndian(BigInt(8 * message.length), 8), 64 * blocks - 8);
  return { bytes: [...bytes], blocks: fieldInput(BigInt(blocks)) };
}

/** The one of s and order − s in the lower half: both verify, and the circuits take that one. */
export function signatureInput(signature: Bytes): InputMap {
  const s = fromBigEndian(signature.subarray(32));
  const low = s > order / 2n ? order - s : s;
  return { r: limbsInput(signature.subarray(0, 32)), s: limbsInput(bigEndian(low, 32)) };
}

export function keyInput(publicKey: Bytes): InputMap {
  return { x: limbsInput(publicKey.subarray(0, 32)), y: limbsInput(publicKey.subarray(32)) };
}

export type PckWitness = {
  readonly facts: QuoteFacts;
  /** YYYYMMDDhhmmss UTC as an integer. */
  readonly at: bigint;
  readonly commitment: Field;
  readonly salt: Field;
};

export function toTdxPckInputs({ facts, at, commitment, salt }: PckWitness): InputMap {
  const { bytes, blocks } = paddedInput(facts.certificate.tbs, certificateRoom);
  return {
    issuer: fieldInput(facts.issuer),
    at: fieldInput(at),
    key_commitment: fieldInput(commitment),
    certificate: bytes,
    blocks,
    issuer_key: keyInput(facts.issuerKey),
    signature: signatureInput(facts.certificate.signature),
    salt: fieldInput(salt),
  };
}

function pckInput(pck: Pck): InputMap {
  return {
    ...keyInput(pck.publicKey),
    chip: fieldInput(pck.chip),
    serial: fieldInput(pck.serial),
    fmspc: integerInput(pck.fmspc),
    cpu_svn: integerInput(pck.cpuSvn),
    pce_svn: fieldInput(BigInt(pck.pceSvn)),
  };
}

function integerInput(bytes: Bytes): string {
  return fieldInput(fromBigEndian(bytes));
}

/** The vendor's part: what the quoting enclave signed, and why it is believed. */
export function vendorInputs(
  facts: QuoteFacts,
  salt: Field,
): { signed: InputMap; certified: InputMap } {
  const { signed, signature, attestationKey, authenticationData, qeReport, qeSignature } = facts;
  return {
    signed: { ...paddedInput(signed, signedRoom), signature: signatureInput(signature) },
    certified: {
      attestation_key: [...attestationKey],
      authentication_data: [...authenticationData],
      qe_report: [...qeReport],
      qe_signature: signatureInput(qeSignature),
      pck: pckInput(facts.pck),
      pck_salt: fieldInput(salt),
    },
  };
}

export type Siblings = readonly Field[];

export function levelInput(level: LevelTdx, siblings: Siblings): InputMap {
  return {
    cpu_svn: integerInput(level.cpuSvn),
    pce_svn: fieldInput(BigInt(level.pceSvn)),
    tee_tcb_svn: integerInput(level.teeTcbSvn),
    qe_isv_svn: fieldInput(BigInt(level.qeIsvSvn)),
    path: pathInput(siblings),
  };
}

/** @throws RangeError for a key that the tree holds */
export function absenceInput(claim: Claim, siblings: Siblings): InputMap {
  if (claim.kind === 'present') throw new RangeError('the key is in the tree: nothing is absent');
  const { other } = claim;
  return {
    is_empty: other === null,
    other_key: fieldInput(other?.key ?? 0n),
    other_value: fieldInput(other?.value ?? 0n),
    path: pathInput(siblings),
  };
}
