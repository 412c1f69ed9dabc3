/**
 * Builds services/echo-cpp with CMake, once for each state of its sources, compiler and options. The programs stay
 * where they were built, below node_modules/.cache, and are used again.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '#test/tools/debian.ts';

const run = promisify(execFile);

export type BuildOptions = {
  /** AddressSanitizer and UndefinedBehaviorSanitizer: the first finding ends the program. */
  sanitize?: boolean;
};

export type Built = {
  /** The service. Without sanitizers it needs the C library alone. */
  server: string;
  /** Checks signatures with libsecp256k1: services/echo-cpp/test/verify.cpp. */
  verifier: string;
  /** CMake's folder, for `ctest --test-dir`. */
  folder: string;
};

const source = fileURLToPath(new URL('../../../services/echo-cpp/', import.meta.url));
const minutes = 60_000;

/**
 * The same folder for each call with the same sources. Of several calls at the same time, in whatever processes, one
 * builds and the others wait.
 * @returns `skipped`: what is missing here
 * @throws Error with the output of CMake when it does not build
 */
export async function buildEchoCpp(
  options: BuildOptions = {},
): Promise<Built | { skipped: string }> {
  const tools = await toolVersions();
  if ('skipped' in tools) return tools;
  const settings =
    options.sanitize === true
      ? ['-DCMAKE_BUILD_TYPE=Debug', '-DSTATIC_SECP256K1=ON', '-DSANITIZE=ON']
      : ['-DCMAKE_BUILD_TYPE=Release', '-DSTATIC_SECP256K1=ON', '-DSANITIZE=OFF'];
  const name = await fingerprint([...settings, ...tools.versions, source]);
  const link = join(cacheFolder, 'echo-cpp', name);
  while (!existsSync(link)) await buildOrWait(link, settings);
  const folder = await realpath(link);
  return {
    server: join(folder, 'echo-cpp'),
    verifier: join(folder, 'echo-cpp-verify'),
    folder,
  };
}

async function toolVersions(): Promise<{ versions: string[] } | { skipped: string }> {
  if (process.platform !== 'linux') return { skipped: 'echo-cpp needs Linux' };
  const wanted = [
    ['cmake', '--version'],
    ['ctest', '--version'],
    ['g++', '--version'],
    ['pkg-config', '--version'],
    ['pkg-config', '--print-errors', '--modversion', 'libsecp256k1 >= 0.2.0'],
  ] as const;
  const versions: string[] = [];
  for (const [command, ...args] of wanted) {
    try {
      versions.push((await run(command, args)).stdout);
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return { skipped: `echo-cpp cannot be built here: ${why}` };
    }
  }
  return { versions };
}

/** Of the sources by name and content, and of whatever else decides what comes out. */
async function fingerprint(others: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(others));
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (const path of files.map((file) => join(file.parentPath, file.name)).sort()) {
    hash.update(JSON.stringify([path, await readFile(path, 'latin1')]));
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildOrWait(link: string, settings: readonly string[]): Promise<void> {
  const lock = `${link}.lock`;
  await mkdir(dirname(link), { recursive: true });
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await sleep(200);
    return removeIfOrphaned(lock);
  }
  try {
    if (!existsSync(link)) await build(link, settings);
  } finally {
    await rm(lock, { force: true });
  }
}

/** The lock of a process that ended without removing it. */
async function removeIfOrphaned(lock: string): Promise<void> {
  const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
  // Being written or just removed.
  if (!Number.isInteger(holder) || holder <= 0) return;
  try {
    process.kill(holder, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') await rm(lock, { force: true });
  }
}

/**
 * CMake's folders cannot be moved: each build has a folder of its own for good, and a link, which appears at once,
 * says which one counts.
 */
async function build(link: string, settings: readonly string[]): Promise<void> {
  const folder = `${link}.${randomUUID()}`;
  await mkdir(folder, { recursive: true });
  try {
    await cmake(['-S', source, '-B', folder, ...settings]);
    await cmake(['--build', folder, '--parallel', '2']);
    const fresh = `${folder}.link`;
    await symlink(folder, fresh);
    await rename(fresh, link);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function cmake(args: readonly string[]): Promise<void> {
  await run('cmake', args, { timeout: 10 * minutes, maxBuffer: 1 << 26 }).catch(
    (error: unknown) => {
      const said = error as { message: string; stdout?: string; stderr?: string };
      throw new Error(`${said.message}\n${said.stdout ?? ''}\n${said.stderr ?? ''}`);
    },
  );
}
