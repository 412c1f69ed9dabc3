/** What the paravisor's claims and the TD quote are held to, by what the processor signed. */
import { expect, test } from 'vitest';
import type { AzureReportOptions } from '#test/fake/azure.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { parseHcl } from '#verifier/abi/hcl.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import { bindHcl, verifyHcl } from '#verifier/verify-hcl.ts';
import { azureCases } from './cases.ts';
import { azureOf } from './samples.ts';

/** The checks of one report in the order in which they are made; `quote` in place of its own. */
function checksOf({ hcl, quote }: { hcl: Bytes; quote: Bytes | null }): CheckResult[] {
  const { type, hardwareReport } = parseHcl(hcl);
  const ids = ['parse.hcl', 'evidence.hcl-runtime-data'] as const;
  const list = new Checklist(type === 'tdx' ? [...ids, 'evidence.hcl-quote'] : ids);
  const parsed = verifyHcl(list, hcl, quote);
  if (type === 'sev-snp') {
    bindHcl(list, parsed, { tee: type, report: parseReport(hardwareReport) });
  } else {
    const body = quote && parseQuote(quote).body;
    bindHcl(list, parsed, { tee: type, report: body?.kind === 'tdx' ? body.report : null });
  }
  return list.finish();
}

const statuses = (checks: readonly CheckResult[]) => checks.map(({ status }) => status);

async function snp(options: AzureReportOptions = {}): Promise<CheckResult[]> {
  return checksOf((await azureOf('sev-snp')).report(options));
}

async function tdx(options: AzureReportOptions = {}): Promise<CheckResult[]> {
  return checksOf((await azureOf('tdx')).report(options));
}

test('what the paravisor writes passes', async () => {
  expect(statuses(await snp())).toEqual(['pass', 'pass']);
  expect(statuses(await tdx())).toEqual(['pass', 'pass', 'pass']);
});

test.for(['sha256', 'sha384', 'sha512'] as const)('claims under %s', async (hash) => {
  expect(statuses(await snp({ content: { hash } }))).toEqual(['pass', 'pass']);
});

test.for<[string, AzureReportOptions['reportData'], 'pass' | 'fail']>([
  ['as it is', (right) => right, 'pass'],
  ['of other claims', (right) => right.with(0, (right[0] as number) ^ 1), 'fail'],
  ['with something after the hash', (right) => right.with(32, 1), 'fail'],
  ['with something at its end', (right) => right.with(63, 1), 'fail'],
  ['all zero', () => new Uint8Array(64), 'fail'],
])('REPORT_DATA %s', async ([, reportData, status]) => {
  const given = reportData === undefined ? {} : { reportData };
  expect(statuses(await snp(given))).toEqual(['pass', status]);
  expect(statuses(await tdx(given))).toEqual(['pass', status, 'pass']);
});

test('a hash of another type than the header says', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report({ afterwards: (bytes) => bytes.set([3], 1228) });
  expect(statuses(checksOf({ hcl, quote: null }))).toEqual(['pass', 'fail']);
});

test('another document of the same length', async () => {
  const { report } = await azureOf('sev-snp');
  const edit = (bytes: Bytes) => {
    const at = new TextDecoder('latin1').decode(bytes).indexOf('02FE12EC');
    bytes.set([0x33], at + 1);
  };
  const [, bound] = checksOf(report({ afterwards: edit }));
  expect(bound).toMatchObject({
    status: 'fail',
    reason: 'the report was signed over other runtime claims than these',
  });
});

test.for<[number, 'pass' | 'fail']>([
  [0, 'pass'],
  [1, 'fail'],
  [2, 'fail'],
  [3, 'fail'],
  [0xffffffff, 'fail'],
])('a report that VMPL %i asked for', async ([vmpl, status]) => {
  const [, bound] = await snp({ snp: { with: { vmpl } } });
  expect(bound?.status).toBe(status);
  if (status === 'fail') expect(bound?.reason).toMatch(/not asked for by the paravisor/);
});

