/** What stands beside the CPU's evidence, or without it: TPM, event log, NVIDIA's devices, AWS Nitro; and whose nonce each answers. */
import type { Bundle } from './abi/bundle.ts';
import type { HclReport } from './abi/hcl.ts';
import type { NitroDocument } from './abi/nitro.ts';
import { parseNvidiaEvidence } from './abi/nvidia/evidence.ts';
import { deviceNonce, freshnessOf } from './abi/report-data.ts';
import { parseTpmEvidence } from './abi/tpm/evidence.ts';
import { type Bytes, concat, equalBytes, toHex } from './bytes.ts';
import type { Checklist } from './checklist.ts';
import { AttestationError } from './errors.ts';
import type { Evidence } from './evidence.ts';
import type { TrustedRoot } from './roots.ts';
import type { Ending, EventLogClaims, NvidiaClaims, TpmClaims } from './verified.ts';
import { type Given, type Road, signedBy } from './verify-cpu.ts';
import { type Quoted, verifyEventLog } from './verify-event-log.ts';
import { verifyNitro } from './verify-nitro.ts';
import { verifyNvidia } from './verify-nvidia.ts';
import { deviceKinds, isOfRtmrs } from './verify-subject.ts';
import { type TpmGiven, verifyTpm } from './verify-tpm.ts';

export type Beside = {
  tpm: TpmClaims | null;
  /** Of the evidence itself, or of a bundle's device. */
  nitro: NitroDocument | null;
  /** In order; null for one that could not be read. */
  nvidia: readonly (NvidiaClaims | null)[];
  eventLog: EventLogClaims | null;
  roots: readonly (TrustedRoot | null)[];
  ends: readonly Ending[];
};

/**
 * Makes every check of what is beside the CPU's evidence, of all stages.
 * @param bundle null for other evidence
 * @param hcl null for other evidence
 */
export async function verifyBeside(
  list: Checklist,
  evidence: Evidence,
  { bundle, hcl, road }: { bundle: Bundle | null; hcl: HclReport | null; road: Road },
  given: Given,
): Promise<Beside> {
  const { roots, now, crypto, collateral } = given;
  const found: Beside = { ...nothingBeside };
  const add = ({ root, ends }: { root: TrustedRoot | null; ends: readonly Ending[] }) => {
    found.roots = [...found.roots, root];
    found.ends = [...found.ends, ...ends];
  };

  const tpm = tpmOf(evidence, bundle, hcl);
  if (tpm !== null) {
    const outcome = await verifyTpm(list, tpm.given, roots, now, crypto);
    found.tpm = outcome.claims;
    add(outcome);
  }
  const nitro = nitroOf(evidence, bundle);
  if (nitro !== null) {
    const only = evidence.form === 'bundle' ? 'tpm' : null;
    const outcome = await verifyNitro(list, nitro, roots, now, crypto, only);
    found.nitro = outcome.document;
    add(outcome);
  }
  const nvidia = nvidiaOf(evidence, bundle);
  if (nvidia !== null) {
    const beside = { rims: collateral('nvidia-rim'), ocsp: collateral('nvidia-ocsp') };
    const outcome = await verifyNvidia(list, nvidia, beside, roots, now, crypto);
    found.nvidia = outcome.devices;
    add(outcome);
  }
  const log = eventLogOf(evidence, bundle);
  if (log !== null) found.eventLog = verifyEventLog(list, log, quotedOf(log, found.tpm, road));

  if (evidence.form === 'bundle') {
    if (bundle !== null) checkDeviceNonces(list, bundle, found);
  } else checkNonce(list, evidence, found);
  return found;
}

export const nothingBeside: Beside = {
  tpm: null,
  nitro: null,
  nvidia: [],
  eventLog: null,
  roots: [],
  ends: [],
};

/** Null where no TPM is part of the evidence. */
function tpmOf(
  evidence: Evidence,
  bundle: Bundle | null,
  hcl: HclReport | null,
): { given: TpmGiven | AttestationError | null } | null {
  if (evidence.form === 'hcl') {
    const { tpm, akCertificate: certificate } = evidence;
    const publicKey = hcl?.claims.akPublicKey ?? null;
    const key = { kind: 'hcl', publicKey, certificate } as const;
    return { given: tpm.length === 0 ? null : { quotes: tpm, key } };
  }
  if (evidence.form === 'tpm-quote') {
    const { quotes, certificates, publicKey: claimed, trustedKeys: trusted } = evidence;
    const key =
      trusted.length === 0 && certificates.length > 0
        ? ({ kind: 'certificate', certificates } as const)
        : ({ kind: 'trusted', claimed, trusted } as const);
    return { given: { quotes, key } };
  }
  const [device, ...more] = devicesOf(bundle, deviceKinds.tpm);
  if (device === undefined) return null;
  return { given: orError(() => tpmOfDevice(device.evidence, more.length)) };
}

function tpmOfDevice(bytes: Bytes, more: number): TpmGiven {
  if (more > 0) {
    throw new AttestationError(
      'value-out-of-range',
      `the bundle has ${more + 1} TPMs, a machine has one`,
    );
  }
  const { quotes, certificates } = parseTpmEvidence(bytes);
  return { quotes, key: { kind: 'certificate', certificates } };
}

