/** Words of the page around the views, and of marks that all of them show. Every word of the page that is not the verifier’s own stands in this folder. */
import type { CheckStatus } from '#verifier/checklist.ts';

export const statusStrings: Readonly<Record<CheckStatus, { mark: string; word: string }>> = {
  pass: { mark: '✓', word: 'pass' },
  fail: { mark: '✕', word: 'FAIL' },
  skip: { mark: '?', word: 'not made' },
  waived: { mark: '–', word: 'waived' },
};

export const shellStrings = {
  name: 'Affidavit',
  tagline: 'What runs on that machine? Look at its evidence; nothing leaves this page.',
  views: { evidence: 'Evidence', policy: 'Policy', proofs: 'Proofs', compare: 'Compare' },
  viewsLabel: 'Views',
  theme: 'Dark or light',
  skip: 'Skip to the content',
  loading: 'Loading this view…',
  working: 'Verifying…',
  nothing: 'Nothing to show yet: give some evidence first.',
  refused: 'No verdict',
  insecure:
    'INSECURE: evidence counts here under a root that was handed over, not the vendor’s. This proves nothing about hardware.',
} as const;
