/**
 * A description from files: of a NixOS system (`/run/current-system`) or of the root of a guest (`/` while it runs). Files do not
 * say how the guest was launched, nor all of what its configuration does: such members are null.
 */
import type { GuestDescription } from './description.ts';
import { parseDeviceMapper, parseMounts, parseSwaps } from './mounts.ts';
import { isBelow } from './place.ts';
import { parseUnit, valuesOf } from './unit.ts';

/** Paths are relative to the folder; links are followed within the guest, never out of it. */
export type GuestTree = {
  /** Null where there is no such file, or where it may not be read. */
  read: (path: string) => Promise<string | null>;
  /** Names, sorted; empty where there is no such folder. */
  list: (path: string) => Promise<string[]>;
  /** The absolute path, within the guest, of what a path leads to; null where it leads nowhere. */
  resolve: (path: string) => Promise<string | null>;
};

type Unit = GuestDescription['units']['all'][number];

const unitName = /^[^/]+\.(?:service|socket|timer|path|mount|automount|swap|target)$/;
const unitFolders = [
  'etc/systemd/system',
  'etc/systemd/system.control',
  'run/systemd/system',
  'run/systemd/system.control',
  'usr/local/lib/systemd/system',
];
const generatorFolders = [
  'run/systemd/system-generators',
  'etc/systemd/system-generators',
  'usr/local/lib/systemd/system-generators',
];

/** @returns null for a folder that is neither */
export async function describeFolder(tree: GuestTree): Promise<GuestDescription | null> {
  const systemParameters = await tree.read('kernel-params');
  const isRoot = systemParameters === null;
  const parameters = systemParameters ?? (await tree.read('proc/cmdline'));
  const folders = isRoot ? unitFolders : ['etc/systemd/system'];
  const all = await unitsOf(tree, folders);
  if (parameters === null && all.length === 0) return null;
  return {
    version: 1,
    name: (await tree.read('etc/hostname'))?.trim() || 'folder',
    source: 'folder',
    tee: null,
    boot: { launch: null, uki: await isUki(tree), parameters: splitWords(parameters ?? '') },
    kernel: await kernelOf(tree, all),
    storage: await storageOf(tree, isRoot),
    units: {
      all,
      loose: isRoot ? await looseOf(tree) : null,
      generators: await generatorsOf(tree, isRoot),
    },
    access: await accessOf(tree, all),
    network: { dhcp: await dhcpOf(tree, all), timeSync: timeSyncOf(all) },
  };
}

/** systemd-stub leaves a variable; where firmware variables cannot be seen, nobody knows. */
async function isUki(tree: GuestTree): Promise<boolean | null> {
  const names = await tree.list('sys/firmware/efi/efivars');
  if (names.length === 0) return null;
  return names.some((name) => name.startsWith('StubInfo-'));
}

async function unitsOf(tree: GuestTree, folders: readonly string[]): Promise<Unit[]> {
  const wanted = await wantedOf(tree, [...folders, 'run/systemd/generator']);
  const found = new Map<string, Unit>();
  for (const folder of folders) {
    for (const name of await tree.list(folder)) {
      if (!unitName.test(name) || found.has(name)) continue;
      const text = await tree.read(`${folder}/${name}`);
      // A mask is a link to /dev/null, which is empty.
      if (text === null || text === '') continue;
      found.set(name, { name, scope: 'system', wanted: wanted.has(name), text });
    }
  }
  for (const unit of found.values()) unit.text += await dropInsOf(tree, folders, unit.name);
  return [...found.values()];
}

async function dropInsOf(
  tree: GuestTree,
  folders: readonly string[],
  name: string,
): Promise<string> {
  const texts: string[] = [];
  for (const folder of folders) {
    for (const file of await tree.list(`${folder}/${name}.d`)) {
      if (file.endsWith('.conf'))
        texts.push((await tree.read(`${folder}/${name}.d/${file}`)) ?? '');
    }
  }
  return texts.map((text) => `\n${text}`).join('');
}

/** Names of instances too, such as serial-getty@ttyS0.service. */
async function wantedOf(tree: GuestTree, folders: readonly string[]): Promise<Set<string>> {
  const wanted = new Set<string>();
  for (const folder of folders) {
    for (const name of await tree.list(folder)) {
      if (!/\.(?:wants|requires|upholds)$/.test(name)) continue;
      for (const unit of await tree.list(`${folder}/${name}`)) wanted.add(unit);
    }
  }
  return wanted;
}

async function kernelOf(
  tree: GuestTree,
  units: readonly Unit[],
): Promise<GuestDescription['kernel']> {
  const flag = async (name: string): Promise<boolean | null> => {
    const now = await tree.read(`proc/sys/kernel/${name}`);
    if (now !== null) return now.trim() === '1';
    const set = await tree.read('etc/sysctl.d/60-nixos.conf');
    return set === null ? null : new RegExp(`^kernel\\.${name}\\s*=\\s*1$`, 'm').test(set);
  };
  const locks = units.some(({ name }) => name === 'disable-kernel-module-loading.service');
  return {
    kexecDisabled: await flag('kexec_load_disabled'),
    modulesLocked: locks || (await flag('modules_disabled')),
    modules: await configuredModules(tree, 'etc/modules-load.d', /^\s*([\w-]+)/gm),
    blacklisted: await configuredModules(tree, 'etc/modprobe.d', /^\s*blacklist\s+([\w-]+)/gm),
  };
}

