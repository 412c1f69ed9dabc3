/**
 * Debian packages in a folder, without installing them: apt finds and downloads what is needed with a state of its own,
 * `dpkg-deb` unpacks it. For a guest's file system, and for libraries that this machine's own release does not have.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const cacheFolder = fileURLToPath(
  new URL('../../node_modules/.cache/affidavit/', import.meta.url),
);

export type Suite = 'bookworm' | 'bookworm-backports' | 'trixie';

export type TreeOptions = {
  suite: Suite;
  packages: readonly string[];
  /** Unpack those alone whose file name matches; the others are what Debian says they need. */
  only?: RegExp;
  /** Downloaded by name, without what they need. */
  alone?: boolean;
};

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const mirror = 'http://deb.debian.org/debian';
const minutes = 60_000;

/** Why packages cannot be had here; null where they can. */
export function debianMissing(): string | null {
  for (const needed of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', keyring]) {
    if (!existsSync(needed)) return `${needed} is not there: Debian's packages are needed`;
  }
  return null;
}

/**
 * A folder that holds the packages and what they depend on. It is used again for a day, and then made anew: so
 * security updates come in.
 * @throws Error of apt or dpkg-deb: no network, no such package
 */
export async function debianTree(options: TreeOptions): Promise<string> {
  const { suite, packages, only, alone = false } = options;
  const day = new Date().toISOString().slice(0, 10);
  const what = JSON.stringify([suite, [...packages].sort(), only?.source ?? null, alone, day]);
  const name = createHash('sha256').update(what).digest('hex').slice(0, 16);
  const folder = join(cacheFolder, 'debian', `${suite}-${name}`);
  if (existsSync(folder)) return folder;
  const scratch = `${folder}.${randomUUID()}`;
  try {
    const archives = await download(scratch, options);
    const tree = join(scratch, 'tree');
    await mkdir(tree, { recursive: true });
    for (const archive of archives) {
      if (only !== undefined && !only.test(archive)) continue;
      await run('dpkg-deb', ['-x', join(scratch, 'cache/archives', archive), tree]);
    }
    // Another process may have been faster: then its folder is as good.
    await rename(tree, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @returns names of the package files in `cache/archives` */
async function download(folder: string, { suite, packages, alone }: TreeOptions) {
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'etc/empty']) {
    await mkdir(join(folder, part), { recursive: true });
  }
  await writeFile(join(folder, 'state/status'), '');
  await writeFile(join(folder, 'etc/sources.list'), sources(suite));
  const settings = join(folder, 'apt.conf');
  await writeFile(settings, aptSettings(folder, suite));
  const options = { env: { ...process.env, APT_CONFIG: settings }, timeout: 10 * minutes };
  await run('apt-get', ['update', '-qq'], options);
  const archives = join(folder, 'cache/archives');
  if (alone === true)
    await run('apt-get', ['download', ...packages], { ...options, cwd: archives });
  else await run('apt-get', ['install', '-qq', '-y', '--download-only', ...packages], options);
  return (await readdir(archives)).filter((name) => name.endsWith('.deb')).sort();
}

/** Backports need the release that they are for. */
function sources(suite: Suite): string {
  const suites = suite === 'bookworm-backports' ? ['bookworm', suite] : [suite];
  return suites.map((one) => `deb [signed-by=${keyring}] ${mirror} ${one} main\n`).join('');
}

function aptSettings(folder: string, suite: Suite): string {
  const settings: Record<string, string> = {
    Dir: folder,
    'Dir::State': 'state',
    'Dir::State::status': join(folder, 'state/status'),
    'Dir::Cache': 'cache',
    'Dir::Etc': 'etc',
    'Dir::Etc::sourcelist': 'sources.list',
    'Dir::Etc::sourceparts': 'empty',
    'Dir::Etc::parts': 'empty',
    'Dir::Etc::preferencesparts': 'empty',
    'APT::Architecture': 'amd64',
    'APT::Default-Release': suite,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join('');
}
