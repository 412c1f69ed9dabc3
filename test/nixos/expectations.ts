/** What must hold of the evaluated systems. A failure names the file that sets the option. */

import { isDeepStrictEqual } from 'node:util';
import { utf8 } from '#verifier/bytes.ts';
import { lintGuest, parseDescription } from '#verifier/guest-lint/lint.ts';
import type { Facts } from './facts.ts';
import { missingLines } from './unit-lines.ts';

export type Expectation = {
  /** In the repository. */
  readonly file: string;
  readonly option: string;
  /** What is found in place of what is expected, or null. */
  readonly wrong: (facts: Facts) => string | null;
};

const guestFolder = 'nixos/modules/guest';

function equals(
  file: string,
  option: string,
  expected: unknown,
  pick: (facts: Facts) => unknown,
): Expectation {
  return {
    file,
    option,
    wrong: (facts) => {
      const found = pick(facts);
      if (isDeepStrictEqual(found, expected)) return null;
      return `expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
    },
  };
}

/** What the linter finds in the guest, notes left out. */
function findings({ description }: Facts): string[] {
  const report = lintGuest(parseDescription(utf8(JSON.stringify(description))));
  return report.findings
    .filter(({ severity, accepted }) => severity !== 'note' && accepted === null)
    .map(({ rule, at, what }) => `${rule} at ${at}: ${what}`);
}

/** Every item of `expected` is in the list. */
function holds(
  file: string,
  option: string,
  expected: readonly string[],
  pick: (facts: Facts) => readonly string[],
): Expectation {
  return equals(file, option, [], (facts) => expected.filter((one) => !pick(facts).includes(one)));
}

/** Of every system that has the agent. */
export const everywhere: readonly Expectation[] = [
  {
    file: 'nixos/units',
    option: 'systemd.units',
    wrong: ({ units }) => {
      const lines = Object.entries(units).flatMap(([name, { ours, evaluated }]) =>
        missingLines(ours, evaluated).map((line) => `${name} ${line}`),
      );
      return lines.length === 0 ? null : lines.join('; ');
    },
  },
  {
    file: 'nixos/modules/services.nix',
    option: 'services.affidavit.services',
    // The program that runs is in the package that is attested.
    wrong: ({ services, units }) => {
      const other = Object.entries(services).filter(
        ([, { path, unit }]) => !units[unit]?.evaluated.includes(`\nExecStart=${path}/`),
      );
      return other.length === 0 ? null : `${other.map(([name]) => name)} run something else`;
    },
  },
  equals('nixos/modules/echo.nix', 'services.affidavit.services', 3, ({ services }) => {
    return Object.keys(services).length;
  }),
  equals('nixos/modules/agent.nix', 'networking.firewall.enable', true, ({ ports }) => {
    return ports.enable;
  }),
];

/** Of each image, and of the diagnostics variant too. */
export const ofImages: readonly Expectation[] = [
  equals(`${guestFolder}/network.nix`, 'networking.firewall: other ways in', [], ({ ports }) => [
    ...ports.allowedTCPPortRanges,
    ...ports.allowedUDPPorts,
    ...ports.allowedUDPPortRanges,
    ...ports.interfaces,
    ...ports.trustedInterfaces.filter((name) => name !== 'lo'),
  ]),
  equals(`${guestFolder}/image.nix`, 'fileSystems."/"', 'tmpfs', ({ storage }) => {
    return storage.fileSystems['/']?.fsType;
  }),
  holds(
    `${guestFolder}/image.nix`,
    'fileSystems."/".options',
    ['nosuid', 'nodev', 'mode=0755'],
    ({ storage }) => storage.fileSystems['/']?.options ?? [],
  ),
  equals(
    `${guestFolder}/image.nix`,
    'fileSystems."/nix/store".device',
    '/usr/nix/store',
    ({ storage }) => storage.fileSystems['/nix/store']?.device,
  ),
  equals(`${guestFolder}/image.nix`, 'swapDevices', 0, ({ storage }) => storage.swap),
  equals(
    `${guestFolder}/image.nix`,
    'image.repart.partitions',
    [
      ['00-esp', 'esp', undefined],
      ['10-store-verity', 'usr-x86-64-verity', 'hash'],
      ['20-store', 'usr-x86-64', 'data'],
    ],
    ({ image }) =>
      Object.entries(image?.partitions ?? {}).map(([name, { repartConfig }]) => [
        name,
        repartConfig['Type'],
        repartConfig['Verity'],
      ]),
  ),
  equals(
    `${guestFolder}/image.nix`,
    'image.repart.partitions."20-store": the system, and its list beside it',
    [[true], ['/affidavit/registration']],
    ({ image }) => {
      const store = image?.partitions['20-store'];
      return [store?.stores, store?.contents];
    },
  ),
  equals(
    `${guestFolder}/image.nix`,
    'services.affidavit.agent.closure',
    { registration: '/usr/affidavit/registration' },
    ({ agentClosure }) => agentClosure,
  ),
  holds(
    `${guestFolder}/kernel.nix`,
    'boot.kernelParams',
    [
      'systemd.import_credentials=no',
      'systemd.gpt_auto=no',
      'rd.systemd.gpt_auto=no',
      'oops=panic',
      'panic=10',
    ],
    ({ kernel }) => kernel.kernelParams,
  ),
  equals(
    `${guestFolder}/kernel.nix`,
    'boot.kernelPatches',
    {
      ACPI_TABLE_UPGRADE: 'n',
      AMD_MEM_ENCRYPT: 'y',
      CRASH_DUMP: 'n',
      FW_CFG_SYSFS: 'n',
      HIBERNATION: 'n',
      INTEL_TDX_GUEST: 'y',
      KEXEC: 'n',
      KEXEC_FILE: 'n',
      SEV_GUEST: 'm',
      TDX_GUEST_DRIVER: 'm',
    },
    ({ kernel }) => kernel.answers,
  ),
  ...Object.entries({
    'fs.suid_dumpable': '0',
    'kernel.core_pattern': '|/bin/false',
    'kernel.dmesg_restrict': '1',
    'kernel.kexec_load_disabled': '1',
    'kernel.panic_on_oops': '1',
    'kernel.sysrq': '0',
    'kernel.unprivileged_bpf_disabled': '1',
  }).map(([name, value]) =>
    equals(
      `${guestFolder}/kernel.nix`,
      `boot.kernel.sysctl."${name}"`,
      value,
      ({ kernel }) => kernel.sysctl[name],
    ),
  ),
  equals(`${guestFolder}/kernel.nix`, 'systemd.coredump.enable', false, ({ system }) => {
    return system.coredump;
  }),
  equals(`${guestFolder}/minimal.nix`, 'nix.enable', false, ({ system }) => system.nix),
  equals(`${guestFolder}/network.nix`, 'services.timesyncd.enable', false, ({ system }) => {
    return system.timesync;
  }),
  equals(`${guestFolder}/closed.nix`, 'users.mutableUsers', false, ({ access }) => {
    return access.mutableUsers;
  }),
  equals(`${guestFolder}/closed.nix`, 'users.users: passwords', [], ({ access }) => {
    return access.passwords;
  }),
];

/** Of each image but the diagnostics variant. */
export const ofProduction: readonly Expectation[] = [
  equals(`${guestFolder}/closed.nix`, 'services.openssh.enable', false, ({ access }) => access.ssh),
  equals(`${guestFolder}/closed.nix`, 'systemd.services: logins and shells', [], ({ access }) => {
    return access.enabledUnits;
  }),
  equals(`${guestFolder}/closed.nix`, 'services.getty.autologinUser', null, ({ access }) => {
    return access.autologin;
  }),
  equals(`${guestFolder}/closed.nix`, 'systemd.enableEmergencyMode', false, ({ access }) => {
    return access.enableEmergencyMode;
  }),
  equals(
    `${guestFolder}/closed.nix`,
    'boot.initrd.systemd.emergencyAccess',
    false,
    ({ access }) => {
      return access.initrdEmergency;
    },
  ),
  equals(`${guestFolder}/closed.nix`, 'users.users: ssh keys', [], ({ access }) => access.keys),
  equals(`${guestFolder}/closed.nix`, 'environment.corePackages', 0, ({ access }) => {
    return access.corePackages;
  }),
  equals(`${guestFolder}/closed.nix`, 'warnings', [], ({ system }) => system.warnings),
  equals('nixos/modules/guest', 'affidavit.description: unmeasured inputs', [], findings),
  {
    file: `${guestFolder}/network.nix`,
    option: 'networking.firewall.allowedTCPPorts',
    wrong: ({ ports }) => {
      const declared = [ports.agent, ...ports.echo].toSorted((a, b) => a - b);
      const open = ports.allowedTCPPorts.toSorted((a, b) => a - b);
      return isDeepStrictEqual(open, declared)
        ? null
        : `declared are ${declared}, open are ${open}`;
    },
  },
];

/** Of the diagnostics variant: the twin of each refusal above, and names that nobody takes for production. */
export const ofDiagnostics: readonly Expectation[] = [
  equals(`${guestFolder}/diagnostics.nix`, 'services.openssh.enable', true, ({ access }) => {
    return access.ssh;
  }),
  equals(`${guestFolder}/diagnostics.nix`, 'services.getty.autologinUser', 'root', ({ access }) => {
    return access.autologin;
  }),
  equals(
    `${guestFolder}/diagnostics.nix`,
    'networking.hostName, system.image.id',
    ['insecure-diagnostics', 'insecure-diagnostics-sev-snp'],
    ({ system }) => [system.hostName, system.imageId],
  ),
  equals(
    `${guestFolder}/diagnostics.nix`,
    'affidavit.description: the linter finds ways in',
    true,
    (facts) => findings(facts).length > 0,
  ),
  equals(`${guestFolder}/diagnostics.nix`, 'warnings', 1, ({ system }) => system.warnings.length),
  equals(`${guestFolder}/diagnostics.nix`, 'networking.firewall: port 22', true, ({ ports }) => {
    return ports.allowedTCPPorts.includes(22);
  }),
];

/** Of an image with a sealed disk: its own unit opens it, not /etc/crypttab, whose options say less. */
export const ofSealed: readonly Expectation[] = [
  equals('nixos/modules/sealed-disk.nix', 'environment.etc.crypttab', '', ({ storage }) => {
    return storage.crypttab;
  }),
  equals('nixos/modules/sealed-disk.nix', 'systemd.services', true, ({ units }) => {
    return units['affidavit-sealed-disk']?.evaluated.includes('\nWantedBy=sysinit.target\n');
  }),
  holds(
    'nixos/modules/sealed-disk.nix',
    'boot.kernelModules',
    ['dm-crypt', 'dm-integrity'],
    ({ kernel }) => kernel.kernelModules,
  ),
];

/** Of one system each. */
export const ofSystem: Readonly<Record<string, readonly Expectation[]>> = {
  'guest-snp': [
    holds(`${guestFolder}/kernel.nix`, 'boot.kernelModules', ['sev-guest'], ({ kernel }) => {
      return kernel.kernelModules;
    }),
    equals(`${guestFolder}/kernel.nix`, 'security.lockKernelModules', true, ({ kernel }) => {
      return kernel.modulesLocked;
    }),
  ],
  'guest-tdx': [
    holds(`${guestFolder}/kernel.nix`, 'boot.kernelModules', ['tdx-guest'], ({ kernel }) => {
      return kernel.kernelModules;
    }),
  ],
  vm: [
    equals('nixos/configurations/vm.nix', 'users.users: passwords', [], ({ access }) => {
      return access.passwords;
    }),
  ],
};
