/** Reports of real machines, and the corpus's changed ones, through the parser alone. */
import { expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { encodeReport, parseReport, type SnpReport } from '#verifier/abi/snp.ts';
import {
  decodeTcb,
  encodeTcb,
  productOfCpuid,
  type SnpProduct,
  snpProducts,
} from '#verifier/abi/snp-tcb.ts';
import { fromUtf8, isZero, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

type Case = {
  id: string;
  tee: string;
  dir: string;
  reason: string;
  product: string;
  report_version: number;
};

function cases(): (Case & { report: Uint8Array })[] {
  const index: Case[] = JSON.parse(fromUtf8(sharedFile('corpus/index.json'), 'index'));
  return index
    .filter(({ tee }) => tee === 'sev-snp')
    .map((one) => ({ ...one, report: sharedFile(`corpus/${one.dir}/report.bin`) }));
}

const tcbFields = ['currentTcb', 'reportedTcb', 'committedTcb', 'launchTcb'] as const;

function checkTcbs(product: SnpProduct, report: SnpReport): void {
  for (const field of tcbFields) {
    const parts = decodeTcb(product, report[field], field);
    expect(encodeTcb(product, parts)).toEqual(report[field]);
    expect(Object.values(parts).some((part) => part > 0)).toBe(true);
  }
}

test('real reports come back byte by byte, with the version and product they are of', ({
  skip,
}) => {
  skip(!hasShared, sharedMissing);
  const versions = new Map<number, number>();
  for (const { id, product, report, report_version, reason } of cases()) {
    if (reason === 'report-version') continue;
    const parsed = parseReport(report);
    expect(toHex(encodeReport(parsed)), id).toBe(toHex(report));
    expect(parsed.version, id).toBe(report_version);
    versions.set(parsed.version, (versions.get(parsed.version) ?? 0) + 1);
    if (parsed.cpuid !== null) expect(productOfCpuid(parsed.cpuid), id).toBe(product);
    const known = snpProducts.find((one) => one === product);
    if (known !== undefined) checkTcbs(known, parsed);
    expect(isZero(parsed.reportedTcb), id).toBe(false);
  }
  expect([...versions.keys()].sort()).toEqual([2, 3, 4, 5]);
});

test('the corpus’s report of an unknown version is refused for that', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const unknown = cases().filter(({ reason }) => reason === 'report-version');
  expect(unknown.length).toBeGreaterThan(0);
  for (const { report } of unknown) {
    expect(codeOf(() => parseReport(report))).toBe('version-unknown');
  }
});
