/**
 * EAT Attestation Results (draft-ietf-rats-ear-00, whose profile and claim names deployed relying parties read) of a verdict. The
 * shape is that of JSON; ear-cbor.ts is its other spelling.
 */
import type { Verdict } from '../appraise/verdict.ts';
import type { Bytes } from '../bytes.ts';
import type { CheckId } from '../checks.ts';
import { AttestationError } from '../errors.ts';
import {
  type Decoded,
  type Decoder,
  integer,
  object,
  oneOf,
  optional,
  shapeError,
  text,
  unixTime,
} from '../json.ts';
import { aspects } from './aspects.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { statusTier, type Tier, type TrustVector, vectorOf, worstTier } from './vector.ts';

export const earProfile = 'tag:github.com,2023:veraison/ear';

/** Who made the token; a test holds the number to package.json's. */
export const verifierId = { developer: 'affidavit', build: 'affidavit 0.1.0' } as const;

/** Label of the one submodule, by a check that only its TEE has. */
const labels: readonly (readonly [CheckId, string])[] = [
  ['parse.report', 'sev-snp'],
  ['policy.mrtd', 'tdx'],
  ['policy.mrenclave', 'sgx'],
];

const names = text(/^[\x20-\x7e]{1,200}$/, '1 to 200 printable ASCII characters');
const vectorValue = optional(integer(-128, 127));
const vectorMembers = Object.fromEntries(aspects.map((aspect) => [aspect, vectorValue]));
const vectorShape = object(vectorMembers) as Decoder<Partial<TrustVector>>;

function bytesText(min: number, max: number): Decoder<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw shapeError(path, 'base64url text', value);
    const { length } = fromBase64Url(value, path);
    if (length < min || length > max) throw shapeError(path, `${min} to ${max} bytes`, length);
    return value;
  };
}

const appraisalShape = object({
  'ear.status': oneOf<Tier>('none', 'affirming', 'warning', 'contraindicated'),
  'ear.trustworthiness-vector': vectorShape,
  'ear.appraisal-policy-id': optional(names),
});

export type EarAppraisal = Decoded<typeof appraisalShape>;

/** Statuses that do not contradict the vector, by its worst claim; none is for what is undecided. */
const fitting: Record<Tier, readonly Tier[]> = {
  none: ['none', 'warning', 'contraindicated'],
  affirming: ['none', 'affirming', 'warning', 'contraindicated'],
  warning: ['none', 'warning', 'contraindicated'],
  contraindicated: ['contraindicated'],
};

const appraisal: Decoder<EarAppraisal> = (value, path) => {
  const found = appraisalShape(value, path);
  const status = found['ear.status'];
  const worst = worstTier(found['ear.trustworthiness-vector']);
  if (!fitting[worst].includes(status)) {
    throw new AttestationError(
      'value-out-of-range',
      `${path}: status ${status} is better than its vector, whose worst is ${worst}`,
    );
  }
  return found;
};

const submods: Decoder<Readonly<Record<string, EarAppraisal>>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw shapeError(path, 'an object', value);
  const entries = Object.entries(value);
  if (entries.length < 1 || entries.length > 16)
    throw shapeError(path, '1 to 16 members', entries.length);
  return Object.fromEntries(
    entries.map(([name, one]) => [names(name, path), appraisal(one, `${path}.${name}`)]),
  );
};

export const maxRawEvidenceLength = 512 * 1024;

const earShape = object({
  eat_profile: oneOf(earProfile),
  iat: unixTime,
  exp: optional(unixTime),
  eat_nonce: optional(bytesText(8, 64)),
  'ear.verifier-id': object({ developer: names, build: names }),
  'ear.raw-evidence': optional(bytesText(0, maxRawEvidenceLength)),
  submods,
});

export type EarClaims = Decoded<typeof earShape>;

/** @throws AttestationError `json-shape`, `base64-malformed`, `value-out-of-range` */
export function toEar(document: unknown): EarClaims {
  return earShape(document, 'claims');
}

export type EarOptions = {
  /** What the token's reader drew for it, 8 to 64 bytes; not the nonce of the evidence. */
  nonce?: Bytes;
  /** As it came. Left out, since it tells more than a reader of the token needs. */
  rawEvidence?: Bytes;
  /** Seconds that the token holds, at most: it ends before anything of the verdict's forecast does. Default one hour. */
  lifetime?: number;
};

const oneHour = 3_600;

/**
 * The claims of a token about the verdict. `iat` is the time that was verified for: a token for a past time is an old token.
 * @throws RangeError for options out of range
 */
export function makeEar(verdict: Verdict, options: EarOptions = {}): EarClaims {
  const { nonce, rawEvidence, lifetime = oneHour } = options;
  if (!Number.isSafeInteger(lifetime) || lifetime < 1)
    throw new RangeError('a lifetime has 1 second or more');
  if (nonce !== undefined && (nonce.length < 8 || nonce.length > 64))
    throw new RangeError('a nonce has 8 to 64 bytes');
  if (rawEvidence !== undefined && rawEvidence.length > maxRawEvidenceLength)
    throw new RangeError(`raw evidence has ${maxRawEvidenceLength} bytes at most`);
  const vector = vectorOf(verdict);
  const { at, forecast, policy, decision } = verdict;
  // What had run out before and was accepted all the same says nothing about tomorrow.
  const ends = forecast.map((ending) => ending.at).filter((end) => end > at);
  return {
    eat_profile: earProfile,
    iat: at,
    exp: Math.min(at + lifetime, ...ends),
    ...(nonce && { eat_nonce: toBase64Url(nonce) }),
    'ear.verifier-id': verifierId,
    ...(rawEvidence && { 'ear.raw-evidence': toBase64Url(rawEvidence) }),
    submods: {
      [labelOf(verdict)]: {
        'ear.status': statusTier(decision, vector),
        'ear.trustworthiness-vector': vector,
        'ear.appraisal-policy-id': `policy://affidavit/${policy}`,
      },
    },
  };
}

function labelOf({ checks }: Verdict): string {
  const found = labels.find(([id]) => checks.some((check) => check.id === id));
  return found?.[1] ?? 'unreadable';
}
