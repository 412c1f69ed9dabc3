/**
 * The initial file system of the sealing guest: a kernel of Debian's, programs of Debian trixie with the libraries that they
 * name, and the files that a test adds. It is the whole guest: nothing else is mounted but the disk under test.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { debianTree } from '#test/tools/debian.ts';

const run = promisify(execFile);

/** Opened by systemd at run time, so that no package depends on them. */
export const tpmLibraries = [
  'libtss2-esys-3.0.2-0t64',
  'libtss2-mu-4.0.1-0t64',
  'libtss2-rc0t64',
  'libtss2-tcti-device0t64',
];

const packages = [
  ...tpmLibraries,
  'base-files',
  'coreutils',
  'cryptsetup-bin',
  'dash',
  'dmsetup',
  'e2fsprogs',
  'grep',
  'jq',
  'kmod',
  'mount',
  'openssl',
  'systemd',
  'systemd-cryptsetup',
  'systemd-sysv',
  'udev',
  'util-linux',
];

/** What the scripts and systemd need; below /usr. */
const programs = [
  ...[
    'cat',
    'chmod',
    'cp',
    'cut',
    'dd',
    'head',
    'ls',
    'mkdir',
    'mv',
    'rm',
    'sleep',
    'stat',
    'sync',
    'tr',
  ],
  ...['base64', 'sha256sum', 'stty', 'id', 'ln', 'mktemp', 'od', 'tail', 'touch', 'wc', 'env'],
  ...['dash', 'openssl', 'jq', 'mount', 'umount', 'dmesg', 'grep', 'kmod'],
  ...['systemctl', 'journalctl', 'udevadm', 'systemd-cryptenroll', 'systemd-cryptsetup'],
  ...['systemd-tmpfiles'],
].map((name) => `bin/${name}`);
const administration = [
  ...['cryptsetup', 'dmsetup', 'mke2fs', 'e2fsck', 'wipefs', 'blkid', 'blockdev'],
].map((name) => `sbin/${name}`);
const libexec = [
  ...['systemd', 'systemd-executor', 'systemd-journald', 'systemd-udevd', 'systemd-pcrextend'],
  'systemd-shutdown',
].map((name) => `lib/systemd/${name}`);

/** Opened at run time, so that no program names them. */
const opened = /^lib(tss2-.*|cryptsetup|kmod|blkid|mount|fdisk)\.so\.\d/;

const units = [
  ...['basic', 'local-fs', 'multi-user', 'shutdown', 'sockets', 'sysinit', 'tpm2', 'umount'].map(
    (name) => `${name}.target`,
  ),
  ...['systemd-journald', 'systemd-journald-dev-log'].map((name) => `${name}.socket`),
  ...['systemd-udevd-control', 'systemd-udevd-kernel'].map((name) => `${name}.socket`),
  ...['journald', 'pcrphase-sysinit', 'tmpfiles-setup', 'udevd'].map(
    (name) => `systemd-${name}.service`,
  ),
];

const rules = [
  ...['50-udev-default', '55-dm', '60-block', '60-persistent-storage'],
  ...['60-persistent-storage-dm', '95-dm-notify', '99-systemd'],
];

/** In the order that they are loaded in, after what each says it needs. */
const modules = [
  'efivarfs',
  'virtio_blk',
  'dm-mod',
  'dm-crypt',
  'dm-integrity',
  'xts',
  'authenc',
  'ccm',
];

export type Kernel = { image: string; modules: string; version: string };

export async function kernel(): Promise<Kernel> {
  const tree = await debianTree({
    suite: 'bookworm-backports',
    packages: ['linux-image-cloud-amd64'],
    only: /^linux-/,
  });
  const [version = ''] = await readdir(join(tree, 'lib/modules'));
  return {
    image: join(tree, 'boot', `vmlinuz-${version}`),
    modules: join(tree, 'lib/modules', version),
    version,
  };
}

export function userLand(): Promise<string> {
  return debianTree({ suite: 'trixie', packages });
}

/** A file to add: its text or bytes, or the path of one to copy. */
export type Added =
  | { text: string; mode?: number }
  | { from: string; mode?: number }
  | { link: string };

/** Paths in the guest → what is there. */
export type Files = Record<string, Added>;

/**
 * Writes the initial file system as a compressed cpio archive.
 * @param folder scratch; `root` and `modules` are made in it
 * @param files from the test, by absolute path
 */
export async function writeInitrd(folder: string, files: Files): Promise<string> {
  const root = join(folder, 'root');
  const tree = await userLand();
  await layOut(root);
  await copyPrograms(tree, root);
  await copyUnits(tree, root);
  await copyModules(await kernel(), root);
  for (const [path, file] of Object.entries(files)) await addFile(join(root, path), file);
  const archive = await run(
    'sh',
    ['-c', 'find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0'],
    {
      cwd: root,
      encoding: 'buffer',
      maxBuffer: 2 ** 30,
    },
  );
  const initrd = join(folder, 'initrd.zst');
  await writeFile(initrd, zstdCompressSync(archive.stdout));
  return initrd;
}

