/** `npm run docs`: writes the documents that are made from the code. `test/docs.test.ts` finds any difference. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agentErrorCatalogue } from '#agent/errors.ts';
import { openapiDocument } from '#agent/openapi.ts';
import { cliDocument } from '#test/tools/cli-page.ts';
import { helpText } from '#test/tools/help.ts';
import { jsonText } from '#test/tools/json-text.ts';
import { manDocument } from '#test/tools/man-page.ts';
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import { type AnyCheckId, checkIds, entryOf, linkedCheckIds, stages } from '#verifier/checks.ts';
import { collateralErrorCatalogue } from '#verifier/collateral/collateral-error.ts';
import { errorCatalogue } from '#verifier/errors.ts';

function checkLines(id: AnyCheckId): string[] {
  const { title, protects, remedy, spec } = entryOf(id);
  return [
    ...['', `### ${id}`, '', `Passes when ${title}.`, '', `- Protects: ${protects}`],
    ...[`- When it fails: ${remedy}`, `- Specification: ${spec}`],
  ];
}

export function checksDocument(): string {
  const lines = [
    '# Checks',
    '',
    'Every check of a verdict, in its order. Written by `npm run docs` from `verifier/catalogue/`.',
  ];
  for (const stage of stages) {
    const ids = checkIds.filter((id) => entryOf(id).stage === stage);
    if (ids.length > 0) lines.push('', `## ${stage}`, ...ids.flatMap(checkLines));
  }
  lines.push(
    '',
    '## Linked proofs',
    '',
    'A verdict on linked proofs has these, and none of the others.',
  );
  lines.push(...linkedCheckIds.flatMap(checkLines));
  return `${lines.join('\n')}\n`;
}

export function errorsDocument(): string {
  const table = (rows: [string, { means: string; remedy: string }][]) => [
    '| code | what it means | what to do |',
    '| --- | --- | --- |',
    ...rows.map(([code, { means, remedy }]) => `| \`${code}\` | ${means} | ${remedy} |`),
  ];
  return `${[
    '# Errors',
    '',
    'Codes are stable, messages are not. Written by `npm run docs` from the three catalogues.',
    '',
    '## Input (`verifier/errors.ts`)',
    '',
    ...table(Object.entries(errorCatalogue)),
    '',
    '## Agent (`agent/errors.ts`)',
    '',
    ...table(Object.entries(agentErrorCatalogue)),
    '',
    '## Collateral (`verifier/collateral/collateral-error.ts`)',
    '',
    'Why an object of a vendor could not be had; nothing of it is about the evidence.',
    '',
    ...table(Object.entries(collateralErrorCatalogue)),
  ].join('\n')}\n`;
}

/** Path from the root of the repository → text. */
export const documents: Record<string, () => string> = {
  'docs/affidavit.1': manDocument,
  'docs/checks.md': checksDocument,
  'docs/cli.md': cliDocument,
  'docs/errors.md': errorsDocument,
  'docs/openapi.agent.json': openapiDocument,
  'docs/policy.schema.json': () => jsonText(policySchema()),
  'verifier/cli/help.txt': helpText,
};

if (import.meta.main) {
  for (const [path, write] of Object.entries(documents)) {
    writeFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), write());
  }
}
