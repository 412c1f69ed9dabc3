/**
 * Unified kernel images as an owner makes them: systemd-stub with kernel, initial file system and command line, the public
 * key that the disk is sealed to, and signatures of the PCR 11 that the image leads to.
 */
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianTree } from '#test/tools/debian.ts';
import { inTree, type Kernel, tpmLibraries } from './image.ts';

const run = promisify(execFile);

/** PEM files. */
export type PolicyKey = { privateKey: string; publicKey: string };

export type UkiOptions = {
  kernel: Kernel;
  initrd: string;
  commandLine: string;
  key: PolicyKey;
  /** Written here. */
  output: string;
};

/** As docs/sealed-disk.md has it: the disk opens in stage 2, before `sysinit` is measured, and never after it. */
export const phases = 'enter-initrd:leave-initrd';

/** Firmware, systemd-stub and ukify, of Debian trixie. */
export function firmware(): Promise<string> {
  return debianTree({
    suite: 'trixie',
    packages: [...tpmLibraries, 'ovmf', 'systemd', 'systemd-boot-efi', 'systemd-ukify'],
  });
}

/** @throws Error of ukify */
export function writeUki(folder: string, options: UkiOptions): Promise<void> {
  const { key } = options;
  return ukify(folder, options, [
    '--pcr-banks=sha256',
    `--pcr-private-key=${key.privateKey}`,
    `--pcr-public-key=${key.publicKey}`,
    `--phases=${phases}`,
  ]);
}

/** An image that nobody signed, and that brings another's signatures. @throws Error of ukify or objcopy */
export async function writeStolenUki(
  folder: string,
  options: UkiOptions & { signed: string },
): Promise<void> {
  const stolen = join(folder, 'stolen.pcrsig');
  await run('objcopy', ['-O', 'binary', '--only-section=.pcrsig', options.signed, stolen]);
  await ukify(folder, options, [
    `--section=.pcrpkey:@${options.key.publicKey}`,
    `--section=.pcrsig:@${stolen}`,
  ]);
}

async function ukify(folder: string, options: UkiOptions, more: readonly string[]): Promise<void> {
  const tree = await firmware();
  const tool = join(folder, 'systemd-measure');
  const [loader, words] = inTree(tree, [join(tree, 'usr/lib/systemd/systemd-measure')]);
  await writeFile(tool, `#!/bin/sh\nexec ${[loader, ...words].join(' ')} "$@"\n`);
  await chmod(tool, 0o755);
  const { kernel, initrd, commandLine, output } = options;
  const command = [
    join(tree, 'usr/bin/python3.13'),
    join(tree, 'usr/lib/systemd/ukify'),
    'build',
    `--linux=${kernel.image}`,
    `--initrd=${initrd}`,
    `--cmdline=${commandLine}`,
    `--uname=${kernel.version}`,
    '--os-release=ID=affidavit-test\n',
    `--stub=${join(tree, 'usr/lib/systemd/boot/efi/linuxx64.efi.stub')}`,
    `--tools=${folder}`,
    `--output=${output}`,
    ...more,
  ];
  const env = { ...process.env, PYTHONHOME: join(tree, 'usr'), PYTHONDONTWRITEBYTECODE: '1' };
  await run(...inTree(tree, command), { env });
}
