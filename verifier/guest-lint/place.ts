/** Where a path lies, and so who can put something there. */
import type { FileSystem, GuestDescription } from './description.ts';

/**
 * `measured`: under a root hash. `memory`: made at boot by measured code. `sealed`: on an encrypted disk. `open`: the host writes
 * it. `unknown`: nobody said what is mounted.
 */
export type Place = 'measured' | 'memory' | 'sealed' | 'open' | 'unknown';

const inMemory = new Set([
  ...['tmpfs', 'ramfs', 'rootfs', 'devtmpfs', 'devpts', 'proc', 'sysfs', 'cgroup', 'cgroup2'],
  ...['configfs', 'debugfs', 'tracefs', 'securityfs', 'bpf', 'mqueue', 'hugetlbfs', 'autofs'],
]);

/** File systems whose server is not the guest. */
export const sharedTypes: ReadonlySet<string> = new Set([
  ...['virtiofs', '9p', 'vboxsf', 'vmhgfs', 'fuse.vmhgfs-fuse', 'prl_fs'],
  ...['nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs', 'ceph', 'glusterfs'],
]);

export function isInMemory(type: string): boolean {
  return inMemory.has(type) || /^fuse\.(?:gvfsd|lxcfs)/.test(type);
}

export function isBind({ type, options }: FileSystem): boolean {
  return type === 'none' || options.some((option) => option === 'bind' || option === 'rbind');
}

/** Within a system whose mounts may lead to each other, so many steps and no more. */
const maxSteps = 8;

export function placeOf(path: string, description: GuestDescription, steps = 0): Place {
  const { fileSystems } = description.storage;
  // What firmware tables hold is the host's word; where a path with .. leads is nobody's.
  if (isBelow(path, '/sys/firmware') || path.split('/').includes('..')) return 'open';
  if (['/run', '/proc', '/sys', '/dev'].some((folder) => isBelow(path, folder))) return 'memory';
  if (fileSystems === null) return 'unknown';
  const mount = mountOf(path, fileSystems);
  if (mount === undefined || steps >= maxSteps) return 'open';
  return placeOfMount(mount, description, steps);
}

export function placeOfMount(mount: FileSystem, description: GuestDescription, steps = 0): Place {
  const { type, device, options, protection } = mount;
  if (protection === 'verity') return 'measured';
  if (protection === 'luks') return 'sealed';
  if (isInMemory(type)) return 'memory';
  const within = (path: string) => placeOf(path, description, steps + 1);
  if (isBind(mount)) return device?.startsWith('/') ? within(device) : 'open';
  if (type === 'overlay') return worstOf(layersOf(options).map(within));
  return 'open';
}

function layersOf(options: readonly string[]): string[] {
  return options.flatMap((option) => {
    const [, paths] = /^(?:lowerdir|upperdir)=(.*)$/.exec(option) ?? [];
    return paths === undefined ? [] : paths.split(':').filter((path) => path !== '');
  });
}

const order = ['open', 'unknown', 'sealed', 'memory', 'measured'] as const satisfies Place[];

/** Open for none at all. */
export function worstOf(places: readonly Place[]): Place {
  return order.find((place) => places.includes(place)) ?? 'open';
}

/** The last of those that are mounted at the deepest folder above. */
export function mountOf(path: string, mounts: readonly FileSystem[]): FileSystem | undefined {
  let found: FileSystem | undefined;
  for (const mount of mounts) {
    const isDeeper = mount.mountPoint.length >= (found?.mountPoint.length ?? 0);
    if (isDeeper && isBelow(path, mount.mountPoint)) found = mount;
  }
  return found;
}

/** The folder itself too. A path with `..` is below nothing but the root. */
export function isBelow(path: string, folder: string): boolean {
  if (folder === '/') return true;
  if (path.split('/').includes('..')) return false;
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
