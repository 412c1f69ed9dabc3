/**
 * Stages parse and evidence for Azure's HCL report: the paravisor's claims against what the processor signed. What signs the
 * hardware report itself is checked as for any other report or quote.
 */
import { type HclReport, type HclTee, hclReportData, parseHcl } from './abi/hcl.ts';
import type { SnpReport } from './abi/snp.ts';
import type { TdReport } from './abi/td-report.ts';
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import type { Checklist } from './checklist.ts';
import { AttestationError } from './errors.ts';

const teeNames: Record<HclTee, string> = { 'sev-snp': 'SEV-SNP', tdx: 'TDX' };

/**
 * Makes `parse.hcl`.
 * @param quote the TD quote that came with it: a report of SEV-SNP has none, and nothing given may go unread
 * @returns null when it failed
 */
export function verifyHcl(list: Checklist, bytes: Bytes, quote: Bytes | null): HclReport | null {
  return list.attempt(
    'parse.hcl',
    () => {
      const hcl = parseHcl(bytes);
      if (hcl.type === 'tdx' || quote === null) return hcl;
      throw new AttestationError(
        'value-out-of-range',
        'the HCL report is of SEV-SNP: no TD quote belongs to it',
      );
    },
    ({ version, type, padding }) => ({
      actual: `version ${version}, ${teeNames[type]}${padding > 0 ? `, ${padding} zero bytes after its end` : ''}`,
    }),
    'an HCL report of version 1 or 2, of SEV-SNP or TDX',
  );
}

/** What the processor signed: null when there is no such report or quote, or none that could be read. */
export type HclSigned =
  | { tee: 'sev-snp'; report: SnpReport | null }
  | { tee: 'tdx'; report: TdReport | null };

/**
 * Makes `evidence.hcl-runtime-data` and, for TDX, `evidence.hcl-quote`. The claims are as true as these and the checks of the
 * report or quote itself are passes.
 * @param signed the SEV-SNP report, or the body of the TD quote (never the TDREPORT in the HCL report)
 */
export function bindHcl(list: Checklist, hcl: HclReport | null, signed: HclSigned): void {
  checkRuntimeData(list, hcl, signed);
  if (signed.tee === 'tdx') checkQuote(list, hcl, signed.report);
}

/** REPORT_DATA = hash(runtime claims) ‖ zeros, asked for from VMPL 0 */
function checkRuntimeData(list: Checklist, hcl: HclReport | null, signed: HclSigned): void {
  const id = 'evidence.hcl-runtime-data';
  const lacks = lackOf(hcl, signed);
  if (hcl === null || signed.report === null) return list.skip(id, lacks);
  const expected = hclReportData(hcl);
  const { reportData } = signed.report;
  // A guest above the paravisor may get reports of its own level with REPORT_DATA of its choice.
  const vmpl = signed.tee === 'sev-snp' ? (signed.report?.vmpl ?? 0) : 0;
  const same = equalBytes(reportData, expected);
  list.decide(id, same && vmpl === 0, {
    expected: `${toHex(expected)}${signed.tee === 'sev-snp' ? ', VMPL 0' : ''}`,
    actual: `${toHex(reportData)}${signed.tee === 'sev-snp' ? `, VMPL ${vmpl === 0xffffffff ? 'of the host' : vmpl}` : ''}`,
    reason: same
      ? 'the report was not asked for by the paravisor, which runs at VMPL 0: anyone above it could have written these claims'
      : `the ${signed.tee === 'sev-snp' ? 'report' : 'TD quote'} was signed over other runtime claims than these`,
  });
}

const lackingReport: Record<HclTee, string> = {
  'sev-snp': 'a readable SEV-SNP report in the HCL report',
  tdx: 'a readable TD quote: the TDREPORT in the HCL report can be checked on its own machine alone (--quote)',
};

function lackOf(hcl: HclReport | null, { tee }: HclSigned): string {
  return hcl === null ? 'a readable HCL report' : lackingReport[tee];
}

/** Where the two must agree, in the order of the quote: everything that both say. */
const sharedFields = {
  teeTcbSvn: 'TEE_TCB_SVN',
  mrSeam: 'MRSEAM',
  mrSignerSeam: 'MRSIGNERSEAM',
  seamAttributes: 'SEAMATTRIBUTES',
  tdAttributes: 'TDATTRIBUTES',
  xfam: 'XFAM',
  mrTd: 'MRTD',
  mrConfigId: 'MRCONFIGID',
  mrOwner: 'MROWNER',
  mrOwnerConfig: 'MROWNERCONFIG',
  reportData: 'REPORTDATA',
  teeTcbSvn2: 'TEE_TCB_SVN_2',
  mrServiceTd: 'MRSERVICETD',
} as const satisfies Partial<Record<keyof TdReport, string>>;

/** The quote is made of the very TDREPORT: both say the same of the TD. */
function checkQuote(list: Checklist, hcl: HclReport | null, quoted: TdReport | null): void {
  const id = 'evidence.hcl-quote';
  const stated = hcl?.tdReport?.report ?? null;
  if (stated === null || quoted === null) {
    return list.skip(id, lackOf(hcl, { tee: 'tdx', report: quoted }));
  }
  const pairs: [name: string, stated: Bytes, quoted: Bytes][] = [];
  for (const [key, name] of Object.entries(sharedFields)) {
    const value = quoted[key as keyof typeof sharedFields];
    // A quote of a TDX 1.0 body says nothing of the last two.
    if (value !== null) pairs.push([name, stated[key as keyof typeof sharedFields], value]);
  }
  quoted.rtmr.forEach((value, i) => {
    pairs.push([`RTMR${i}`, stated.rtmr[i] as Bytes, value]);
  });
  const differing = pairs.filter(([, one, other]) => !equalBytes(one, other));
  const shown = differing.length === 0 ? pairs.filter(([name]) => name === 'MRTD') : differing;
  const text = (of: 1 | 2) => shown.map((pair) => `${pair[0]} ${toHex(pair[of])}`).join(', ');
  list.decide(id, differing.length === 0, {
    expected: text(1),
    actual: text(2),
    reason: `the TD quote is not of the TDREPORT in the HCL report: ${differing.map(([name]) => name).join(', ')} differ`,
  });
}
