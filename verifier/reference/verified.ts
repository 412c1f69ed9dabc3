/**
 * Reference files whose signatures were checked. Only `verifyReferences` makes them, so no appraisal counts a signature that nobody
 * checked; whose signatures count, and how many it takes, is for the policy to say.
 */
import { toHex } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import type { ReferenceFile, ReferenceSignature } from './file.ts';
import { isGoodSignature } from './signature.ts';
import { type ReferenceValues, valuesDigest } from './values.ts';

/** A signature is named by its key alone: the rest is the signer's word. */
export type CheckedSignature = Pick<ReferenceSignature, 'builder' | 'source' | 'key'> & {
  good: boolean;
};

export type CheckedReference = {
  values: ReferenceValues;
  /** The values digest, hex: equal for equal values. */
  digest: string;
  signatures: readonly CheckedSignature[];
};

export type ReferencesRecord = { files: readonly CheckedReference[] };

/** A protected member is what neither an object literal nor a spread can have. */
declare class Made {
  protected readonly made: true;
}
export type VerifiedReferences = Readonly<ReferencesRecord> & Made;

// The type is gone at run time; the set keeps the promise there too.
const made = new WeakSet<object>();

export const maxReferenceFiles = 64;

/**
 * Checks every signature of every file. A false one spoils nothing but itself.
 * @throws RangeError for more than 64 files
 */
export async function verifyReferences(
  files: readonly ReferenceFile[],
  crypto: CryptoPort,
): Promise<VerifiedReferences> {
  if (files.length > maxReferenceFiles)
    throw new RangeError(`at most ${maxReferenceFiles} reference files are taken`);
  return make(await Promise.all(files.map((file) => check(file, crypto))));
}

/** What there is when no file was given. */
export const noReferences: VerifiedReferences = make([]);

/** @throws TypeError for an object that `verifyReferences` did not make */
export function aVerifiedReferences(value: VerifiedReferences): VerifiedReferences {
  if (!made.has(value)) throw new TypeError('appraise takes only what verifyReferences made');
  return value;
}

async function check(
  { values, signatures }: ReferenceFile,
  crypto: CryptoPort,
): Promise<CheckedReference> {
  const own = freezeValues(values);
  const checked = signatures.map(async (signature) => {
    const { builder, source, key } = signature;
    const good = await isGoodSignature(own, signature, crypto);
    return Object.freeze({ builder, source, key, good });
  });
  const digest = toHex(valuesDigest(own));
  return Object.freeze({
    values: own,
    digest,
    signatures: Object.freeze(await Promise.all(checked)),
  });
}

/** A copy: what is appraised later is what was signed. */
function freezeValues(values: ReferenceValues): ReferenceValues {
  return Object.freeze({ ...values, validity: Object.freeze({ ...values.validity }) });
}

function make(files: readonly CheckedReference[]): VerifiedReferences {
  const references = Object.freeze({ files: Object.freeze([...files]) }) as VerifiedReferences;
  made.add(references);
  return references;
}
