/** Every Nix file is Nix. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasNix, instantiate, nixFiles, nixMissing } from './nix-command.ts';

if (!hasNix) console.warn(`test/nixos/parse.test.ts skips: ${nixMissing}`);

test('the files are found', () => {
  expect(nixFiles()).toEqual(
    expect.arrayContaining(['flake.nix', 'nixos/default.nix', 'nixos/units/agent.nix']),
  );
});

test.skipIf(!hasNix)('every file parses', () => {
  const { status, stderr } = instantiate(['--parse', ...nixFiles()]);
  expect(stderr.split('\n').filter((line) => line.includes('error'))).toEqual([]);
  expect(status).toBe(0);
});

test.skipIf(!hasNix)('a file that is not Nix is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-parse-'));
  try {
    const file = join(folder, 'broken.nix');
    writeFileSync(file, '{ a = ; }\n');
    const { status, stderr } = instantiate(['--parse', ...nixFiles(), file]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('broken.nix');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
