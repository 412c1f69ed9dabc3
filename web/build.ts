/** `npm run web`: the page into web/dist, the same as one HTML file beside it, and what both weigh. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { circuitsHere, lackingText } from './circuits-plugin.ts';
import { singleFile } from './single-file.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export const singleFileName = 'affidavit.html';

/**
 * @param folder emptied first
 * @param logLevel `info` also says what proofs will lack
 */
export async function buildPage(folder: string, logLevel: 'info' | 'warn' = 'warn'): Promise<void> {
  await build({
    configFile: join(here, 'vite.config.ts'),
    logLevel,
    // Barretenberg alone is megabytes, and is loaded with the first proof.
    build: { outDir: folder, emptyOutDir: true, chunkSizeWarningLimit: 20_000 },
  });
  writeFileSync(join(folder, singleFileName), await singleFile());
}

export type Weight = { file: string; bytes: number; gzip: number };

function weigh(folder: string, file: string): Weight {
  const content = readFileSync(join(folder, file));
  return { file, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
}

/** What a browser fetches before the page can be used: the page, and what it names. What is loaded later is not among it. */
export function firstLoad(folder: string): Weight[] {
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path ?? '');
  return ['index.html', ...named].map((file) => weigh(folder, file));
}

function line({ file, bytes, gzip }: Weight): string {
  const kilobytes = (count: number) => `${(count / 1000).toFixed(1)} kB`.padStart(10);
  return `${file.padEnd(40)} ${kilobytes(bytes)} ${kilobytes(gzip)} gzip\n`;
}

if (import.meta.main) {
  const folder = join(here, 'dist');
  await buildPage(folder, 'info');
  const parts = firstLoad(folder);
  const sum = (of: (one: Weight) => number) => parts.reduce((all, one) => all + of(one), 0);
  const all = {
    file: 'first load',
    bytes: sum(({ bytes }) => bytes),
    gzip: sum(({ gzip }) => gzip),
  };
  process.stdout.write([...parts, all, weigh(folder, singleFileName)].map(line).join(''));
  // What the build made is at hand by now.
  const lacking = lackingText(await circuitsHere(false));
  if (lacking !== null) process.stdout.write(`${lacking}\n`);
}
