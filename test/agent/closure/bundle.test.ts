/** In an image the program is one file: a worker starts that file, and must not run the program again. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { hashNar } from '#agent/nar.ts';
import { toHex } from '#verifier/bytes.ts';
import { temporaryFolder } from './fake-store.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('workers of a bundled program hash, and run nothing else of it', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, 'contents');
  const contents = `
    import { createNarPool } from '#agent/closure/pool.ts';
    console.log('the program runs');
    const pool = createNarPool({ threads: 2 });
    const hashes = await Promise.all([1, 2, 3].map(() => pool.hash(process.argv[2])));
    await pool.close();
    for (const { narHash } of hashes) console.log(Buffer.from(narHash).toString('hex'));`;
  await build({
    stdin: { contents, resolveDir: root, sourcefile: 'program.ts', loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(folder, 'program.mjs'),
    logLevel: 'silent',
  });
  const said = execFileSync(process.execPath, [join(folder, 'program.mjs'), file], {
    encoding: 'utf8',
  });
  const hash = toHex(hashNar(file).narHash);
  expect(said.trim().split('\n')).toEqual(['the program runs', hash, hash, hash]);
});
