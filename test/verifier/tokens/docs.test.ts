/** docs/tokens.md says what the code does: the table of checks, and the values. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type CheckId, checkIds, entryOf, stages } from '#verifier/checks.ts';
import { aspects, aspectsOf, spokenFor } from '#verifier/tokens/aspects.ts';
import { earProfile } from '#verifier/tokens/ear.ts';
import { values } from '#verifier/tokens/vector.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../../docs/tokens.md', import.meta.url)),
  'utf8',
);

/** Ids as the page lists them: a whole stage as one. */
function listOf(ids: readonly CheckId[]): string {
  const parts = stages.flatMap((stage) => {
    const all = checkIds.filter((id) => entryOf(id).stage === stage);
    const found = all.filter((id) => ids.includes(id));
    return found.length === all.length ? [`${stage}.*`] : found;
  });
  return parts.map((part) => `\`${part}\``).join(', ');
}

const speaksForAll = (id: CheckId) => aspectsOf[id].length === spokenFor.length;

function table(): string {
  const row = (claim: string, ids: readonly CheckId[]) => `| ${claim} | ${listOf(ids)} |`;
  const own = aspects.map((aspect) => {
    const ids = checkIds.filter(
      (id) => !speaksForAll(id) && aspectsOf[id].some((spoken) => spoken === aspect),
    );
    return ids.length === 0 ? `| \`${aspect}\` | nothing: always 0 |` : row(`\`${aspect}\``, ids);
  });
  return [
    '| claim | checks |',
    '| --- | --- |',
    row('each of the five that are not always 0', checkIds.filter(speaksForAll)),
    ...own,
  ].join('\n');
}

test('docs/tokens.md has the table of the code', () => {
  expect(page).toContain(`\n\n${table()}\n\n`);
});

test('docs/tokens.md explains each value and names the profile', () => {
  const missing = Object.values(values).filter((value) => !page.includes(`| ${value} |`));
  expect(missing).toEqual([]);
  expect(page).toContain(`\`${earProfile}\``);
});
