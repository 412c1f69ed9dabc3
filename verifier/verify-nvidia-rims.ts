/** Stage collateral for NVIDIA devices: their measurements against the vendor's manifests. */
import { parseRim, type Rim, rimIds, rimName } from './abi/nvidia/rim.ts';
import type { RimSubject } from './abi/nvidia/rim-subject.ts';
import { type Bytes, equalBytes } from './bytes.ts';
import { readRimChain, rimValidity, trustInRim } from './chain/nvidia-rim.ts';
import { type Checklist, unreadable } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { TrustedRoot } from './roots.ts';
import { formatTime, type UnixTime } from './time.ts';
import type { Ending } from './verified.ts';

/** Whether what a device measured is what a current manifest of its very version says. */
export type RimMatch = { driver: boolean; firmware: boolean };
export type RimOutcome = {
  /** In the order of the devices. */
  matched: readonly RimMatch[];
  /** Of a manifest that matched; null when none did. */
  root: TrustedRoot | null;
  ends: Ending[];
};

/** A manifest that NVIDIA signed. */
type Trusted = {
  rim: Rim;
  root: TrustedRoot;
  validity: { notBefore: UnixTime; notAfter: UnixTime };
  current: boolean;
};

type Kind = Rim['kind'];
/** What the manifests say of one device's driver or firmware. */
type Finding = {
  device: RimSubject;
  /** A current one that fits. */
  match: Trusted | null;
  /** All for its very version. */
  candidates: readonly Trusted[];
  /** When none that is current fits: a candidate that does not, and where. */
  mismatch: { trusted: Trusted; indices: readonly number[] } | null;
};

const checks = ['collateral.rim-signature', 'collateral.rim-validity'] as const;
const comparisons = {
  driver: 'collateral.gpu-driver',
  firmware: 'collateral.gpu-firmware',
} as const;
const option = '(--rim)';

/**
 * Makes the four checks of manifests.
 * @param devices null for one whose report could not be read
 */
export async function verifyRims(
  list: Checklist,
  devices: readonly (RimSubject | null)[],
  rims: readonly Bytes[],
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<RimOutcome> {
  const readable = devices.filter((device) => device !== null);
  const none = {
    matched: devices.map(() => ({ driver: false, firmware: false })),
    root: null,
    ends: [],
  };
  if (rims.length === 0) {
    for (const id of checks) list.skip(id, `reference integrity manifests ${option}`);
    compareNone(list, readable);
    return none;
  }
  const given = await trustAll(list, rims, roots, { devices: readable, now, crypto });
  if (given === null) {
    list.skip('collateral.rim-validity', 'manifests that NVIDIA signed');
    for (const id of Object.values(comparisons)) list.skip(id, 'manifests that NVIDIA signed');
    return none;
  }
  const findings = {
    driver: readable.filter(hasDriver).map((device) => findingOf(device, 'driver', given)),
    firmware: readable.map((device) => findingOf(device, 'firmware', given)),
  };
  checkValidity(list, [...findings.driver, ...findings.firmware], now);
  const complete = readable.length === devices.length;
  compare(list, 'driver', findings.driver, complete, []);
  compare(list, 'firmware', findings.firmware, complete, contradictions(findings));
  return outcomeOf(devices, findings);
}

function hasDriver({ driver }: RimSubject): boolean {
  return driver !== null;
}

function compareNone(list: Checklist, devices: readonly RimSubject[]): void {
  const finding = (device: RimSubject): Finding => ({
    device,
    match: null,
    candidates: [],
    mismatch: null,
  });
  compare(list, 'driver', devices.filter(hasDriver).map(finding), devices.length > 0, []);
  compare(list, 'firmware', devices.map(finding), devices.length > 0, []);
}

/** @returns null when one of them cannot be believed: whoever gives a false one is not believed in the others */
async function trustAll(
  list: Checklist,
  rims: readonly Bytes[],
  roots: readonly TrustedRoot[],
  { devices, now, crypto }: { devices: readonly RimSubject[]; now: UnixTime; crypto: CryptoPort },
): Promise<Trusted[] | null> {
  const id = 'collateral.rim-signature';
  const expected = 'manifests signed under the root of NVIDIA’s reference values';
  const trusted: Trusted[] = [];
  try {
    for (const [place, bytes] of rims.entries()) {
      const what = `manifest ${place + 1}`;
      const rim = parseRim(bytes, what);
      const chain = readRimChain(rim.signature.certificates, crypto);
      const root = await trustInRim(rim.signature, chain, roots, crypto);
      if (typeof root === 'string') {
        const actual = `${what}, ${rimName(rim)}`;
        list.fail(id, { expected, actual, reason: `${actual}: ${root}` });
        return null;
      }
      const validity = rimValidity(chain);
      const current = validity.notBefore <= now && now <= validity.notAfter;
      trusted.push({ rim, root, validity, current });
    }
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, unreadable(error, expected));
    return null;
  }
  list.pass(id, { expected, actual: whatFor(trusted, devices) });
  return trusted;
}

/** Manifests of other devices do no harm, but are of no use: people should see that. */
function whatFor(given: readonly Trusted[], devices: readonly RimSubject[]): string {
  const names = given.map(({ rim }) => {
    const used = devices.some((device) => isFor(rim, device));
    return used ? rimName(rim) : `${rimName(rim)} (not used: for none of the devices)`;
  });
  return names.join(', ');
}

function isFor(rim: Rim, { kind, architecture, driver, vbios }: RimSubject): boolean {
  const version = rim.kind === 'driver' ? driver : vbios;
  return (
    rim.edition === kind &&
    rim.product === architecture &&
    version !== null &&
    rim.version === version.toUpperCase()
  );
}

