/**
 * Every SEV-SNP, TDX and SGX case of the corpus: the expected verdict and TCB status, and for refused ones a failed check for each
 * reason given.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { type Case, codeOfVerdict, runCase } from '#test/tools/corpus.ts';
import { fromUtf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { parseJson } from '#verifier/json.ts';

const statuses = ['SWHardeningNeeded', 'ConfigurationAndSWHardeningNeeded', 'OutOfDate'] as const;

/** What the corpus calls a reason, and the check that finds it. */
const checkOfReason: Record<string, CheckId> = {
  'report-signature': 'evidence.signature',
  'hwid-mismatch': 'evidence.chip-id',
  'tcb-ext-mismatch': 'evidence.tcb',
  'policy-debug': 'policy.debug',
  'ek-not-issued-by-ask': 'chain.vek-signature',
  'not-yet-valid': 'chain.vek-validity',
  expired: 'chain.vek-validity',
  'report-version': 'parse.report',
  'quote-signature': 'evidence.quote-signature',
  'qe-report-signature': 'evidence.qe-report-signature',
  // Called so in the corpus; but the exchanged signature section is whole, its key bound: only the quote is not its.
  'ak-binding': 'evidence.quote-signature',
  truncated: 'parse.quote',
  'pck_crl-signature': 'collateral.pck-crl-signature',
  'qe-identity': 'evidence.qe-identity',
  'tcbInfo-signature': 'collateral.tcb-info-signature',
  'collateral-expired': 'collateral.tcb-info-validity',
  'collateral-not-yet-valid': 'collateral.tcb-info-validity',
  NotSupported: 'evidence.tcb-level',
  debug: 'policy.debug',
  ...Object.fromEntries(statuses.map((status) => [status, 'policy.tcb-status'])),
};

/** Refused earlier than the corpus expects: a body type whose size is another's is no quote at all. */
const refusedEarlier: Record<string, CheckId> = { 'neg-v5-body-type-as-tdx10': 'parse.quote' };

describe.skipIf(!hasShared)(hasShared ? 'corpus' : sharedMissing, () => {
  describe.each([
    ['sev-snp', 41],
    ['tdx', 47],
    ['sgx', 13],
  ])('%s', (tee, atLeast) => {
    const ids = hasShared ? readdirSync(sharedPath(`corpus/${tee}`)) : [];

    test('all cases are there', () => {
      expect(ids.length).toBeGreaterThanOrEqual(atLeast);
    });

    test.each(ids)('%s', async (id) => {
      const folder = `corpus/${tee}/${id}`;
      const found = parseJson(fromUtf8(sharedFile(`${folder}/case.json`), id), id) as Case;
      const { verdict, reason } = found.expected;
      const { code, why, tcbStatus } = await runCase(found, sharedPath(folder));
      expect(code).toBe(codeOfVerdict[verdict]);
      if (found.tcb_status !== undefined) expect(tcbStatus).toBe(found.tcb_status);
      if (['valid', 'unverifiable', 'valid-no-collateral'].includes(verdict)) return;
      const expected = reason.split(',').map((part) => refusedEarlier[id] ?? checkOfReason[part]);
      expect(why.split(' ')).toEqual(expect.arrayContaining(expected));
    });
  });
});