function nitroOf(evidence: Evidence, bundle: Bundle | null): Bytes | null {
  if (evidence.form === 'nitro') return concat(evidence.bytes);
  // Two documents, one after the other, are none: a machine has one NitroTPM.
  const found = devicesOf(bundle, deviceKinds.nitroTpm).map((device) => device.evidence);
  return found.length === 0 ? null : concat(...found);
}

function nvidiaOf(evidence: Evidence, bundle: Bundle | null) {
  if (evidence.form === 'gpu') return evidence.devices.map((device) => () => device);
  const found = devicesOf(bundle, deviceKinds.nvidia);
  return found.length === 0 ? null : found.map((one) => () => parseNvidiaEvidence(one.evidence));
}

function eventLogOf(evidence: Evidence, bundle: Bundle | null): Bytes | null {
  switch (evidence.form) {
    case 'bundle': {
      const log = bundle?.eventLog;
      const quoted = bundle?.platform === 'tdx' || devicesOf(bundle, deviceKinds.tpm).length > 0;
      return log !== undefined && quoted ? log : null;
    }
    case 'quote':
    case 'hcl':
    case 'tpm-quote':
      return evidence.eventLog ?? null;
    default:
      return null;
  }
}

/** A TD with a TPM beside it has registers of both kinds, and the log tells of one. */
function quotedOf(log: Bytes, tpm: TpmClaims | null, road: Road): Quoted | null {
  const { td } = signedBy(road);
  if (td !== null && (tpm === null || isOfRtmrs(log))) return { kind: 'rtmr', registers: td.rtmr };
  return tpm === null ? null : { kind: 'pcr', pcrs: tpm.pcrs };
}

function devicesOf(bundle: Bundle | null, kind: string) {
  return (bundle?.devices ?? []).filter((device) => device.kind === kind);
}

/** In the order of the bundle, all devices of the kinds that are verified: device nonce = f(freshness, tree root, index). */
function checkDeviceNonces(list: Checklist, bundle: Bundle, found: Beside): void {
  const id = 'binding.device-nonces';
  const freshness = freshnessOf(bundle.nonce, bundle.channel, bundle.epoch);
  const nvidia = [...found.nvidia];
  const answered = bundle.devices.flatMap(({ kind }, index) => {
    const nonce = nonceOfDevice(kind, found, nvidia);
    if (nonce === undefined) return [];
    return [
      {
        name: `device ${index} (${kind})`,
        nonce,
        due: deviceNonce(freshness, bundle.bound.treeRoot, index),
      },
    ];
  });
  if (answered.length === 0) return;
  compareNonces(
    list,
    id,
    answered,
    'answers another nonce than the one made for it: it is not of this moment, or not in this machine',
  );
}

/** Undefined for a kind that is not verified, null for a device that could not be read. */
function nonceOfDevice(
  kind: string,
  { tpm, nitro }: Beside,
  nvidia: (NvidiaClaims | null)[],
): Bytes | null | undefined {
  switch (kind) {
    case deviceKinds.nvidia:
      return nvidia.shift()?.nonce ?? null;
    case deviceKinds.tpm:
      return tpm?.nonce ?? null;
    case deviceKinds.nitroTpm:
      return nitro === null ? null : (nitro.nonce ?? new Uint8Array());
    default:
      return undefined;
  }
}

/** Bare evidence answers the verifier's nonce itself. */
function checkNonce(list: Checklist, evidence: Evidence, found: Beside): void {
  if (!('nonce' in evidence) || evidence.nonce === null || evidence.form === 'bundle') return;
  const due = evidence.nonce;
  const answered = noncesOf(evidence.form, found).map(({ name, nonce }) => ({ name, nonce, due }));
  compareNonces(list, 'binding.quote-nonce', answered, 'was made for another nonce: a replay');
}

function noncesOf(
  form: 'hcl' | 'tpm-quote' | 'nitro' | 'gpu',
  { tpm, nitro, nvidia }: Beside,
): { name: string; nonce: Bytes | null }[] {
  switch (form) {
    case 'hcl':
    case 'tpm-quote':
      return [{ name: 'the TPM’s quote', nonce: tpm?.nonce ?? null }];
    case 'nitro':
      return [{ name: 'the document', nonce: nitro && (nitro.nonce ?? new Uint8Array()) }];
    case 'gpu':
      return nvidia.map((one, index) => ({
        name: nvidia.length === 1 ? 'the report' : `report ${index}`,
        nonce: one?.nonce ?? null,
      }));
  }
}

function compareNonces(
  list: Checklist,
  id: 'binding.quote-nonce' | 'binding.device-nonces',
  answered: readonly { name: string; nonce: Bytes | null; due: Bytes }[],
  problem: string,
): void {
  const wrong = answered.find(({ nonce, due }) => nonce !== null && !equalBytes(nonce, due));
  const unread = answered.find(({ nonce }) => nonce === null);
  if (wrong === undefined && unread !== undefined) {
    return list.skip(id, `what ${unread.name} answers: it could not be read`);
  }
  const shown = wrong ?? answered[0];
  if (shown === undefined) return list.skip(id, 'a report to compare');
  list.decide(id, wrong === undefined, {
    expected: toHex(shown.due),
    actual: (shown.nonce?.length ?? 0) === 0 ? 'none' : toHex(shown.nonce as Bytes),
    reason: `${shown.name} ${problem}`,
  });
}

function orError<T>(read: () => T): T | AttestationError {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
}
