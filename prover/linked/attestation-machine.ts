/** A machine of either vendor as the task about it is made. */
import type { Bundle } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { SnpWork, TdxWork } from './attestation-work.ts';
import type { KeyDemand } from './secret-file.ts';
import type { SetOf } from './sets.ts';

/** What is asked of it, whoever's it is. */
export type MachineInputs = {
  readonly bundle: Bundle;
  readonly accepted: SetOf<'accepted'>;
  readonly levels: SetOf<'levels'>;
  readonly revoked: SetOf<'revoked'>;
};

export type Machine = {
  readonly vek: Field;
  readonly reference: Field;
  /** Its key's certificate. */
  readonly certificate: {
    /** PCK, VCEK or VLEK. */
    readonly name: string;
    readonly notBefore: UnixTime;
    readonly notAfter: UnixTime;
  };
  /** DER: its own certificate first, then those above it, as the vendor's kind of proof shows them. */
  readonly chain: readonly Bytes[];
  certifiedAt(at: UnixTime): KeyDemand;
  /** @throws AliceError `level-not-reached`, `not-accepted`, `machine-revoked` */
  placed(): Placed;
};

type Own =
  | 'platform'
  | 'evidence'
  | 'level'
  | 'levelSiblings'
  | 'referenceSiblings'
  | 'chipAbsence';

/** Where the sets have it, and what of it the proofs are made of. */
export type Placed = Pick<TdxWork, Own | 'serialAbsence'> | Pick<SnpWork, Own | 'chain'>;
