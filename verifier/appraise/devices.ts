/** What the policy says of devices: of their kinds, and of NVIDIA's one check a question. */
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { NvidiaClaims, Verified } from '../verified.ts';
import type {
  CountRange,
  DeviceList,
  DevicePolicy,
  NvidiaPolicy,
  VersionFloors,
} from './device-policy.ts';
import { reaches } from './version.ts';

/** Kinds in a bundle that `verify` verifies, and the member of `devices` that each falls under. */
const memberOfKind = { nvidia: 'nvidia', tpm: 'tpm', 'nitro-tpm': 'nitroTpm' } as const satisfies {
  [kind: string]: keyof DeviceList;
};
type KnownKind = keyof typeof memberOfKind;

const isKnown = (kind: string): kind is KnownKind => Object.hasOwn(memberOfKind, kind);

/** Makes `policy.devices`: which kinds there are, and which there must be. */
export function checkKinds(list: Checklist, verified: Verified, policy: DevicePolicy): void {
  const id = 'policy.devices';
  const kinds = kindsOf(verified);
  const actual = describeKinds(kinds);
  if (policy === 'any') return list.pass(id, { expected: 'any', actual });
  if (policy === 'none') {
    list.decide(id, kinds.length === 0, {
      expected: 'none',
      actual,
      reason: 'the policy allows no devices',
    });
    return;
  }
  const refused = [...new Set(kinds)].filter((kind) => !allows(policy, kind));
  const missing = requiredKinds(policy).filter((kind) => !hasKind(verified, kinds, kind));
  if (refused.length === 0 && missing.length > 0 && verified.bundle === null)
    return list.skip(id, 'an evidence bundle: raw evidence carries no devices beside it');
  const faults = [
    ...refused.map((kind) => `the policy allows no device of kind ${kind}`),
    ...missing.map((kind) => `there is no device of kind ${kind}`),
  ];
  list.decide(id, faults.length === 0, {
    expected: describeList(policy),
    actual,
    reason: faults.join(', '),
  });
}

function kindsOf({ bundle, claims, devices }: Verified): readonly string[] {
  if (bundle !== null) return bundle.deviceKinds;
  return claims?.platform === 'nvidia' ? devices.map(() => 'nvidia') : [];
}

/** The vTPM of an Azure machine stands in no list of devices. */
function hasKind({ subject }: Verified, kinds: readonly string[], kind: KnownKind): boolean {
  return kinds.includes(kind) || (kind === 'tpm' && subject.form === 'hcl' && subject.ak !== null);
}

function describeKinds(kinds: readonly string[]): string {
  if (kinds.length === 0) return 'none';
  const shown = [...new Set(kinds)].map((kind) => {
    const count = kinds.filter((one) => one === kind).length;
    return `${count}, ${kind}${isKnown(kind) ? '' : ' (bound, but of a kind that is not verified)'}`;
  });
  return shown.join('; ');
}

function allows(policy: DeviceList, kind: string): boolean {
  return isKnown(kind) && policy[memberOfKind[kind]] !== 'refused';
}

/** Kinds without a device of which the list is not met. */
export function requiredKinds({ nvidia, tpm, nitroTpm }: DeviceList): KnownKind[] {
  const kinds: KnownKind[] = [];
  if (nvidia !== 'refused' && leastOf(nvidia) > 0) kinds.push('nvidia');
  if (tpm === 'required') kinds.push('tpm');
  if (nitroTpm === 'required') kinds.push('nitro-tpm');
  return kinds;
}

function leastOf({ gpus, switches }: NvidiaPolicy): number {
  return gpus.minimum + switches.minimum;
}

function describeList(policy: DeviceList): string {
  const required = requiredKinds(policy);
  const kinds = Object.keys(memberOfKind).filter((kind) => allows(policy, kind));
  const words = kinds.map((kind) =>
    required.some((one) => one === kind) ? `${kind} (required)` : kind,
  );
  return words.length === 0 ? 'none of any kind' : `only ${words.join(', ')}`;
}

/** What `devices` asks of NVIDIA's: nothing, no such device at all, or this. */
export function nvidiaRules(policy: DevicePolicy): 'any' | 'refused' | NvidiaPolicy {
  if (policy === 'any') return 'any';
  return policy === 'none' ? 'refused' : policy.nvidia;
}

const gpuChecks = [
  'policy.gpu-architecture',
  'policy.gpu-driver',
  'policy.gpu-firmware',
  'policy.gpu-confidential-mode',
  'policy.gpu-references',
  'policy.gpu-count',
] as const satisfies readonly CheckId[];

/** Makes the six checks of NVIDIA's devices. */
export function checkGpus(
  list: Checklist,
  devices: readonly NvidiaClaims[],
  policy: 'any' | 'refused' | NvidiaPolicy,
): void {
  const labelled = labelsOf(devices);
  if (policy === 'any') {
    const actual = describe(labelled, ({ architecture }) => architecture);
    for (const id of gpuChecks) list.pass(id, { expected: 'any', actual });
  } else if (policy === 'refused') {
    for (const id of gpuChecks) {
      list.fail(id, {
        expected: 'no device of NVIDIA’s',
        actual: `${devices.length}`,
        reason: 'the policy allows no device of NVIDIA’s',
      });
    }
  } else {
    checkArchitecture(list, labelled, policy);
    const gpus = labelled.filter(([, { kind }]) => kind === 'gpu');
    checkVersions(list, 'policy.gpu-driver', gpus, policy.minimumDriver);
    checkVersions(list, 'policy.gpu-firmware', labelled, policy.minimumFirmware);
    checkMode(list, gpus, policy);
    checkReferences(list, labelled, policy);
    checkCount(list, devices, policy);
  }
}

