/** `affidavit keygen`: what it writes, what it refuses, and that a kill leaves nothing half done. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parsePublicKeyFile } from '#agent/keys.ts';
import { readKeyFile } from '#services/echo-node/key-file.ts';
import { toHex } from '#verifier/bytes.ts';
import { runKeygen } from '#verifier/cli/keygen-command.ts';
import { killKeygen } from './keygen-kill.ts';
import { affidavit } from './run.ts';

let folder: string;
let outPrivate: string;
let outPublic: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-keygen-'));
  outPrivate = join(folder, 'key');
  outPublic = join(folder, 'pub');
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const isKey = (key: Uint8Array) => secp256k1.utils.isValidSecretKey(key);
const files = () => [outPrivate, outPublic].map((path) => readFileSync(path, 'latin1'));

test('the command writes a pair that service and agent read', async () => {
  const ended = await affidavit(['keygen', '--out-private', outPrivate, '--out-public', outPublic]);
  expect(ended).toEqual({
    code: 0,
    stdout: `wrote ${outPrivate} and ${outPublic}\n`,
    stderr: '',
  });
  const secretKey = await readKeyFile(outPrivate, isKey);
  const publicKey = parsePublicKeyFile(new Uint8Array(readFileSync(outPublic)));
  expect(toHex(secp256k1.getPublicKey(secretKey, false).slice(1))).toBe(toHex(publicKey));
  expect(files()).toEqual([`${toHex(secretKey)}\n`, `${toHex(publicKey)}\n`]);
  expect(ended.stdout + ended.stderr).not.toContain(toHex(secretKey));
});

test('the modes are 0600 and 0644 whatever the mask, and nothing else is left', async () => {
  for (const mask of [0, 0o077, 0o777]) {
    const before = process.umask(mask);
    onTestFinished(() => void process.umask(before));
    await runKeygen({ outPrivate, outPublic, replace: true });
    expect([modeOf(outPrivate), modeOf(outPublic)]).toEqual(['600', '644']);
    expect(readdirSync(folder).toSorted()).toEqual(['key', 'pub']);
  }
});

test('each run makes another key, the leading zeros of a short one among its digits', async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 600; i++) {
    await runKeygen({ outPrivate, outPublic, replace: true });
    const [key = '', pub = ''] = files();
    expect(key).toMatch(/^[0-9a-f]{64}\n$/);
    expect(pub).toMatch(/^[0-9a-f]{128}\n$/);
    seen.add(key);
  }
  expect(seen.size).toBe(600);
});

describe('what is there already', () => {
  test.each(['key', 'pub'])(
    '(%s) is refused, and stays; --replace takes its place',
    async (name) => {
      writeFileSync(join(folder, name), 'precious', { mode: 0o600 });
      const args = ['keygen', '--out-private', outPrivate, '--out-public', outPublic];
      const refused = await affidavit(args);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toBe(
        `affidavit: ${join(folder, name)} exists already. Give another name, or --replace for a new key.\n`,
      );
      expect(readdirSync(folder)).toEqual([name]);
      expect(readFileSync(join(folder, name), 'latin1')).toBe('precious');
      expect((await affidavit([...args, '--replace'])).code).toBe(0);
      expect([modeOf(outPrivate), modeOf(outPublic)]).toEqual(['600', '644']);
    },
  );

  test('of a run that was killed is removed, and of nobody else', async () => {
    const names = ['.key.keygen-0123456789abcdef', '.pub.keygen-0123456789abcdef'];
    const others = ['.key.keygen-', '.key.keygen-mine', '.other.keygen-0123456789abcdef'];
    for (const name of [...names, ...others]) writeFileSync(join(folder, name), 'x');
    await runKeygen({ outPrivate, outPublic });
    expect(readdirSync(folder).toSorted()).toEqual([...others, 'key', 'pub'].toSorted());
  });
});

describe('wrong usage', () => {
  test('one file for both halves', async () => {
    const both = join(folder, '.', 'key');
    await expect(runKeygen({ outPrivate, outPublic: both })).rejects.toMatchObject({ exitCode: 2 });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is not there, or in place of a file', async () => {
    const nowhere = join(folder, 'nothing', 'pub');
    const call = (path: string) => runKeygen({ outPrivate, outPublic: path, replace: true });
    await expect(call(nowhere)).rejects.toMatchObject({ exitCode: 2, code: 'file-unwritable' });
    mkdirSync(outPublic);
    await expect(call(outPublic)).rejects.toMatchObject({ exitCode: 2, code: 'file-unwritable' });
    expect(readdirSync(folder).toSorted()).toEqual(['key', 'pub']);
  });

  test('a missing option', async () => {
    const { code, stderr } = await affidavit(['keygen', '--out-private', outPrivate]);
    expect(code).toBe(2);
    expect(stderr).toContain('out-public');
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('20 kills: no key is ever half written', { timeout: 180_000 }, async () => {
  const { broken, remain, changed } = await killKeygen(20);
  expect({ broken, remain }).toEqual({ broken: [], remain: [] });
  expect(changed).toBe(20);
});
