/** Where the checker's sets hold a machine, or do not hold it. */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { AliceError } from './alice-errors.ts';
import type { AbsenceProof } from './quote-inputs.ts';
import { memberSiblings, provenAbsence, type SetOf, type Siblings } from './sets.ts';

/** @param what the machine runs, in words @throws AliceError `not-accepted` */
export function acceptedSiblings(set: SetOf<'accepted'>, reference: Field, what: string): Siblings {
  const siblings = memberSiblings(set, reference);
  if (siblings !== null) return siblings;
  throw new AliceError('not-accepted', `none of the ${set.entries.length} accepted has ${what}`);
}

/** @throws AliceError `machine-revoked` */
export function absenceIn(set: SetOf<'revoked'>, element: Field, what: string): AbsenceProof {
  const found = provenAbsence(set, element);
  if (found !== null) return found;
  throw new AliceError('machine-revoked', `the machine’s ${what} is in the set of what is revoked`);
}

/** @throws AliceError `key-not-listed` */
export function vekSiblings(set: SetOf<'veks'>, vek: Field, name: string): Siblings {
  const siblings = memberSiblings(set, vek);
  if (siblings !== null) return siblings;
  throw new AliceError(
    'key-not-listed',
    `the machine’s ${name}, with this TCB, is none of the ${set.entries.length} keys of the set`,
  );
}

/** Enough of a digest to tell it from others. */
export function short(bytes: Bytes): string {
  return `${toHex(bytes.subarray(0, 6))}…`;
}
