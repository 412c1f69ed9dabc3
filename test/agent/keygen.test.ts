/** `agent keygen`: a key pair a service, as a guest's boot makes them. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parsePublicKeyFile } from '#agent/keys.ts';
import { main } from '#agent/main.ts';
import { fromHex, toHex } from '#verifier/bytes.ts';

let folder: string;
let said: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keygen-'));
  said = '';
  const hear = (text: string | Uint8Array) => {
    said += text;
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(hear);
  vi.spyOn(process.stderr, 'write').mockImplementation(hear);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const folders = () => [
  '--private-folder',
  join(folder, 'keys'),
  '--public-folder',
  join(folder, 'public'),
];

async function pair(name: string): Promise<{ secret: string; public: string }> {
  const secret = await readFile(join(folder, 'keys', `${name}.key`), 'utf8');
  const bytes = await readFile(join(folder, 'public', `${name}.pub`));
  return { secret, public: toHex(parsePublicKeyFile(new Uint8Array(bytes))) };
}

describe('agent keygen', () => {
  test('makes a pair for each name, the secret one for its owner alone', async () => {
    expect(await main(['keygen', ...folders(), 'echo-cpp', 'echo-rust'])).toBe(0);
    for (const name of ['echo-cpp', 'echo-rust']) {
      const { secret, public: shown } = await pair(name);
      expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
      const key = fromHex(secret.trim(), 'key', 32);
      expect(toHex(secp256k1.getPublicKey(key, false).slice(1))).toBe(shown);
      expect((await stat(join(folder, 'keys', `${name}.key`))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700);
    expect(said).toBe('affidavit agent: keys made: echo-cpp, echo-rust\n');
    const { secret } = await pair('echo-cpp');
    expect(said).not.toContain(secret.trim());
  });

  test('makes new ones when it runs again', async () => {
    await main(['keygen', ...folders(), 'echo']);
    const before = await pair('echo');
    expect(await main(['keygen', ...folders(), 'echo'])).toBe(0);
    const after = await pair('echo');
    expect(after.secret).not.toBe(before.secret);
    expect(after.public).not.toBe(before.public);
  });

  test('without a service it makes the folders', async () => {
    expect(await main(['keygen', ...folders()])).toBe(0);
    expect((await stat(join(folder, 'public'))).isDirectory()).toBe(true);
  });

  test('refuses a name that no service can have before it makes any key', async () => {
    expect(await main(['keygen', ...folders(), 'echo', '../evil'])).toBe(2);
    expect(said).toContain('[a-z0-9]');
    await expect(stat(join(folder, 'keys'))).rejects.toThrow('ENOENT');
  });

  test('says which folder cannot be made', async () => {
    await writeFile(join(folder, 'keys'), '');
    expect(await main(['keygen', ...folders(), 'echo'])).toBe(2);
    expect(said).toContain(join(folder, 'keys'));
    expect(said).toContain('Check that the folders exist');
  });

  test.each([
    ['no folders', ['keygen', 'echo']],
    ['one folder', ['keygen', '--private-folder', '/tmp/x', 'echo']],
    ['an option of another command', ['keygen', '--config', 'x']],
    ['no command', []],
    ['an unknown one', ['rekey']],
  ])('%s is wrong usage', async (_, args) => {
    expect(await main(args)).toBe(2);
    expect(said).toContain('usage: agent run --config FILE');
  });
});

describe('agent check-config --form', () => {
  const config = (changes: object) => ({
    version: 1,
    listen: { host: '0.0.0.0', port: 8080 },
    closure: { registration: '/nowhere/registration' },
    services: [
      {
        name: 'echo',
        storePath: `/nix/store/${'0'.repeat(32)}-echo`,
        publicKeyFile: '/nowhere/echo.pub',
      },
    ],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
    ...changes,
  });

  async function check(changes: object, ...options: string[]): Promise<number> {
    const file = join(folder, 'agent.json');
    await writeFile(file, JSON.stringify(config(changes)));
    return main(['check-config', ...options, file]);
  }

  test('takes files that are of another machine', async () => {
    expect(await check({}, '--form')).toBe(0);
    expect(said).toBe('ok: 1 services; the files that it names were not read\n');
  });

  test('without it they are missed', async () => {
    expect(await check({})).toBe(2);
    expect(said).toContain('/nowhere/registration');
  });

  test('refuses what is wrong in form', async () => {
    expect(await check({ closure: {} }, '--form')).toBe(2);
    expect(said).toContain('registration, pathInfo and scan');
  });
});
