/** `affidavit collateral export` and `import`: to machines without network. */
import { writeFile } from 'node:fs/promises';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { collect } from '#verifier/collateral/collect.ts';
import {
  completeBundle,
  encodeCollateralFile,
  maxCollateralFileLength,
  type NamedObject,
  parseCollateralFile,
} from '#verifier/collateral/export.ts';
import { type Imported, importObjects } from '#verifier/collateral/import.ts';
import { needsOf } from '#verifier/collateral/needs.ts';
import { describeObject } from '#verifier/collateral/vendor-object.ts';
import type { FoundEvidence } from '#verifier/evidence-forms.ts';
import { harmless } from '#verifier/words/lines.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import type { CollateralOutput } from './collateral-command.ts';
import type { CollateralFound } from './collateral-options.ts';
import { needCache, openCache, openTools, unixNow } from './collateral-setup.ts';
import { readEvidence } from './evidence-file.ts';
import { readFileLimited } from './files.ts';
import { linesOf, needsOptions, problemLine } from './gather-lacking.ts';
import { withSpinner } from './spinner.ts';
import { settingsOf } from './verify-command.ts';

const toStderr = (lines: readonly string[]) => lines.map((line) => `affidavit: ${line}\n`).join('');

/** @throws CliError wrong usage; invalid for what is no evidence; undecided, and nothing written, when something is not to be had */
export async function runExport(options: CollateralFound): Promise<CollateralOutput> {
  const { file, force = false } = options;
  if (file === undefined) throw usageError('export needs a file to write');
  const paths = [options.evidence ?? []].flat();
  const all = await Promise.all(paths.map((path) => readEvidence(path, null)));
  const lines: string[] = [];
  const objects = await gathered(all, options, lines);
  const [only] = all;
  const bundle = all.length === 1 && only?.evidence.form === 'bundle' ? only : null;
  const bytes =
    bundle === null
      ? utf8(`${encodeCollateralFile(objects)}\n`)
      : completed(bundle, paths[0] as string, objects, options);
  await write(file, bytes, force);
  const next =
    bundle === null
      ? `affidavit collateral import ${file}, then affidavit verify … --offline`
      : `affidavit verify ${file} --offline`;
  const names = objects.map(({ object }) => describeObject(object));
  return {
    stdout:
      options.format === 'json'
        ? `${JSON.stringify({ file, form: bundle === null ? 'collateral' : 'bundle', added: names }, null, 2)}\n`
        : [...names.map((name) => `added    ${name}`), `written  ${file}; to use it: ${next}`, '']
            .map(harmless)
            .join('\n'),
    stderr: toStderr(lines),
    exitCode: exitCodes.accepted,
  };
}

/** @param lines what people are told beside @throws CliError undecided */
async function gathered(
  all: readonly FoundEvidence[],
  options: CollateralFound,
  lines: string[],
): Promise<readonly NamedObject[]> {
  const now = unixNow();
  const wanted = all.map(({ evidence, collateral }) =>
    needsOf(evidence, collateral, now, needsOptions(options)),
  );
  const [lack] = wanted.flatMap(({ lacks }) => lacks);
  if (lack !== undefined) throw incomplete(`cannot be gathered: ${lack}`, 'evidence-incomplete');
  const { roots } = await settingsOf({ insecureRoot: options.insecureRoot });
  const warn = (problem: Parameters<typeof problemLine>[0]) => lines.push(problemLine(problem));
  const { toolsAt } = await openTools(options, roots, warn);
  const needs = wanted.flatMap((one) => one.needs);
  const { found } = await withSpinner('asking for collateral', () => collect(needs, toolsAt(now)));
  const missing = found.find(({ state }) => state === 'stale' || state === 'absent');
  if (missing?.problem) throw incomplete(missing.problem.message, missing.problem.code);
  lines.push(...linesOf(found));
  return found.flatMap(({ object, stored }) => (stored === null ? [] : [{ object, stored }]));
}

function completed(
  { evidence }: FoundEvidence,
  path: string,
  objects: readonly NamedObject[],
  options: CollateralFound,
): Bytes {
  const stored = objects.map((one) => one.stored);
  const bytes = blaming('invalid', path, () => completeBundle(evidence.bytes, stored));
  // What this promises is looked at, not assumed.
  const alone = { form: 'bundle', bytes, nonce: null, connection: null } as const;
  const { needs } = needsOf(alone, [], unixNow(), needsOptions(options));
  const [open] = needs;
  if (open !== undefined) {
    throw incomplete(`${path} would still lack ${describeObject(open)}`, 'evidence-incomplete');
  }
  return bytes;
}

function incomplete(why: string, code: string): CliError {
  return new CliError(
    'undecided',
    code,
    `nothing is written, for it would be incomplete: ${why}`,
    'Try again where the vendor’s service can be asked, or give what is missing.',
  );
}

async function write(path: string, bytes: Bytes, force: boolean): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'EEXIST') {
      throw usageError(`${path} exists already`, 'Give another name, or --force.');
    }
    throw new CliError(
      'usage',
      'file-unwritable',
      `${path} cannot be written: ${error.code}`,
      'Check the path and its permissions.',
    );
  }
}

/** @throws CliError wrong usage; invalid for a file that is none; undecided for a cache that cannot be written */
export async function runImport(options: CollateralFound): Promise<CollateralOutput> {
  const { file } = options;
  if (file === undefined) throw usageError('import needs a file');
  const bytes = await readFileLimited(file, maxCollateralFileLength, 'collateral file', 'invalid');
  const objects = blaming('invalid', file, () => parseCollateralFile(bytes));
  const { roots } = await settingsOf({ insecureRoot: options.insecureRoot });
  const taken = await needCache(async () => {
    // Opened for itself: nothing can be imported into a cache that cannot be used.
    await openCache(options);
    const { toolsAt } = await openTools({ ...options, offline: true }, roots, () => {});
    return importObjects(objects, toolsAt(unixNow()));
  });
  const refused = taken.flatMap(({ problem }) => (problem === null ? [] : [problemLine(problem)]));
  return {
    stdout: options.format === 'json' ? jsonOf(taken) : textOf(taken),
    stderr: toStderr(refused),
    exitCode: refused.length === 0 ? exitCodes.accepted : exitCodes.invalid,
  };
}

const words = { imported: 'imported', 'newer-cached': 'kept the newer' } as const;

function textOf(taken: readonly Imported[]): string {
  const lines = taken.map(({ object, state }) => {
    const word = state === null ? 'refused' : words[state];
    return `${word.padEnd(14)} ${describeObject(object)}\n`;
  });
  return lines.join('') || 'the file holds nothing\n';
}

function jsonOf(taken: readonly Imported[]): string {
  const objects = taken.map(({ name, state, problem }) => ({
    name,
    state: state ?? 'refused',
    problem: problem && { code: problem.code, message: problem.message, remedy: problem.remedy },
  }));
  return `${JSON.stringify({ objects }, null, 2)}\n`;
}
