/** `affidavit verify` in each format, quietly, with one check explained, and saving what it fetched. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { helpText } from '#test/tools/help.ts';
import { encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { formatTime } from '#verifier/time.ts';
import { bundleScene, hierarchyOf } from '../scene.ts';
import { affidavit } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-formats-'));
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
let args: string[];
let crl: string;
let bare: string;

beforeAll(async () => {
  const { bytes } = (await bundleScene()).evidence;
  const hierarchy = await hierarchyOf('Milan');
  const bundle = parseBundle(bytes);
  const collateral = bundle.collateral.filter(({ kind }) => kind !== 'ark-crl');
  crl = file('crl.der', hierarchy.crl.der);
  bare = file('bare.json', encodeBundle({ ...bundle, collateral }));
  args = ['--at', formatTime(fakeNow), '--insecure-root', file('roots.pem', hierarchy.rootsPem())];
});
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (...more: string[]) => affidavit(['verify', ...args, ...more]);
const accepted = 'ACCEPTED under policy "genuine", which names no software\n';

test('JSON has a forecast, Markdown a heading, quiet one line, and explain one check', async () => {
  const [json, markdown, quiet, explain] = await Promise.all([
    verify(bare, '--format', 'json'),
    verify(bare, '--format', 'markdown'),
    verify(bare, '--quiet'),
    verify(bare, '--explain', 'collateral.revocation'),
  ]);
  expect([json, markdown, quiet, explain].map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const verdict = JSON.parse(json.stdout);
  expect(verdict.forecast[0]).toEqual({ what: expect.any(String), at: verdict.expires });
  expect(markdown.stdout).toMatch(/^## Attestation verdict\n/);
  expect(quiet.stdout).toBe(accepted);
  expect(explain.stdout).toMatch(/^collateral\.revocation\n(.|\n)*\nfound {5}waived\n/);
  expect(explain.stdout.endsWith(`\n\n${accepted}`)).toBe(true);
});

test('ear is a token of three parts, and says on standard error what its key is worth', async () => {
  const { code, stdout, stderr } = await verify(bare, '--format', 'ear');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(stderr).toContain('a key made for this token');
});

test('quiet keeps the exit code of a refusal', async () => {
  const { code, stdout } = await verify(bare, '--quiet', '--measurement', '00'.repeat(48));
  expect(code).toBe(10);
  expect(stdout).toMatch(/^REJECTED by policy "genuine, narrowed": .+ \(policy\.measurement\)\n$/);
});

describe('--save', () => {
  test('writes a bundle that verifies alone, with the collateral that was given', async () => {
    const saved = join(folder, 'saved.json');
    const first = await verify(bare, '--crl', crl, '--save', saved);
    expect(first.stderr).toContain(`affidavit verify ${saved} --offline`);
    expect(first.stdout).toContain('pass    collateral.revocation');
    const alone = await verify(saved, '--offline');
    expect(alone.stdout).toBe(first.stdout);
    const items = parseBundle(readFileSync(saved)).collateral;
    expect(items.map(({ kind, source }) => [kind, source])).toContainEqual([
      'ark-crl',
      'command line',
    ]);
  });

  test('writes over nothing unless told to', async () => {
    const kept = file('kept.json', 'kept');
    const refused = await verify(bare, '--save', kept);
    expect([refused.code, readFileSync(kept, 'utf8')]).toEqual([2, 'kept']);
    expect(refused.stderr).toContain('exists already');
    expect((await verify(bare, '--save', kept, '--force')).code).toBe(0);
    expect(parseBundle(readFileSync(kept)).version).toBe(1);
  });

  test('saves nothing that is no bundle, and says so', async () => {
    const path = join(folder, 'none.json');
    const { code, stderr } = await verify(file('broken.json', '{}'), '--save', path);
    expect([code, existsSync(path)]).toEqual([20, false]);
    expect(stderr).toContain('affidavit: not saved: ');
  });
});

test.each([
  ['quiet JSON', ['--quiet', '--format', 'json'], '--quiet prints text'],
  ['an explained token', ['--explain', 'policy.debug', '--format', 'ear'], '--explain prints text'],
  ['quiet and explained', ['--quiet', '--explain', 'policy.debug'], 'contradict each other'],
  ['no check', ['--explain', 'debug'], 'Did you mean policy.debug?'],
  ['a key without a token', ['--ear-key', 'k.pem'], 'belongs beside --format ear'],
  ['force without save', ['--force'], 'belongs beside --save'],
  ['a saved report', ['--report', 'r.bin', '--save', 'x'], '--save is for bundles'],
])('%s is wrong usage', async (_, more, reason) => {
  const { code, stderr } = await verify(...(more.includes('--report') ? [] : [bare]), ...more);
  expect(code).toBe(2);
  expect(stderr).toContain(reason);
});

test('the launcher answers --help with what the command says', () => {
  const written = new URL('../../../verifier/cli/help.txt', import.meta.url);
  expect(readFileSync(written, 'utf8')).toBe(helpText());
});
