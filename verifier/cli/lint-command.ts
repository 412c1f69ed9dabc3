/** `affidavit lint guest`: reads a description, or the folder that one can be made from, and prints what lies outside of the measurement. */
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { describeFolder, type GuestTree } from '#verifier/guest-lint/folder.ts';
import {
  fails,
  type GuestDescription,
  type GuestFinding,
  type GuestReport,
  lintGuest,
  maxDescriptionLength,
  parseDescription,
  type Severity,
} from '#verifier/guest-lint/lint.ts';
import { severities } from '#verifier/guest-lint/rule.ts';
import { harmless, wrap } from '#verifier/words/lines.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';

export type LintOptions = {
  /** File, folder, or what stands for standard input. */
  target: string;
  failOn: Severity;
  format: 'text' | 'json';
};

export type LintOutput = { stdout: string; exitCode: number };

/** @throws CliError wrong usage, a description that cannot be read */
export async function runLintGuest({ target, failOn, format }: LintOptions): Promise<LintOutput> {
  const description = await describe(target);
  const report = lintGuest(description);
  const failed = fails(report, failOn);
  return {
    stdout:
      format === 'json'
        ? `${JSON.stringify(toJson(description, report, failOn), null, 2)}\n`
        : renderLint(description, report),
    exitCode: failed ? exitCodes.rejected : exitCodes.accepted,
  };
}

async function describe(target: string): Promise<GuestDescription> {
  if (target === standardInput) {
    const bytes = await readStdinLimited(maxDescriptionLength, 'the description');
    return blaming('usage', 'standard input', () => parseDescription(bytes));
  }
  if (await isFolder(target)) return describeTree(target);
  const bytes = await readFileLimited(target, maxDescriptionLength, 'description', 'usage');
  return blaming('usage', target, () => parseDescription(bytes));
}

async function isFolder(target: string): Promise<boolean> {
  return stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function describeTree(target: string): Promise<GuestDescription> {
  const description = await describeFolder(await treeOf(target));
  if (description !== null) return description;
  throw usageError(
    `${target} is neither a NixOS system nor the root of a guest: it has no kernel-params, proc/cmdline or units`,
    'Give /run/current-system, / in a running guest, or the description (docs/guest-lint.md).',
  );
}

/** A system in the store of an image is read with that image’s links; else the folder itself is the root. */
async function treeOf(target: string): Promise<GuestTree> {
  const real = await realpath(resolve(target));
  const store = real.indexOf('/nix/store/');
  const root = store < 0 ? real : real.slice(0, store) || '/';
  const base = store < 0 ? '/' : real.slice(store);
  const find = (path: string) => resolveIn(root, join(base, path));
  return {
    read: async (path) => {
      const found = await find(path);
      return found === null ? null : readText(join(root, found));
    },
    list: async (path) => {
      const found = await find(path);
      return found === null ? [] : listOf(join(root, found));
    },
    resolve: find,
  };
}

/** A guest is Linux, whatever machine looks at its files. */
const guestSeparator = posix.sep;

/** As the kernel follows links; a loop ends it there too. */
const maxLinks = 40;

/** @returns the path below `root` that no link leads on from; null where there is nothing */
async function resolveIn(root: string, path: string): Promise<string | null> {
  let left = path.split(guestSeparator);
  let found: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const [name = '', ...rest] = left;
    left = rest;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      found.pop();
      continue;
    }
    const next = [...found, name];
    const link = await linkAt(join(root, ...next));
    if (link === undefined) return null;
    if (link === null) {
      found = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) return null;
    if (link.startsWith('/')) found = [];
    left = [...link.split(guestSeparator), ...left];
  }
  return `/${found.join('/')}`;
}

/** Null for what is no link, undefined for what is not there. */
async function linkAt(path: string): Promise<string | null | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : null;
  } catch {
    return undefined;
  }
}

/** No unit, list of mounts or settings file is larger. */
const maxTextLength = 4 * 1024 * 1024;

async function readText(path: string): Promise<string | null> {
  if (!(await stat(path).catch(() => null))?.isFile()) return null;
  try {
    const bytes = await readFileLimited(path, maxTextLength, 'file', 'usage');
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof CliError && error.code === 'file-unreadable') return null;
    throw error;
  }
}

async function listOf(path: string): Promise<string[]> {
  return readdir(path).then(
    (names) => names.toSorted(),
    () => [],
  );
}

type Counts = Record<Severity, number> & { accepted: number };

function countsOf({ findings }: GuestReport): Counts {
  const open = findings.filter(({ accepted }) => accepted === null);
  const of = (severity: Severity) => open.filter((one) => one.severity === severity).length;
  return {
    error: of('error'),
    warning: of('warning'),
    note: of('note'),
    accepted: findings.length - open.length,
  };
}

function toJson(
  { name, source }: GuestDescription,
  report: GuestReport,
  failOn: Severity,
): Record<string, unknown> {
  return {
    version: 1,
    name,
    source,
    failOn,
    failed: fails(report, failOn),
    counts: countsOf(report),
    ...report,
  };
}

/** Findings by rule: the worst first, accepted ones last. 100 columns. */
export function renderLint({ name, source }: GuestDescription, report: GuestReport): string {
  const counts = countsOf(report);
  const amounts = severities.map((one) => `${counts[one]} ${one}${counts[one] === 1 ? '' : 's'}`);
  const head = `${name} (${source}): ${amounts.join(', ')}, ${counts.accepted} accepted`;
  const { unusedAcceptances: unused } = report;
  const blocks = [
    wrap(harmless(head), '', '  '),
    ...sorted(report.findings).map(ruleLines),
    unused.length === 0 ? [] : wrap(`accepted, but not found: ${unused.join(', ')}`, '', '  '),
  ];
  const filled = blocks.filter((block) => block.length > 0);
  return `${filled.map((block) => block.join('\n')).join('\n\n')}\n`;
}

function sorted(findings: readonly GuestFinding[]): GuestFinding[][] {
  const byRule = Map.groupBy(findings, ({ rule }) => rule);
  const rank = ([{ severity, accepted } = neverEmpty()]: readonly GuestFinding[]) =>
    severities.indexOf(severity) + (accepted === null ? 0 : severities.length);
  return [...byRule.values()].toSorted((a, b) => rank(a) - rank(b));
}

function neverEmpty(): never {
  throw new RangeError('a group has a finding');
}

const indent = ' '.repeat(10);
const shown = 12;

function ruleLines(same: readonly GuestFinding[]): string[] {
  const [first = neverEmpty()] = same;
  const { rule, severity, title, why, close, spec, accepted } = first;
  const detail = (label: string, text: string) => {
    const margin = ' '.repeat(18);
    const [start = '', ...rest] = wrap(harmless(text), margin, margin);
    return [`${indent}${label.padEnd(8)}${start.slice(margin.length)}`, ...rest];
  };
  const mark = accepted === null ? severity : 'accepted';
  const more = same.length - shown;
  return [
    ...wrap(`${rule}: ${title}`, mark.padEnd(indent.length), indent),
    ...same.slice(0, shown).flatMap(({ at, what }) => detail('at', `${at}: ${what}`)),
    ...(more > 0 ? detail('', `and ${more} more (--format json lists all)`) : []),
    ...(accepted === null ? [] : detail('reason', accepted)),
    ...detail('why', why),
    ...detail('close', close),
    ...detail('spec', spec),
  ];
}
