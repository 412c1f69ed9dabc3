/** Who agrees on what: the good signatures of listed builders, counted over equal values. */

import type { ReferenceValues } from './values.ts';
import { aVerifiedReferences, type VerifiedReferences } from './verified.ts';

/** Whom a reader trusts to build; `key` is a fingerprint. */
export type Builder = { readonly name: string; readonly key: string };

export type Agreement = {
  values: ReferenceValues;
  /** The values digest, hex. */
  digest: string;
  /** Names of the builders that signed these values, each once, in the order of the list. */
  signers: readonly string[];
};

/**
 * One for each distinct set of values, in the order of the files. A builder counts once, in however many files; a signature over
 * other values counts for those.
 * @throws RangeError for a name or key that is listed twice: one builder would count as two
 * @throws TypeError for references that `verifyReferences` did not make
 */
export function agreementsOf(
  references: VerifiedReferences,
  builders: readonly Builder[],
): Agreement[] {
  for (const member of ['name', 'key'] as const) {
    if (new Set(builders.map((builder) => builder[member])).size !== builders.length)
      throw new RangeError(`each builder has its own ${member}`);
  }
  const byDigest = new Map<string, { values: ReferenceValues; keys: Set<string> }>();
  for (const { values, digest, signatures } of aVerifiedReferences(references).files) {
    const found = byDigest.get(digest) ?? { values, keys: new Set() };
    for (const { key, good } of signatures) if (good) found.keys.add(key);
    byDigest.set(digest, found);
  }
  return [...byDigest].map(([digest, { values, keys }]) => ({
    values,
    digest,
    signers: builders.filter(({ key }) => keys.has(key)).map(({ name }) => name),
  }));
}