async function configuredModules(tree: GuestTree, folder: string, line: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const name of await tree.list(folder)) {
    const text = (await tree.read(`${folder}/${name}`)) ?? '';
    found.push(...[...text.matchAll(line)].map(([, module]) => module as string));
  }
  return found;
}

async function storageOf(tree: GuestTree, isRoot: boolean): Promise<GuestDescription['storage']> {
  const mapped = await mappedOf(tree);
  const mounts = isRoot ? await tree.read('proc/mounts') : null;
  const swaps = isRoot ? await tree.read('proc/swaps') : null;
  return {
    fileSystems: mounts === null ? null : parseMounts(mounts, mapped),
    swap: swaps === null ? null : parseSwaps(swaps, mapped),
    luks: null,
    tpm: null,
    coreDumps: await coreDumpsOf(tree),
  };
}

/** Device of the device mapper → its UUID, which begins with what made it. */
async function mappedOf(tree: GuestTree): Promise<Map<string, string>> {
  const devices: { node: string; name: string; uuid: string }[] = [];
  for (const node of await tree.list('sys/block')) {
    const name = await tree.read(`sys/block/${node}/dm/name`);
    const uuid = await tree.read(`sys/block/${node}/dm/uuid`);
    if (name !== null && uuid !== null) devices.push({ node, name, uuid });
  }
  return parseDeviceMapper(devices);
}

async function coreDumpsOf(tree: GuestTree): Promise<GuestDescription['storage']['coreDumps']> {
  const pattern = await tree.read('proc/sys/kernel/core_pattern');
  if (pattern === null) return null;
  if (!pattern.startsWith('|')) return 'files';
  if (!pattern.includes('systemd-coredump')) return null;
  const settings = parseUnit((await tree.read('etc/systemd/coredump.conf')) ?? '');
  const storage = valuesOf(settings, 'Storage').at(-1);
  return storage === 'none' || storage === 'journal' ? storage : 'files';
}

async function looseOf(tree: GuestTree): Promise<string[]> {
  const found: string[] = [];
  for (const folder of unitFolders) {
    for (const name of await tree.list(folder)) {
      if (!unitName.test(name) && !name.endsWith('.d')) continue;
      const path = await tree.resolve(`${folder}/${name}`);
      if (path !== null && path !== '/dev/null' && !isBelow(path, '/nix/store')) {
        found.push(`/${folder}/${name}`);
      }
    }
  }
  return found;
}

async function generatorsOf(
  tree: GuestTree,
  isRoot: boolean,
): Promise<GuestDescription['units']['generators']> {
  const found: { name: string; path: string }[] = [];
  for (const folder of isRoot ? generatorFolders : ['etc/systemd/system-generators']) {
    for (const name of await tree.list(folder)) {
      const path = await tree.resolve(`${folder}/${name}`);
      if (path !== null) found.push({ name, path });
    }
  }
  return found;
}

async function accessOf(
  tree: GuestTree,
  units: readonly Unit[],
): Promise<GuestDescription['access']> {
  const wanted = await wantedOf(tree, ['etc/systemd/system', 'run/systemd/generator']);
  const terminals = [...wanted].map((name) => /getty@([^.]+)\.service$/.exec(name)?.[1]);
  const gettys = units.filter(({ name }) => /getty/.test(name));
  const autologin = gettys.flatMap(({ text }) =>
    [...text.matchAll(/--autologin[ =](\S+)/g)].map(([, user]) => user as string),
  );
  return {
    ssh: units.some(({ name }) => /^(?:sshd|ssh|dropbear)(?:@.*)?\.(?:service|socket)$/.test(name)),
    consoles: terminals.filter((name) => name !== undefined),
    autologin: [...new Set(autologin)],
    // The initrd is not in the folder.
    emergencyShell: units.some(({ name }) => name === 'emergency.service') || null,
    mutableUsers: null,
    usersWithPassword: usersOf(await tree.read('etc/shadow')),
  };
}

/** An empty field is a login without password; `!` and `*` are locks (shadow(5)). */
function usersOf(shadow: string | null): string[] | null {
  if (shadow === null) return null;
  return shadow
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name, hash]) => name && hash !== undefined && !/^[!*]/.test(hash))
    .map(([name]) => name as string);
}

async function dhcpOf(tree: GuestTree, units: readonly Unit[]): Promise<boolean | null> {
  if (units.some(({ name }) => /^(?:dhcpcd|dhclient|udhcpc)/.test(name))) return true;
  for (const name of await tree.list('etc/systemd/network')) {
    const settings = parseUnit((await tree.read(`etc/systemd/network/${name}`)) ?? '');
    if (valuesOf(settings, 'DHCP').some((value) => value !== 'no')) return true;
  }
  return null;
}

function timeSyncOf(units: readonly Unit[]): GuestDescription['network']['timeSync'] {
  const has = (pattern: RegExp) => units.some(({ name }) => pattern.test(name));
  if (has(/^(?:systemd-timesyncd|ntpd|ntp|openntpd)\.service$/)) return 'unauthenticated';
  return has(/^chronyd?\.service$/) ? null : 'none';
}

function splitWords(text: string): string[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
}
