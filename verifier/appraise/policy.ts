/**
 * What a user accepts, from strict JSON. Every member is written out: silence is refusal, "any" is a word, and what is
 * dangerous says so in its name. docs/policy.md explains each member.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { channelKinds } from '../abi/report-data.ts';
import { type SnpProduct, snpProducts } from '../abi/snp-tcb.ts';
import { type Bytes, concat, fromUtf8, toHex, utf8 } from '../bytes.ts';
import { type CheckId, checkIds } from '../checks.ts';
import {
  anyOr,
  arrayOf,
  canonicalJson,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import { tag } from '../tags.ts';

/** Values as lower-case hex of a fixed number of bytes, kept as text: they are compared and shown as such. */
function hexText(length: number): Decoder<string> {
  return (value, path) => toHex(hexBytes(length)(value, path));
}

/** A non-empty set, each element once. */
function setOf<T>(element: Decoder<T>): Decoder<T[]> {
  const list = arrayOf(element, { min: 1, max: 10_000 });
  return (value, path) => {
    const found = list(value, path);
    if (new Set(found).size !== found.length) throw shapeError(path, 'each value once', value);
    return found;
  };
}

const svn = integer(0, 255);
const tcbFloor = object({ fmc: svn, bootLoader: svn, tee: svn, snp: svn, microcode: svn });
const floorOfProduct = Object.fromEntries(
  snpProducts.map((product) => [product, optional(tcbFloor)]),
) as Record<SnpProduct, ReturnType<typeof optional<Decoded<typeof tcbFloor>>>>;

const snpPolicy = object({
  product: setOf(oneOf(...snpProducts)),
  signingKey: setOf(oneOf('vcek', 'vlek')),
  debug: oneOf('refused', 'dangerously-allowed'),
  migration: oneOf('refused', 'allowed'),
  vmpl: setOf(integer(0, 3)),
  /** A product that is accepted but has no floor here is refused. */
  minimumTcb: anyOr(object(floorOfProduct)),
  chipId: anyOr(setOf(hexText(64))),
  measurement: anyOr(setOf(hexText(48))),
  hostData: anyOr(setOf(hexText(32))),
  reportData: anyOr(setOf(hexText(64))),
});

/** Lets one check be skipped; it cannot turn a failure into a pass. */
const waiver = object({
  check: oneOf(...checkIds),
  reason: text(/^.{1,200}$/su, 'a reason of 1 to 200 characters'),
  /** Unix seconds from which the waiver no longer counts; null is never. */
  expires: nullable(unixTime),
});

const policyShape = object({
  version: version(1),
  name: text(/^[\x20-\x7e]{1,100}$/, 'a name of 1 to 100 printable ASCII characters'),
  /** Left out: SEV-SNP evidence is refused. */
  sevSnp: optional(snpPolicy),
  closureDigest: anyOr(setOf(hexText(32))),
  treeRoot: anyOr(setOf(hexText(32))),
  devices: oneOf('none', 'any'),
  freshness: oneOf('verifier-nonce', 'any'),
  channel: anyOr(setOf(oneOf(...channelKinds))),
  waivers: arrayOf(waiver, { max: checkIds.length }),
});

export type SnpPolicy = Decoded<typeof snpPolicy>;
export type Policy = Decoded<typeof policyShape>;

/** @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed` */
export function parsePolicy(bytes: Bytes): Policy {
  const policy = policyShape(parseJson(fromUtf8(bytes, 'policy'), 'policy'), 'policy');
  const waived = policy.waivers.map(({ check }) => check);
  if (new Set(waived).size !== waived.length) {
    throw shapeError('policy.waivers', 'each check once', waived.join(', '));
  }
  return policy;
}

/** SHA-256 of tag(policy) ‖ the policy as RFC 8785 JSON */
export function policyDigest(policy: Policy): Bytes {
  return sha256(concat(tag('policy'), utf8(canonicalJson(policy))));
}

/** Exact values that a user asks for on top of a policy, as lower-case hex. */
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
  return {
    ...policy,
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
  };
}

function narrow(accepted: 'any' | string[], wanted: string | undefined): 'any' | string[] {
  if (wanted === undefined) return accepted;
  return accepted === 'any' || accepted.includes(wanted) ? [wanted] : [];
}

const revocationChecks: readonly CheckId[] = [
  'collateral.crl-signature',
  'collateral.crl-validity',
  'collateral.revocation',
];

/** The built-in policy: genuine hardware, production guest, any software. It names no software, and says so. */
export const genuinePolicy: Policy = {
  version: 1,
  name: 'genuine',
  sevSnp: {
    product: [...snpProducts],
    signingKey: ['vcek', 'vlek'],
    debug: 'refused',
    migration: 'allowed',
    vmpl: [0, 1, 2, 3],
    minimumTcb: 'any',
    chipId: 'any',
    measurement: 'any',
    hostData: 'any',
    reportData: 'any',
  },
  closureDigest: 'any',
  treeRoot: 'any',
  devices: 'any',
  freshness: 'any',
  channel: 'any',
  waivers: revocationChecks.map((check) => ({
    check,
    reason: 'the policy "genuine" does without a revocation list when none is given',
    expires: null,
  })),
};
