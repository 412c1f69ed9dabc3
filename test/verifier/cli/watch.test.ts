/** `affidavit verify URL --watch`: against an agent that goes away and comes back as another machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { bundleScene, type Scene, sampleNonce, verdictOf } from '#test/verifier/scene.ts';
import { changesBetween, parseInterval } from '#verifier/cli/watch.ts';
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { affidavit } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

const script = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const agentScript = script('../../fake/insecure-agent.ts');
const mainScript = script('../../../verifier/cli/main.ts');

/** A process and all that it printed, to wait for. */
class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = '';

  constructor(file: string, ...args: string[]) {
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.child = child;
    this.ended = new Promise((resolve) => child.on('close', resolve));
  }

  async shows(wanted: string | RegExp): Promise<void> {
    const deadline = Date.now() + 40_000;
    while (!(typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text))) {
      if (Date.now() > deadline) throw new Error(`never showed ${wanted}:\n${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const roots = (name: string) => join(folder, name);

async function startAgent(
  port: string,
  rootsFile: string,
): Promise<{ agent: Running; url: string }> {
  const agent = new Running(agentScript, '--port', port, '--out-roots', roots(rootsFile));
  await agent.shows('simulated root in');
  return { agent, url: /listening on (http:\S+)/.exec(agent.text)?.[1] ?? '' };
}

test('says what changed and nothing else, asks on while nobody answers, and ends as the last verdict', async () => {
  const { agent, url } = await startAgent('0', 'first.pem');
  const log = join(folder, 'decisions.log');
  const watch = new Running(
    mainScript,
    ...['verify', url, '--watch', '1s', '--log', log],
    ...['--insecure-root', roots('first.pem')],
  );
  await watch.shows('ACCEPTED under policy');
  const first = watch.text;
  const logged = async () => (await readDecisionLog(log)).decisions;
  // Two more rounds with new nonces and times, and no news in them.
  const before = await logged();
  while ((await logged()) < before + 2) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(watch.text).toBe(first);

  agent.child.kill('SIGKILL');
  await watch.shows(/ECONNREFUSED\. It is\s+asked\s+again\s+every\s+1s/);
  await startAgent(new URL(url).port, 'second.pem');
  await watch.shows('INVALID, was accepted');
  await watch.shows(/the agent answers, after \d+ rounds? without/);
  await watch.shows(/FAIL {4}chain\.root-pinned +was pass/);
  expect(watch.text).toMatch(/policy\.tree-root +another value/);
  expect(watch.text.match(/ECONNREFUSED/g)).toHaveLength(1);
  expect(watch.text.slice(first.length)).not.toMatch(/binding\.(?:nonce|freshness)/);

  watch.child.kill('SIGINT');
  expect(await watch.ended).toBe(20);
  expect(await readDecisionLog(log)).toMatchObject({ broken: null, recovered: [] });
}, 120_000);

test('without any answer it is undecided, and stops at once', async () => {
  const watch = new Running(mainScript, 'verify', 'http://127.0.0.1:9', '--watch', '24h');
  await watch.shows('ECONNREFUSED');
  watch.child.kill('SIGINT');
  expect(await watch.ended).toBe(30);
  expect(watch.text).not.toMatch(/\n\s+at /);
}, 60_000);

describe('what changed', () => {
  const verdict = async (scene: Scene) => verdictOf(scene);

  test('nothing, when only the time and the nonce did', async () => {
    const scene = await bundleScene();
    const later = { ...scene, now: scene.now + 60 };
    expect(changesBetween(await verdict(scene), await verdict(later))).toEqual([]);
  });

  test('a value that is still accepted, with the one before', async () => {
    const [one, other] = await Promise.all([
      bundleScene(),
      bundleScene({ bound: { closureDigest: new Uint8Array(32).fill(0xc2) } }),
    ]);
    const lines = changesBetween(await verdict(one), await verdict(other)).join('\n');
    expect(lines).toMatch(/pass {4}policy\.closure-digest +another value/);
    expect(lines).toContain(`now       ${'c2'.repeat(32)}`);
    expect(lines).toContain(`before    ${'c1'.repeat(32)}`);
    expect(lines).not.toContain('binding.nonce');
  });

  test('a check that fails now, with why', async () => {
    const scene = await bundleScene();
    const replayed = {
      ...scene,
      evidence: { ...scene.evidence, nonce: sampleNonce.map((byte) => byte ^ 1) },
    } as Scene;
    const lines = changesBetween(await verdict(scene), await verdict(replayed)).join('\n');
    expect(lines).toMatch(/FAIL {4}binding\.nonce +was pass\n +why /);
  });

  test('a check that is not asked any more', async () => {
    const [challenged, not] = await Promise.all([bundleScene(), bundleScene({ nonce: null })]);
    const lines = changesBetween(await verdict(challenged), await verdict(not)).join('\n');
    expect(lines).toContain('gone    binding.nonce');
  });

  test('what runs out first, when it is another, and when a week, a day and an hour are left', async () => {
    const scene = await bundleScene();
    const at = async (left: number) => {
      const { forecast } = await verdict(scene);
      return verdict({ ...scene, now: (forecast[0]?.at ?? 0) - left });
    };
    const forecast = async (before: number, after: number) =>
      changesBetween(await at(before), await at(after)).join('\n');
    expect(await forecast(691_200, 604_800)).toMatch(
      /^ {2}forecast .* runs out first, at .*\(in 7 days\)/,
    );
    expect(await forecast(90_000, 80_000)).toContain('(in 22 hours)');
    expect(await forecast(3700, 3000)).toContain('(in 50 minutes)');
    expect(await forecast(80_000, 70_000)).toBe('');
  });
});

test.each([
  ['1s', 1],
  ['60s', 60],
  ['5m', 300],
  ['24h', 86_400],
])('%s is %i seconds', (text, seconds) => {
  expect(parseInterval(text)).toBe(seconds);
});

test.each(['', '0s', '60', 's', '1d', '25h', '86401s', '-1s', '1.5s', '01s', '1S', '1e3s'])(
  '"%s" is no interval',
  (text) => {
    expect(() => parseInterval(text)).toThrow('no interval from 1s to 24h');
  },
);

describe('wrong usage', () => {
  const url = 'http://127.0.0.1:9';
  test.each<[string, string[], string]>([
    ['a file', ['bundle.json', '--watch', '5s'], 'needs the URL of an agent'],
    ['no target', ['--watch', '5s'], 'needs the URL of an agent'],
    ['no interval', [url, '--watch', 'soon'], 'no interval'],
    ['a nonce', [url, '--watch', '5s', '--nonce', '00'.repeat(32)], '--watch and --nonce'],
    ['a time', [url, '--watch', '5s', '--at', '2026-01-01T00:00:00Z'], '--watch and --at'],
    ['JSON', [url, '--watch', '5s', '--format', 'json'], '--watch has no format json'],
    ['no URL', ['http://', '--watch', '5s'], 'is not a URL'],
  ])('%s', async (_, args, message) => {
    const { code, stderr } = await affidavit(['verify', ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
