/** What goes into the circuit snp-report. Checks nothing: the circuit refuses what does not hold. */
import { sha384 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import type { Bytes } from '#verifier/bytes.ts';
import { type Field, limbs } from '#verifier/field.ts';
import { fieldInput, pathInput } from '../circuit-inputs.ts';
import { type SnpProductNumber, type SnpSvns, type SnpVek, tcbSnp } from './formulas-snp.ts';
import { p384SignatureInput } from './p384-inputs.ts';
import type { MachineStatement } from './public-inputs.ts';
import {
  type AbsenceProof,
  type OpeningWitness,
  openingInput,
  statementInput,
} from './quote-inputs.ts';
import type { SnpFacts } from './snp-facts.ts';
import { absenceInput, type Siblings } from './tdx-inputs.ts';

/** A level of the checker's set. */
export type SnpLevel = { readonly product: SnpProductNumber; readonly svns: SnpSvns };

/** What the circuit takes of the facts. */
export type SnpSigned = Pick<SnpFacts, 'signed' | 'signature' | 'vek'>;

export type SnpReportWitness = OpeningWitness & {
  readonly statement: MachineStatement;
  readonly facts: SnpSigned;
  /** Of C_key. */
  readonly keySalt: Field;
  /** One of the machine's product that it reaches, and where the set of levels holds it. */
  readonly level: SnpLevel;
  readonly levelSiblings: Siblings;
  /** Of `facts.vek.chip`: 0 for a VLEK, which no set holds. */
  readonly chipAbsence: AbsenceProof;
  /** Where the accepted set holds the reference. */
  readonly referenceSiblings: Siblings;
};

/**
 * @throws RangeError as `p384SignatureInput`, for a set that holds what is said to be absent, more than 64 siblings, or what is no
 *   field
 */
export function toSnpReportInputs(witness: SnpReportWitness): InputMap {
  const { level, chipAbsence } = witness;
  return {
    ...statementInput(witness.statement),
    ...snpVendorInputs(witness.facts, witness.keySalt),
    level: { tcb: fieldInput(tcbSnp(level.svns)), path: pathInput(witness.levelSiblings) },
    revocation: absenceInput(chipAbsence.claim, chipAbsence.proof.siblings),
    reference_path: pathInput(witness.referenceSiblings),
    opening: openingInput(witness),
  };
}

/** The vendor's part: what the VEK signed, and the key that C_key commits to. @throws RangeError as `p384SignatureInput` */
export function snpVendorInputs(
  { signed, signature, vek }: SnpSigned,
  salt: Field,
): { signed: InputMap; certified: InputMap } {
  return {
    signed: {
      report: [...signed],
      signature: p384SignatureInput(sha384(signed), vek.publicKey, signature),
    },
    certified: { vek: snpVekInput(vek), salt: fieldInput(salt) },
  };
}

function snpVekInput({ product, kind, publicKey, chip, tcb }: SnpVek): InputMap {
  return {
    product: fieldInput(BigInt(product)),
    kind: fieldInput(BigInt(kind)),
    x: limbsOf(publicKey.subarray(0, 48)),
    y: limbsOf(publicKey.subarray(48)),
    chip: fieldInput(chip),
    tcb: fieldInput(tcb),
  };
}

/** Each 16 bytes as a field. */
function limbsOf(bytes: Bytes): string[] {
  return limbs(bytes).map(fieldInput);
}
