/**
 * The record of one verification, failures included. Only `verify` makes it, so nothing can be appraised that was not
 * verified; whether it is any good is for `appraise` to say.
 */
import type { HclClaims } from './abi/hcl-claims.ts';
import type { NitroDocument } from './abi/nitro.ts';
import type { Quote } from './abi/quote.ts';
import type { Bound, Channel } from './abi/report-data.ts';
import type { SnpReport } from './abi/snp.ts';
import type { SnpProduct } from './abi/snp-tcb.ts';
import type { TcbAssessment } from './abi/tcb-status.ts';
import type { PcrValues, TpmHash } from './abi/tpm/hash.ts';
import type { Bytes } from './bytes.ts';
import { Checklist, type CheckResult } from './checklist.ts';
import {
  type AkKind,
  applicableChecks,
  type CheckId,
  type ProofSubject,
  type Subject,
} from './checks.ts';
import type { UnixTime } from './time.ts';

/** What an SEV-SNP report and its certificate say. As true as the checks of its verification are passes. */
export type SnpClaims = {
  platform: 'sev-snp';
  report: SnpReport;
  /** Of the chain if there is one, else of the report's CPUID; null when neither names one. */
  product: SnpProduct | null;
  cspId: string | null;
  /** GUIDs in the host's certificate table beyond AMD's own; null when no table came with the report. */
  certificateTable: readonly string[] | null;
};

/** What a PCK certificate says of its platform. */
export type PlatformClaims = {
  /** 6 bytes */
  fmspc: Bytes;
  /** 16 bytes */
  ppid: Bytes;
  /** 16 bytes; null where the certificate names none. */
  platformInstanceId: Bytes | null;
  sgxType: 'standard' | 'scalable' | 'scalable with integrity';
  /** Null where the certificate does not say. */
  configuration: { dynamicPlatform: boolean; cachedKeys: boolean; smtEnabled: boolean } | null;
  tcb: { pceSvn: number };
};

/** What a TDX or SGX quote and its certificate say. As true as the checks of its verification are passes. */
export type QuoteClaims = {
  platform: 'tdx' | 'sgx';
  quote: Quote;
  /** Null when the certificate could not be read. */
  pck: PlatformClaims | null;
  /** Null when collateral is missing. */
  tcb: TcbAssessment | null;
  /** tcbEvaluationDataNumber of TCB info and QE identity, null for the one that is missing. */
  evaluationNumbers: { tcbInfo: number | null; qeIdentity: number | null };
  /** Checks that failed only because a document's nextUpdate has passed, and when that was. */
  overdue: ReadonlyMap<CheckId, UnixTime>;
};

/** What a document of AWS Nitro says, of an enclave or of an instance with NitroTPM. As true as its checks are passes. */
export type NitroClaims = { platform: 'nitro'; document: NitroDocument };

/** A TPM, or NVIDIA's devices, by themselves: what they say is in `tpm` and `devices`. */
export type BareClaims = { platform: 'tpm' | 'nvidia' };

/** What a TPM's quotes say. As true as the checks of its verification are passes. */
export type TpmClaims = {
  /** extraData, the same in every quote; 66 bytes at most */
  nonce: Bytes;
  /** 8 bytes, hex */
  firmwareVersion: string;
  /** Milliseconds that the TPM was powered. */
  clock: bigint;
  resetCount: number;
  restartCount: number;
  /** Only those that a quote's digest vouches for. */
  pcrs: PcrValues;
  key: AkKind;
  /** Who certified the key; null where nobody did. */
  provider: 'google' | 'azure' | null;
  /** The machine that the key's certificate names, for people. */
  instance: string | null;
};

/** One event of a log that replays to quoted registers. */
export type EventClaimOfLog = {
  /** PCR, or RTMR counted from 0 */
  register: number;
  /** As the TCG names it. */
  type: string;
  /** hex */
  digest: string;
  /** One line for people. */
  what: string;
};

export type EventLogClaims = {
  kind: 'pcr' | 'rtmr';
  algorithm: TpmHash;
  /** In the log's order; none that is extended nowhere. */
  events: readonly EventClaimOfLog[];
  /** The UEFI variable SecureBoot, as measured; null when no event tells. */
  secureBoot: boolean | null;
};

/** What a device of NVIDIA says. */
export type NvidiaClaims = {
  kind: 'gpu' | 'switch';
  /** HOPPER, BLACKWELL, LS10 … */
  architecture: string;
  /** Null for switches, which have none. */
  driver: string | null;
  /** Version of the firmware (VBIOS). */
  vbios: string;
  nonce: Bytes;
  /** The device's own, as its certificate names it. */
  id: string;
  /** Null where no field of the report tells. */
  confidentialMode: 'on' | 'off' | 'devtools' | null;
  /** Compared with a current manifest of NVIDIA for the very version, and equal. */
  matched: { driver: boolean; firmware: boolean };
};

