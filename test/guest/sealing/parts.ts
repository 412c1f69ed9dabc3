/** What the suite is made of: keys, images, disks, and boots that end whatever happens. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianMissing } from '#test/tools/debian.ts';
import { guestFiles } from './guest-files.ts';
import { kernel, writeInitrd } from './image.ts';
import { type Machine, type MachineOptions, startMachine } from './qemu.ts';
import { writeStolenUki, writeUki } from './uki.ts';

const run = promisify(execFile);

const commands = [
  'qemu-system-x86_64',
  'swtpm',
  'swtpm_setup',
  'cpio',
  'xz',
  'objcopy',
  'openssl',
  'nix-instantiate',
];

/** Why the guest cannot be had here; null where it can. */
export function sealingMissing(): string | null {
  const folders = (process.env['PATH'] ?? '').split(':');
  const absent = commands.find((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return absent === undefined ? debianMissing() : `${absent} is not there`;
}

export const commandLine =
  'console=ttyS0 panic=-1 quiet systemd.show_status=0 systemd.journald.forward_to_console=1';

export type Parts = {
  folder: string;
  /** The owner's and another's, for recovery: PEM files. */
  owner: { key: string; certificate: string };
  stranger: { key: string; certificate: string };
  images: {
    first: string;
    /** Another command line, signed by the same key. */
    updated: string;
    /** Another command line, with the key and the signatures of the first. */
    foreign: string;
  };
};

export async function makeParts(folder: string): Promise<Parts> {
  await mkdir(folder, { recursive: true });
  const owner = await certificate(folder, 'owner');
  const stranger = await certificate(folder, 'stranger');
  const key = await policyKey(folder);
  const initrd = await writeInitrd(folder, await guestFiles(owner.certificate));
  const images = {
    first: join(folder, 'first.efi'),
    updated: join(folder, 'updated.efi'),
    foreign: join(folder, 'foreign.efi'),
  };
  const common = { kernel: await kernel(), initrd, key };
  await writeUki(folder, { ...common, commandLine, output: images.first });
  const updated = { ...common, commandLine: `${commandLine} updated`, output: images.updated };
  await writeUki(folder, updated);
  const foreign = { ...common, commandLine: `${commandLine} foreign`, output: images.foreign };
  await writeStolenUki(folder, { ...foreign, signed: images.first });
  return { folder, owner, stranger, images };
}

async function certificate(folder: string, name: string) {
  const key = join(folder, `${name}.key`);
  const path = join(folder, `${name}.pem`);
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  await run('openssl', ['req', '-x509', ...made, '-out', path, '-subj', `/CN=${name}`]);
  return { key, certificate: path };
}

async function policyKey(folder: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const files = { privateKey: join(folder, 'policy.key'), publicKey: join(folder, 'policy.pem') };
  await writeFile(files.privateKey, privateKey, { mode: 0o600 });
  await writeFile(files.publicKey, publicKey);
  return files;
}

export async function blankDisk(path: string): Promise<string> {
  await writeFile(path, '');
  await truncate(path, 40 * 2 ** 20);
  return path;
}

/** How many boots were tried again. */
export let panics = 0;

/**
 * Boots and hands the machine over, which ends with the test's work. QEMU's translator now and then panics a kernel that
 * is sound: that boot alone is tried once more.
 */
export async function withMachine<T>(
  options: MachineOptions,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const machine = await startMachine(options);
  try {
    return await work(machine);
  } catch (error) {
    if (!machine.console().includes('Kernel panic') || panics > 0) throw error;
    panics += 1;
  } finally {
    await machine.kill();
  }
  return withMachine(options, work);
}
