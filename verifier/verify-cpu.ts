/** Steps 2 to 4 of a verification, which depend on the CPU: its key, what its vendor says of it, and the evidence by that key. */
import type { CollateralKind } from './abi/bundle.ts';
import { parseQuote, type Quote } from './abi/quote.ts';
import { parseReport, type SnpReport } from './abi/snp.ts';
import { productOfCpuid } from './abi/snp-tcb.ts';
import type { TdReport } from './abi/td-report.ts';
import type { Bytes } from './bytes.ts';
import { verifyAmdChain } from './chain/amd-chain.ts';
import { verifyRevocation } from './chain/amd-crl.ts';
import { verifyIntelChain } from './chain/intel-chain.ts';
import type { Checklist } from './checklist.ts';
import type { CheckId } from './checks.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import type { Ending, QuoteClaims, SnpClaims } from './verified.ts';
import { amdEnds, intelEnds } from './verify-ends.ts';
import { type IntelCollateral, verifyIntelCollateral } from './verify-intel-collateral.ts';
import { verifyQuoteEvidence } from './verify-quote.ts';
import { verifySnpEvidence } from './verify-snp.ts';

/** What every step may use. */
export type Given = {
  collateral: (kind: CollateralKind) => readonly Bytes[];
  roots: readonly TrustedRoot[];
  now: UnixTime;
  crypto: CryptoPort;
};

/** What comes out of the steps that depend on the vendor. */
export type Road = {
  claims: SnpClaims | QuoteClaims | null;
  /** The signed 64 bytes; null when no report could be read. */
  reportData: Bytes | null;
  /** The trusted root that the chain ends in. */
  root: TrustedRoot | null;
  /** When each piece of collateral runs out. */
  ends: readonly Ending[];
};

export const noRoad: Road = { claims: null, reportData: null, root: null, ends: [] };

/** @param certificateTable GUIDs beyond AMD's own, null when no table came with the report */
export async function verifySnp(
  list: Checklist,
  bytes: Bytes,
  certificateTable: readonly string[] | null,
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
      certificateTable,
    },
    reportData: report?.reportData ?? null,
    root,
    ends: amdEnds(chain, crl),
  };
}

/** @param bytes null when a quote is due and none came */
export async function verifyQuote(
  list: Checklist,
  bytes: Bytes | null,
  tee: 'tdx' | 'sgx',
  { collateral, roots, now, crypto }: Given,
): Promise<Road> {
  const quote = bytes === null ? lackingQuote(list) : readQuote(list, bytes, tee);
  // 2. The platform's key.
  const chain = await verifyIntelChain(list, quote, roots, now, crypto);
  // 3. Nothing in that chain is revoked; what Intel says of such platforms today.
  const found = await verifyIntelCollateral(list, tee, collateral, chain, now, crypto);
  // 4. The quote, by that key through Intel's own enclave, and what its TCB is worth.
  const given = quote === null || bytes === null ? null : { quote, bytes };
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

function lackingQuote(list: Checklist): null {
  list.skip('parse.quote', 'the TD quote (--quote)');
  return null;
}

function readQuote(list: Checklist, bytes: Bytes, tee: 'tdx' | 'sgx'): Quote | null {
  return list.attempt(
    'parse.quote',
    () => {
      const found = parseQuote(bytes);
      if (found.body.kind === tee) return found;
      const kind = found.body.kind.toUpperCase();
      throw new AttestationError(
        'value-out-of-range',
        `the evidence says ${tee.toUpperCase()}, its quote is of ${kind}`,
      );
    },
    ({ header, trailing }) => ({
      actual: `version ${header.version}${trailing > 0 ? `, ${trailing} bytes after its end ignored` : ''}`,
    }),
    `a ${tee.toUpperCase()} quote of version ${tee === 'tdx' ? '4 or 5' : '3, 4 or 5'}`,
  );
}

/** What the processor signed of a guest: for whoever compares with it. */
export function signedBy({ claims }: Road): { snp: SnpReport | null; td: TdReport | null } {
  if (claims === null) return { snp: null, td: null };
  if (claims.platform === 'sev-snp') return { snp: claims.report, td: null };
  const { body } = claims.quote;
  return { snp: null, td: body.kind === 'tdx' ? body.report : null };
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