type Labelled = readonly (readonly [label: string, device: NvidiaClaims])[];

const kindNames = { gpu: 'GPU', switch: 'NVSwitch' } as const;

/** Numbers are places in the evidence, from 0, as in the checks before. */
function labelsOf(devices: readonly NvidiaClaims[]): Labelled {
  return devices.map((device, place) => [`${kindNames[device.kind]} ${place}`, device]);
}

function describe(devices: Labelled, say: (device: NvidiaClaims) => string): string {
  return devices.map(([label, device]) => `${label}: ${say(device)}`).join(', ') || 'none';
}

function checkArchitecture(
  list: Checklist,
  devices: Labelled,
  { architectures }: NvidiaPolicy,
): void {
  const other = devices.filter(
    ([, { architecture }]) => !architectures.some((one) => one === architecture),
  );
  list.decide('policy.gpu-architecture', other.length === 0, {
    expected: architectures.join(' or '),
    actual: describe(devices, ({ architecture }) => architecture),
    reason: `the policy does not accept this architecture: ${other.map(([label]) => label).join(', ')}`,
  });
}

const versionOf = {
  'policy.gpu-driver': { kind: 'driver', of: ({ driver }: NvidiaClaims) => driver },
  'policy.gpu-firmware': { kind: 'firmware', of: ({ vbios }: NvidiaClaims) => vbios },
} as const;

function checkVersions(
  list: Checklist,
  id: keyof typeof versionOf,
  devices: Labelled,
  floors: 'any' | VersionFloors,
): void {
  const { kind, of } = versionOf[id];
  const actual = describe(
    devices,
    (device) => `${device.architecture} ${of(device) ?? 'not told'}`,
  );
  if (floors === 'any') return list.pass(id, { expected: 'any', actual });
  const faults = devices.flatMap(([label, device]) => {
    const [, floor] = Object.entries(floors).find(([name]) => name === device.architecture) ?? [];
    if (floor === undefined)
      return [`${label}: the policy has no floor for ${device.architecture}`];
    return reaches(kind, of(device), floor) ? [] : [`${label} is below ${floor}`];
  });
  list.decide(id, faults.length === 0, {
    expected: `at least ${Object.entries(floors)
      .map(([name, floor]) => `${name} ${floor}`)
      .join(', ')}`,
    actual,
    reason: faults.join(', '),
  });
}

/** Switches have no such mode. */
function checkMode(list: Checklist, gpus: Labelled, policy: NvidiaPolicy): void {
  const id = 'policy.gpu-confidential-mode';
  const actual = describe(gpus, ({ confidentialMode }) => confidentialMode ?? 'not told');
  if (policy.confidentialMode === 'any') return list.pass(id, { expected: 'any', actual });
  const open = gpus.filter(([, device]) => !['on', null].includes(device.confidentialMode));
  const untold = gpus.filter(([, device]) => device.confidentialMode === null);
  const labels = (some: Labelled) => some.map(([label]) => label).join(', ');
  if (open.length === 0 && untold.length > 0)
    return list.skip(id, `a report that tells the mode of ${labels(untold)}`);
  list.decide(id, open.length === 0, {
    expected: 'on',
    actual,
    reason: `the host can read what runs on ${labels(open)}`,
  });
}

/** A device whose measurements differ from a manifest's fails before any policy; here one counts that was compared with none. */
function checkReferences(list: Checklist, devices: Labelled, policy: NvidiaPolicy): void {
  const id = 'policy.gpu-references';
  const actual = describe(devices, (device) => missingReferences(device).join(', ') || 'compared');
  if (policy.references === 'any') return list.pass(id, { expected: 'any', actual });
  const missing = devices.flatMap(([label, device]) =>
    missingReferences(device).map((what) => `${label} (${what})`),
  );
  if (missing.length > 0)
    return list.skip(id, `current reference manifests (--rim) of ${missing.join(', ')}`);
  list.pass(id, { expected: 'compared with NVIDIA’s reference values', actual });
}

/** What of a device was compared with no manifest. */
export function missingReferences({ kind, driver, vbios, matched }: NvidiaClaims): string[] {
  const missing: string[] = [];
  if (kind === 'gpu' && !matched.driver) missing.push(`driver ${driver ?? 'not told'}`);
  if (!matched.firmware) missing.push(`firmware ${vbios}`);
  return missing;
}

function checkCount(
  list: Checklist,
  devices: readonly NvidiaClaims[],
  { gpus, switches }: NvidiaPolicy,
): void {
  const switchCount = devices.filter(({ kind }) => kind === 'switch').length;
  const gpuCount = devices.length - switchCount;
  const faults = [
    ...outside(gpuCount, gpus, 'GPUs'),
    ...outside(switchCount, switches, 'switches'),
  ];
  list.decide('policy.gpu-count', faults.length === 0, {
    expected: `GPUs: ${describeRange(gpus)}; switches: ${describeRange(switches)}`,
    actual: `GPUs: ${gpuCount}; switches: ${switchCount}`,
    reason: faults.join(', '),
  });
}

function outside(count: number, { minimum, maximum }: CountRange, what: string): string[] {
  if (count < minimum) return [`${minimum - count} ${what} are missing`];
  return count > maximum ? [`${count - maximum} ${what} are too many`] : [];
}

const describeRange = ({ minimum, maximum }: CountRange) =>
  minimum === maximum ? String(minimum) : `${minimum} to ${maximum}`;
