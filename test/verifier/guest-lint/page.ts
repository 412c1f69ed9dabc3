/** The part of docs/guest-lint.md that is made from the rules. Run it to write that part again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { severities } from '#verifier/guest-lint/rule.ts';
import { rules } from '#verifier/guest-lint/rules.ts';

export const pageFile = new URL('../../../docs/guest-lint.md', import.meta.url);
const heading = '## Rules\n';

/** Everything from the heading on. */
export function rulesPart(): string {
  const sections = severities.flatMap((severity) => [
    `### ${severity}`,
    '',
    ...rules
      .filter((rule) => rule.severity === severity)
      .flatMap(({ id, title, why, close, spec }) => [
        `#### ${id}`,
        '',
        `${title[0]?.toUpperCase()}${title.slice(1)}. ${why}`,
        '',
        `- Close it: ${close}`,
        `- Source: ${spec}.`,
        '',
      ]),
  ]);
  return `${heading}\n${sections.join('\n').trimEnd()}\n`;
}

export function readPage(): { written: string; made: string } {
  const text = readFileSync(pageFile, 'utf8');
  const at = text.indexOf(heading);
  return { written: at < 0 ? text : text.slice(0, at), made: at < 0 ? '' : text.slice(at) };
}

if (import.meta.main) writeFileSync(pageFile, readPage().written + rulesPart());
