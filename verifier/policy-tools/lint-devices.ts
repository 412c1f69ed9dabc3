/** Lint of the members `tpm`, `nitro` and `devices`. */
import type { NitroKind } from '../abi/nitro.ts';
import type { CountRange, NvidiaPolicy, VersionFloors } from '../appraise/device-policy.ts';
import { namesNitroSoftware } from '../appraise/nitro.ts';
import type { NitroPolicy } from '../appraise/nitro-policy.ts';
import type { Policy } from '../appraise/policy.ts';
import { askedRegisters, type TpmPolicy } from '../appraise/tpm-policy.ts';
import type { Report } from './finding.ts';

/** Whether there is a machine of whose CPU the policy takes evidence in a bundle. */
const hasMachine = ({ sevSnp, tdx }: Policy) => sevSnp !== undefined || tdx !== undefined;

function takesDevices({ devices }: Policy): boolean {
  return devices === 'any' || (devices !== 'none' && devices.nvidia !== 'refused');
}

export function acceptsNothing(policy: Policy): boolean {
  return policy.sgx === undefined && !takesNonces(policy);
}

/** Whether some evidence that the policy takes can answer a nonce: all but SGX quotes. */
export function takesNonces(policy: Policy): boolean {
  const beside = policy.tpm !== undefined || policy.nitro !== undefined || takesDevices(policy);
  return hasMachine(policy) || beside;
}

/** Members that only evidence without a bundle can fall under, as the policy stands. */
export function bareKinds(policy: Policy): ('tpm' | 'nitro')[] {
  const { tpm, nitro } = policy;
  const kinds: ('tpm' | 'nitro')[] = [];
  if (tpm !== undefined && !hasMachine(policy)) kinds.push('tpm');
  const ofEnclaves = nitro?.kind.includes('enclave') ?? false;
  if (nitro !== undefined && (ofEnclaves || !hasMachine(policy))) kinds.push('nitro');
  return kinds;
}

export function lintTpm(policy: TpmPolicy, report: Report): void {
  const { key, provider, pcrs } = policy;
  if (provider !== 'any' && key.includes('trusted')) {
    const only = key.length === 1;
    report(only ? 'no-key-left' : 'provider-without-certificate', 'tpm.provider');
  }
  const asked = askedRegisters(policy);
  if (asked.length === 0) report('software-unnamed', 'tpm.pcrs');
  else if (pcrs !== 'any' && asked.every(({ hash }) => hash === 'sha1')) {
    report('sha1-pcrs', 'tpm.pcrs.sha1');
  }
}

export function lintNitro(policy: NitroPolicy, report: Report): void {
  const { debug, pcrs, kind } = policy;
  if (debug === 'dangerously-allowed') report('debug-allowed', 'nitro.debug');
  if (pcrs === 'any') report('software-unnamed', 'nitro.pcrs');
  else if (!namesNitroSoftware(policy)) {
    report('software-partly-named', 'nitro.pcrs', kind.map((one) => kindTexts[one]).join(', '));
  }
}

const kindTexts: Record<NitroKind, string> = { enclave: 'of enclaves', tpm: 'of instances' };

export function lintDevices(policy: Policy, report: Report): void {
  const { devices, tpm, nitro } = policy;
  if (devices === 'any') report('devices-unverified', 'devices');
  const listed = devices === 'none' || devices === 'any' ? null : devices;
  const besideNitro = nitro?.kind.includes('tpm') ?? false;
  if (hasMachine(policy)) {
    if (tpm !== undefined && asksOfTpm(tpm) && listed?.tpm !== 'required')
      report('tpm-not-required', 'devices', 'tpm');
    if (besideNitro && nitro?.pcrs !== 'any' && listed?.nitroTpm !== 'required')
      report('tpm-not-required', 'devices', 'nitroTpm');
  }
  if (listed === null) return;
  if (listed.tpm !== 'refused' && tpm === undefined) report('device-without-rules', 'devices.tpm');
  if (listed.nitroTpm !== 'refused' && !besideNitro) {
    report('device-without-rules', 'devices.nitroTpm');
  }
  if (listed.nvidia !== 'refused') lintNvidia(listed.nvidia, report);
}

function asksOfTpm(policy: TpmPolicy): boolean {
  const { provider, firmware, eventLog, secureBoot } = policy;
  const rules: unknown[] = [provider, firmware, eventLog, secureBoot];
  return rules.some((rule) => rule !== 'any') || askedRegisters(policy).length > 0;
}

function lintNvidia(policy: NvidiaPolicy, report: Report): void {
  const path = (member: keyof NvidiaPolicy) => `devices.nvidia.${member}`;
  for (const member of ['minimumDriver', 'minimumFirmware'] as const) {
    const floors = policy[member];
    if (floors !== 'any') lintFloors(policy, floors, path(member), member, report);
  }
  if (policy.confidentialMode === 'any' && policy.gpus.maximum > 0)
    report('confidential-mode-any', path('confidentialMode'));
  if (policy.references === 'any') report('device-software-unnamed', path('references'));
  for (const member of ['gpus', 'switches'] as const) {
    if (isContradiction(policy[member])) report('count-contradiction', path(member));
  }
}

const isContradiction = ({ minimum, maximum }: CountRange) => minimum > maximum;

function lintFloors(
  { architectures, gpus }: NvidiaPolicy,
  floors: VersionFloors,
  path: string,
  member: 'minimumDriver' | 'minimumFirmware',
  report: Report,
): void {
  const without = architectures.filter((name) => !Object.hasOwn(floors, name));
  // A switch has no driver, and which architectures are of switches the names do not tell.
  const ofDrivers = member === 'minimumDriver';
  if (without.length === architectures.length) {
    if (!ofDrivers || gpus.minimum > 0) report('no-architecture-left', path);
  } else if (!ofDrivers) {
    for (const name of without) report('architecture-without-floor', path, name);
  }
  for (const name of Object.keys(floors)) {
    if (!architectures.some((one) => one === name))
      report('floor-for-refused-architecture', `${path}.${name}`);
  }
}
