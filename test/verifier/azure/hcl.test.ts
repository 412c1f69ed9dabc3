import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import {
  encodeHcl,
  hclReportData,
  hclTeeOf,
  looksLikeHcl,
  maxHclLength,
  parseHcl,
} from '#verifier/abi/hcl.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { type Bytes, concat, equalBytes, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { azureCases } from './cases.ts';
import { azureOf } from './samples.ts';

const tees = ['sev-snp', 'tdx'] as const;

test.for(tees)('a report of %s comes back byte for byte', async (tee) => {
  const { report, tpm } = await azureOf(tee);
  const userData = Uint8Array.from({ length: 64 }, (_, i) => i);
  const { hcl } = report({ userData });
  expect(hcl.length).toBe(2600);
  expect([looksLikeHcl(hcl), hclTeeOf(hcl)]).toEqual([true, tee]);
  const parsed = parseHcl(hcl);
  expect(parsed).toMatchObject({ version: 2, type: tee, hash: 'sha256' });
  expect(parsed.claims.akPublicKey).toEqual(tpm.publicKey);
  expect(parsed.claims.userData).toEqual(userData);
  expect(encodeHcl(parsed)).toEqual(hcl);
});

test.for([
  [1, 'sha256'],
  [2, 'sha256'],
  [2, 'sha384'],
  [2, 'sha512'],
] as const)('version %i with %s', async ([version, hash]) => {
  const { report } = await azureOf('sev-snp');
  const parsed = parseHcl(report({ content: { version, hash } }).hcl);
  expect(parsed).toMatchObject({ version, hash });
  const { reportData } = parseReport(parsed.hardwareReport);
  expect(hclReportData(parsed)).toEqual(reportData);
});

test('a report as long as it says, without padding', async () => {
  const { report } = await azureOf('tdx');
  const { hcl } = report({ content: { padding: 0 } });
  expect(parseHcl(hcl).padding).toBe(0);
  expect(codeOf(() => parseHcl(hcl.subarray(0, -1)))).toBe('length-wrong');
});

const u32 = (at: number, value: number) => (bytes: Bytes) =>
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);

/** Offsets of the header, and of the runtime header from 1216 on. */
test.for<[string, number, number, number, string]>([
  ['version 0', 4, 0, 1, 'version-unknown'],
  ['version 3', 4, 3, 2, 'version-unknown'],
  ['a key release request', 12, 1, 2, 'value-out-of-range'],
  ['a status', 16, 5, 0, 'value-out-of-range'],
  ['reserved bytes', 20, 1, 0, 'reserved-not-zero'],
  ['the last reserved bytes', 28, 1, 0, 'reserved-not-zero'],
  ['version 2 of the runtime header', 1220, 2, 1, 'version-unknown'],
  ['no report', 1224, 0, 2, 'version-unknown'],
  ['a report of VBS', 1224, 1, 2, 'version-unknown'],
  ['a report of Trusted Launch', 1224, 3, 2, 'version-unknown'],
  ['a report of nobody', 1224, 9, 2, 'version-unknown'],
  ['no hash', 1228, 0, 1, 'version-unknown'],
  ['a fourth hash', 1228, 4, 1, 'version-unknown'],
])('%s', async ([, at, wrong, right, code]) => {
  const { report } = await azureOf('sev-snp');
  const at2 = (value: number) => report({ afterwards: u32(at, value) }).hcl;
  expect(codeOf(() => parseHcl(at2(wrong)))).toBe(code);
  expect(codeOf(() => parseHcl(at2(right)))).toBe(null);
});

test.for<[string, number]>([
  ['report size', 8],
  ['data size', 1216],
  ['variable data size', 1232],
])('%s one more, one less, and far too much', async ([, at]) => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report();
  const stated = new DataView(hcl.buffer).getUint32(at, true);
  for (const wrong of [stated + 1, stated - 1, 0, 0xffffffff]) {
    const { hcl: changed } = report({ afterwards: u32(at, wrong) });
    expect(
      codeOf(() => parseHcl(changed)),
      String(wrong),
    ).toBe('length-wrong');
  }
  expect(codeOf(() => parseHcl(report({ afterwards: u32(at, stated) }).hcl))).toBe(null);
});

