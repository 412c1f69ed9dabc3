/** The security argument of the whole verifier, read from top to bottom. */
import type { Bundle } from './abi/bundle.ts';
import type { HclReport } from './abi/hcl.ts';
import { type Bytes, concat } from './bytes.ts';
import { Checklist } from './checklist.ts';
import { applicableChecks, type Subject } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import type { Collateral, Evidence } from './evidence.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import { type LogClaims, makeVerified, type Verified, type VerifiedRecord } from './verified.ts';
import { verifyBinding } from './verify-binding.ts';
import { type Given, noRoad, type Road, signedBy, verifyQuote, verifySnp } from './verify-cpu.ts';
import { type Beside, nothingBeside, verifyBeside } from './verify-devices.ts';
import { bindHcl, verifyHcl } from './verify-hcl.ts';
import { openBundle, subjectOf } from './verify-subject.ts';

/**
 * Verifies everything about the evidence that does not depend on what a particular user wants; that is `appraise`.
 * Bad evidence never throws: it fails checks. Collateral given here is used before what a bundle carries.
 */
export async function verify(
  evidence: Evidence,
  collateral: readonly Collateral[],
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<Verified> {
  // 1. Bytes to values, strictly. A bundle or HCL report names the machine that its evidence is of, and so which checks apply.
  const opened = evidence.form === 'bundle' ? openBundle(evidence.bytes) : null;
  const bundle = opened?.bundle ?? null;
  const subject = subjectOf(evidence, bundle);
  const list = new Checklist(applicableChecks(subject, 'verify'));
  if (opened !== null)
    list.attempt('parse.bundle', opened.orThrow, undefined, 'an evidence bundle, version 1');
  const hcl = evidence.form === 'hcl' ? verifyHcl(list, evidence.bytes, evidence.quote) : null;

  // Copies: a caller who reuses his buffers while signatures are checked changes nothing here.
  const all = [...collateral, ...(bundle?.collateral ?? [])].map(({ kind, data }) => ({
    kind,
    data: concat(data),
  }));
  const given: Given = {
    collateral: (kind) => all.filter((item) => item.kind === kind).map(({ data }) => data),
    roots,
    now,
    crypto,
  };

  // 2 to 4. The machine's key by a chain to a pinned root, nothing in it revoked, and the evidence by that key.
  const road = await verifyCpu(list, evidence, subject, { bundle, hcl }, given);

  // 5. What the guest had signed: closure, services, devices, log; nonce, channel, epoch.
  let logged: LogClaims = { trees: [], events: [] };
  let beside: Beside = nothingBeside;
  const readable = evidence.form === 'bundle' ? bundle : evidence.form === 'hcl' ? hcl : evidence;
  if (readable === null) {
    list.skipRest(evidence.form === 'bundle' ? 'a readable bundle' : 'a readable HCL report');
  } else {
    if (evidence.form === 'bundle' && bundle !== null) {
      const { nonce, connection } = evidence;
      logged = verifyBinding(list, bundle, road.reportData, nonce, connection);
    }
    if (evidence.form === 'hcl') bindHcl(list, hcl, signedOf(subject, road));
    // 6. What is beside the CPU, each by its own vendor's chain, and answering the nonce that was made for it.
    beside = await verifyBeside(list, evidence, { bundle, hcl, road }, given);
  }

  const ends = [...road.ends, ...beside.ends].toSorted((one, other) => one.at - other.at);
  return makeVerified({
    subject,
    at: now,
    checks: list.finish(),
    claims: claimsOf(evidence, road, beside),
    tpm: beside.tpm,
    nitroTpm: evidence.form === 'bundle' ? beside.nitro : null,
    eventLog: beside.eventLog,
    devices: beside.nvidia.filter((device) => device !== null),
    hcl: hcl?.claims ?? null,
    bundle: bundle && {
      bound: bundle.bound,
      deviceCount: bundle.devices.length,
      deviceKinds: bundle.devices.map(({ kind }) => kind),
      epoch: bundle.epoch,
      channel: bundle.channel,
      ...logged,
    },
    proof: null,
    insecureRoot: [road.root, ...beside.roots].some((root) => root?.insecure === true),
    expires: ends[0]?.at ?? null,
    ends,
  });
}

function verifyCpu(
  list: Checklist,
  evidence: Evidence,
  { tee }: Subject,
  { bundle, hcl }: { bundle: Bundle | null; hcl: HclReport | null },
  given: Given,
): Promise<Road> {
  const bytes = cpuEvidence(evidence, bundle, hcl);
  if (bytes === undefined) return Promise.resolve(noRoad);
  if (tee === 'sev-snp' && bytes !== null) {
    const table = (evidence.form === 'report' && evidence.certificateTable) || null;
    return verifySnp(list, bytes, table, given);
  }
  if (tee === 'tdx' || tee === 'sgx') return verifyQuote(list, bytes, tee, given);
  return Promise.resolve(noRoad);
}

/** What the CPU signed; undefined where there is none to be, null where a quote is due and none came. */
function cpuEvidence(
  evidence: Evidence,
  bundle: Bundle | null,
  hcl: HclReport | null,
): Bytes | null | undefined {
  switch (evidence.form) {
    case 'report':
    case 'quote':
      return concat(evidence.bytes);
    case 'bundle':
      return bundle?.evidence;
    case 'hcl':
      if (hcl === null) return undefined;
      return hcl.type === 'sev-snp' ? hcl.hardwareReport : evidence.quote && concat(evidence.quote);
    default:
      return undefined;
  }
}

function signedOf({ tee }: Subject, road: Road) {
  const { snp, td } = signedBy(road);
  return tee === 'tdx'
    ? ({ tee: 'tdx', report: td } as const)
    : ({ tee: 'sev-snp', report: snp } as const);
}

function claimsOf({ form }: Evidence, road: Road, beside: Beside): VerifiedRecord['claims'] {
  switch (form) {
    case 'nitro':
      return beside.nitro && { platform: 'nitro', document: beside.nitro };
    case 'tpm-quote':
      return beside.tpm && { platform: 'tpm' };
    case 'gpu':
      return beside.nvidia.some((device) => device !== null) ? { platform: 'nvidia' } : null;
    default:
      return road.claims;
  }
}
