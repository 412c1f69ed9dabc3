/** The security argument of the whole verifier, read from top to bottom. */
import { type Bundle, type CollateralKind, parseBundle } from './abi/bundle.ts';
import { parseQuote, teeOf } from './abi/quote.ts';
import { parseReport } from './abi/snp.ts';
import { productOfCpuid } from './abi/snp-tcb.ts';
import { type Bytes, concat } from './bytes.ts';
import { verifyAmdChain } from './chain/amd-chain.ts';
import { verifyRevocation } from './chain/amd-crl.ts';
import { verifyIntelChain } from './chain/intel-chain.ts';
import { Checklist } from './checklist.ts';
import { applicableChecks, type CheckId, type Subject, type Tee } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { Collateral, Evidence } from './evidence.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import {
  type Ending,
  type LogClaims,
  makeVerified,
  type Verified,
  type VerifiedRecord,
} from './verified.ts';
import { verifyBinding } from './verify-binding.ts';
import { amdEnds, intelEnds } from './verify-ends.ts';
import { type IntelCollateral, verifyIntelCollateral } from './verify-intel-collateral.ts';
import { verifyQuoteEvidence } from './verify-quote.ts';
import { verifySnpEvidence } from './verify-snp.ts';

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
  // 1. Bytes to values, strictly. A bundle names the machine that its evidence is of, and so which checks apply.
  const opened = evidence.form === 'bundle' ? openBundle(evidence.bytes) : null;
  const bundle = opened?.bundle ?? null;
  const subject = subjectOf(evidence, bundle);
  const list = new Checklist(applicableChecks(subject, 'verify'));
  if (opened !== null)
    list.attempt('parse.bundle', opened.orThrow, undefined, 'an evidence bundle, version 1');

  // Copies: a caller who reuses his buffers while signatures are checked changes nothing here.
  const bytes = evidence.form === 'bundle' ? bundle?.evidence : concat(evidence.bytes);
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
  const road =
    bytes === undefined || subject.tee === null
      ? noRoad
      : subject.tee === 'sev-snp'
        ? await verifySnp(list, bytes, evidence, given)
        : await verifyQuote(list, bytes, subject.tee, given);

  // 5. What the guest had signed: closure, services, devices, log; nonce, channel, epoch.
  let logged: LogClaims = { trees: [], events: [] };
  if (evidence.form === 'bundle') {
    const { nonce, connection } = evidence;
    if (bundle === null) list.skipRest('a readable bundle');
    else logged = verifyBinding(list, bundle, road.reportData, nonce, connection);
  }

  const ends = road.ends.toSorted((one, other) => one.at - other.at);
  return makeVerified({
    subject,
    at: now,
    checks: list.finish(),
    claims: road.claims,
    bundle: bundle && {
      bound: bundle.bound,
      deviceCount: bundle.devices.length,
      epoch: bundle.epoch,
      channel: bundle.channel,
      ...logged,
    },
    proof: null,
    insecureRoot: road.root?.insecure ?? false,
    expires: ends[0]?.at ?? null,
    ends,
  });
}

type Given = {
  collateral: (kind: CollateralKind) => readonly Bytes[];
  roots: readonly TrustedRoot[];
  now: UnixTime;
  crypto: CryptoPort;
};

/** What comes out of the steps that depend on the vendor. */
type Road = {
  claims: VerifiedRecord['claims'];
  /** The signed 64 bytes; null when no report could be read. */
  reportData: Bytes | null;
  /** The trusted root that the chain ends in. */
  root: TrustedRoot | null;
  /** When each piece of collateral runs out. */
  ends: readonly Ending[];
};

const noRoad: Road = { claims: null, reportData: null, root: null, ends: [] };

