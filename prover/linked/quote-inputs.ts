/** What goes into the circuits tdx-quote and vek-member. Checks nothing: the circuit refuses what does not hold. */
import type { InputMap } from '@noir-lang/noir_js';
import type { Bound, Channel } from '#verifier/abi/report-data.ts';
import type { Field } from '#verifier/field.ts';
import type { Claim } from '#verifier/smt/proof.ts';
import { fieldInput, limbsInput, pathInput } from '../circuit-inputs.ts';
import type { LevelTdx } from './formulas.ts';
import type { MachineStatement, MemberStatement } from './public-inputs.ts';
import type { QuoteFacts } from './quote-facts.ts';
import { absenceInput, levelInput, type Siblings, vendorInputs } from './tdx-inputs.ts';

/** That a set does not hold an element, as `Tree.prove` gives it. */
export type AbsenceProof = {
  readonly claim: Claim;
  readonly proof: { readonly siblings: Siblings };
};

/** What REPORT_DATA binds, and what C_att commits to. */
export type OpeningWitness = {
  readonly bound: Bound;
  readonly channel: Channel;
  /** Seconds: the guest's clock, as the signed freshness holds it. */
  readonly epoch: number;
  /** Of C_att. */
  readonly salt: Field;
};

export type QuoteWitness = OpeningWitness & {
  readonly statement: MachineStatement;
  readonly facts: QuoteFacts;
  /** Of C_key. */
  readonly keySalt: Field;
  /** One that the machine reaches, and where the set of levels holds it. */
  readonly level: LevelTdx;
  readonly levelSiblings: Siblings;
  readonly chipAbsence: AbsenceProof;
  readonly serialAbsence: AbsenceProof;
  /** Where the accepted set holds the reference. */
  readonly referenceSiblings: Siblings;
};

/**
 * @throws RangeError for a signed part that has no room, authentication data that has not 32 bytes, a set that holds what is said
 *   to be absent, more than 64 siblings, or what is no field
 */
export function toTdxQuoteInputs(witness: QuoteWitness): InputMap {
  const { facts, statement } = witness;
  if (facts.authenticationData.length !== 32) {
    throw new RangeError('the circuit takes authentication data of 32 bytes');
  }
  return {
    ...statementInput(statement),
    ...vendorInputs(facts, witness.keySalt),
    level: levelInput(witness.level, witness.levelSiblings),
    revocation: {
      chip: absenceInput(witness.chipAbsence.claim, witness.chipAbsence.proof.siblings),
      serial: absenceInput(witness.serialAbsence.claim, witness.serialAbsence.proof.siblings),
    },
    reference_path: pathInput(witness.referenceSiblings),
    opening: openingInput(witness),
  };
}

/** As tdx-quote and snp-report take it. */
export function statementInput(statement: MachineStatement): InputMap {
  return {
    key_commitment: fieldInput(statement.keyCommitment),
    accepted: fieldInput(statement.accepted),
    levels: fieldInput(statement.levels),
    revoked: fieldInput(statement.revoked),
    epoch_min: fieldInput(BigInt(statement.epochMin)),
    epoch_max: fieldInput(BigInt(statement.epochMax)),
    nonce: limbsInput(statement.nonce),
    attestation: fieldInput(statement.attestation),
  };
}

/** As tdx-quote and snp-report take it. */
export function openingInput({ bound, channel, epoch, salt }: OpeningWitness): InputMap {
  return {
    bound: {
      closure: limbsInput(bound.closureDigest),
      tree_root: fieldInput(bound.treeRoot),
      device: limbsInput(bound.deviceDigest),
      log: limbsInput(bound.logDigest),
    },
    channel: limbsInput(channel === null ? new Uint8Array(32) : channel.hash),
    epoch: fieldInput(BigInt(epoch)),
    salt: fieldInput(salt),
  };
}

export type MemberWitness = {
  readonly statement: MemberStatement;
  /** Which key of the set it is. */
  readonly vek: Field;
  readonly salt: Field;
  readonly siblings: Siblings;
};

/** @throws RangeError for more than 64 siblings, or what is no field */
export function toVekMemberInputs({ statement, vek, salt, siblings }: MemberWitness): InputMap {
  return {
    veks: fieldInput(statement.veks),
    key_commitment: fieldInput(statement.keyCommitment),
    vek: fieldInput(vek),
    salt: fieldInput(salt),
    path: pathInput(siblings),
  };
}