async function layOut(root: string): Promise<void> {
  for (const path of [
    'dev',
    'etc',
    'lib/modules',
    'proc',
    'root',
    'run',
    'sys',
    'tmp',
    'var/lib',
  ]) {
    await mkdir(join(root, path), { recursive: true });
  }
  for (const path of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', path), { recursive: true });
  }
  await cp(join(root, 'lib'), join(root, 'usr/lib'), { recursive: true });
  await run('rm', ['-rf', join(root, 'lib')]);
  for (const path of ['bin', 'sbin', 'lib', 'lib64'])
    await symlink(`usr/${path}`, join(root, path));
  await symlink('dash', join(root, 'usr/bin/sh'));
  await symlink('kmod', join(root, 'usr/bin/insmod'));
  await symlink('mke2fs', join(root, 'usr/sbin/mkfs.ext4'));
  await symlink('e2fsck', join(root, 'usr/sbin/fsck.ext4'));
  await symlink('/run', join(root, 'var/run'));
}

async function copyPrograms(tree: string, root: string): Promise<void> {
  const wanted = [...programs, ...administration, ...libexec].map((name) =>
    join(tree, 'usr', name),
  );
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu');
  const late = (await readdir(libraries))
    .filter((name) => opened.test(name))
    .map((name) => join(libraries, name));
  const found = new Set([...wanted, ...(await needed(tree, [...wanted, ...late])), ...late]);
  for (const path of found) await copyInto(tree, root, path);
  await copyInto(tree, root, join(tree, 'usr/lib64/ld-linux-x86-64.so.2'));
}

/** What the loader of that system would load for these files. */
async function needed(tree: string, files: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    files.map(async (file) => {
      const { stdout } = await run(...inTree(tree, ['--list', file]));
      return [...stdout.matchAll(/=> (\S+) \(0x/g)].map(([, path = '']) => path);
    }),
  );
  return [...new Set(lists.flat())].filter((path) => path.startsWith(tree));
}

/** A program of an unpacked system, run by its own loader with its own libraries. */
export function inTree(tree: string, command: readonly string[]): [string, string[]] {
  const libraries = ['', '/systemd', '/cryptsetup'].map(
    (sub) => `${tree}/usr/lib/x86_64-linux-gnu${sub}`,
  );
  const loader = `${tree}/usr/lib64/ld-linux-x86-64.so.2`;
  return [loader, ['--library-path', libraries.join(':'), ...command]];
}

/** As a file, whatever links lead to it. */
async function copyInto(tree: string, root: string, path: string): Promise<void> {
  const inGuest = path.slice(tree.length).replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');
  const target = join(root, inGuest);
  if (existsSync(target)) return;
  await mkdir(dirname(target), { recursive: true });
  await cp(await realpath(path), target);
}

/** systemd's own units and rules as they are, those alone that are named. */
async function copyUnits(tree: string, root: string): Promise<void> {
  const paths = [
    ...units.map((name) => `lib/systemd/system/${name}`),
    ...rules.map((name) => `lib/udev/rules.d/${name}.rules`),
    // Keeps what systemd-stub brings: the signatures of PCR 11 and their key.
    'lib/tmpfiles.d/20-systemd-stub.conf',
  ];
  for (const path of paths) await cp(join(tree, 'usr', path), join(root, 'usr', path));
}

async function copyModules({ modules: from }: Kernel, root: string): Promise<void> {
  const files = new Map<string, string>();
  const all = await readdir(join(from, 'kernel'), { recursive: true });
  for (const path of all) {
    const [name = '', ending] = basename(path).split('.ko');
    if (ending !== undefined) files.set(name.replaceAll('-', '_'), join(from, 'kernel', path));
  }
  const order: string[] = [];
  const load = async (name: string): Promise<void> => {
    const path = files.get(name.replaceAll('-', '_'));
    if (path === undefined) return;
    const target = `${name.replaceAll('-', '_')}.ko`;
    if (order.includes(target)) return;
    const { stdout } = await run('xz', ['-dc', path], { encoding: 'buffer', maxBuffer: 2 ** 26 });
    const depends = /\0depends=([^\0]*)\0/.exec(stdout.toString('latin1'))?.[1] ?? '';
    for (const other of depends.split(',').filter((one) => one !== '')) await load(other);
    await writeFile(join(root, 'usr/lib/modules', target), stdout);
    order.push(target);
  };
  for (const name of modules) await load(name);
  await writeFile(join(root, 'usr/lib/modules/order'), order.map((name) => `${name}\n`).join(''));
}

async function addFile(path: string, file: Added): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if ('link' in file) return symlink(file.link, path);
  if ('from' in file) await cp(file.from, path);
  else await writeFile(path, file.text);
  await chmod(path, file.mode ?? 0o644);
}
