/** Checks of stage policy against reference files: what a release should measure, by the word of those who built it. */
import type { CheckEntry } from './entry.ts';

const spec = 'docs/reference.md';

export const referencePolicyChecks = {
  'policy.reference-signatures': {
    stage: 'policy',
    title: 'enough of the policy’s builders signed equal values',
    protects: 'Against one builder, or one stolen key, that decides alone what a release is.',
    remedy:
      'Give the reference files of the release, from as many builders as the policy asks for, with --reference; affidavit reference verify says who signed what.',
    spec: `${spec}, Agreement`,
  },
  'policy.reference-validity': {
    stage: 'policy',
    title: 'the signed values hold at this time',
    protects: 'Against a release that its builders have let run out.',
    remedy: 'Run a release that is still supported, and give its reference files.',
    spec: `${spec}, Validity`,
  },
  'policy.reference-values': {
    stage: 'policy',
    title: 'the evidence holds the values that were signed',
    protects: 'The release: what was launched is what the builders got from its source.',
    remedy:
      'Compare what the machine was launched with to the release; give the reference file of this very release and platform.',
    spec: `${spec}, Values`,
  },
} as const satisfies Record<string, CheckEntry>;
