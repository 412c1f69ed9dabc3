/** For each rule a mistake, and the change beside it that is none. */
import type { GuestDescription } from '#verifier/guest-lint/lint.ts';
import type { RuleId } from '#verifier/guest-lint/rules.ts';
import { type Change, type Mount, mount, store, unit } from './guests.ts';

const parameter =
  (...added: string[]): Change =>
  ({ boot }) => {
    boot.parameters.push(...added);
  };
const without =
  (taken: string): Change =>
  ({ boot }) => {
    boot.parameters = boot.parameters.filter((one) => one !== taken);
  };
const both =
  (...changes: Change[]): Change =>
  (guest) => {
    for (const change of changes) change(guest);
  };
const added =
  (name: string, lines: string, options = {}): Change =>
  ({ units }) => {
    units.all.push(unit(name, lines, options));
  };
const mounted =
  (one: Mount): Change =>
  ({ storage }) => {
    storage.fileSystems = [
      ...(storage.fileSystems ?? []).filter(({ mountPoint }) => mountPoint !== one.mountPoint),
      one,
    ];
  };
const boot =
  (members: Partial<GuestDescription['boot']>): Change =>
  (guest) => {
    Object.assign(guest.boot, members);
  };
const access =
  (members: Partial<GuestDescription['access']>): Change =>
  (guest) => {
    Object.assign(guest.access, members);
  };
const kernel =
  (members: Partial<GuestDescription['kernel']>): Change =>
  (guest) => {
    Object.assign(guest.kernel, members);
  };
const storage =
  (members: Partial<GuestDescription['storage']>): Change =>
  (guest) => {
    Object.assign(guest.storage, members);
  };
const disk = (mountPoint: string, options: string[] = []) => ({
  ...mount(mountPoint, 'ext4', 'none', '/dev/vdb'),
  options,
});
const closed = ['nosuid', 'nodev', 'noexec'];
const nothing: Change = () => {};
/** Each mistake, and what looks like it and is none. */
type Row = readonly [rule: RuleId, mistake: Change, twin: Change];

