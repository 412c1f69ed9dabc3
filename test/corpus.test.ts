/** Every SEV-SNP case of the corpus: the expected verdict, and for refused ones a failed check for each reason given. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { type Case, codeOfVerdict, runCase } from '#test/tools/corpus.ts';
import { fromUtf8 } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { parseJson } from '#verifier/json.ts';

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
};

describe.skipIf(!hasShared)(hasShared ? 'sev-snp' : sharedMissing, () => {
  const ids = hasShared ? readdirSync(sharedPath('corpus/sev-snp')) : [];

  test('the corpus has its 41 cases', () => {
    expect(ids.length).toBeGreaterThanOrEqual(41);
  });

  test.each(ids)('%s', async (id) => {
    const folder = `corpus/sev-snp/${id}`;
    const found = parseJson(fromUtf8(sharedFile(`${folder}/case.json`), id), id) as Case;
    const { code, why } = await runCase(found, sharedPath(folder));
    expect(code).toBe(codeOfVerdict[found.expected.verdict]);
    if (found.expected.verdict === 'valid' || found.expected.verdict === 'unverifiable') return;
    const expected = found.expected.reason.split(',').map((reason) => checkOfReason[reason]);
    expect(why.split(' ')).toEqual(expect.arrayContaining(expected));
  });
});