test('all three sizes one less: a byte of the claims would be padding', async () => {
  const { report } = await azureOf('sev-snp');
  const less = (bytes: Bytes) => {
    for (const at of [8, 1216, 1232])
      u32(at, new DataView(bytes.buffer).getUint32(at, true) - 1)(bytes);
  };
  expect(codeOf(() => parseHcl(report({ afterwards: less }).hcl))).toBe('reserved-not-zero');
});

test('padding is zero to its end', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report();
  expect(codeOf(() => parseHcl(hcl.with(-1, 1)))).toBe('reserved-not-zero');
  expect(codeOf(() => parseHcl(concat(hcl, new Uint8Array(1496))))).toBe(null);
});

test('what is no HCL report, or longer than any', async () => {
  const { report } = await azureOf('sev-snp');
  const { hcl } = report();
  expect(codeOf(() => parseHcl(new Uint8Array()))).toBe('form-unknown');
  expect(codeOf(() => parseHcl(hcl.subarray(32)))).toBe('form-unknown');
  expect(codeOf(() => parseHcl(utf8('HCLA')))).toBe('length-wrong');
  expect(hclTeeOf(utf8('HCLA'))).toBe(null);
  const padded = (length: number) => concat(hcl, new Uint8Array(length - hcl.length));
  expect(codeOf(() => parseHcl(padded(maxHclLength)))).toBe(null);
  expect(codeOf(() => parseHcl(padded(maxHclLength + 1)))).toBe('too-large');
});

test('a TDREPORT is followed by zeros, a report of SEV-SNP is not looked at', async () => {
  const dirty = (bytes: Bytes) => {
    bytes[32 + 1024] = 1;
  };
  const tdx = (await azureOf('tdx')).report({ afterwards: dirty }).hcl;
  expect(codeOf(() => parseHcl(tdx))).toBe('reserved-not-zero');
  const snp = (await azureOf('sev-snp')).report({ afterwards: dirty }).hcl;
  expect(codeOf(() => parseHcl(snp))).toBe(null);
});

test('a TDREPORT under the report type of SEV-SNP, and the other way round', async () => {
  const { hcl: tdx } = (await azureOf('tdx')).report({ afterwards: u32(1224, 2) });
  expect(codeOf(() => parseReport(parseHcl(tdx).hardwareReport))).toBe('version-unknown');
  const { hcl: snp } = (await azureOf('sev-snp')).report({ afterwards: u32(1224, 4) });
  expect(codeOf(() => parseHcl(snp))).toBe('version-unknown');
});

test('encodeHcl refuses a hardware report of another length', async () => {
  const parsed = parseHcl((await azureOf('sev-snp')).report().hcl);
  expect(() => encodeHcl({ ...parsed, hardwareReport: new Uint8Array(1183) })).toThrow(RangeError);
});

if (hasShared) {
  test.for(azureCases().map((one) => [`${one.tee} ${one.id}`, one] as const))(
    '%s: the corpus reads it the same way',
    ([, one]) => {
      const bytes = one.read('hcl_report') as Bytes;
      const hcl = parseHcl(bytes);
      expect(hcl.type).toBe(one.tee);
      expect(encodeHcl(hcl)).toEqual(bytes);
      const claims = one.read('runtime_data');
      if (claims !== null) expect(hcl.runtimeData).toEqual(claims);
      const snp = one.read('snp_report');
      if (snp !== null) expect(hcl.hardwareReport).toEqual(snp);
      const td = one.read('td_report');
      if (td !== null) expect(hcl.hardwareReport.subarray(0, 1024)).toEqual(td);
      const stated = hcl.tdReport?.report.reportData ?? parseReport(hcl.hardwareReport).reportData;
      expect(equalBytes(hclReportData(hcl), stated)).toBe(true);
    },
  );
} else test.skip(sharedMissing, () => undefined);