export const rows: readonly Row[] = [
  ['launch-unmeasured', boot({ launch: 'host' }), nothing],
  ['launch-in-vtpm', boot({ launch: 'vtpm' }), nothing],
  [
    'command-line-from-host',
    boot({ launch: 'secure-boot', uki: false }),
    // The hashes cover each file, and the command line.
    boot({ uki: false }),
  ],
  ['stub-companions', boot({ launch: 'secure-boot' }), nothing],
  [
    'credentials-imported',
    without('systemd.import_credentials=no'),
    both(without('systemd.import_credentials=no'), parameter('systemd.import-credentials=0')),
  ],
  [
    'credentials-imported',
    both(without('systemd.import_credentials=no'), parameter('rd.systemd.import_credentials=no')),
    parameter('rd.systemd.import_credentials=no'),
  ],
  ['credentials-imported', parameter('"systemd.import_credentials"=yes'), nothing],
  ['firmware-variables', boot({ launch: 'rtmr' }), nothing],
  ['acpi-override', parameter('acpi_rsdp=0x7ff00000'), parameter('acpi_osi=Linux')],
  ['acpi-override', parameter('efivar-ssdt=evil'), nothing],
  [
    'parameter-runs-code',
    parameter('systemd.run=/run/x'),
    parameter('systemd.unit=multi-user.target'),
  ],
  ['parameter-runs-code', parameter('init=/bin/sh'), parameter('init=/nix/store/y-system/init')],
  ['parameter-runs-code', parameter('rd.systemd.wants=x.service'), parameter('rd.luks=0')],
  ['parameter-runs-code', parameter('"systemd.ru"n=/run/x'), parameter('systemd.running=1')],
  ['parameter-opens-shell', parameter('systemd.debug_shell'), parameter('systemd.debug_shell=0')],
  ['parameter-opens-shell', parameter('rd.break=pre-mount'), parameter('rd.shell=0')],
  ['parameter-opens-shell', parameter('systemd.unit=rescue.target'), nothing],
  ['parameter-opens-shell', parameter('boot.shell_on_fail'), nothing],
  ['console-talkative', parameter('ignore_loglevel'), parameter('loglevel=3')],
  [
    'console-talkative',
    parameter('systemd.journald.forward_to_console'),
    parameter('systemd.journald.forward_to_console=no'),
  ],
  ['entropy-without-cpu', parameter('random.trust_cpu=off'), parameter('random.trust_cpu=on')],
  ['entropy-from-host', without('random.trust_bootloader=off'), nothing],
  [
    'entropy-from-host',
    kernel({ modules: ['virtio-rng'] }),
    kernel({ modules: ['virtio-rng'], blacklisted: ['virtio_rng'] }),
  ],
  [
    'store-unmeasured',
    mounted({ ...mount('/nix/store', 'ext4', 'luks', '/dev/mapper/store') }),
    mounted({ ...mount('/nix/store', 'erofs', 'verity', '/dev/mapper/store') }),
  ],
  ['store-unmeasured', mounted(disk('/nix/store')), nothing],
  ['root-persistent', mounted(mount('/', 'ext4', 'luks', '/dev/mapper/root')), nothing],
  [
    'root-unmeasured',
    mounted(disk('/', closed)),
    mounted(mount('/', 'ext4', 'verity', '/dev/dm-0')),
  ],
  [
    'file-system-executable',
    mounted(disk('/data', ['nosuid'])),
    mounted(mount('/data', 'xfs', 'luks', '/dev/dm-1')),
  ],
  [
    'file-system-open',
    mounted(disk('/data', closed)),
    mounted(mount('/data', 'tmpfs', 'none', 'none')),
  ],
  ['shared-folder', mounted(mount('/share', '9p', 'none', 'share')), nothing],
  ['shared-folder', mounted(mount('/share', 'virtiofs', 'none', 'share')), nothing],
  [
    'swap-unencrypted',
    storage({ swap: [{ device: '/dev/vdc', encrypted: false }] }),
    storage({ swap: [{ device: '/dev/vdc', encrypted: true }] }),
  ],
  ['hibernation', without('nohibernate'), both(without('nohibernate'), parameter('noresume'))],
  [
    'gpt-auto',
    ({ units }) => {
      units.generators = [];
    },
    both(({ units }) => {
      units.generators = [];
    }, parameter('systemd.gpt_auto=0')),
  ],
  [
    'tpm-of-host',
    storage({ tpm: 'host', luks: [{ name: 'state', unlock: 'tpm2' }] }),
    storage({ tpm: 'measured', luks: [{ name: 'state', unlock: 'tpm2' }] }),
  ],
  [
    'core-dumps',
    both(storage({ coreDumps: 'files' }), mounted(bound('/var/lib/systemd', '/sys/firmware'))),
    storage({ coreDumps: 'files' }),
  ],
  [
    'unit-runs-open-path',
    added('a.service', 'ExecStart=-@/sys/firmware/x name'),
    added('a.service', 'ExecStart=-@/run/current-system/sw/bin/x name'),
  ],
  [
    'unit-runs-open-path',
    added('a.service', 'ExecStartPre=$PROGRAM x'),
    added('a.service', 'ExecStartPre=systemd-tmpfiles --create'),
  ],
  [
    'unit-runs-open-path',
    added('a.service', 'ExecStop=/sysroot/sys/firmware/x', { scope: 'initrd' }),
    added('a.service', 'ExecStop=/sysroot/nix/store/x', { scope: 'initrd' }),
  ],
  [
    'unit-runs-open-path',
    added('a.service', 'RootImage=/run/../sys/firmware/image'),
    added('a.service', 'RootImage=/usr/image'),
  ],
  [
    'unit-runs-sealed-path',
    added('a.service', 'ExecReload=+"/var/lib/state/bin/x" y'),
    added('a.service', 'ExecReload=/var/lib/state/bin/x\nExecReload='),
  ],
  [
    'unit-reads-open-path',
    added('a.service', 'EnvironmentFile=-/sys/firmware/qemu_fw_cfg/by_name/opt/x/raw'),
    added('a.service', '# EnvironmentFile=/sys/firmware/x\nEnvironmentFile=/etc/x'),
  ],
  [
    'unit-reads-open-path',
    added('a.service', 'LoadCredential=key:/sys/firmware/dmi/entries/11-0/raw'),
    added('a.service', 'LoadCredential=key\nLoadCredential=key:/var/lib/state/key'),
  ],
  [
    'unit-reads-open-path',
    added('a.service', 'StandardInput=file:/sys/firmware/x'),
    added('a.service', 'StandardInput=null'),
  ],
  [
    'unit-reads-sealed-environment',
    added('a.service', 'EnvironmentFile=/var/lib/state/env'),
    added('a.service', 'WorkingDirectory=/var/lib/state'),
  ],
  [
    'unit-search-path',
    added('a.service', `Environment="A=1" "PATH=${store}/bin:/var/lib/state/bin"`),
    added('a.service', 'Environment=PATHS=/var/lib/state/bin'),
  ],
  [
    'unit-search-path',
    added('a.service', 'ExecSearchPath=/nix/store/x:\\\n  relative'),
    added('a.service', 'ExecSearchPath=/nix/store/x'),
  ],
  [
    'unit-outside-store',
    ({ units }) => {
      units.loose = ['/run/systemd/system/evil.service'];
    },
    ({ units }) => {
      units.loose = ['/usr/lib/systemd/system/x.service'];
    },
  ],
  [
    'generator-outside-store',
    ({ units }) => {
      units.generators?.push({ name: 'x', path: '/etc/x' });
    },
    ({ units }) => {
      units.generators?.push({ name: 'x', path: `${store}/x` });
    },
  ],
  ['provisioning-agent', added('cloud-init-local.service', ''), added('cloudy.service', '')],
  ['provisioning-agent', added('afterburn.service', ''), nothing],
  ['guest-agent', added('qemu-guest-agent.service', ''), nothing],
  [
    'metadata-address',
    added('a.service', `ExecStart=${store}/curl http://169.254.169.254/latest`),
    added('a.service', 'IPAddressDeny=169.254.169.254'),
  ],
  ['ssh', access({ ssh: true }), nothing],
  ['console-login', access({ consoles: ['ttyS0'] }), nothing],
  ['autologin', access({ autologin: ['root'] }), nothing],
  ['emergency-shell', access({ emergencyShell: true }), nothing],
  [
    'emergency-shell',
    added('debug-shell.service', ''),
    added('debug-shell.service', '', { wanted: false }),
  ],
  ['password', access({ usersWithPassword: ['root'] }), nothing],
  ['mutable-users', access({ mutableUsers: true }), nothing],
  ['kexec', kernel({ kexecDisabled: false }), nothing],
  ['modules-loadable', kernel({ modulesLocked: false }), nothing],
  [
    'ntp-unauthenticated',
    ({ network }) => {
      network.timeSync = 'unauthenticated';
    },
    ({ network }) => {
      network.timeSync = 'nts';
    },
  ],
  [
    'network-from-host',
    ({ network }) => {
      network.dhcp = true;
    },
    nothing,
  ],
  ['not-seen', access({ ssh: null }), nothing],
];

function bound(mountPoint: string, device: string): Mount {
  return { ...mount(mountPoint, 'none', 'none', device), options: ['bind'] };
}
