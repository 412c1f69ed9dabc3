import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '#test/tools/layers.ts';

/** Installs one package and the locked Node in half a second, and writes down what it was told. */
const npm = `#!/bin/sh
echo "$@" >> npm-runs
[ -e broken ] && exit 4
sleep 0.5
mkdir -p node_modules/koa node_modules/.bin "node_modules/node-${process.platform}-${process.arch}/bin"
echo '{}' > node_modules/koa/package.json
ln -sf "$REAL_NODE" "node_modules/node-${process.platform}-${process.arch}/bin/node"
printf '#!/bin/sh\\necho "bin $@"; exit 3\\n' > node_modules/.bin/tool
chmod +x node_modules/.bin/tool
echo 'chatter of npm'
`;

const script = `
import { delimiter } from 'node:path';
const shown: unknown = [process.argv.slice(2), process.env['PATH']?.split(delimiter)[0]];
console.log(JSON.stringify(shown));
process.exitCode = 5;
`;

let home: string;
const runs = () =>
  fs.existsSync(join(home, 'npm-runs'))
    ? fs.readFileSync(join(home, 'npm-runs'), 'utf8').trim().split('\n')
    : [];
const lock = () => join(home, '.installing');

beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'affidavit-')));
  for (const file of ['test/tools/bootstrap.js', 'test/tools/link-bin.js', 'verifier/cli']) {
    fs.cpSync(join(root, file), join(home, file), { recursive: true });
  }
  const { type, imports } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = { type, imports, dependencies: { koa: '1.0.0' } };
  fs.writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(join(home, 'package-lock.json'), '{}');
  fs.writeFileSync(join(home, 'script.ts'), script);
  fs.mkdirSync(join(home, 'bin'));
  fs.writeFileSync(join(home, 'bin/npm'), npm, { mode: 0o755 });
});

afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

function bootstrap(...args: readonly string[]) {
  const { npm_execpath: _, ...inherited } = process.env;
  const path = [join(home, 'bin'), process.env['PATH']].join(delimiter);
  const child = spawn(process.execPath, [join(home, 'test/tools/bootstrap.js'), ...args], {
    env: { ...inherited, PATH: path, REAL_NODE: process.execPath },
    cwd: home,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

const shown = () => `${JSON.stringify([['a b'], join(home, 'node_modules', '.bin')])}\n`;

describe('bootstrap', () => {
  test('installs once, then runs the script at once', async () => {
    const first = await bootstrap('script.ts', 'a b');
    expect(first).toMatchObject({ code: 5, stdout: shown() });
    expect(first.stderr).toMatch(/npm ci/);
    expect(await bootstrap('script.ts', 'a b')).toEqual({ code: 5, stdout: shown(), stderr: '' });
    expect(runs()).toEqual([
      'ci --include=dev --include=optional --no-audit --no-fund --loglevel=error',
    ]);
    expect(fs.existsSync(join(home, 'node_modules/.bin/affidavit'))).toBe(true);
    expect(fs.existsSync(lock())).toBe(false);
  });

  test('runs a command of node_modules/.bin', async () => {
    const got = await bootstrap('--run', 'tool', 'x', '--y');
    expect(got).toMatchObject({ code: 3, stdout: 'bin x --y\n' });
  });

  test('installs again when package-lock.json has changed', async () => {
    await bootstrap('--install');
    fs.writeFileSync(join(home, 'package-lock.json'), '{ }');
    expect(await bootstrap('--install')).toMatchObject({ code: 0, stdout: '' });
    expect(runs()).toHaveLength(2);
  });

  test('lets one of several processes install', async () => {
    const all = await Promise.all([1, 2, 3].map(() => bootstrap('script.ts', 'a b')));
    for (const got of all) expect(got).toMatchObject({ code: 5, stdout: shown() });
    expect(runs()).toHaveLength(1);
  });

  test('breaks the lock of a process that died, and waits for a living one', async () => {
    fs.mkdirSync(lock());
    const longAgo = new Date(Date.now() - 60_000);
    fs.utimesSync(lock(), longAgo, longAgo);
    expect(await bootstrap('--install')).toMatchObject({ code: 0 });

    fs.rmSync(join(home, 'node_modules'), { recursive: true });
    fs.mkdirSync(lock());
    const waiting = bootstrap('--install');
    await new Promise((done) => setTimeout(done, 700));
    expect(runs()).toHaveLength(1);
    fs.rmdirSync(lock());
    expect(await waiting).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Waiting/) });
    expect(runs()).toHaveLength(2);
  });

  test('says what failed, leaves no lock and no stamp', async () => {
    fs.writeFileSync(join(home, 'broken'), '');
    const got = await bootstrap('script.ts');
    expect(got).toMatchObject({ code: 1, stdout: '' });
    expect(got.stderr).toMatch(/npm ci failed \(4\)/);
    expect(fs.existsSync(lock())).toBe(false);
    fs.rmSync(join(home, 'broken'));
    expect(await bootstrap('script.ts')).toMatchObject({ code: 5 });
  });

  test('does not believe an installation that left a dependency out', async () => {
    const manifest = JSON.parse(fs.readFileSync(join(home, 'package.json'), 'utf8'));
    manifest.devDependencies = { vitest: '1.0.0' };
    fs.writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
    const got = await bootstrap('--install');
    expect(got).toMatchObject({ code: 1, stderr: expect.stringMatching(/left out vitest/) });
  });
});
