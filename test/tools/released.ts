/**
 * `npm run released`: adds to test/golden/released.json what this version offers that others may build on. Run for a release,
 * and never takes anything away: test/released.test.ts finds what is gone. docs/stability.md says what each list means.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { agentErrorCatalogue } from '#agent/errors.ts';
import { openapiDocument } from '#agent/openapi.ts';
import { proverErrorCatalogue } from '#prover/errors.ts';
import { collateralKinds, platforms } from '#verifier/abi/bundle.ts';
import { snpForms } from '#verifier/abi/snp-forms.ts';
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import { checkIds, linkedCheckIds, stages } from '#verifier/checks.ts';
import { exitCodes } from '#verifier/cli/cli-error.ts';
import type { CommandEntry } from '#verifier/cli/command-tree.ts';
import { collateralErrorCatalogue } from '#verifier/collateral/collateral-error.ts';
import { errorCatalogue } from '#verifier/errors.ts';
import * as library from '#verifier/index.ts';
import { lintCatalogue } from '#verifier/policy-tools/finding.ts';
import { serveErrorCatalogue } from '#verifier/serve/errors.ts';
import { operations } from '#verifier/serve/routes.ts';
import * as tokens from '#verifier/tokens/index.ts';
import { declaredCommands } from './cli-prose.ts';
import { jsonText } from './json-text.ts';

export type Lists = Readonly<Record<string, readonly string[]>>;
export type Released = { version: string; lists: Lists };

const file = new URL('../golden/released.json', import.meta.url);

export function released(): Released {
  return JSON.parse(readFileSync(file, 'utf8')) as Released;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** What is there today. */
export function offered(): Lists {
  return {
    'exit codes': Object.entries(exitCodes).map(([ending, code]) => `${code} ${ending}`),
    stages,
    checks: [...checkIds, ...linkedCheckIds],
    'error codes': Object.keys(errorCatalogue),
    'agent error codes': Object.keys(agentErrorCatalogue),
    'prover error codes': Object.keys(proverErrorCatalogue),
    'collateral error codes': Object.keys(collateralErrorCatalogue),
    'service error codes': Object.keys(serveErrorCatalogue),
    'lint findings': Object.keys(lintCatalogue),
    'policy members': membersOf(policySchema()),
    'bundle platforms': platforms,
    'collateral kinds': collateralKinds,
    'report forms': snpForms,
    'agent endpoints': Object.entries(
      (JSON.parse(openapiDocument()) as { paths: Record<string, object> }).paths,
    ).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    ),
    'service endpoints': operations.map(({ method, path }) => `${method} ${path}`),
    commands: wordsOf(declaredCommands()),
    library: Object.keys(library),
    'library tokens': Object.keys(tokens),
  };
}

/** Of a JSON Schema, with what leads to them: `sevSnp.guestPolicy.debug`. */
function membersOf(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap((one) => membersOf(one, path));
  const found = Object.entries(schema).flatMap(([key, value]) => {
    if (key !== 'properties') return membersOf(value, path);
    return Object.entries(value as object).flatMap(([name, member]) => {
      const longer = path === '' ? name : `${path}.${name}`;
      return [longer, ...membersOf(member, longer)];
    });
  });
  return [...new Set(found)];
}

/** `verify`, `verify --vek` */
function wordsOf(command: CommandEntry, path = ''): string[] {
  return command.commands.flatMap((inner) => {
    const words = path === '' ? inner.name : `${path} ${inner.name}`;
    const options = inner.options.map(({ name }) => `${words} --${name}`);
    return [words, ...options, ...wordsOf(inner, words)];
  });
}

/** Everything of both, what was there before first. */
export function joined(before: Lists, today: Lists): Lists {
  const names = new Set([...Object.keys(before), ...Object.keys(today)]);
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      [...new Set([...(before[name] ?? []), ...(today[name] ?? [])])],
    ]),
  );
}

/** `list: entry` of what was released and is not there. */
export function gone(before: Lists, today: Lists): string[] {
  return Object.entries(before).flatMap(([name, entries]) =>
    entries
      .filter((entry) => !(today[name] ?? []).includes(entry))
      .map((entry) => `${name}: ${entry}`),
  );
}

if (import.meta.main) {
  const lists = joined(released().lists, offered());
  writeFileSync(file, jsonText({ version: packageVersion(), lists }));
}