async function verifySnp(
  list: Checklist,
  bytes: Bytes,
  evidence: Evidence,
  { collateral, roots, now, crypto }: Given,
): Promise<Road> {
  const report = list.attempt(
    'parse.report',
    () => parseReport(bytes),
    ({ version }) => ({ actual: `version ${version}` }),
    'a report of version 2 to 5, 1184 bytes',
  );
  // 2. The chip's key.
  const certificates = {
    vek: collateral('vek'),
    ask: collateral('ask'),
    ark: collateral('ark'),
  };
  const chain = await verifyAmdChain(list, certificates, roots, now, crypto);
  // 3. Nothing in that chain is revoked.
  const crl = await verifyRevocation(list, collateral('ark-crl'), chain, now, crypto);
  // 4. The report, by that key, of that chip, product and TCB.
  await verifySnpEvidence(list, report === null ? null : { report, bytes }, chain, crypto);

  const { vek, root } = chain;
  return {
    claims: report && {
      platform: 'sev-snp',
      report,
      product: vek?.product ?? (report.cpuid && productOfCpuid(report.cpuid)),
      cspId: vek?.cspId ?? null,
      certificateTable: (evidence.form === 'report' && evidence.certificateTable) || null,
    },
    reportData: report?.reportData ?? null,
    root,
    ends: amdEnds(chain, crl),
  };
}

async function verifyQuote(
  list: Checklist,
  bytes: Bytes,
  tee: Exclude<Tee, 'sev-snp'>,
  { collateral, roots, now, crypto }: Given,
): Promise<Road> {
  const quote = list.attempt(
    'parse.quote',
    () => {
      const found = parseQuote(bytes);
      if (found.body.kind === tee) return found;
      const kind = found.body.kind.toUpperCase();
      throw new AttestationError(
        'value-out-of-range',
        `the bundle says ${tee.toUpperCase()}, its quote is of ${kind}`,
      );
    },
    ({ header, trailing }) => ({
      actual: `version ${header.version}${trailing > 0 ? `, ${trailing} bytes after its end ignored` : ''}`,
    }),
    `a ${tee.toUpperCase()} quote of version ${tee === 'tdx' ? '4 or 5' : '3, 4 or 5'}`,
  );
  // 2. The platform's key.
  const chain = await verifyIntelChain(list, quote, roots, now, crypto);
  // 3. Nothing in that chain is revoked; what Intel says of such platforms today.
  const found = await verifyIntelCollateral(list, tee, collateral, chain, now, crypto);
  // 4. The quote, by that key through Intel's own enclave, and what its TCB is worth.
  const given = quote === null ? null : { quote, bytes };
  const tcb = await verifyQuoteEvidence(list, given, chain, found, crypto);

  const { pck, trusted } = chain;
  const { tcbInfo, qeIdentity } = found;
  return {
    claims: quote && {
      platform: tee,
      quote,
      pck,
      tcb,
      evaluationNumbers: {
        tcbInfo: tcbInfo?.tcbEvaluationDataNumber ?? null,
        qeIdentity: qeIdentity?.tcbEvaluationDataNumber ?? null,
      },
      overdue: overdueOf(found, now),
    },
    reportData: quote?.body.report.reportData ?? null,
    root: trusted,
    ends: intelEnds(chain, found),
  };
}

function overdueOf(
  { tcbInfo, qeIdentity, lists }: IntelCollateral,
  now: UnixTime,
): ReadonlyMap<CheckId, UnixTime> {
  const dated = {
    'collateral.root-crl-validity': lists.root,
    'collateral.pck-crl-validity': lists.pck,
    'collateral.tcb-info-validity': tcbInfo,
    'collateral.qe-identity-validity': qeIdentity,
  } as const satisfies Partial<Record<CheckId, { nextUpdate: UnixTime } | null>>;
  const late = Object.entries(dated).flatMap(([id, document]) =>
    document !== null && document.nextUpdate < now
      ? [[id as CheckId, document.nextUpdate] as const]
      : [],
  );
  return new Map(late);
}

/** Parsed once; `orThrow` gives what came of it again, for the check. */
function openBundle(bytes: Bytes): { bundle: Bundle | null; orThrow: () => Bundle } {
  try {
    const bundle = parseBundle(bytes);
    return { bundle, orThrow: () => bundle };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const orThrow = () => {
      throw error;
    };
    return { bundle: null, orThrow };
  }
}

function subjectOf(evidence: Evidence, bundle: Bundle | null): Subject {
  if (evidence.form === 'bundle') {
    return {
      form: 'bundle',
      tee: bundle?.platform ?? null,
      challenged: evidence.nonce !== null,
      connected: evidence.connection !== null,
      proof: null,
    };
  }
  const tee = evidence.form === 'report' ? 'sev-snp' : (teeOf(evidence.bytes) ?? 'tdx');
  return { form: evidence.form, tee, challenged: false, connected: false, proof: null };
}
