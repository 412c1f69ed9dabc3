/** Debian's kernel, and the module of this folder built for it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debianTree } from '../tools/debian.ts';

const run = promisify(execFile);

export type Kernel = {
  /** The kernel's image. */
  image: string;
  /** As uname says it. */
  release: string;
  /** Modules in the order in which they are loaded, but for the last, which is `tsmModule`. */
  modules: string[];
  /** Ours, the provider. */
  tsmModule: string;
};

/** What the guest needs: configfs and its reports, and the network card. */
const wanted = [
  'fs/configfs/configfs',
  'drivers/virt/coco/tsm',
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
];

/**
 * @param folder an empty one, for what is unpacked and built
 * @throws Error of apt, xz or the compiler
 */
export async function prepareKernel(folder: string): Promise<Kernel> {
  const tree = await debianTree({
    suite: 'bookworm-backports',
    packages: ['linux-image-cloud-amd64', 'linux-headers-cloud-amd64'],
    only: /^linux-/,
  });
  const [release] = await readdir(join(tree, 'lib/modules'));
  if (release === undefined) throw new Error(`${tree} holds no kernel`);
  const modules: string[] = [];
  for (const name of wanted) {
    const from = join(tree, 'lib/modules', release, 'kernel', `${name}.ko.xz`);
    modules.push(await unpacked(from, folder));
  }
  const image = join(tree, 'boot', `vmlinuz-${release}`);
  return { image, release, modules, tsmModule: await buildModule(tree, folder) };
}

async function unpacked(from: string, folder: string): Promise<string> {
  const { stdout } = await run('xz', ['-dc', from], { encoding: 'buffer', maxBuffer: 64 << 20 });
  const name = from.slice(from.lastIndexOf('/') + 1).replace(/\.xz$/, '');
  const file = join(folder, name);
  await writeFile(file, stdout);
  return file;
}

async function buildModule(tree: string, folder: string): Promise<string> {
  const sources = join(tree, 'usr/src');
  const names = await readdir(sources);
  const own = names.find((name) => /^linux-headers-.*-cloud-amd64$/.test(name));
  const common = names.find((name) => /^linux-headers-.*-common$/.test(name));
  if (own === undefined || common === undefined) throw new Error(`${sources} holds no headers`);
  const headers = join(folder, 'headers');
  await mkdir(headers);
  for (const name of await readdir(join(sources, own))) {
    // Debian's Makefile names the place that the package is installed at; with vmlinux the build would want pahole.
    if (name === 'Makefile' || name === 'vmlinux') continue;
    await symlink(join(sources, own, name), join(headers, name));
  }
  await writeFile(join(headers, 'Makefile'), `include ${join(sources, common)}/Makefile\n`);
  const module = join(folder, 'tsm-module');
  await cp(fileURLToPath(new URL('tsm-module', import.meta.url)), module, { recursive: true });
  await run('make', ['-s', '-C', headers, `M=${module}`, 'CC=gcc', 'modules']);
  return join(module, 'affidavit_tsm.ko');
}
