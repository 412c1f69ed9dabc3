/**
 * NVIDIA's devices: each report read strictly, its key by a chain to NVIDIA's root, the report by that key and of that very
 * device; then its measurements against NVIDIA's manifests, and revocation. Nonces are their caller's to check.
 */
import type { NvidiaEvidence } from './abi/nvidia/evidence.ts';
import { type RimSubject, rimSubjectOf } from './abi/nvidia/rim-subject.ts';
import { type NvidiaReport, parseSpdm, signedPart } from './abi/nvidia/spdm.ts';
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import { type NvidiaChain, verifyNvidiaChains } from './chain/nvidia-chain.ts';
import { type DeviceFinding, decideDevices } from './chain/nvidia-devices.ts';
import type { Checklist } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import type { Ending, NvidiaClaims } from './verified.ts';
import { verifyOcsp } from './verify-nvidia-ocsp.ts';
import { type RimMatch, verifyRims } from './verify-nvidia-rims.ts';

export type NvidiaCollateral = { rims: readonly Bytes[]; ocsp: readonly Bytes[] };

export type NvidiaOutcome = {
  /** In the order of the devices; null for one that could not be read. */
  devices: readonly (NvidiaClaims | null)[];
  /** The root that the chains end in, a handed over one first; null when none is trusted. */
  root: TrustedRoot | null;
  ends: Ending[];
};

/** One device as far as it could be read. */
type Device = {
  label: string;
  evidence: NvidiaEvidence | null;
  report: NvidiaReport | null;
  finding: DeviceFinding;
};

/**
 * Makes every check of GPUs and switches but those of nonces and of policy.
 * @param given each throws AttestationError when the evidence is not in its form
 * @throws RangeError without devices
 */