function findingOf(device: RimSubject, kind: Kind, given: readonly Trusted[]): Finding {
  const candidates = given.filter(({ rim }) => rim.kind === kind && isFor(rim, device));
  const compared = candidates.map((trusted) => ({
    trusted,
    indices: differing(trusted.rim, device),
  }));
  const match =
    compared.find(({ trusted, indices }) => trusted.current && indices.length === 0)?.trusted ??
    null;
  const mismatch = compared.find(({ indices }) => indices.length > 0) ?? null;
  return { device, match, candidates, mismatch: match === null ? mismatch : null };
}

/** Indices of active measurements that are none of the alternatives, or were not made. */
function differing({ measurements }: Rim, device: RimSubject): number[] {
  return measurements
    .filter(({ index, active, alternatives }) => {
      const measured = device.measurements.get(index + 1);
      const fits = measured !== undefined && alternatives.some((one) => equalBytes(one, measured));
      return active && !fits && !device.unmeasured.has(index + 1);
    })
    .map(({ index }) => index);
}

/** A manifest that is not current is as good as none; where a current one matches, it is not needed. */
function checkValidity(list: Checklist, findings: readonly Finding[], now: UnixTime): void {
  const id = 'collateral.rim-validity';
  const used = new Set(
    findings.flatMap(({ match, candidates }) => (match === null ? candidates : [match])),
  );
  if (used.size === 0)
    return list.skip(id, `reference integrity manifests of these devices ${option}`);
  const stale = [...used].find(({ current }) => !current);
  if (stale !== undefined) {
    const { rim, validity } = stale;
    const dates = `${formatTime(validity.notBefore)} to ${formatTime(validity.notAfter)}`;
    return list.skip(
      id,
      `a manifest of ${rimName(rim)} whose signer is valid at ${formatTime(now)}: this one is from ${dates}`,
    );
  }
  const from = Math.max(...[...used].map(({ validity }) => validity.notBefore));
  const to = Math.min(...[...used].map(({ validity }) => validity.notAfter));
  list.pass(id, {
    expected: `${formatTime(from)} to ${formatTime(to)}`,
    actual: formatTime(now),
  });
}

/** @param complete whether every device could be read @param problems beside those of the findings */
function compare(
  list: Checklist,
  kind: Kind,
  findings: readonly Finding[],
  complete: boolean,
  problems: readonly string[],
): void {
  const id = comparisons[kind];
  const expected = `what NVIDIA’s manifests say of each ${kind}`;
  const faults = [...findings.flatMap((finding) => faultOf(finding)), ...problems];
  if (faults.length > 0) {
    const actual = `${faults.length} of ${findings.length} differ`;
    return list.fail(id, { expected, actual, reason: faults.join('; ') });
  }
  if (!complete) return list.skip(id, 'a readable report of each device');
  const missing = findings.filter(({ match }) => match === null);
  if (missing.length > 0) return list.skip(id, lacking(kind, missing));
  const actual =
    findings.length === 0
      ? 'no device has a driver'
      : findings.map(({ device, match }) => `${device.label}: ${match?.rim.version}`).join(', ');
  list.pass(id, { expected, actual });
}

function faultOf({ device, mismatch }: Finding): string[] {
  if (mismatch === null) return [];
  const { trusted, indices } = mismatch;
  const which = indices.length === 1 ? 'measurement' : 'measurements';
  return [
    `${device.label}: ${which} ${indices.join(', ')} are not those of ${rimName(trusted.rim)}`,
  ];
}

function lacking(kind: Kind, missing: readonly Finding[]): string {
  const devices = missing.map(({ device, candidates }) => {
    const id = rimIds(device)[kind] ?? '';
    return `${device.label} (${id}${candidates.length > 0 ? ', not current' : ''})`;
  });
  return `a current manifest of the ${kind} of ${devices.join(', ')} ${option}`;
}

/** Each index is the driver's or the firmware's: a set of manifests where it is both is not one that NVIDIA makes. */
function contradictions(findings: {
  driver: readonly Finding[];
  firmware: readonly Finding[];
}): string[] {
  return findings.firmware.flatMap(({ device, candidates }) => {
    const drivers = findings.driver.find((finding) => finding.device === device)?.candidates ?? [];
    const taken = new Set(drivers.flatMap(({ rim }) => activeIndices(rim)));
    const shared = candidates
      .flatMap(({ rim }) => activeIndices(rim))
      .find((index) => taken.has(index));
    return shared === undefined
      ? []
      : [`${device.label}: measurement ${shared} is in the manifests of both driver and firmware`];
  });
}

function activeIndices({ measurements }: Rim): number[] {
  return measurements.filter(({ active }) => active).map(({ index }) => index);
}

function outcomeOf(
  devices: readonly (RimSubject | null)[],
  findings: { driver: readonly Finding[]; firmware: readonly Finding[] },
): RimOutcome {
  const matchOf = (kind: Kind, device: RimSubject | null) =>
    findings[kind].find((finding) => finding.device === device)?.match ?? null;
  const used = new Set(
    [...findings.driver, ...findings.firmware].flatMap(({ match }) => match ?? []),
  );
  return {
    matched: devices.map((device) => ({
      driver: matchOf('driver', device) !== null,
      firmware: matchOf('firmware', device) !== null,
    })),
    root: [...used][0]?.root ?? null,
    ends: [...used].map(({ rim, validity }) => ({
      what: `the signer of the manifest of ${rimName(rim)}`,
      at: validity.notAfter,
    })),
  };
}
