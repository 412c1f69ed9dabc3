import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyFileError, readKeyFile } from '#services/echo-node/key-file.ts';
import { bigEndian } from '#verifier/bytes.ts';

const secret = `${'0'.repeat(62)}1f`;
const onWindows = process.platform === 'win32';
const any = () => true;

let folder: string;
let credentials: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-key-'));
  credentials = join(folder, 'credentials');
  await mkdir(join(credentials, 'below'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function written(name: string, text: string, mode: number): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const refused = (message: RegExp) => async (path: string, within?: string) => {
  const reading = readKeyFile(path, any, within);
  await expect(reading).rejects.toThrow(KeyFileError);
  await expect(reading).rejects.toThrow(message);
};
const refusedAsShared = refused(/others may use it/);

test('a key with and without LF is taken, what holds no key is not', async () => {
  expect(await readKeyFile(await written('a', secret, 0o600), any)).toEqual(bigEndian(31, 32));
  const path = await written('b', `${secret}\n`, 0o600);
  expect(await readKeyFile(path, any)).toEqual(bigEndian(31, 32));
  await expect(readKeyFile(path, () => false)).rejects.toThrow(/not a secp256k1 secret key/);
  await refused(/64 lower-case hex digits/)(await written('c', `${secret} `, 0o600));
  await refused(/there is no such file/)(join(folder, 'nothing'));
  await refused(/not a file/)(credentials);
});

describe.skipIf(onWindows)('mode', () => {
  test.each([0o600, 0o400])('%o is taken', async (mode) => {
    const path = await written(`mode-${mode}`, secret, mode);
    expect(await readKeyFile(path, any)).toEqual(bigEndian(31, 32));
  });

  test.each([0o440, 0o640, 0o604, 0o610, 0o602])('%o is refused', async (mode) => {
    await refusedAsShared(await written(`mode-${mode}`, secret, mode));
  });

  test('0440 is taken directly in the folder of credentials', async () => {
    const path = await written('credentials/key', secret, 0o440);
    for (const within of [credentials, `${credentials}/`, join(folder, '.', 'credentials')]) {
      expect(await readKeyFile(path, any, within)).toEqual(bigEndian(31, 32));
    }
    await refusedAsShared(path);
    await refusedAsShared(path, '');
    await refusedAsShared(path, folder);
    await refusedAsShared(path, join(folder, 'nothing'));
  });

  test.each([0o444, 0o460, 0o640, 0o450])('%o is refused there too', async (mode) => {
    await refusedAsShared(await written(`credentials/${mode}`, secret, mode), credentials);
  });

  test('0440 is refused below that folder, and through a link out of it', async () => {
    await refusedAsShared(await written('credentials/below/key', secret, 0o440), credentials);
    const outside = await written('outside', secret, 0o440);
    await symlink(outside, join(credentials, 'link'));
    await refusedAsShared(join(credentials, 'link'), credentials);
  });
});