export async function verifyNvidia(
  list: Checklist,
  given: readonly (() => NvidiaEvidence)[],
  { rims, ocsp }: NvidiaCollateral,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<NvidiaOutcome> {
  if (given.length === 0) throw new RangeError('there is no device to verify');
  const devices = given.map(readDevice);
  decideDevices(
    list,
    'parse.gpu',
    'an SPDM 1.1 request and response',
    devices.map(({ finding }) => finding),
  );
  const { chains, root } = await verifyNvidiaChains(
    list,
    devices.map(({ label, evidence }) => ({
      label,
      certificates: evidence?.certificates ?? null,
    })),
    roots,
    now,
    crypto,
  );
  const pairs = devices.map((device, i) => ({ ...device, chain: chains[i] ?? null }));
  decideDevices(
    list,
    'evidence.gpu-signature',
    'a signature by the attestation key of the device',
    await Promise.all(pairs.map((pair) => signatureOf(pair, crypto))),
  );
  decideDevices(
    list,
    'evidence.gpu-identity',
    'the device, its architecture and its firmware as certified, and each device once',
    pairs.map((pair) => identityOf(pair, pairs)),
  );
  const references = await verifyRims(list, pairs.map(subjectOf), rims, roots, now, crypto);
  const revocation = await verifyOcsp(
    list,
    pairs.map(({ label, chain }) => chain && { label, chain: chain.certificates }),
    ocsp,
    now,
    crypto,
  );
  return {
    devices: pairs.map((pair, i) => claimsOf(pair, references.matched[i] ?? noMatch)),
    root: [root, references.root].find((one) => one?.insecure) ?? root,
    ends: [...pairs.flatMap(endsOf), ...references.ends, ...revocation],
  };
}

const noMatch: RimMatch = { driver: false, firmware: false };
const kindNames = { gpu: 'GPU', switch: 'NVSwitch' } as const;

/** Numbers are places in the evidence, from 0. */
function readDevice(read: () => NvidiaEvidence, place: number): Device {
  let evidence: NvidiaEvidence | null = null;
  try {
    evidence = read();
    const report = parseSpdm(evidence.evidence);
    const label = `${kindNames[report.kind]} ${place}`;
    const text = `${report.driver === null ? '' : `driver ${report.driver}, `}VBIOS ${report.vbios}`;
    return { label, evidence, report, finding: { label, status: 'pass', text } };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const label = `device ${place}`;
    const text = `${error.message} (${error.code})`;
    return { label, evidence, report: null, finding: { label, status: 'fail', text } };
  }
}

type Pair = Device & { chain: NvidiaChain | null };

async function signatureOf(pair: Pair, crypto: CryptoPort): Promise<DeviceFinding> {
  const { label, evidence, report, chain } = pair;
  if (evidence === null || report === null || chain === null) return lacking(pair);
  const valid = await crypto.verifyP384Sha384(
    chain.leaf.certificate.spki,
    signedPart(evidence.evidence),
    report.signature,
  );
  return valid
    ? { label, status: 'pass', text: 'it verifies' }
    : {
        label,
        status: 'fail',
        text: 'the report is not signed by the key of its certificate, or was changed after it was signed',
      };
}

function lacking({ label, report }: Pair): DeviceFinding {
  const text = report === null ? `a readable report of ${label}` : `a readable chain of ${label}`;
  return { label, status: 'skip', text };
}

/** NVIDIA's own verifier compares the firmware id alone. */
function identityOf(pair: Pair, all: readonly Pair[]): DeviceFinding {
  const { label, report, chain } = pair;
  if (report === null || chain === null) return lacking(pair);
  const { leaf, brom } = chain;
  const twin = all.find((other) => other !== pair && isSameDevice(other.chain, chain));
  const faults: string[] = [];
  if ((report.kind === 'switch') !== (leaf.architecture === 'LS10'))
    faults.push(
      `the report is of ${report.kind === 'gpu' ? 'a GPU' : 'a switch'}, the certificate of ${leaf.chip}`,
    );
  if (report.architecture !== null && report.architecture !== leaf.architecture)
    faults.push(`the report is of ${report.architecture}, the certificate of ${leaf.architecture}`);
  if (report.fwid !== null && !equalBytes(report.fwid, leaf.fwid))
    faults.push(`firmware id ${toHex(report.fwid)}, the certificate is for ${toHex(leaf.fwid)}`);
  if (report.pdi !== null && !equalBytes(report.pdi, brom.pdi))
    faults.push(`device ${toHex(report.pdi)}, the certificate is of ${toHex(brom.pdi)}`);
  if (twin !== undefined) faults.push(`it is the same device as ${twin.label}`);
  if (faults.length > 0) return { label, status: 'fail', text: faults.join(', ') };
  const bound = report.fwid !== null || report.pdi !== null;
  return { label, status: 'pass', text: bound ? leaf.id : `${leaf.id}, names no firmware id` };
}

function isSameDevice(one: NvidiaChain | null, other: NvidiaChain): boolean {
  if (one === null) return false;
  const keys = ({ leaf, brom }: NvidiaChain) => [leaf.certificate.spki, brom.certificate.spki];
  const shared = keys(one).some((key) => keys(other).some((found) => equalBytes(key, found)));
  return shared || one.leaf.id === other.leaf.id || equalBytes(one.brom.pdi, other.brom.pdi);
}

function subjectOf({ label, report, chain }: Pair): RimSubject | null {
  return report && rimSubjectOf(report, label, chain?.leaf.chip ?? null);
}

function claimsOf({ report, chain }: Pair, matched: RimMatch): NvidiaClaims | null {
  if (report === null || chain === null) return null;
  return {
    kind: report.kind,
    architecture: chain.leaf.architecture,
    driver: report.driver,
    vbios: report.vbios,
    nonce: report.nonce,
    id: chain.leaf.id,
    confidentialMode: confidentialModeOf(report, matched),
    matched,
  };
}

/**
 * The report says how a GPU is passed through, not whether a debugger may look into it: in development mode measurements differ from
 * NVIDIA's manifests. So `on` takes both. Protected PCIe is another mode, with confidential computing off.
 */
function confidentialModeOf(
  { mode }: NvidiaReport,
  matched: RimMatch,
): NvidiaClaims['confidentialMode'] {
  if (mode === 'protected-pcie') return 'off';
  return mode === 'confidential' && matched.driver && matched.firmware ? 'on' : null;
}

/** Of each chain the first to end; NVIDIA's do not before the year 9999. */
function endsOf({ label, chain }: Pair): Ending[] {
  if (chain === null) return [];
  const at = Math.min(...chain.certificates.map(({ notAfter }) => notAfter));
  return [{ what: `the certificates of ${label}`, at }];
}
