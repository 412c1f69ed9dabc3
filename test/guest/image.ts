/** What QEMU boots: kernel and first file system, made once for what goes into them and kept for the next run. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { utf8 } from '#verifier/bytes.ts';
import { type Held, Lock } from '#verifier/process-lock.ts';
import { cacheFolder } from '../tools/debian.ts';
import { type Tree, writeCpio } from './cpio.ts';
import { type Kernel, prepareKernel } from './kernel.ts';
import { buildStore, type GuestStore, type Programs, registrationPath } from './store.ts';
import { userland } from './userland.ts';

const run = promisify(execFile);

export type Image = {
  /** The kernel. */
  kernel: string;
  /** As uname says it. */
  release: string;
  initrd: string;
  store: GuestStore;
};

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** What the image is made of, but for the packages of Debian and of npm. */
const sources = [
  ...['agent', 'nixos/lib', 'nixos/units', 'services/echo-node', 'verifier', 'package-lock.json'],
  ...['cpio.ts', 'image.ts', 'init.sh', 'kernel.ts', 'store.ts', 'system.nix', 'tsm-module'].map(
    (name) => `test/guest/${name}`,
  ),
  ...['test/guest/userland.ts', 'test/tools/bundle-agent.ts', 'test/tools/debian.ts'],
];

/** @throws Error of apt, Nix, esbuild or the compiler */
export async function guestImage(programs: Programs): Promise<Image> {
  const images = join(cacheFolder, 'guest');
  const folder = join(images, keyOf(programs));
  const done = join(folder, 'image.json');
  const made = async (): Promise<Image | null> =>
    existsSync(done) ? JSON.parse(await readFile(done, 'utf8')) : null;
  const found = await made();
  if (found !== null) return found;
  await mkdir(images, { recursive: true });
  // Test files run side by side, and begin with the same.
  const lock = await Lock.prepare(join(cacheFolder, 'guest-image'), heldBy);
  try {
    return await lock.hold(
      patience,
      async () => (await made()) ?? makeKept(folder, done, programs),
    );
  } finally {
    await lock.forget();
  }
}

const patience = 600_000;

function heldBy({ lock, who }: Held): Error {
  return new Error(`${who} has been making a guest's image for too long (${lock})`);
}

async function makeKept(folder: string, done: string, programs: Programs): Promise<Image> {
  const images = dirname(folder);
  for (const name of await readdir(images)) await removeOld(join(images, name));
  // Of one that was interrupted.
  await removeFolder(folder);
  const image = await makeImage(folder, programs);
  await writeFile(done, JSON.stringify(image));
  return image;
}

async function makeImage(folder: string, programs: Programs): Promise<Image> {
  const kernelFolder = join(folder, 'kernel');
  const storeFolder = join(folder, 'store');
  await mkdir(kernelFolder, { recursive: true });
  await mkdir(storeFolder);
  const kernel = await prepareKernel(kernelFolder);
  const store = await buildStore(storeFolder, programs);
  const tree = await userland();
  addKernelModules(tree, kernel);
  addStore(tree, store);
  const initrd = join(folder, 'initrd.cpio');
  await writeCpio(initrd, tree);
  const image = join(folder, 'vmlinuz');
  await copyFile(kernel.image, image);
  return { kernel: image, release: kernel.release, initrd, store };
}

/** Each image is some 500 MB, and another run may be using one of today. */
async function removeOld(folder: string): Promise<void> {
  const hours = (Date.now() - (await stat(folder)).mtimeMs) / 3_600_000;
  if (hours >= 12) await removeFolder(folder);
}

async function removeFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  // Folders of a Nix store may not be written to, which stops who is not root.
  await run('chmod', ['-R', 'u+w', folder]);
  await rm(folder, { recursive: true });
}

function addKernelModules(tree: Tree, { modules, tsmModule }: Kernel): void {
  for (const file of [...modules, tsmModule]) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    tree.set(`/usr/lib/guest/${name}`, { kind: 'file', mode: 0o644, from: { file } });
  }
}

/** The closure, its list beside the store, and links to the units as NixOS makes them in /etc. */
function addStore(tree: Tree, { root, system, paths, registration }: GuestStore): void {
  for (const path of paths) addCopy(tree, root, path);
  tree.set(registrationPath, { kind: 'file', mode: 0o444, from: { file: registration } });
  tree.set('/usr/lib/guest/system', { kind: 'file', mode: 0o444, from: { bytes: utf8(system) } });
  const units = `${system}/etc/systemd/system`;
  for (const [path, entry] of [...tree]) {
    if (entry.kind !== 'link' || !path.startsWith(`${units}/`)) continue;
    const place = path.slice(units.length + 1);
    const target = place.includes('/') ? entry.target : path;
    tree.set(`/etc/systemd/system/${place}`, { kind: 'link', target });
  }
}

function addCopy(tree: Tree, root: string, path: string): void {
  const from = join(root, path);
  const found = lstatSync(from);
  if (found.isSymbolicLink()) tree.set(path, { kind: 'link', target: readlinkSync(from) });
  else if (found.isFile())
    tree.set(path, { kind: 'file', mode: found.mode & 0o777, from: { file: from } });
  else {
    tree.set(path, { kind: 'folder', mode: found.mode & 0o777 });
    for (const name of readdirSync(from)) addCopy(tree, root, `${path}/${name}`);
  }
}

/** Of every byte that may change, and of the day: Debian's packages are used for one. */
function keyOf({ node, echoCpp, echoRust }: Programs): string {
  const hash = createHash('sha256');
  const add = (path: string) => {
    if (lstatSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(join(path, name));
    } else
      hash.update(`${path}\0`).update(createHash('sha256').update(readFileSync(path)).digest());
  };
  for (const source of sources) add(join(repository, source));
  for (const program of [node, echoCpp, echoRust])
    program === null ? hash.update('-') : add(program);
  return hash.update(new Date().toISOString().slice(0, 10)).digest('hex').slice(0, 16);
}
