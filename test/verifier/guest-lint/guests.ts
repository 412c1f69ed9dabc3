/** A well-made guest, and how to change it. */
import type { GuestDescription } from '#verifier/guest-lint/lint.ts';

export const store = '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-echo';

export function unit(
  name: string,
  lines: string,
  options: Partial<GuestDescription['units']['all'][number]> = {},
): GuestDescription['units']['all'][number] {
  return { name, scope: 'system', wanted: true, text: `[Service]\n${lines}\n`, ...options };
}

const echo = `ExecStart=${store}/bin/echo --listen 7000
Environment="PATH=${store}/bin:/nix/store/x-coreutils/bin" "HOME=/run/echo"
LoadCredential=key:/run/affidavit/keys/echo.key
WorkingDirectory=-/var/lib/state`;

export const cleanGuest: GuestDescription = {
  version: 1,
  name: 'guest-snp',
  source: 'nixos',
  tee: 'sev-snp',
  boot: {
    launch: 'kernel-hashes',
    uki: true,
    parameters: [
      ...['console=ttyS0', 'loglevel=4', 'nohibernate', 'init=/nix/store/x-system/init'],
      ...['systemd.import_credentials=no', 'random.trust_bootloader=off'],
    ],
  },
  kernel: { kexecDisabled: true, modulesLocked: true, modules: ['tsm'], blacklisted: [] },
  storage: {
    fileSystems: [
      mount('/', 'tmpfs', 'none', 'tmpfs'),
      mount('/usr', 'erofs', 'verity', '/dev/mapper/usr'),
      { ...mount('/nix/store', 'none', 'none', '/usr/nix/store'), options: ['bind'] },
      mount('/var/lib/state', 'ext4', 'luks', '/dev/mapper/state'),
    ],
    swap: [],
    luks: [{ name: 'state', unlock: 'other' }],
    tpm: 'none',
    coreDumps: 'none',
  },
  units: {
    all: [
      unit('echo.service', echo),
      unit('initrd-find.service', 'ExecStart=/bin/find /', { scope: 'initrd' }),
    ],
    loose: [],
    generators: [{ name: 'systemd-gpt-auto-generator', path: '/dev/null' }],
  },
  access: {
    ssh: false,
    consoles: [],
    autologin: [],
    emergencyShell: false,
    mutableUsers: false,
    usersWithPassword: [],
  },
  network: { dhcp: false, timeSync: 'none' },
};

export type Mount = NonNullable<GuestDescription['storage']['fileSystems']>[number];

export function mount(
  mountPoint: string,
  type: string,
  protection: Mount['protection'],
  device: string,
): Mount {
  return { mountPoint, device, type, options: [], protection };
}

export type Change = (guest: GuestDescription) => void;

export function changed(change: Change): GuestDescription {
  const guest = structuredClone(cleanGuest);
  change(guest);
  return guest;
}
