/**
 * Finds Node 24 and hands this process over to it. Plain JavaScript, because Node 20 reads it: the
 * launcher and test/tools/bootstrap.js start here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { isatty } from 'node:tty';

/** `v24.1.0` → 24; anything else → 0 */
function majorOf(version) {
  return Number(/^v(\d+)\.\d+\.\d+/.exec(version)?.[1] ?? 0);
}

/**
 * The Node that package-lock.json locks, else this process's, else the first on PATH that is new
 * enough.
 * @param root folder of package.json
 * @returns path of a Node 24 or newer, or undefined
 */
export function findNode24(root) {
  const { arch, env, execPath, platform, version } = process;
  const locked = join(root, 'node_modules', `node-${platform}-${arch}`, 'bin', 'node');
  if (existsSync(locked)) return locked;
  if (majorOf(version) >= 24) return execPath;
  const name = platform === 'win32' ? 'node.exe' : 'node';
  // A relative entry of PATH would let the current folder choose the program.
  for (const folder of (env.PATH ?? '').split(delimiter).filter(isAbsolute)) {
    const found = join(folder, name);
    if (!existsSync(found)) continue;
    const answer = spawnSync(found, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    if (majorOf(answer.stdout ?? '') >= 24) return found;
  }
  return undefined;
}

/** What to print when findNode24 finds nothing. */
export function noNode24(root) {
  return `affidavit needs Node 24, and this is Node ${process.version}: run "npm ci" in ${root}, or install Node 24 from https://nodejs.org`;
}

/** Prints one line on stderr and ends the process with code 1. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/**
 * Runs a program in place of this process: same stdin, stdout and stderr, signals passed on, and
 * its exit code becomes ours (128 + n when signal n ended it). Call it last.
 */
export function become(program, args, options = {}) {
  const child = spawn(program, args, { stdio: 'inherit', ...options });
  child.on('error', (error) => fail(`Cannot start ${program}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes: passing it on would make it two.
      if (signal !== 'SIGINT' || !isatty(0)) child.kill(signal);
    });
  }
}
