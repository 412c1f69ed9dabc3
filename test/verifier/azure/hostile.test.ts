/** 16 MB of what an attacker may send: refused within a second, by a typed error. */
import { expect, test } from 'vitest';
import { readAkCertificate, readAzureEvidence } from '#verifier/abi/azure-evidence.ts';
import { parseHcl } from '#verifier/abi/hcl.ts';
import { parseHclClaims } from '#verifier/abi/hcl-claims.ts';
import { parseTdReportStruct } from '#verifier/abi/td-report-struct.ts';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

const size = 16 * 1024 * 1024;
const filled = (start: string, text: string) =>
  utf8(start + text.repeat(Math.ceil((size - start.length) / text.length)));

test.for<[string, (bytes: Bytes) => unknown, () => Bytes, string]>([
  ['a long HCL report', parseHcl, () => concat(utf8('HCLA'), new Uint8Array(size)), 'too-large'],
  ['brackets as claims', parseHclClaims, () => filled('', '['), 'too-large'],
  ['a long TDREPORT', parseTdReportStruct, () => filled('', '\x81'), 'length-wrong'],
  ['brackets as evidence', readAzureEvidence, () => filled('', '{"platform":'), 'too-large'],
  ['numbers as evidence', readAzureEvidence, () => filled('{"report":[', '1,'), 'too-large'],
  ['dashes as a certificate', readAkCertificate, () => filled('', '-----BEGIN '), 'too-large'],
])('%s', { timeout: 10_000 }, ([, parse, make, code]) => {
  const bytes = make();
  const before = process.cpuUsage();
  expect(codeOf(() => parse(bytes))).toBe(code);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(1);
});

const json = (text: string) => utf8(text.padEnd(1024 * 1024));

test.for<[string, (bytes: Bytes) => unknown, () => Bytes]>([
  ['nested claims', parseHclClaims, () => utf8('['.repeat(32 * 1024))],
  ['many members', parseHclClaims, () => utf8(`{"keys":{${'"":0,'.repeat(6000)}}}`)],
  ['nested evidence', readAzureEvidence, () => utf8('['.repeat(1024 * 1024))],
  ['many numbers', readAzureEvidence, () => json(`{"report":[${'1,'.repeat(190_000)}1]}`)],
  ['many PEM blocks', readAkCertificate, () => utf8('-----BEGIN A-----\n'.repeat(3600))],
])('as large as is allowed: %s', { timeout: 10_000 }, ([, parse, make]) => {
  const bytes = make();
  const before = process.cpuUsage();
  expect(codeOf(() => parse(bytes))).not.toBe(null);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(1);
});
