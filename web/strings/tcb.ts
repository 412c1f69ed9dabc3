/** Words of the TCB: versions of firmware against floors. */

import type { TcbParts } from '#verifier/abi/snp-tcb.ts';
import type { ConvergedStatus } from '#verifier/abi/tcb-status.ts';
import type { SvnRow } from '../fields/intel-tcb-model.ts';
import type { FloorState, SnpTcbName } from '../fields/tcb-model.ts';

const parts: Readonly<Record<keyof TcbParts, string>> = {
  fmc: 'FMC',
  bootLoader: 'Boot loader',
  tee: 'TEE (secure processor)',
  snp: 'SNP firmware',
  microcode: 'Microcode',
};
const tcbs: Readonly<Record<SnpTcbName, { name: string; about: string }>> = {
  reported: { name: 'Reported', about: 'the key that signed is of these versions' },
  current: { name: 'Current', about: 'runs now' },
  committed: { name: 'Committed', about: 'cannot be rolled back below' },
  launch: { name: 'At launch', about: 'when the guest was launched' },
};
const floors: Readonly<Record<FloorState, (product: string) => string>> = {
  set: () => 'floor set',
  any: () => 'no floor set',
  missing: (product) => `no floor for ${product}: refused`,
  'no-policy': () => 'the policy takes no SEV-SNP',
};
const statuses: Readonly<Record<ConvergedStatus, string>> = {
  UpToDate: 'The platform is at a level that Intel calls up to date.',
  SWHardeningNeeded: 'The firmware is up to date; software must do its part against known attacks.',
  ConfigurationNeeded: 'The firmware is up to date; a setting of the machine must be changed.',
  ConfigurationAndSWHardeningNeeded:
    'The firmware is up to date; a setting must be changed, and software must do its part.',
  OutOfDate: 'There is newer firmware or microcode that closes known holes.',
  OutOfDateConfigurationNeeded:
    'There is newer firmware or microcode, and a setting must be changed.',
  Revoked: 'Intel has withdrawn this level: it can no longer be trusted.',
  TDRelaunchAdvised:
    'The TDX module was updated while the TD ran; starting the TD again is all that is needed.',
  TDRelaunchAdvisedConfigurationNeeded:
    'The TDX module was updated while the TD ran: start it again, and change a setting of the machine.',
  NotSupported: 'The platform reaches no level that Intel knows.',
};

export const tcbStrings = {
  title: 'TCB: versions of the firmware that must be trusted',
  snpNote: 'Higher is newer. A line across a bar is the floor that the policy sets.',
  intelNote:
    'Higher is newer. The lines across a bar are the level that the platform reaches and the newest one that Intel knows.',
  snpTable: (product: string) => `TCBs of this ${product} machine, part by part`,
  part: 'Part',
  parts,
  tcbs,
  floors,
  floor: (value: number | string) => `floor ${value}`,
  behind: (value: number, count: number) => `floor ${value}: ${count} behind`,
  unreadable: 'not in this product’s layout',

  statuses,
  noStatus: 'Not judged: the TCB info, the QE identity or a readable certificate is missing.',
  advisories: 'Advisories',
  noAdvisories: 'none',
  module: 'TDX module',
  qe: 'Quoting enclave',
  platform: 'Platform',
  levelReached: 'Level reached',
  newest: 'Newest level',
  policyFloor: 'Policy',
  component: 'Component',
  level: (status: string, date: string) => `${status}, ${date}`,
  none: 'none',
  notCompared: '–',
  intelTable: 'Security versions of the platform against Intel’s levels',
  hidden: (count: number) => `Show ${count} more that are 0 and not asked for`,
  shownAll: 'Hide those that are 0 and not asked for',
  nameOf: ({ kind, number, label }: Pick<SvnRow, 'kind' | 'number' | 'label'>): string => {
    if (kind === 'pce') return 'PCE (provisioning enclave)';
    if (kind === 'qe') return 'Quoting enclave';
    if (kind === 'module') return `TDX module ${label ?? ''}`;
    const name = `${kind.toUpperCase()} component ${number}`;
    return label === null ? name : `${name}: ${label}`;
  },
  missing: (count: number) => `${count} behind`,
  lacking: 'To be updated for the newest level',
  lacks: (what: string, actual: number, needed: number) => `${what}: ${actual}, needs ${needed}`,
  nothingLacking: 'The platform has every version of the newest level.',
  devices: 'NVIDIA devices',
  device: 'Device',
  driver: 'Driver',
  firmware: 'Firmware (VBIOS)',
  deviceOf: (kind: 'gpu' | 'switch', architecture: string) =>
    `${kind === 'gpu' ? 'GPU' : 'NVSwitch'}, ${architecture}`,
  unknown: 'not told',
  reached: 'reached',
  below: 'BELOW',
  noFloorFor: 'no floor for this architecture: refused',
  anyVersion: 'no floor set',
} as const;
