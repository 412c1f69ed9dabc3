/** Cuts DER into its parts, to put others together. */
import * as der from '#test/fake/der.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { DerReader } from '#verifier/chain/der.ts';

/** Each part of a SEQUENCE, or of what else is constructed. */
export function partsOf(sequence: Bytes): Bytes[] {
  const from = new DerReader(sequence, 'test').enter(sequence[0] as number, 'sequence');
  const parts: Bytes[] = [];
  while (!from.done) parts.push(from.element('part').raw);
  return parts;
}

/** A change of a plan: its signed part has other parts, and is rightly signed after that. */
export const parts = (edit: (parts: Bytes[]) => Bytes[]) => ({
  editToBeSigned: (bytes: Bytes) => der.sequence(...edit(partsOf(bytes))),
});
