/** A decision as a mark and a word: never by colour alone. */
import type { Decision } from '#verifier/appraise/verdict.ts';
import { liveStrings } from '../strings/live.ts';

const kinds: Readonly<Record<Decision, string>> = {
  accepted: 'pass',
  rejected: 'fail',
  invalid: 'fail',
  undecided: 'skip',
};

export function DecisionMark({ decision }: { decision: Decision }) {
  const { mark, word } = liveStrings.decisions[decision];
  return (
    <span class={`status status-${kinds[decision]}`}>
      <span aria-hidden="true">{mark}</span>
      <span>{word}</span>
    </span>
  );
}
