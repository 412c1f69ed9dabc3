import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAll, tsmFiles } from '#agent/files.ts';
import { utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a file is read to its end, up to the limit', async () => {
  const file = join(folder, 'large');
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
  await writeFile(file, bytes);
  expect(await readAll(file, 200_000)).toEqual(bytes);
  expect(await codeOf(() => readAll(file, 199_999))).toBe('too-large');
  expect(await codeOf(() => readAll(join(folder, 'absent'), 1))).toBe('ENOENT');
});

test.skipIf(process.platform !== 'linux')('a kernel file that states no size is read', async () => {
  expect((await readAll('/proc/self/status', 1_000_000)).length).toBeGreaterThan(100);
});

test('folders are made once, written into where the file is, and removed', async () => {
  const entry = join(folder, 'entry');
  await tsmFiles.makeFolder(entry);
  expect(await codeOf(() => tsmFiles.makeFolder(entry))).toBe('EEXIST');
  expect(await codeOf(() => tsmFiles.write(join(entry, 'inblob'), utf8('x')))).toBe('ENOENT');
  await tsmFiles.removeFolder(entry);

  const file = join(folder, 'inblob');
  await writeFile(file, '');
  await tsmFiles.write(file, utf8('report data'));
  expect(await readFile(file, 'utf8')).toBe('report data');
  expect(await tsmFiles.read(file)).toEqual(utf8('report data'));
});
