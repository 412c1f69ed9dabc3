/**
 * Debian's systemd as the guest's user land, outside of the measured closure: what the programs link to, systemd, and
 * tools for a look from inside. Packages are only unpacked; the files that their scripts would make are made here.
 */
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { utf8 } from '#verifier/bytes.ts';
import { debianTree } from '../tools/debian.ts';
import type { Entry, Tree } from './cpio.ts';

export const busybox = '/bin/busybox';
/** Answers whoever connects with a shell of root: a guest that has it is no production. */
export const diagnosticsPort = 7199;

const programs = [
  'bin/journalctl',
  'bin/mount',
  'bin/nsenter',
  'bin/setpriv',
  'bin/systemctl',
  'bin/systemd-notify',
  'bin/umount',
  'lib/systemd/systemd',
  'lib/systemd/systemd-executor',
  'lib/systemd/systemd-journald',
  'lib/systemd/systemd-shutdown',
];

const systemUnits = [
  'basic.target',
  'final.target',
  'local-fs-pre.target',
  'local-fs.target',
  'modprobe@.service',
  'multi-user.target',
  'network-pre.target',
  'network.target',
  'paths.target',
  'poweroff.target',
  'shutdown.target',
  'slices.target',
  'sockets.target',
  'swap.target',
  'sys-kernel-config.mount',
  'sysinit.target',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-poweroff.service',
  'time-set.target',
  'timers.target',
  'tmp.mount',
  'umount.target',
];

const texts: Record<string, string> = {
  '/etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  '/etc/hostname': 'affidavit-test-guest\n',
  '/etc/machine-id': `${'a'.repeat(32)}\n`,
  '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  '/etc/os-release': 'ID=affidavit-test-guest\nNAME="Affidavit test guest"\nVERSION_ID=1\n',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  '/etc/systemd/journald.conf': '[Journal]\nStorage=volatile\nForwardToConsole=yes\n',
  // An emulated processor is slow, more so beside other work: that is no fault of the agent. OpenSSL without the vector
  // instructions of its choice hashes faster here, for emulated ones cost the most.
  '/etc/systemd/system.conf.d/slow.conf':
    '[Manager]\nDefaultTimeoutStartSec=10min\nDefaultEnvironment=OPENSSL_ia32cap=0\n',
  '/etc/systemd/system/affidavit-agent.service.d/slow.conf': '[Service]\nWatchdogSec=10min\n',
  '/etc/systemd/system/insecure-diagnostics.socket': `[Socket]\nListenStream=${diagnosticsPort}\nAccept=yes\n`,
  '/etc/systemd/system/insecure-diagnostics@.service':
    '[Service]\nExecStart=-/bin/busybox sh\nStandardInput=socket\n',
};

/** Wanted by a target: the unit's file is in the folder of the same name. */
const wants: Record<string, string[]> = {
  '/etc/systemd/system/sockets.target.wants': ['insecure-diagnostics.socket'],
  '/usr/lib/systemd/system/local-fs.target.wants': ['tmp.mount'],
  '/usr/lib/systemd/system/sockets.target.wants': [
    'systemd-journald-dev-log.socket',
    'systemd-journald.socket',
  ],
  '/usr/lib/systemd/system/sysinit.target.wants': [
    'sys-kernel-config.mount',
    'systemd-journald.service',
  ],
};

const file = (from: string, mode: number): Entry => ({ kind: 'file', mode, from: { file: from } });
const text = (content: string): Entry => ({
  kind: 'file',
  mode: 0o644,
  from: { bytes: utf8(content) },
});

/** @throws Error of apt */
export async function userland(): Promise<Tree> {
  const packages = ['systemd', 'util-linux', 'libstdc++6'];
  const debian = await debianTree({ suite: 'trixie', packages });
  const tree: Tree = new Map();
  for (const [link, target] of Object.entries({
    '/bin': 'usr/bin',
    '/lib': 'usr/lib',
    '/lib64': 'usr/lib64',
    '/sbin': 'usr/bin',
    '/etc/systemd/system/default.target': '/usr/lib/systemd/system/multi-user.target',
  })) {
    tree.set(link, { kind: 'link', target });
  }
  for (const folder of [
    '/proc',
    '/sys',
    '/dev',
    '/run',
    '/root',
    '/home',
    '/var/log',
    '/var/tmp',
  ]) {
    tree.set(folder, { kind: 'folder', mode: folder === '/root' ? 0o700 : 0o755 });
  }
  tree.set('/tmp', { kind: 'folder', mode: 0o1777 });
  for (const name of programs) tree.set(`/usr/${name}`, file(join(debian, 'usr', name), 0o755));
  for (const name of systemUnits) {
    const path = `/usr/lib/systemd/system/${name}`;
    tree.set(path, file(join(debian, path), 0o644));
  }
  addLibraries(tree, debian);
  for (const [path, content] of Object.entries(texts)) tree.set(path, text(content));
  for (const [folder, names] of Object.entries(wants)) {
    for (const name of names) tree.set(`${folder}/${name}`, { kind: 'link', target: `../${name}` });
  }
  tree.set('/usr/bin/busybox', file(busybox, 0o755));
  for (const name of ['modprobe', 'sh']) {
    tree.set(`/usr/bin/${name}`, { kind: 'link', target: 'busybox' });
  }
  tree.set('/init', file(fileURLToPath(new URL('init.sh', import.meta.url)), 0o755));
  return tree;
}

/** All of them but what programs load by name, where systemd's own are wanted alone. */
function addLibraries(tree: Tree, debian: string): void {
  const folder = '/usr/lib/x86_64-linux-gnu';
  for (const name of [folder, `${folder}/systemd`, '/usr/lib64']) {
    for (const library of readdirSync(join(debian, name))) {
      const from = join(debian, name, library);
      const found = lstatSync(from);
      const path = `${name}/${library}`;
      if (found.isSymbolicLink()) {
        // A package may hold the link alone of what another one brings.
        if (existsSync(from)) tree.set(path, { kind: 'link', target: readlinkSync(from) });
      } else if (found.isFile()) tree.set(path, file(from, 0o755));
    }
  }
}
