/** The member `devices` that the devices of one piece of evidence fit. */
import { nvidiaArchitectures } from '../abi/nvidia/opaque.ts';
import {
  type DeviceList,
  type DevicePolicy,
  type NvidiaPolicy,
  type VersionFloors,
  versionPatterns,
} from '../appraise/device-policy.ts';
import { missingReferences } from '../appraise/devices.ts';
import { lowestOf } from '../appraise/version.ts';
import type { NvidiaClaims, Verified } from '../verified.ts';
import { any, type PinnedPart, protection, type Remark } from './pin-parts.ts';

const knownKinds: readonly string[] = ['nvidia', 'tpm', 'nitro-tpm'];

export function pinDevices(verified: Verified): PinnedPart<DevicePolicy> {
  const { bundle, subject, devices, claims } = verified;
  const kinds = bundle?.deviceKinds ?? (claims?.platform === 'nvidia' ? ['nvidia'] : []);
  const vTpm = subject.form === 'hcl' && subject.ak !== null;
  if (kinds.length === 0 && !vTpm) return { rules: 'none', believed: [], open: [] };
  const unknown = kinds.filter((kind) => !knownKinds.includes(kind));
  if (unknown.length > 0) {
    const about = `the evidence has devices of a kind that is not verified: ${unknown.join(', ')}`;
    return { rules: 'any', believed: [], open: [any('devices', about)] };
  }
  const nvidia = kinds.includes('nvidia') ? pinNvidia(devices) : null;
  const beside = (found: boolean) => (found ? 'required' : 'refused');
  const rules: DeviceList = {
    nvidia: nvidia?.rules ?? 'refused',
    tpm: beside(vTpm || kinds.includes('tpm')),
    nitroTpm: beside(kinds.includes('nitro-tpm')),
  };
  return { rules, believed: nvidia?.believed ?? [], open: nvidia?.open ?? [] };
}

function pinNvidia(devices: readonly NvidiaClaims[]): PinnedPart<NvidiaPolicy> {
  const gpus = devices.filter(({ kind }) => kind === 'gpu');
  const exactly = (count: number) => ({ minimum: count, maximum: count });
  const rules: NvidiaPolicy = {
    architectures: nvidiaArchitectures.filter((name) =>
      devices.some(({ architecture }) => architecture === name),
    ),
    minimumDriver: floorsOf('driver', gpus, ({ driver }) => driver),
    minimumFirmware: floorsOf('firmware', devices, ({ vbios }) => vbios),
    confidentialMode: protection(
      gpus.length > 0 && gpus.every(({ confidentialMode }) => confidentialMode === 'on'),
    ),
    references: protection(devices.every((device) => missingReferences(device).length === 0)),
    gpus: exactly(gpus.length),
    switches: exactly(devices.length - gpus.length),
  };
  const count = `${gpus.length} GPUs, ${devices.length - gpus.length} switches`;
  return {
    rules,
    believed: [{ path: 'devices.nvidia', value: count, about: 'is it what you ordered?' }],
    open: openOf(rules, gpus.length > 0),
  };
}

/** The lowest version of each architecture; "any" where one cannot be read. */
function floorsOf(
  kind: keyof typeof versionPatterns,
  devices: readonly NvidiaClaims[],
  versionOf: (device: NvidiaClaims) => string | null,
): 'any' | VersionFloors {
  const names = nvidiaArchitectures.filter((name) =>
    devices.some(({ architecture }) => architecture === name),
  );
  const floors = names.map((name) => {
    const same = devices.filter(({ architecture }) => architecture === name);
    return [name, lowestOf(kind, same.map(versionOf))] as const;
  });
  const written: [keyof VersionFloors, string][] = [];
  for (const [name, floor] of floors) {
    if (floor === null || !versionPatterns[kind].test(floor)) return 'any';
    written.push([name, floor]);
  }
  return written.length === 0 ? 'any' : Object.fromEntries(written);
}

function openOf(rules: NvidiaPolicy, hasGpus: boolean): Remark[] {
  const open: Remark[] = [];
  const path = (member: keyof NvidiaPolicy) => `devices.nvidia.${member}`;
  if (rules.minimumDriver === 'any' && hasGpus)
    open.push(any(path('minimumDriver'), 'a version cannot be read'));
  if (rules.minimumFirmware === 'any')
    open.push(any(path('minimumFirmware'), 'a version cannot be read'));
  if (rules.confidentialMode === 'any')
    open.push(any(path('confidentialMode'), 'not known to be on'));
  if (rules.references === 'any')
    open.push(any(path('references'), 'not compared with reference manifests (--rim)'));
  return open;
}