/** A tree that the agent served since the boot: its hash, hex. */
export type TreeClaim = { time: UnixTime; treeRoot: string; reason: string };
/** A runtime event of the guest's root; 32 bytes, hex. */
export type EventClaim = { time: UnixTime; name: string; digest: string };

/** What the log tells. */
export type LogClaims = {
  /** In the log's order: the boot's first, the bound one last; none unless `binding.log` passes. */
  trees: readonly TreeClaim[];
  events: readonly EventClaim[];
};

/** What a bundle says beside its report. */
export type BundleClaims = LogClaims & {
  bound: Bound;
  deviceCount: number;
  /** Kinds of the devices, in their order. */
  deviceKinds: readonly string[];
  epoch: UnixTime;
  channel: Channel;
};

/** What a proof and its response say. As true as the checks of stage proof are passes. */
export type ProofClaims = {
  circuit: ProofSubject;
  /** Null when the response could not be read. */
  service: string | null;
  /** The response answers no client's nonce. */
  replayable: boolean;
  /** The response came with its signature. */
  signed: boolean;
};

/** A piece of collateral and the time from which it no longer counts. */
export type Ending = { what: string; at: UnixTime };

export type VerifiedRecord = {
  subject: Subject;
  /** The time verified for. */
  at: UnixTime;
  /** Every check before stage policy, in order. */
  checks: readonly CheckResult[];
  /** Null when the report, quote or document could not be read. */
  claims: SnpClaims | QuoteClaims | NitroClaims | BareClaims | null;
  /** Null without a TPM's quote, and when none could be read. */
  tpm: TpmClaims | null;
  /** A document of NitroTPM that came as a device of a bundle. */
  nitroTpm: NitroDocument | null;
  /** Null without an event log, and when it does not replay to what was quoted. */
  eventLog: EventLogClaims | null;
  /** In the order of the evidence; none that could not be read. */
  devices: readonly NvidiaClaims[];
  /** What the paravisor of Azure claims; null for other evidence, and when it could not be read. */
  hcl: HclClaims | null;
  /** Null for a raw report, and when the bundle could not be read. */
  bundle: BundleClaims | null;
  /** Null when no proof came with the evidence. */
  proof: ProofClaims | null;
  /** The chain ends in a root that was handed over in place of the vendor's. */
  insecureRoot: boolean;
  /** When the first piece of collateral runs out; null when there is none. */
  expires: UnixTime | null;
  /** All that runs out, the first first. */
  ends: readonly Ending[];
};

/** A protected member is what neither an object literal nor a spread can have. */
declare class Made {
  protected readonly made: true;
}
export type Verified = Readonly<VerifiedRecord> & Made;

// The type is gone at run time; the set keeps the promise there too.
const made = new WeakSet<object>();

/** For verify.ts alone; the layering test holds that. */
export function makeVerified(record: VerifiedRecord): Verified {
  // Each check is frozen already: a checklist made it.
  const checks = Object.freeze([...record.checks]);
  const ends = Object.freeze(record.ends.map((ending) => Object.freeze({ ...ending })));
  const verified = Object.freeze({ ...record, checks, ends }) as Verified;
  made.add(verified);
  return verified;
}

/** @throws TypeError for an object that `verify` did not make */
export function aVerified(value: Verified): Verified {
  if (!made.has(value)) throw new TypeError('appraise takes only what verify made');
  return value;
}

/**
 * The same verification with the checks of stage proof. For the checker of proofs alone; the
 * layering test holds that.
 * @param fill makes each check of that stage
 * @throws RangeError when there is a proof already, or no bundle that it could be about
 */
export async function withProof(
  verified: Verified,
  proof: ProofClaims,
  fill: (list: Checklist) => Promise<void>,
): Promise<Verified> {
  const { subject, checks } = aVerified(verified);
  if (subject.proof !== null) throw new RangeError('this verification has a proof already');
  if (subject.form !== 'bundle') throw new RangeError('a proof is about the tree of a bundle');
  const proved: Subject = { ...subject, proof: proof.circuit };
  const list = new Checklist(applicableChecks(proved, 'proof'));
  await fill(list);
  return makeVerified({
    ...verified,
    subject: proved,
    proof,
    checks: [...checks, ...list.finish()],
  });
}
