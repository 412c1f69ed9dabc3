/**
 * Every case of the corpus: the expected verdict and TCB status, and for refused ones a failed check for each
 * reason given.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { type Case, codeOfVerdict, runCase } from '#test/tools/corpus.ts';
import { exceptionOf } from '#test/tools/corpus-devices.ts';
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
  'tpm-quote-signature': 'evidence.tpm-signature',
  nonce: 'binding.quote-nonce',
  'pcr-digest': 'evidence.pcr-digest',
  'tdquote-reportdata': 'evidence.hcl-quote',
  'debug mode (PCR0 all zero)': 'policy.nitro-debug',
  'chain:CN=GH100 A01 GSP BROM': 'chain.gpu-certificates',
  'O=NVIDIA': 'chain.gpu-certificates',
  // The manifests were edited after NVIDIA signed them: that is found before their values are compared.
  'measurement-mismatch (driver RIM)': 'collateral.rim-signature',
  'measurement-mismatch (switch VBIOS RIM)': 'collateral.rim-signature',
  ...Object.fromEntries(statuses.map((status) => [status, 'policy.tcb-status'])),
};

/** The same words of another kind of evidence. */
const ofNvidia: Record<string, CheckId> = { 'report-signature': 'evidence.gpu-signature' };

/** Of which a failed check gives the reason; what a log is refused for is said by a line. */
const refusals = ['invalid', 'degraded', 'policy-reject'];

/** Refused earlier than the corpus expects: a body type whose size is another's is no quote at all. */
const refusedEarlier: Record<string, CheckId> = { 'neg-v5-body-type-as-tdx10': 'parse.quote' };

describe.skipIf(!hasShared)(hasShared ? 'corpus' : sharedMissing, () => {
  describe.each([
    ['sev-snp', 41],
    ['tdx', 47],
    ['sgx', 13],
    ['azure-snp-vtpm', 10],
    ['azure-tdx-vtpm', 5],
    ['aws-nitro', 3],
    ['nvidia', 28],
    ['tpm-quote', 3],
    ['tpm-eventlog', 8],
    ['tdx-ccel', 9],
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
      const exception = exceptionOf(found, sharedPath(folder));
      expect(code).toBe(exception?.code ?? codeOfVerdict[verdict]);
      if (found.tcb_status !== undefined) expect(tcbStatus).toBe(found.tcb_status);
      if (exception !== null || !refusals.includes(verdict)) return;
      const expected = reason
        .split(',')
        .map(
          (part) =>
            refusedEarlier[id] ??
            (tee === 'nvidia' ? ofNvidia[part] : undefined) ??
            checkOfReason[part],
        );
      expect(why.split(' ')).toEqual(expect.arrayContaining(expected));
    });
  });
});
