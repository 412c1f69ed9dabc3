/** Bundles a program for a page: what it imports of Barretenberg and Noir comes with its workers and its WebAssembly. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Name below the page's address → content. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/** @param entry path of a TypeScript file; it is `page.js` @throws Error for an import that no browser has, as of `node:` */
export async function bundlePage(entry: string): Promise<PageFiles> {
  const barretenberg = join(
    dirname(require.resolve('@aztec/bb.js')),
    '../browser/barretenberg_wasm',
  );
  const worker = (name: string) =>
    join(barretenberg, `barretenberg_wasm_${name}/factory/browser/${name}.worker.js`);
  const { outputFiles } = await build({
    // Barretenberg starts its workers by these names, beside the file that it is in itself.
    entryPoints: [
      { in: entry, out: 'page' },
      { in: worker('main'), out: 'main.worker' },
      { in: worker('thread'), out: 'thread.worker' },
    ],
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [path.slice(1), contents]));
  // Noir's two machines are looked for beside the file that they are called from.
  for (const [name, file] of [
    ['@noir-lang/acvm_js', 'acvm_js_bg.wasm'],
    ['@noir-lang/noirc_abi', 'noirc_abi_wasm_bg.wasm'],
  ] as const) {
    const main = require.resolve(name, { paths: [require.resolve('@noir-lang/noir_js')] });
    files.set(file, readFileSync(join(dirname(main), '../web', file)));
  }
  return files;
}