test('the quote of another TD, with the same claims in it', async () => {
  const { report } = await azureOf('tdx');
  const other = report({ td: { with: { mrTd: new Uint8Array(48).fill(1) } } });
  const [, bound, quote] = checksOf({ hcl: report().hcl, quote: other.quote });
  expect(bound?.status).toBe('pass');
  expect(quote).toMatchObject({ status: 'fail' });
  expect(quote?.reason).toMatch(/: MRTD differ$/);
  expect(quote?.actual).toBe(`MRTD ${'01'.repeat(48)}`);
});

test('the quote of another TD, with claims of its own', async () => {
  const { report } = await azureOf('tdx');
  const other = report({ userData: new Uint8Array(64).fill(1) });
  const [, bound, quote] = checksOf({ hcl: report().hcl, quote: other.quote });
  expect([bound?.status, quote?.status]).toEqual(['fail', 'fail']);
  expect(quote?.reason).toMatch(/: REPORTDATA differ$/);
});

const register = new Uint8Array(48).fill(1);

test.for<[string, AzureReportOptions['tdReport']]>([
  ['TEE_TCB_SVN', { teeTcbSvn: new Uint8Array(16).fill(1) }],
  ['MRSEAM', { mrSeam: register }],
  ['MRSIGNERSEAM', { mrSignerSeam: register }],
  ['SEAMATTRIBUTES', { seamAttributes: new Uint8Array(8).fill(1) }],
  ['TDATTRIBUTES', { tdAttributes: new Uint8Array(8).fill(1) }],
  ['XFAM', { xfam: new Uint8Array(8).fill(1) }],
  ['MRTD', { mrTd: register }],
  ['MRCONFIGID', { mrConfigId: register }],
  ['MROWNER', { mrOwner: register }],
  ['MROWNERCONFIG', { mrOwnerConfig: register }],
  ['RTMR0', { rtmr: [register, new Uint8Array(48), new Uint8Array(48), new Uint8Array(48)] }],
  ['RTMR3', { rtmr: [new Uint8Array(48), new Uint8Array(48), new Uint8Array(48), register] }],
  ['REPORTDATA', { reportData: new Uint8Array(64).fill(1) }],
])('a TDREPORT with another %s', async ([name, tdReport]) => {
  const checks = await tdx({ ...(tdReport && { tdReport }) });
  expect(statuses(checks)).toEqual(['pass', 'pass', 'fail']);
  expect(checks[2]?.reason).toContain(`: ${name} differ`);
});

test('what a quote of TDX 1.0 does not say is not compared', async () => {
  const tdReport = { teeTcbSvn2: new Uint8Array(16).fill(1), mrServiceTd: register };
  expect(statuses(await tdx({ tdReport }))).toEqual(['pass', 'pass', 'pass']);
});

test('a TDREPORT alone proves nothing', async () => {
  const { hcl } = (await azureOf('tdx')).report();
  const checks = checksOf({ hcl, quote: null });
  expect(statuses(checks)).toEqual(['pass', 'skip', 'skip']);
  expect(checks[1]?.reason).toMatch(/^lacks a readable TD quote/);
});

test('a TD quote beside a report of SEV-SNP is not passed over', async () => {
  const { hcl } = (await azureOf('sev-snp')).report();
  const { quote } = (await azureOf('tdx')).report();
  const checks = checksOf({ hcl, quote });
  expect(statuses(checks)).toEqual(['fail', 'skip']);
  expect(checks[0]?.actual).toBe('unreadable (value-out-of-range)');
});

if (hasShared) {
  test.for(azureCases().map((one) => [`${one.tee} ${one.id}`, one] as const))('%s', ([, one]) => {
    const hcl = one.read('hcl_report') as Bytes;
    const quote = one.read('td_quote');
    const [parse, bound, quoted] = checksOf({ hcl, quote });
    expect(parse?.status).toBe('pass');
    if (one.tee === 'sev-snp') {
      expect([bound?.status, quoted]).toEqual(['pass', undefined]);
    } else if (quote === null) {
      expect([bound?.status, quoted?.status]).toEqual(['skip', 'skip']);
    } else {
      const foreign = one.expected.reason === 'tdquote-reportdata';
      const status = foreign ? 'fail' : 'pass';
      expect([bound?.status, quoted?.status], toHex(hcl.subarray(0, 8))).toEqual([status, status]);
    }
  });
} else test.skip(sharedMissing, () => undefined);
