/** The security argument of the whole verifier, read from top to bottom. */
import { type Bundle, type CollateralKind, parseBundle } from './abi/bundle.ts';
import { parseReport, type SnpReport } from './abi/snp.ts';
import { productOfCpuid } from './abi/snp-tcb.ts';
import { type Bytes, concat } from './bytes.ts';
import { type AmdChain, verifyAmdChain } from './chain/amd-chain.ts';
import { verifyRevocation } from './chain/amd-crl.ts';
import type { RevocationList } from './chain/x509.ts';
import { Checklist } from './checklist.ts';
import { applicableChecks, entryOf, type Subject } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import type { Collateral, Evidence } from './evidence.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import { makeVerified, type Verified } from './verified.ts';
import { verifyBinding } from './verify-binding.ts';
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
  const subject = subjectOf(evidence);
  const list = new Checklist(
    applicableChecks(subject).filter((id) => entryOf(id).stage !== 'policy'),
  );

  // 1. Bytes to values, strictly.
  const bundle =
    evidence.form === 'bundle'
      ? list.attempt('parse.bundle', () => parseBundle(evidence.bytes))
      : null;
  // Copies: a caller who reuses his buffers while signatures are checked changes nothing here.
  const reportBytes =
    evidence.form === 'report' ? concat(evidence.bytes) : (bundle?.evidence ?? null);
  const report = readReport(list, bundle, reportBytes);
  const all = [...collateral, ...(bundle?.collateral ?? [])].map(({ kind, data }) => ({
    kind,
    data: concat(data),
  }));
  const given = (kind: CollateralKind) =>
    all.filter((item) => item.kind === kind).map(({ data }) => data);

  // 2. The chip's key, by a chain to a pinned root.
  const certificates = { vek: given('vek'), ask: given('ask'), ark: given('ark') };
  const chain = await verifyAmdChain(list, certificates, roots, now, crypto);

  // 3. Nothing in that chain is revoked.
  const crl = await verifyRevocation(list, given('ark-crl'), chain, now, crypto);

  // 4. The report, by that key, of that chip, product and TCB.
  await verifySnpEvidence(
    list,
    report === null ? null : { report, bytes: reportBytes as Bytes },
    chain,
    crypto,
  );

  // 5. What the guest had signed: closure, services, devices, log; nonce, channel, epoch.
  if (evidence.form === 'bundle') {
    if (bundle === null) list.skipRest('a readable bundle');
    else verifyBinding(list, bundle, report, evidence.nonce, evidence.connection);
  }

  return makeVerified({
    subject,
    at: now,
    checks: list.finish(),
    claims: report && {
      platform: 'sev-snp',
      report,
      product: chain.vek?.product ?? (report.cpuid && productOfCpuid(report.cpuid)),
      cspId: chain.vek?.cspId ?? null,
      certificateTable: (evidence.form === 'report' && evidence.certificateTable) || null,
    },
    bundle: bundle && {
      bound: bundle.bound,
      deviceCount: bundle.devices.length,
      epoch: bundle.epoch,
      channel: bundle.channel,
    },
    proof: null,
    insecureRoot: chain.root?.insecure ?? false,
    expires: firstExpiry(chain, crl),
  });
}

function subjectOf(evidence: Evidence): Subject {
  return evidence.form === 'report'
    ? { form: 'report', challenged: false, connected: false, proof: null }
    : {
        form: 'bundle',
        challenged: evidence.nonce !== null,
        connected: evidence.connection !== null,
        proof: null,
      };
}

function readReport(list: Checklist, bundle: Bundle | null, bytes: Bytes | null): SnpReport | null {
  if (bytes === null) list.skip('parse.report', 'a readable bundle');
  else if (bundle?.platform === 'tdx') list.skip('parse.report', 'support for TDX in this release');
  else
    return list.attempt(
      'parse.report',
      () => parseReport(bytes),
      ({ version }) => ({ actual: `version ${version}` }),
    );
  return null;
}

function firstExpiry(chain: AmdChain, crl: RevocationList | null): UnixTime | null {
  const ends = [chain.vek, chain.ask, chain.ark].flatMap((held) =>
    held === null ? [] : [held.certificate.notAfter],
  );
  if (crl !== null) ends.push(crl.nextUpdate);
  return ends.length === 0 ? null : Math.min(...ends);
}
