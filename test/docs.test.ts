import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { documents } from '#test/tools/docs.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { parsePolicy } from '#verifier/appraise/policy.ts';
import { utf8 } from '#verifier/bytes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

test.each(Object.entries(documents))('%s is what the code says (npm run docs)', (path, write) => {
  expect(read(path)).toBe(write());
});

describe.each(pages)('%s', (page) => {
  test('links to files that exist', () => {
    const links = [...read(page).matchAll(/\]\(([^)#:]+)\)/g)].map(
      ([, target]) => target as string,
    );
    const missing = links.filter((target) => !existsSync(join(root, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  test('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)].map(
      ([, name]) => name as string,
    );
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

test('the policy of docs/policy.md is one that the parser takes', () => {
  const text = /```json\n([\s\S]*?)```/.exec(read('docs/policy.md'))?.[1] ?? '';
  expect(parsePolicy(utf8(text)).name).toBe('production');
});

test('docs/policy.md explains every member of a policy', () => {
  const page = read('docs/policy.md');
  const { sevSnp = {}, tdx = {}, sgx = {} } = genuinePolicy;
  const members = [genuinePolicy, sevSnp, tdx, sgx].flatMap((part) => Object.keys(part));
  expect(
    members.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`"${name}"`)),
  ).toEqual([]);
});
