/**
 * Builds services/echo-rust without asking crates.io: from a folder of crates as `cargo vendor` makes it
 * (AFFIDAVIT_CRATES), or from Debian's source packages of the same versions. Cargo.lock is used as committed; what is
 * built is kept until a source, a crate or the compiler changes.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder, debianMissing, debianTree } from './debian.ts';

const run = promisify(execFile);

const packageFolder = fileURLToPath(new URL('../../services/echo-rust/', import.meta.url));

/** Rust has 1.x alone; as `rust-version` in Cargo.toml. */
const leastMinor = 70;

export type Skipped = { skipped: string };

/** The building itself takes a minute or two: give the hook that calls it `buildMilliseconds`. */
export type EchoRust = {
  /** Path of the program. */
  server: string;
  /** Path of a test-only program: a line of x ‖ y, hash and r ‖ s in hex → `ok` or `refused`. */
  verifier: string;
};

export const buildMilliseconds = 600_000;

/**
 * Release build. Skipped where cargo, a linker or the crates are absent.
 * @throws Error when it does not compile
 */
export async function buildEchoRust(): Promise<EchoRust | Skipped> {
  const workshop = await openWorkshop();
  if ('skipped' in workshop) return workshop;
  const built = {
    server: join(workshop.folder, 'target/release/echo-rust'),
    verifier: join(workshop.folder, 'target/release/examples/verify'),
  };
  await cargo(workshop, ['build', '--quiet', '--release', '--bins', '--example', 'verify']);
  return built;
}

/**
 * `cargo test`.
 * @returns its output
 * @throws Error, with its output, when a test fails
 */
export async function testEchoRust(): Promise<{ output: string } | Skipped> {
  const workshop = await openWorkshop();
  if ('skipped' in workshop) return workshop;
  return { output: await cargo(workshop, ['test']) };
}

/** Holds `sources/home` (cargo's configuration), `sources/crates` and `target`. */
type Workshop = { folder: string };

async function openWorkshop(): Promise<Workshop | Skipped> {
  const compiler = await findCompiler();
  if (typeof compiler !== 'string') return compiler;
  const crates = process.env['AFFIDAVIT_CRATES'];
  const key = await hashOfSources([compiler, crates ?? '']);
  const folder = join(cacheFolder, 'echo-rust', key);
  if (existsSync(join(folder, 'sources'))) return { folder };
  const origin = crates ?? (await debianCrates());
  if (typeof origin !== 'string') return origin;
  const missing = await gatherSources(origin, folder);
  return missing ?? { folder };
}

/** @returns its exact version */
async function findCompiler(): Promise<string | Skipped> {
  try {
    await run('cargo', ['--version']);
    await run('cc', ['--version']);
    const { stdout } = await run('rustc', ['--version', '--verbose']);
    const minor = Number(/^rustc 1\.(\d+)\./.exec(stdout)?.[1]);
    if (minor >= leastMinor) return stdout;
    return { skipped: `Rust 1.${leastMinor} is needed, not ${stdout.split('\n')[0]}` };
  } catch (error) {
    return { skipped: `cargo, rustc and cc are needed: ${firstLine(error)}` };
  }
}

async function hashOfSources(more: readonly string[]): Promise<string> {
  const entries = await readdir(packageFolder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(packageFolder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('target'))
    .sort();
  const hash = createHash('sha256').update(JSON.stringify([...more, paths]));
  for (const path of paths) {
    hash.update(
      createHash('sha256')
        .update(await readFile(join(packageFolder, path)))
        .digest(),
    );
  }
  return hash.digest('hex').slice(0, 16);
}

type Crate = { name: string; version: string; checksum: string };

/** Those that Cargo.lock takes from crates.io. */
async function lockedCrates(): Promise<Crate[]> {
  const text = await readFile(join(packageFolder, 'Cargo.lock'), 'utf8');
  const crate =
    /name = "([\w-]+)"\nversion = "([\w.+-]+)"\nsource = "registry\+[^"]+"\nchecksum = "([0-9a-f]{64})"/g;
  return [...text.matchAll(crate)].map(([, name = '', version = '', checksum = '']) => {
    return { name, version, checksum };
  });
}

/** Debian's name of a crate has no underscore. */
async function debianCrates(): Promise<string | Skipped> {
  const missing = debianMissing();
  if (missing !== null) return { skipped: missing };
  const names = (await lockedCrates()).map(({ name }) => name.replaceAll('_', '-'));
  const packages = names.map((name) => `librust-${name}-dev`);
  try {
    const tree = await debianTree({ suite: 'trixie', packages, only: /^librust-/, alone: true });
    return join(tree, 'usr/share/cargo/registry');
  } catch (error) {
    return { skipped: `Debian's source packages of the crates: ${firstLine(error)}` };
  }
}

/** Complete under its name, or not there: several processes may do this at once. */
async function gatherSources(origin: string, folder: string): Promise<Skipped | undefined> {
  const sources = join(folder, 'sources');
  const scratch = `${sources}.${randomUUID()}`;
  try {
    for (const crate of await lockedCrates()) {
      const found = crateFolder(origin, crate);
      if (found === undefined) {
        return { skipped: `crate ${crate.name} ${crate.version} is not in ${origin}` };
      }
      await copyCrate(found, join(scratch, 'crates', `${crate.name}-${crate.version}`), crate);
    }
    await mkdir(join(scratch, 'home'), { recursive: true });
    await writeFile(join(scratch, 'home/config.toml'), cargoConfiguration(join(sources, 'crates')));
    await rename(scratch, sources).catch((error: unknown) => {
      if (!existsSync(sources)) throw error;
    });
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function crateFolder(origin: string, { name, version }: Crate): string | undefined {
  return [`${name}-${version}`, name]
    .map((folder) => join(origin, folder))
    .find((folder) => existsSync(join(folder, 'Cargo.toml')));
}

/**
 * Cargo compares the checksum beside a crate with Cargo.lock. Debian writes none beside many of its crates (apt's
 * signature vouches for them): there it is Cargo.lock's.
 * @throws Error when another checksum stands there
 */
async function copyCrate(from: string, to: string, { name, checksum }: Crate): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  const file = join(to, '.cargo-checksum.json');
  const found: { package?: string; files?: object } = JSON.parse(await readFile(file, 'utf8'));
  const known = /^[0-9a-f]{64}$/.test(found.package ?? '');
  if (known && found.package !== checksum) {
    throw new Error(`crate ${name} in ${from} is not the one of Cargo.lock: its checksum differs`);
  }
  await writeFile(file, JSON.stringify({ package: checksum, files: found.files ?? {} }));
}

function cargoConfiguration(crates: string): string {
  return `[source.crates-io]
replace-with = "folder"

[source.folder]
directory = ${JSON.stringify(crates)}
`;
}

async function cargo({ folder }: Workshop, [command = '', ...args]: string[]): Promise<string> {
  const env = {
    ...process.env,
    CARGO_HOME: join(folder, 'sources/home'),
    CARGO_TARGET_DIR: join(folder, 'target'),
  };
  const all = [command, '--locked', '--offline', ...args];
  const options = { cwd: packageFolder, env, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await run('cargo', all, options);
    return stdout + stderr;
  } catch (error) {
    const output = error as { stdout?: string; stderr?: string };
    throw new Error(`cargo ${command} failed:\n${output.stdout ?? ''}${output.stderr ?? ''}`);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
