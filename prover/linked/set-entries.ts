/**
 * What the sets of the linked proofs hold: an entry as its file states it, and the element of the tree that it stands for. One
 * set may hold entries of both vendors, told apart by their members.
 */
import type { Field } from '#verifier/field.ts';
import type { LevelTdx, Pck } from './formulas.ts';
import {
  type AcceptedSnp,
  acceptedSnp,
  type LevelSnp,
  levelsSnp,
  type RevokedChipId,
  revokedSnp,
  type VekSnp,
  veksSnp,
} from './set-entries-snp.ts';
import {
  type AcceptedTdx,
  acceptedTdx,
  levelsTdx,
  type RevokedCertificate,
  type RevokedPpid,
  revokedTdx,
  veksTdx,
} from './set-entries-tdx.ts';
import { type EntryFormat, either } from './set-entry-format.ts';

/** What may run. */
export type AcceptedEntry = AcceptedTdx | AcceptedSnp;

/** A machine by its PPID or its chip id, or one certificate of Intel's. */
export type RevokedEntry = RevokedPpid | RevokedCertificate | RevokedChipId;

export type SetEntries = {
  readonly accepted: AcceptedEntry;
  readonly levels: LevelTdx | LevelSnp;
  readonly revoked: RevokedEntry;
  readonly veks: Pck | VekSnp;
};

export const setKinds = ['accepted', 'levels', 'revoked', 'veks'] as const;
export type SetKind = (typeof setKinds)[number];

const formats: { readonly [K in SetKind]: EntryFormat<SetEntries[K]> } = {
  accepted: either('measurement', acceptedSnp, acceptedTdx),
  levels: either('product', levelsSnp, levelsTdx),
  revoked: either('chipId', revokedSnp, revokedTdx),
  veks: either('product', veksSnp, veksTdx),
};

export function isSnpLevel(level: SetEntries['levels']): level is LevelSnp {
  return 'product' in level;
}

export function formatOf<K extends SetKind>(kind: K): EntryFormat<SetEntries[K]> {
  return formats[kind];
}

/** The element of the tree: a reference, a level, a chip or a serial, a vek (prover/linked/formulas.ts, formulas-snp.ts). */
export function elementOf<K extends SetKind>(kind: K, entry: SetEntries[K]): Field {
  return formats[kind].element(entry);
}

/** The entry as one line of a set file. Two entries are the same when their lines are. */
export function lineOf<K extends SetKind>(kind: K, entry: SetEntries[K]): string {
  return JSON.stringify(formats[kind].toJson(entry));
}
