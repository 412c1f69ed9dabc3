/** `affidavit log` and `--log`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { bundleScene, hierarchyOf } from '#test/verifier/scene.ts';
import { formatTime } from '#verifier/time.ts';
import { affidavit } from './run.ts';

// Each step is a process of its own, and follows the one before.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'affidavit-log-cli-'));
const path = (name: string) => join(folder, name);
const log = path('decisions.log');
let verify: string[];

beforeAll(async () => {
  const { evidence } = await bundleScene();
  writeFileSync(path('good.json'), evidence.bytes);
  writeFileSync(path('roots.pem'), (await hierarchyOf('Milan')).rootsPem());
  const at = ['--at', formatTime(fakeNow), '--insecure-root', path('roots.pem')];
  verify = ['verify', path('good.json'), ...at, '--log', log];
  expect((await affidavit(verify)).code).toBe(0);
  expect((await affidavit([...verify, '--closure', '00'.repeat(32)])).code).toBe(10);
  expect((await affidavit(['verify', path('roots.pem'), '--log', log])).code).toBe(20);
});

afterAll(() => rmSync(folder, { recursive: true }));

const lastDigest = (text: string) => /last digest ([0-9a-f]{64})/.exec(text)?.[1] ?? '';

test('each decision is a line, and log show prints it as one', async () => {
  const { code, stdout } = await affidavit(['log', 'show', log]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  const time = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  `;
  expect(lines[0]).toMatch(new RegExp(`${time}accepted   "genuine"  evidence [0-9a-f]{16}  for `));
  expect(lines[1]).toMatch(
    new RegExp(`${time}rejected   "genuine, narrowed".* failed policy.clos`),
  );
  expect(lines[2]).toMatch(new RegExp(`${time}invalid .* failed parse.bundle`));
});

test('log verify finds it good, and says what it cannot see', async () => {
  const { code, stdout } = await affidavit(['log', 'verify', log]);
  expect(code).toBe(0);
  expect(stdout).toContain('--expect-last');
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('GOOD: 3 lines as written, 3 decisions');
  const expected = await affidavit(['log', 'verify', log, '--expect-last', lastDigest(stdout)]);
  expect(expected.code).toBe(0);
  expect(expected.stdout).not.toContain('--expect-last');
});

test('log verify finds an edited line and a cut end, log show stops before it', async () => {
  const text = readFileSync(log, 'utf8');
  const edited = path('edited.log');
  writeFileSync(edited, text.replace('"rejected"', '"accepted"'));
  const cut = path('cut.log');
  writeFileSync(cut, text.slice(0, text.indexOf('\n') + 1));
  const whole = lastDigest((await affidavit(['log', 'verify', log])).stdout);
  const [verified, shown, short] = await Promise.all([
    affidavit(['log', 'verify', edited]),
    affidavit(['log', 'show', edited]),
    affidavit(['log', 'verify', cut, '--expect-last', whole]),
  ]);
  expect([verified.code, shown.code, short.code]).toEqual([20, 20, 20]);
  expect(verified.stdout).toContain(`BROKEN: line 2 of ${edited} is not as it was written`);
  expect(shown.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(shown.stderr).toMatch(/^affidavit: line 2 of .*\n$/);
  expect(short.stdout).toContain('BROKEN: line 2');
});

test('log start makes a log that goes on from another', async () => {
  const last = lastDigest((await affidavit(['log', 'verify', log])).stdout);
  const next = path('next.log');
  expect((await affidavit(['log', 'start', next, '--after', last])).code).toBe(0);
  expect((await affidavit([...verify.slice(0, -1), next])).code).toBe(0);
  const [after, alone, shown] = await Promise.all([
    affidavit(['log', 'verify', next, '--after', last]),
    affidavit(['log', 'verify', next]),
    affidavit(['log', 'show', next]),
  ]);
  expect([after.code, alone.code, shown.code]).toEqual([0, 20, 0]);
  expect(shown.stdout).toContain(`started    after ${last}`);
});

test('a torn end is said to have been there', async () => {
  const torn = path('torn.log');
  writeFileSync(torn, readFileSync(log, 'utf8').slice(0, -10));
  expect((await affidavit(['log', 'verify', torn])).code).toBe(20);
  expect((await affidavit([...verify.slice(0, -1), torn])).code).toBe(0);
  const { code, stdout } = await affidavit(['log', 'verify', torn]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /line 3: a crash cut a line short; \d+ bytes of it are in .*torn\.log\.torn/,
  );
});

describe('wrong usage', () => {
  test.each<[string, string[], number, string]>([
    ['no such log', ['log', 'verify', path('none')], 2, 'there is no such file'],
    ['no command', ['log'], 2, 'needs a command'],
    ['a digest that is none', ['log', 'verify', log, '--after', 'ab'], 2, '--after'],
    ['a log that is there', ['log', 'start', log, '--after', '00'.repeat(32)], 2, 'not empty'],
  ])('%s', async (_, args, code, message) => {
    const ended = await affidavit(args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(message);
  });

  test('a decision that cannot be recorded is not given', async () => {
    const [none, other] = await Promise.all([
      affidavit([...verify.slice(0, -1), path('none/decisions.log')]),
      affidavit([...verify.slice(0, -1), path('good.json')]),
    ]);
    expect([none.code, other.code]).toEqual([2, 2]);
    expect(none.stdout + other.stdout).toBe('');
    expect(other.stderr).toContain('something else than a decision log');
  });
});
