/**
 * Makes a fresh clone ready and runs a tool under Node 24. Plain JavaScript: Node 20 reads it.
 *
 *     node bootstrap.js SCRIPT ARGS…      a script, by its path from the root of the repository
 *     node bootstrap.js --run BIN ARGS…   a command of node_modules/.bin
 *     node bootstrap.js --install         only the installation
 *
 * Installs the locked packages with `npm ci` when node_modules is not from today's
 * package-lock.json. What is said on the way goes to stderr: stdout belongs to the tool.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { become, fail, findNode24, noNode24 } from '#verifier/cli/node24.js';
import { isInstalled, linkBin, stamp } from './link-bin.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const onWindows = process.platform === 'win32';

/** Beside node_modules, not inside: `npm ci` empties that. */
const lock = join(root, '.installing');
const beatMilliseconds = 1_000;
/** A lock whose owner has not touched it for so long was left by a process that died. */
const staleMilliseconds = 15_000;

function isOld(folder) {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > staleMilliseconds;
}

function tryLock() {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, '.gitignore'), '*\n');
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead owner's lock away; of several processes that try, one succeeds. */
function breakLock() {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** @returns npm's exit code, or the signal that ended it */
function npmCi() {
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  // Inside `npm run`, the same npm; it is a script, so that Windows needs no shell.
  const cli = process.env.npm_execpath ?? '';
  const [program, first] =
    basename(cli) === 'npm-cli.js'
      ? [process.execPath, [cli]]
      : [onWindows ? 'npm.cmd' : 'npm', []];
  return new Promise((done, failed) => {
    const child = spawn(program, [...first, ...args], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      shell: onWindows && first.length === 0,
    });
    child.on('error', failed);
    child.on('exit', (code, signal) => done(code ?? signal));
  });
}

/** @returns what went wrong, undefined when nothing did */
async function install() {
  process.stderr.write('Installing the locked packages with npm ci …\n');
  const end = await npmCi().catch((error) => error.message);
  if (end !== 0) return `npm ci failed (${end}): see its lines above, then run the command again`;
  linkBin(root);
  const missing = stamp(root);
  if (missing.length === 0) return undefined;
  return `npm ci left out ${missing.join(', ')}: is package-lock.json up to date?`;
}

/** Installs unless that is done, one process at a time. */
async function ensureInstalled() {
  let told = false;
  while (!isInstalled(root)) {
    if (tryLock()) {
      const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), beatMilliseconds);
      // The terminal sends Ctrl-C to npm too: its end is awaited, so that the lock outlives it.
      const wait = () => {};
      process.on('SIGINT', wait);
      const problem = isInstalled(root) ? undefined : await install();
      process.off('SIGINT', wait);
      clearInterval(beat);
      rmSync(lock, { recursive: true, force: true });
      if (problem !== undefined) fail(problem);
    } else {
      if (!told) process.stderr.write('Waiting for another process to install the packages …\n');
      told = true;
      if (isOld(lock)) breakLock();
      else await sleep(200);
    }
  }
}

if (Number.parseInt(process.versions.node, 10) < 20) {
  fail(
    `Node 20 or newer is needed to start, and this is Node ${process.version}: install Node 24 from https://nodejs.org`,
  );
}
const [what, ...args] = process.argv.slice(2);
if (what === undefined || (what === '--run' && args.length === 0)) {
  fail('Usage: node test/tools/bootstrap.js SCRIPT ARGS… | --run BIN ARGS… | --install');
}
await ensureInstalled();
if (what !== '--install') {
  const node = findNode24(root) ?? fail(noNode24(root));
  const bin = join(root, 'node_modules', '.bin');
  const path = [bin, dirname(node), process.env.PATH ?? ''].join(delimiter);
  const env = { ...process.env, PATH: path };
  if (what !== '--run') become(node, [resolve(root, what), ...args], { env });
  else if (onWindows) become(`${args[0]}.cmd`, args.slice(1), { env, shell: true });
  else become(join(bin, args[0]), args.slice(1), { env });
}
