/** Every case of Azure in the corpus, end to end: the verdict, and the check that finds what was changed. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type CheckId, entryOf } from '#verifier/checks.ts';
import { idsWith, verdictOf } from '../scene.ts';
import { azureCases } from './cases.ts';
import { corpusScene } from './scene.ts';

const checkOfReason: Record<string, CheckId> = {
  'tpm-quote-signature': 'evidence.tpm-signature',
  nonce: 'binding.quote-nonce',
  'pcr-digest': 'evidence.pcr-digest',
  'tdquote-reportdata': 'evidence.hcl-quote',
};

/** What nobody can say of a TD quote without Intel's documents: the corpus gives none with these cases. */
const needsTcbInfo: readonly CheckId[] = [
  'evidence.qe-identity',
  'evidence.tdx-module',
  'evidence.tcb-level',
];

if (hasShared) {
  test('all cases are there', () => {
    expect(azureCases().length).toBeGreaterThanOrEqual(15);
  });

  test.for(azureCases().map((one) => [`${one.tee} ${one.id}`, one] as const))(
    '%s',
    async ([, one]) => {
      const verdict = await verdictOf(corpusScene(one));
      const failed = idsWith('fail', verdict);
      const open = idsWith('skip', verdict).filter((id) => entryOf(id).stage === 'evidence');
      const { verdict: expected, reason } = one.expected;
      if (expected === 'invalid') {
        expect(verdict.decision).toBe('invalid');
        expect(failed).toContain(checkOfReason[reason]);
      } else if (expected === 'valid') {
        expect(failed).toEqual([]);
        expect(verdict.decision).toBe(one.tee === 'sev-snp' ? 'accepted' : 'undecided');
        expect(open).toEqual(one.tee === 'sev-snp' ? [] : needsTcbInfo);
      } else {
        expect(expected).toBe('unverifiable');
        expect(verdict.decision).toBe('undecided');
        const missing = one.tee === 'sev-snp' ? 'evidence.signature' : 'evidence.quote-signature';
        expect(open).toEqual(expect.arrayContaining([missing, 'evidence.tpm-signature']));
      }
    },
  );
} else test.skip(sharedMissing, () => undefined);
