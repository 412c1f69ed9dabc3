/** Disks and shares: what is on them is what the host put there, unless a measured hash or a sealed key says otherwise. */
import { isOff, lastOf, parseParameters, show } from '../command-line.ts';
import type { FileSystem, GuestDescription } from '../description.ts';
import { isBind, isInMemory, placeOf, placeOfMount, sharedTypes } from '../place.ts';
import { type Hit, hitIf, type Rule } from '../rule.ts';

const mountsOf = ({ storage }: GuestDescription) => storage.fileSystems ?? [];
const hitOf = ({ mountPoint, device, type }: FileSystem): Hit => ({
  at: `storage.fileSystems ${mountPoint}`,
  what: device === null || device === type ? type : `${type} of ${device}`,
});
const closedFlags = ['nosuid', 'nodev', 'noexec'];

/** A file system of a disk, that nothing protects. */
function isOpen(mount: FileSystem, description: GuestDescription): boolean {
  if (sharedTypes.has(mount.type) || isInMemory(mount.type) || isBind(mount)) return false;
  return placeOfMount(mount, description) === 'open';
}

const coreFolder = '/var/lib/systemd/coredump';

export const storageRules = [
  {
    id: 'store-unmeasured',
    severity: 'error',
    title: 'the store is on a disk without dm-verity',
    why: 'Programs are read from it all the time. The host changes any of them on the disk, before or after the boot.',
    close:
      'Build the image with image.repart.verityStore: the root hash is in the command line, and the kernel checks every block.',
    spec: 'Linux, admin-guide/device-mapper/verity; systemd-veritysetup-generator(8), usrhash=',
    find: (description) => {
      const place = placeOf('/nix/store', description);
      const what =
        place === 'sealed' ? 'encrypted, but under no measured hash' : 'open to the host';
      return hitIf(place === 'open' || place === 'sealed', 'storage.fileSystems /nix/store', what);
    },
  },
  {
    id: 'root-unmeasured',
    severity: 'error',
    title: 'the root file system is on a disk that the host can change',
    why: '/etc, /root and /var hold units, keys and settings; what the host writes there is obeyed.',
    close: 'Make / a tmpfs that measured code fills at each boot, or put it under dm-verity.',
    spec: 'systemd-volatile-root.service(8); NixOS manual, “Building Images via systemd-repart”',
    find: (description) =>
      mountsOf(description)
        .filter(({ mountPoint, type }) => mountPoint === '/' && !sharedTypes.has(type))
        .filter((mount) => placeOfMount(mount, description) === 'open')
        .map(hitOf),
  },
  {
    id: 'root-persistent',
    severity: 'warning',
    title: 'the root file system lasts, encrypted but not measured',
    why: 'What once got in stays: an older version of the system, or someone with a shell, changed files that later boots obey under the same evidence.',
    close: 'Make / a tmpfs, and seal a volume for data alone, mounted nosuid,nodev,noexec.',
    spec: 'systemd-volatile-root.service(8)',
    find: (description) =>
      mountsOf(description)
        .filter(({ mountPoint, protection }) => mountPoint === '/' && protection === 'luks')
        .map(hitOf),
  },
  {
    id: 'file-system-executable',
    severity: 'error',
    title: 'an unprotected disk is mounted with programs and devices allowed',
    why: 'The host writes a program with the set-user-id bit, or a device node, and waits for it to be used.',
    close: 'Put it under dm-verity or LUKS; at the least mount it nosuid,nodev,noexec.',
    spec: 'mount(8), “Filesystem-independent mount options”',
    find: (description) =>
      mountsOf(description)
        .filter((mount) => mount.mountPoint !== '/' && isOpen(mount, description))
        .filter(({ options }) => !closedFlags.every((flag) => options.includes(flag)))
        .filter(({ mountPoint }) => mountPoint !== '/nix/store')
        .map(hitOf),
  },
  {
    id: 'file-system-open',
    severity: 'note',
    title: 'an unprotected disk is mounted for data',
    why: 'Its contents, and the bytes that the kernel’s file system driver parses, are the host’s.',
    close: 'Leave it out, or let services check what they read from it.',
    spec: 'Linux, Documentation/security/snp-tdx-threat-model.rst, “CoCo guest data attacks”',
    find: (description) =>
      mountsOf(description)
        .filter((mount) => mount.mountPoint !== '/' && isOpen(mount, description))
        .filter(({ options }) => closedFlags.every((flag) => options.includes(flag)))
        .filter(({ mountPoint }) => mountPoint !== '/nix/store')
        .map(hitOf),
  },
  {
    id: 'shared-folder',
    severity: 'error',
    title: 'a folder of the host or of the network is mounted',
    why: 'The other side writes every file, also while it is being read, and sees every access.',
    close: 'Remove the mount; take data over an authenticated channel.',
    spec: 'Linux, filesystems/virtiofs, filesystems/9p',
    find: (description) =>
      mountsOf(description)
        .filter(({ type }) => sharedTypes.has(type))
        .map(hitOf),
  },
  {
    id: 'swap-unencrypted',
    severity: 'error',
    title: 'memory is swapped to a disk in the clear',
    why: 'Secrets leave the encrypted memory, and what the host puts in their place comes back as memory.',
    close: 'Have no swap, zram alone, or swapDevices.*.randomEncryption.',
    spec: 'swapon(8); crypttab(5), swap',
    find: ({ storage }) =>
      (storage.swap ?? [])
        .filter(({ encrypted }) => !encrypted)
        .map(({ device }) => ({ at: 'storage.swap', what: device })),
  },
  {
    id: 'hibernation',
    severity: 'warning',
    title: 'a memory image may be resumed from a disk',
    why: 'An image of a kernel’s memory, made by the host, is loaded in place of the measured one. systemd looks for it where resume= or a firmware variable points.',
    close: 'Add nohibernate (security.protectKernelImage) or noresume; set no boot.resumeDevice.',
    spec: 'Linux, kernel-parameters: nohibernate, noresume, resume=; systemd-hibernate-resume-generator(8), HibernateLocation',
    find: ({ boot }) => {
      const all = parseParameters(boot.parameters);
      if (lastOf(all, 'nohibernate', 'noresume') !== undefined) return [];
      const resume = lastOf(all, 'resume');
      const off = lastOf(all, 'hibernate');
      if (off?.value === 'no' || off?.value === 'noresume') return [];
      return [{ at: 'boot.parameters', what: resume ? show(resume) : 'no nohibernate' }];
    },
  },
  {
    id: 'gpt-auto',
    severity: 'warning',
    title: 'systemd mounts partitions that it finds by their type',
    why: 'The host adds a partition of type home, srv, var or swap to the boot disk, and it is mounted or swapped to at the next boot.',
    close:
      'Add systemd.gpt_auto=0, or mask the generator (systemd.generators.systemd-gpt-auto-generator = "/dev/null").',
    spec: 'systemd-gpt-auto-generator(8)',
    find: ({ boot, units }) => {
      if (units.generators === null) return [];
      const name = 'systemd-gpt-auto-generator';
      const masked = units.generators.some((one) => one.name === name && one.path === '/dev/null');
      const off = isOff(lastOf(parseParameters(boot.parameters), 'systemd.gpt_auto'));
      return hitIf(!masked && !off, 'units.generators', `${name} is not masked`);
    },
  },
  {
    id: 'tpm-of-host',
    severity: 'error',
    title: 'a disk’s key is sealed to a TPM of the host',
    why: 'An emulated TPM keeps its secrets in a file of the host: it can unseal for itself, and reset or fake any PCR.',
    close:
      'Seal to a vTPM that the evidence covers (a paravisor’s or an SVSM’s; affidavit.lint.tpm = "measured"), or have a key released against evidence.',
    spec: 'QEMU documentation, “TPM Device”, emulator; systemd-cryptenroll(1), --tpm2-device=',
    find: ({ storage }) =>
      storage.tpm === 'host'
        ? (storage.luks ?? [])
            .filter(({ unlock }) => unlock === 'tpm2')
            .map(({ name }) => ({ at: 'storage.luks', what: name }))
        : [],
  },
  {
    id: 'core-dumps',
    severity: 'warning',
    title: 'core dumps are written to a disk in the clear',
    why: 'The memory of a crashed service, keys included, lies where the host reads it.',
    close: 'Set systemd.coredump.settings.Coredump.Storage = "none", or keep /var in memory.',
    spec: 'coredump.conf(5), Storage=',
    find: (description) =>
      hitIf(
        description.storage.coreDumps === 'files' && placeOf(coreFolder, description) === 'open',
        'storage.coreDumps',
        coreFolder,
      ),
  },
] as const satisfies readonly Rule[];
