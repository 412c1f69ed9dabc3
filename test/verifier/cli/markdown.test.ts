/** The report for a ticket: complete, and nothing in it but what we wrote. */
import { expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { renderMarkdown } from '#verifier/words/markdown.ts';
import { reportScene, strictPolicy, verdictOf, without } from '../scene.ts';

test('an acceptance has its facts and every check folded away', async () => {
  const verdict = await verdictOf(await reportScene());
  const page = renderMarkdown(verdict, genuinePolicy);
  expect(page).toMatch(/^## Attestation verdict\n\n\*\*ACCEPTED under policy "genuine"/);
  expect(page).toContain(`\`${verdict.policy}\``);
  expect(page).toContain("| Forecast | the ARK's revocation list runs out first, in ");
  expect(page).not.toContain('### Failed');
  const folded = page.slice(page.indexOf('<details>'));
  for (const { id, status } of verdict.checks)
    expect(folded).toContain(`| \`${id}\` | ${status} |`);
});

test('a refusal shows what failed, what was lacking and what was waived', async () => {
  const strict = await strictPolicy();
  const page = renderMarkdown(await verdictOf(await reportScene(), strict), strict);
  expect(page).toContain('### Could not be made');
  expect(page).toMatch(
    /\| `policy\.closure-digest`, `policy\.tree-root` \| lacks an evidence bundle/,
  );
  const invalid = await verdictOf({ ...(await reportScene()), roots: [] });
  const failed = renderMarkdown(invalid, genuinePolicy);
  expect(failed).toMatch(/### Failed\n\n\| check \| why \| expected \| actual \| what to do \|/);
  expect(failed).toMatch(/\| `chain\.root-pinned` \| the chain ends in a root [^|]+\| no root for/);
  const waived = await verdictOf(without(await reportScene(), 'ark-crl'));
  expect(renderMarkdown(waived, genuinePolicy)).toContain('### Waived');
});

test('untrusted text is neither markup, cell, mention nor link', async () => {
  const verdict = await verdictOf(await reportScene());
  const hostile = '|x| <img src=x> `y` @all [z](http://evil.example) www.evil.example **b**\n# h';
  const checks = verdict.checks.map((check) => ({ ...check, actual: hostile, reason: hostile }));
  const page = renderMarkdown({ ...verdict, checks, warnings: [hostile] }, genuinePolicy);
  const plain = renderMarkdown({ ...verdict, warnings: ['w'] }, genuinePolicy);
  expect(page.split('\n')).toHaveLength(plain.split('\n').length);
  expect(page).not.toMatch(/<img|@all|http:\/\/|www\.|(?<!\\)\|x|(?<!\\)`y|(?<!\\)\[z/);
});
