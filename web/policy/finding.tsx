/** One piece of advice of lint, in its own words. */
import type { Finding } from '#verifier/policy-tools/lint.ts';
import { harmless } from '#verifier/words/lines.ts';
import { policyStrings } from '../strings/policy.ts';

export function FindingNote({ finding }: { finding: Finding }) {
  const { severity, path, text, remedy } = finding;
  return (
    <p class={`policy-finding policy-lint-${severity}`}>
      <strong>{policyStrings.lint.severity[severity]}</strong> {sentence(harmless(text))}{' '}
      {harmless(remedy)} <span class="mono policy-small">{harmless(path)}</span>
    </p>
  );
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
