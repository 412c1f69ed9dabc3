/**
 * What a user accepts, from strict JSON. Every member is written out: silence is refusal, "any" is a word, and what is
 * dangerous says so in its name. docs/policy.md explains each member.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { channelKinds } from '../abi/report-data.ts';
import { type Bytes, concat, fromUtf8, utf8 } from '../bytes.ts';
import { type CheckId, waivableChecks } from '../checks.ts';
import {
  anyOr,
  arrayOf,
  canonicalJson,
  type Decoded,
  type Decoder,
  described,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  schemaOf,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import { tag } from '../tags.ts';
import { devicePolicy } from './device-policy.ts';
import { nitroPolicy } from './nitro-policy.ts';
import { referencesPolicy, withReferences } from './reference-policy.ts';
import { hexText, setOf } from './sets.ts';
import { sgxPolicy } from './sgx-policy.ts';
import { snpPolicy } from './snp-policy.ts';
import { tdxPolicy } from './tdx-policy.ts';
import { tpmPolicy } from './tpm-policy.ts';

const waivable: Decoder<CheckId> = described(
  (value: unknown, path: string) => {
    const found = waivableChecks.find((id) => id === value);
    if (found === undefined)
      throw shapeError(path, 'a check of revocation or of stage policy', value);
    return found;
  },
  () => ({ enum: waivableChecks }),
);

/** Whole Unicode: half a surrogate pair has no UTF-8, so a policy with one could not be written down again. */
const reason: Decoder<string> = described(
  text(/^\P{Surrogate}{1,200}$/u, 'a reason of 1 to 200 characters'),
  () => ({ type: 'string', minLength: 1, maxLength: 200 }),
);

/** Lets one check be skipped; it cannot turn a failure into a pass. */
const waiver = object({
  check: waivable,
  reason,
  /** Unix seconds from which the waiver no longer counts; null is never. */
  expires: nullable(unixTime),
});

const waiverList = arrayOf(waiver, { max: waivableChecks.length });
const waivers: typeof waiverList = described(
  (value: unknown, path: string) => {
    const found = waiverList(value, path);
    const waived = found.map(({ check }) => check);
    if (new Set(waived).size !== waived.length) {
      throw shapeError(path, 'each check once', waived.join(', '));
    }
    return found;
  },
  () => ({
    ...schemaOf(waiverList),
    // JSON Schema has no "unique by member": each check is in one waiver at most.
    allOf: waivableChecks.map((check) => ({
      contains: { properties: { check: { const: check } } },
      minContains: 0,
      maxContains: 1,
    })),
  }),
);

const wholePolicy = object({
  version: version(1),
  name: text(/^[\x20-\x7e]{1,100}$/, 'a name of 1 to 100 printable ASCII characters'),
  /** Left out: SEV-SNP evidence is refused. */
  sevSnp: optional(snpPolicy),
  /** Left out: TDX quotes are refused. */
  tdx: optional(tdxPolicy),
  /** Left out: SGX quotes are refused. */
  sgx: optional(sgxPolicy),
  /** Left out: quotes of TPMs are refused, except in bundles of whose devices nothing is asked. */
  tpm: optional(tpmPolicy),
  /** Left out: documents of AWS Nitro are refused, except in bundles of whose devices nothing is asked. */
  nitro: optional(nitroPolicy),
  /** Left out: no reference file is asked for. */
  references: optional(referencesPolicy),
  closureDigest: anyOr(setOf(hexText(32))),
  treeRoot: anyOr(setOf(hexText(32))),
  devices: devicePolicy,
  freshness: oneOf('verifier-nonce', 'any'),
  channel: anyOr(setOf(oneOf(...channelKinds))),
  waivers,
});

/** The document; what it is made of carries its JSON Schema (policy-schema.ts). */
export const policyShape = withReferences(wholePolicy);

export type Policy = Decoded<typeof policyShape>;

/** @throws AttestationError `utf8-malformed`, `too-large`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed` */
export function parsePolicy(bytes: Bytes): Policy {
  return toPolicy(parseJson(fromUtf8(bytes, 'policy'), 'policy'));
}

/** From a document that another parser read. @throws AttestationError `json-shape`, `version-unknown`, `hex-malformed` */
export function toPolicy(document: unknown): Policy {
  return seal(policyShape(document, 'policy'));
}

/** Of policies that cannot change any more. */
const digests = new WeakMap<Policy, Bytes>();

/** SHA-256 of tag(policy) ‖ the policy as RFC 8785 JSON */
export function policyDigest(policy: Policy): Bytes {
  const known = digests.get(policy);
  if (known !== undefined) return known;
  return sha256(concat(tag('policy'), utf8(canonicalJson(policy))));
}

/** Freezes the policy, all the way down, and keeps its digest. */
function seal(policy: Policy): Policy {
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  };
  freeze(policy);
  digests.set(policy, policyDigest(policy));
  return policy;
}

/** Exact values that a user asks for on top of a policy, as lower-case hex; `measurement` is MEASUREMENT or MRTD. */
export type Expectations = {
  closureDigest?: string;
  treeRoot?: string;
  measurement?: string;
  reportData?: string;
};

/**
 * The policy that accepts what `policy` accepts and the expectations allow. It can only get narrower: a set that does
 * not hold the expected value becomes empty, and so refuses everything.
 */
export function tighten(policy: Policy, expectations: Expectations): Policy {
  const { closureDigest, treeRoot, measurement, reportData } = expectations;
  if (Object.values(expectations).every((wanted) => wanted === undefined)) return policy;
  const asked = measurement !== undefined || reportData !== undefined;
  return seal({
    ...(asked ? withoutOthers(policy) : policy),
    name: `${policy.name}, narrowed`,
    closureDigest: narrow(policy.closureDigest, closureDigest),
    treeRoot: narrow(policy.treeRoot, treeRoot),
    ...(policy.sevSnp && {
      sevSnp: {
        ...policy.sevSnp,
        measurement: narrow(policy.sevSnp.measurement, measurement),
        reportData: narrow(policy.sevSnp.reportData, reportData),
      },
    }),
    ...(policy.tdx && {
      tdx: {
        ...policy.tdx,
        mrTd: narrow(policy.tdx.mrTd, measurement),
        reportData: narrow(policy.tdx.reportData, reportData),
      },
    }),
    ...(policy.sgx && {
      sgx: {
        ...policy.sgx,
        // An MRENCLAVE has 32 bytes: no enclave has a measurement of 48.
        mrEnclave: measurement === undefined ? policy.sgx.mrEnclave : [],
        reportData: narrow(policy.sgx.reportData, reportData),
      },
    }),
  });
}

/** Without the kinds of evidence that have neither MEASUREMENT nor REPORT_DATA; a TPM beside a machine stays. */
function withoutOthers(policy: Policy): Policy {
  const { nitro, tpm, ...rest } = policy;
  const machines = [policy.sevSnp, policy.tdx, policy.sgx].some((member) => member !== undefined);
  if (!machines) return { ...rest, devices: 'none' };
  const kind = nitro?.kind.filter((one) => one === 'tpm') ?? [];
  return {
    ...rest,
    ...(tpm !== undefined && { tpm }),
    ...(nitro !== undefined && kind.length > 0 && { nitro: { ...nitro, kind } }),
  };
}

function narrow(accepted: 'any' | string[], wanted: string | undefined): 'any' | string[] {
  if (wanted === undefined) return accepted;
  return accepted === 'any' || accepted.includes(wanted) ? [wanted] : [];
}
