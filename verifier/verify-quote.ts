/** Stage evidence for TDX and SGX: the quote, back to the platform's key, by Intel's own quoting enclave and module. */
import { sha256 } from '@noble/hashes/sha2.js';
import { qeMatches } from './abi/qe-identity.ts';
import type { Quote } from './abi/quote.ts';
import type { TcbInfo } from './abi/tcb-info.ts';
import {
  assessTcb,
  moduleIdentityOf,
  moduleMatches,
  type TcbAssessment,
} from './abi/tcb-status.ts';
import type { TdReport } from './abi/td-report.ts';
import { type Bytes, concat, equalBytes, isZero, toHex } from './bytes.ts';
import type { IntelChain } from './chain/intel-chain.ts';
import { p256Spki } from './chain/x509.ts';
import { type Checklist, signatureComparison } from './checklist.ts';
import { cpuEvidenceChecks } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import { type IntelCollateral, qeIdentityId } from './verify-intel-collateral.ts';

/**
 * Makes every check of stage evidence.
 * @param given null when there is no quote that could be read
 * @returns null when something needed to judge the TCB is missing
 */
export async function verifyQuoteEvidence(
  list: Checklist,
  given: { quote: Quote; bytes: Bytes } | null,
  chain: IntelChain,
  collateral: IntelCollateral,
  crypto: CryptoPort,
): Promise<TcbAssessment | null> {
  if (given === null) {
    list.skipDue(cpuEvidenceChecks, 'a readable quote');
    return null;
  }
  const { quote, bytes } = given;
  await checkQeReport(list, quote, chain, crypto);
  checkAttestationKey(list, quote);
  const signed = bytes.subarray(0, quote.signedLength);
  const valid = await crypto.verifyP256Sha256(
    p256Spki(quote.attestationKey),
    signed,
    quote.signature,
  );
  list.decide('evidence.quote-signature', valid, {
    ...signatureComparison('the attestation key', valid),
    reason: 'the quote is not signed by its attestation key, or was changed after it was signed',
  });
  checkQeIdentity(list, quote, collateral);
  if (quote.body.kind === 'tdx') checkModule(list, quote.body.report, collateral.tcbInfo);
  return checkLevel(list, quote, chain, collateral);
}

async function checkQeReport(
  list: Checklist,
  quote: Quote,
  { pck }: IntelChain,
  crypto: CryptoPort,
): Promise<void> {
  const id = 'evidence.qe-report-signature';
  if (pck === null) return list.skip(id, 'a readable PCK certificate');
  const { spki } = pck.certificate;
  const valid = await crypto.verifyP256Sha256(spki, quote.qeReportBytes, quote.qeReportSignature);
  list.decide(id, valid, {
    ...signatureComparison('the key of this platform (PCK)', valid),
    reason: 'the report of the quoting enclave is not signed by the key of this platform',
  });
}

/** REPORTDATA of the quoting enclave = SHA-256(attestation key ‖ QE authentication data) ‖ 32 zero bytes */
function checkAttestationKey(list: Checklist, quote: Quote): void {
  const { reportData } = quote.qeReport;
  const expected = sha256(concat(quote.attestationKey, quote.qeAuthData));
  const bound = equalBytes(reportData.subarray(0, 32), expected) && isZero(reportData.subarray(32));
  list.decide('evidence.attestation-key', bound, {
    expected: `${toHex(expected)}, then zeros`,
    actual: toHex(reportData),
    reason: 'the report of the quoting enclave names another attestation key',
  });
}

function checkQeIdentity(list: Checklist, quote: Quote, { qeIdentity }: IntelCollateral): void {
  const id = 'evidence.qe-identity';
  if (qeIdentity === null) return list.skip(id, 'the QE identity (--qe-identity)');
  const wanted = qeIdentityId[quote.body.kind];
  const faults =
    qeIdentity.id === wanted
      ? qeMatches(qeIdentity, quote.qeReport)
      : [`the identity given is of ${qeIdentity.id}, this quote needs that of ${wanted}`];
  list.decide(id, faults.length === 0, {
    expected: `${wanted}, MRSIGNER ${toHex(qeIdentity.mrSigner)}, product ${qeIdentity.isvProdId}`,
    actual: `MRSIGNER ${toHex(quote.qeReport.mrSigner)}, product ${quote.qeReport.isvProdId}`,
    reason: faults.join(', '),
  });
}

function modulesOf({ id, tdxModuleIdentities }: TcbInfo): string {
  const ids = tdxModuleIdentities.map((identity) => identity.id);
  return ids.length === 0
    ? `a TDX module; the ${id} levels given name none`
    : `one of ${ids.join(', ')}`;
}

function checkModule(list: Checklist, report: TdReport, info: TcbInfo | null): void {
  const id = 'evidence.tdx-module';
  if (info === null) return list.skip(id, 'the TCB info (--tcb-info)');
  const identity = info.id === 'TDX' ? moduleIdentityOf(info, report.teeTcbSvn) : null;
  const version = report.teeTcbSvn[1];
  if (identity === null) {
    return list.fail(id, {
      expected: modulesOf(info),
      actual: `TDX module version ${version}`,
      reason: `the TCB info knows no TDX module of version ${version}`,
    });
  }
  const faults = moduleMatches(identity, report);
  list.decide(id, faults.length === 0, {
    expected: `MRSIGNERSEAM ${toHex(identity.mrSigner)}, SEAMATTRIBUTES zero`,
    actual: `MRSIGNERSEAM ${toHex(report.mrSignerSeam)}, SEAMATTRIBUTES ${toHex(report.seamAttributes)}`,
    reason: faults.join(', '),
  });
}

function checkLevel(
  list: Checklist,
  quote: Quote,
  { pck }: IntelChain,
  { tcbInfo, qeIdentity }: IntelCollateral,
): TcbAssessment | null {
  const id = 'evidence.tcb-level';
  const lacks =
    tcbInfo === null
      ? 'the TCB info (--tcb-info)'
      : qeIdentity === null
        ? 'the QE identity (--qe-identity)'
        : 'a readable PCK certificate';
  if (tcbInfo === null || qeIdentity === null || pck === null) {
    list.skip(id, lacks);
    return null;
  }
  const { body } = quote;
  if (tcbInfo.id.toLowerCase() !== body.kind) {
    list.skip(id, `TCB info for ${body.kind.toUpperCase()}`);
    return null;
  }
  const assessment = assessTcb({
    info: tcbInfo,
    identity: qeIdentity,
    pck: pck.tcb,
    tee: body.kind === 'tdx' ? body.report : null,
    qeIsvSvn: quote.qeReport.isvSvn,
  });
  list.decide(id, assessment.status !== 'NotSupported', {
    expected: 'a level of the TCB info that the platform reaches',
    actual: assessment.status,
    reason: assessment.problem ?? 'the platform reaches no level',
  });
  return assessment;
}
