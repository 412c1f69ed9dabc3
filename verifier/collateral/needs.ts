/** Which of its vendor's objects would complete a piece of evidence, so that they can be asked for before it is verified. */
import { type Bundle, parseBundle } from '../abi/bundle.ts';
import { parseHcl } from '../abi/hcl.ts';
import type { Bytes } from '../bytes.ts';
import type { Collateral, Evidence } from '../evidence.ts';
import type { UnixTime } from '../time.ts';
import { atHandOf, type Needs, type NeedsOptions, readable } from './at-hand.ts';
import { reportNeeds } from './needs-amd.ts';
import { quoteNeeds } from './needs-intel.ts';

export type { Needs, NeedsOptions } from './at-hand.ts';

const nothing: Needs = { needs: [], lacks: [] };

/**
 * Objects of the kinds that neither `given` nor a bundle's own collateral has in a form that can be used: readable, of this
 * machine, and not past its end at `now`. Signatures are not looked at. Evidence that cannot be read needs nothing: the verifier
 * says why.
 */
export function needsOf(
  evidence: Evidence,
  given: readonly Collateral[],
  now: UnixTime,
  options: NeedsOptions,
): Needs {
  const bundle = evidence.form === 'bundle' ? readable(() => parseBundle(evidence.bytes)) : null;
  const found = subjectOf(evidence, bundle);
  if (found === null) return nothing;
  const items = [...given, ...(bundle?.collateral ?? [])];
  const atHand = atHandOf(items, now);
  const needs =
    found.vendor === 'amd'
      ? readable(() => reportNeeds(found.bytes, atHand, options))
      : readable(() => quoteNeeds(found.bytes, found.tee, atHand, options));
  return needs ?? nothing;
}

type Subject =
  | { vendor: 'amd'; bytes: Bytes }
  /** `tee`: what a bundle says that its quote is of. */
  | { vendor: 'intel'; bytes: Bytes; tee: 'tdx' | null };

function subjectOf(evidence: Evidence, bundle: Bundle | null): Subject | null {
  switch (evidence.form) {
    case 'report':
      return { vendor: 'amd', bytes: evidence.bytes };
    case 'quote':
      return { vendor: 'intel', bytes: evidence.bytes, tee: null };
    case 'bundle':
      if (bundle === null) return null;
      return bundle.platform === 'sev-snp'
        ? { vendor: 'amd', bytes: bundle.evidence }
        : { vendor: 'intel', bytes: bundle.evidence, tee: bundle.platform };
    case 'hcl':
      return hclSubject(evidence);
    default:
      return null;
  }
}

/** What the processor signed below Azure's paravisor. */
function hclSubject({ bytes, quote }: Extract<Evidence, { form: 'hcl' }>): Subject | null {
  const hcl = readable(() => parseHcl(bytes));
  if (hcl === null) return null;
  if (hcl.type === 'sev-snp') return { vendor: 'amd', bytes: hcl.hardwareReport };
  return quote === null ? null : { vendor: 'intel', bytes: quote, tee: 'tdx' };
}
