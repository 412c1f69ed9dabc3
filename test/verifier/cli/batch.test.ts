/** `affidavit verify --batch`: good, rejected, invalid and undecided evidence, and what is none. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { intelOf, quoteScene, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import { bundleScene, hierarchyOf, reportScene } from '#test/verifier/scene.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { utf8 } from '#verifier/bytes.ts';
import type { BatchLine } from '#verifier/cli/batch.ts';
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { formatTime } from '#verifier/time.ts';
import { affidavit } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-batch-'));
const roots = join(folder, '.roots.pem');
const at = formatTime(fakeNow);
const settings = ['--at', at, '--insecure-root', roots];
const put = (where: string, name: string, bytes: Uint8Array) => {
  mkdirSync(join(folder, where), { recursive: true });
  writeFileSync(join(folder, where, name), bytes);
};

async function batch(where: string, ...args: string[]) {
  const ended = await affidavit(['verify', '--batch', join(folder, where), ...settings, ...args]);
  const lines = ended.stdout.split('\n').slice(0, -1);
  return { ...ended, lines: lines.map((line) => JSON.parse(line) as BatchLine) };
}

beforeAll(async () => {
  const pem = (await hierarchyOf('Milan')).rootsPem() + intelOf('tdx').rootsPem();
  writeFileSync(roots, pem);
  const good = await bundleScene({ nonce: null });
  const report = parseReport((await reportScene()).evidence.bytes);
  const debug = await bundleScene({ fields: { policy: { ...report.policy, debug: true } } });
  const edited = await bundleScene({ edit: ({ epoch }) => ({ epoch: epoch + 1 }) });
  const bare = await bundleScene({ edit: () => ({ collateral: [] }) });
  put('good', 'a.json', good.evidence.bytes);
  put('good', 'b.json', tdxBundleScene().evidence.bytes);
  put('rejected', 'a.json', good.evidence.bytes);
  put('rejected', 'b.json', debug.evidence.bytes);
  put('all', '1-good.json', good.evidence.bytes);
  put('all', '2-rejected.json', debug.evidence.bytes);
  put('all', '3-invalid.json', edited.evidence.bytes);
  put('all', '4-undecided.json', bare.evidence.bytes);
  put('all', '5-rubbish', utf8('hello'));
  put('all', '6-empty', utf8(''));
  put('all', '7-report.bin', (await reportScene()).evidence.bytes);
  put('all', '8-quote.bin', quoteScene().evidence.bytes);
  put('all', '.hidden', utf8('hello'));
  mkdirSync(join(folder, 'all', 'folder'));
  put('undecided', 'a.json', good.evidence.bytes);
  put('undecided', 'b.json', bare.evidence.bytes);
  mkdirSync(join(folder, 'empty'));
});

afterAll(() => rmSync(folder, { recursive: true }));

test('every file gets its line, by name, and the worst decision is the exit code', async () => {
  const { code, lines, stderr } = await batch('all');
  expect(stderr).toBe('');
  expect(lines.map(({ file, decision }) => [file, decision])).toEqual([
    ['1-good.json', 'accepted'],
    ['2-rejected.json', 'rejected'],
    ['3-invalid.json', 'invalid'],
    ['4-undecided.json', 'undecided'],
    ['5-rubbish', 'invalid'],
    ['6-empty', 'invalid'],
    ['7-report.bin', 'undecided'],
    ['8-quote.bin', 'undecided'],
  ]);
  expect(code).toBe(20);
  expect(lines[0]).toMatchObject({ failed: [], skipped: [], expires: expect.any(Number) });
  expect(lines[1]?.failed).toEqual(['policy.debug']);
  expect(lines[3]?.skipped).toContain('chain.vek-certificate');
  expect(lines[4]?.failed).toContain('parse.bundle');
});

test.each([
  ['good', 0],
  ['undecided', 30],
  ['rejected', 10],
])('a folder of %s evidence ends with %i', async (where, code) => {
  const ended = await batch(where, '--format', 'json');
  expect(ended.code).toBe(code);
  expect(ended.lines).toHaveLength(2);
});

test('the lines are what verify says of each file', async () => {
  const { lines } = await batch('all');
  await Promise.all(
    lines.slice(0, 4).map(async ({ file, decision, expires }) => {
      const path = join(folder, 'all', file);
      const { stdout } = await affidavit(['verify', path, ...settings, '--format', 'json']);
      expect(JSON.parse(stdout)).toMatchObject({ decision, expires });
    }),
  );
});

test('a file that is too large is invalid and does not stop the others', async () => {
  put('large', 'a.json', utf8(''));
  truncateSync(join(folder, 'large', 'a.json'), 100_000_000);
  put('large', 'b.json', (await bundleScene({ nonce: null })).evidence.bytes);
  const { code, lines } = await batch('large');
  expect(lines.map(({ decision }) => decision)).toEqual(['invalid', 'accepted']);
  expect(lines[0]?.error?.code).toBe('too-large');
  expect(code).toBe(20);
});

test('each decision is logged', async () => {
  const log = join(folder, '.decisions.log');
  await batch('all', '--log', log);
  expect(await readDecisionLog(log)).toMatchObject({ broken: null, decisions: 8 });
});

describe('wrong usage', () => {
  test.each<[string, string, string[], string]>([
    ['an empty folder', 'empty', [], 'holds no files'],
    ['a folder that is not there', 'none', [], 'cannot be read'],
    ['a target too', 'good', ['bundle.json'], '--batch and a target contradict'],
    ['a nonce', 'good', ['--nonce', '00'.repeat(32)], '--batch and --nonce contradict'],
    ['text', 'good', ['--format', 'text'], 'no format text'],
    ['markdown', 'good', ['--format=markdown'], 'no format markdown'],
    ['quiet', 'good', ['--quiet'], '--batch and --quiet contradict'],
    ['an interval', 'good', ['--watch', '5s'], '--batch and --watch contradict'],
  ])('%s', async (_, where, args, message) => {
    const { code, stdout, stderr } = await batch(where, ...args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
