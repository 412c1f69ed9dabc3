#!/usr/bin/env node
/**
 * Starts the CLI under Node 24. Plain JavaScript, because Node 20 reads it. main.ts runs on import,
 * and nothing else is loaded here where Node is new enough: start-up time is part of every
 * verification.
 */
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A folder for compiled code, or undefined where none can be written (a read-only installation).
 */
function compileCache() {
  try {
    // Not recursive from the root: without node_modules nothing is installed, and nothing is left
    // behind.
    accessSync(`${root}node_modules`, constants.W_OK);
    const folder = `${root}node_modules/.cache/affidavit`;
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/**
 * The answer to a bare --help as test/tools/help.ts wrote it, so that it waits for nothing; undefined for every other
 * command line, and where the file is missing.
 */
function writtenHelp() {
  if (process.argv.length !== 3 || process.argv[2] !== '--help') return undefined;
  try {
    return readFileSync(new URL('help.txt', import.meta.url));
  } catch {
    return undefined;
  }
}

const help = writtenHelp();
const cache = process.env.NODE_COMPILE_CACHE ?? compileCache();

if (help !== undefined) {
  process.stdout.write(help);
} else if (Number.parseInt(process.versions.node, 10) >= 24) {
  if (cache !== undefined) process.getBuiltinModule('node:module').enableCompileCache(cache);
  await import('./main.ts');
} else {
  const { become, fail, findNode24, noNode24 } = await import('./node24.js');
  const node = findNode24(root);
  if (node === undefined) fail(noNode24(root));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
  become(node, [main, ...process.argv.slice(2)], { env });
}
