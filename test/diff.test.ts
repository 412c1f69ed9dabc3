/** That every difference from @phala/dcap-qvl is one that the table and docs/verification.md explain. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing, sharedPath } from '#test/shared.ts';
import {
  compareAll,
  countRow,
  exitCodeOf,
  hasGenuineQuotes,
  isExplained,
  loadSample,
  type Row,
  renderRow,
} from '#test/tools/diff.ts';
import { explanationsOf, type Known, knownDifferences } from '#test/tools/diff-known.ts';
import {
  type Answer,
  agree,
  type OwnAnswer,
  ownAnswer,
  type Sample,
} from '#test/tools/diff-parties.ts';
import { simulatedMutants } from '#test/tools/diff-simulated.ts';
import { concat } from '#verifier/bytes.ts';

const title = '## Differences from @phala/dcap-qvl\n';
const page = readFileSync(
  fileURLToPath(new URL('../docs/verification.md', import.meta.url)),
  'utf8',
);
const section = page.slice(page.indexOf(title) + title.length).split('\n## ')[0] as string;

/** Heading → its text. */
const explained = Object.fromEntries(
  section
    .split('\n### ')
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end).trim()];
    }),
);

const sentences: Record<Known['right'], string> = {
  ours: 'QVL: as we do.',
  theirs: 'QVL: as the package does.',
  policy: 'QVL: leaves it to appraisal.',
};

test('docs/verification.md has a heading for each entry of the table, and says who is right', () => {
  const known = Object.entries<Known>(knownDifferences);
  expect(Object.keys(explained).sort()).toEqual(known.map(([key]) => key).sort());
  for (const [key, { right }] of known) {
    expect(explained[key], key).toMatch(new RegExp(`${sentences[right]}$`));
  }
});

const accepted = (status: string, ...advisories: string[]): Answer => ({
  accepted: true,
  status,
  advisories,
});
const refused: Answer = { accepted: false, why: 'anything' };

test('two answers agree when both refuse, or give the same status and the same advisories', () => {
  expect(agree(refused, { accepted: false, why: 'something else' })).toBe(true);
  expect(agree(accepted('UpToDate', 'A', 'B'), accepted('UpToDate', 'A', 'B'))).toBe(true);
  expect(agree(accepted('UpToDate'), refused)).toBe(false);
  expect(agree(refused, accepted('UpToDate'))).toBe(false);
  expect(agree(accepted('UpToDate'), accepted('OutOfDate'))).toBe(false);
  expect(agree(accepted('UpToDate', 'A'), accepted('UpToDate', 'A', 'B'))).toBe(false);
});

describe('a difference that the table does not know', () => {
  const sample = simulatedMutants()[0]?.sample as Sample;
  const ours = (reason: string): OwnAnswer => ({
    accepted: false,
    why: '',
    decision: 'invalid',
    failures: [{ id: 'evidence.quote-signature', reason }],
    tcb: null,
  });
  const row = (keys: Row['keys']): Row => ({
    id: 'made',
    theirs: accepted('UpToDate'),
    ours: ours('x'),
    keys,
  });
  const exitCode = (...rows: Row[]) => {
    const counts = { same: 0, explained: 0, unexplained: 0 };
    for (const one of rows) countRow(counts, one);
    return exitCodeOf(counts);
  };

  test('has no key', () => {
    expect(explanationsOf({ sample, theirs: accepted('UpToDate'), ours: ours('x') })).toEqual([]);
    const reasons = {
      theirs: { accepted: false, why: 'new' },
      ours: accepted('UpToDate'),
    } as const;
    const found = { sample, ...reasons, ours: { ...ours('x'), ...reasons.ours } as OwnAnswer };
    expect(explanationsOf(found)).toEqual([]);
  });

  test('ends the run with 1, and so do two explanations and a run without agreement', () => {
    expect(exitCode(row(null), row(['crl-validity']))).toBe(0);
    expect(exitCode(row(null), row([]))).toBe(1);
    expect(exitCode(row(null), row(['crl-validity', 'crl-signature']))).toBe(1);
    expect(exitCode(row(['crl-validity']))).toBe(1);
    expect(exitCode()).toBe(1);
  });

  test('is printed as such', () => {
    expect(renderRow(row([]))).toMatch(/differs UNEXPLAINED$/);
    expect(renderRow(row(['crl-validity']))).toMatch(/differs crl-validity$/);
    expect(renderRow(row(null))).toMatch(/same$/);
  });
});

describe.skipIf(!hasShared)(hasShared ? 'over the corpus' : sharedMissing, () => {
  test('a case under its own collateral, and with a byte of the quote changed', async () => {
    const folder = sharedPath('corpus/tdx/tdx10-v4-dcap-qvl-tdx-quote');
    const sample = loadSample(folder) as Sample;
    expect(await ownAnswer(sample)).toMatchObject({ decision: 'accepted', status: 'UpToDate' });
    const quote = concat(sample.quote);
    quote.fill(0xff, 100, 101);
    expect(await ownAnswer({ ...sample, quote })).toMatchObject({ decision: 'invalid' });
  });

  test('the keys of all differences are the headings of docs/verification.md', async () => {
    const folder = sharedPath('corpus');
    expect(hasGenuineQuotes(folder)).toBe(true);
    const rows: Row[] = [];
    for await (const row of compareAll(folder)) rows.push(row);
    expect(rows.filter((row) => !isExplained(row)).map(renderRow)).toEqual([]);
    const keys = new Set(rows.flatMap(({ keys }) => keys ?? []));
    expect([...keys].sort()).toEqual(Object.keys(explained).sort());
    expect(rows.length).toBeGreaterThan(800);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  }, 180_000);
});
