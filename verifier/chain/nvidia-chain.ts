/** The chain of each NVIDIA device, from the key that signs its reports to NVIDIA's root. */
import { type Bytes, equalBytes, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { Held } from './links.ts';
import {
  asNvidiaBrom,
  asNvidiaIca,
  asNvidiaIdentity,
  asNvidiaLeaf,
  asNvidiaRoot,
  type NvidiaBrom,
  type NvidiaIca,
  type NvidiaIdentity,
  type NvidiaLeaf,
  type NvidiaRoot,
} from './nvidia.ts';
import { type DeviceFinding, decideDevices } from './nvidia-devices.ts';
import {
  type Certificate,
  parseCertificate,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from './x509.ts';

export type NvidiaChain = {
  leaf: Held<NvidiaLeaf>;
  brom: Held<NvidiaBrom>;
  ica: Held<NvidiaIca>;
  identity: Held<NvidiaIdentity>;
  root: Held<NvidiaRoot>;
  /** The same five, the attestation key's first. */
  certificates: readonly Certificate[];
};

/** What there is of one device. */
export type ChainSubject = {
  label: string;
  /** DER, the attestation key's first; null when the evidence could not be read. */
  certificates: readonly Bytes[] | null;
};

export type NvidiaChains = {
  /** In the order of the devices, null where one could not be read. Whether it may be believed is in the checks. */
  chains: readonly (NvidiaChain | null)[];
  /** A root handed over in the vendor's place, if any device needed it. */
  root: TrustedRoot | null;
};

const chainLength = 5;
const order = 'attestation key, boot ROM, Provisioner ICA, Identity, root: five certificates';

/** Makes the checks of stage chain for all devices. */
export async function verifyNvidiaChains(
  list: Checklist,
  devices: readonly ChainSubject[],
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<NvidiaChains> {
  const read = devices.map((device) => ({ ...device, ...readChain(device, crypto) }));
  decideDevices(
    list,
    'chain.gpu-certificates',
    order,
    read.map(({ finding }) => finding),
  );
  const trusted = roots.filter(({ vendor }) => vendor === 'nvidia');
  const pins = read.map(({ label, chain }) => pinOf(label, chain, trusted));
  decideDevices(
    list,
    'chain.gpu-root-pinned',
    trusted.map(({ spkiSha256 }) => toHex(spkiSha256)).join(' or ') || 'no root of NVIDIA devices',
    pins.map(({ finding }) => finding),
  );
  decideDevices(
    list,
    'chain.gpu-validity',
    `valid at ${formatTime(now)}`,
    read.map(({ label, chain }) => validityOf(label, chain, now)),
  );
  decideDevices(
    list,
    'chain.gpu-signatures',
    'each certificate signed by the key of the next',
    await Promise.all(read.map(({ label, chain }) => signaturesOf(label, chain, crypto))),
  );
  const used = pins.map(({ root }) => root).filter((root) => root !== null);
  return {
    chains: read.map(({ chain }) => chain),
    root: used.find(({ insecure }) => insecure) ?? used[0] ?? null,
  };
}

function readChain(
  { label, certificates }: ChainSubject,
  crypto: CryptoPort,
): { chain: NvidiaChain | null; finding: DeviceFinding } {
  const none = (status: 'fail' | 'skip', text: string) => ({
    chain: null,
    finding: { label, status, text },
  });
  if (certificates === null) return none('skip', `readable evidence of ${label}`);
  if (certificates.length === 0) return none('skip', `the certificates of ${label} (--chain)`);
  if (certificates.length !== chainLength)
    return none('fail', `there are ${certificates.length} certificates, not five`);
  try {
    const chain = holdChain(certificates, crypto);
    const problem = linkProblem(chain);
    const finding = problem === null ? chain.leaf.id : problem;
    return { chain, finding: { label, status: problem === null ? 'pass' : 'fail', text: finding } };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return none('fail', `${error.message} (${error.code})`);
  }
}

/** @throws AttestationError what `parseCertificate` and the profiles throw */
function holdChain(ders: readonly Bytes[], crypto: CryptoPort): NvidiaChain {
  // A name for each role: a certificate that was read in one must not be found under another.
  const held = <T>(role: string, at: number, as: (from: Certificate) => T): Held<T> => {
    const make = (der: Bytes): Held<T> => {
      const certificate = parseCertificate(der, 'certificate');
      return { ...as(certificate), certificate };
    };
    const der = ders[at] as Bytes;
    return crypto.remember?.(role, der, make) ?? make(der);
  };
  const leaf = held('nvidia-leaf', 0, asNvidiaLeaf);
  const brom = held('nvidia-brom', 1, asNvidiaBrom);
  const ica = held('nvidia-ica', 2, asNvidiaIca);
  const identity = held('nvidia-identity', 3, asNvidiaIdentity);
  const root = held('nvidia-root', 4, asNvidiaRoot);
  const certificates = [leaf, brom, ica, identity, root].map(({ certificate }) => certificate);
  return { leaf, brom, ica, identity, root, certificates };
}

/**
 * Names by their bytes. The boot ROM's name is NVIDIA's word, the attestation key's only the boot ROM's: both must be of one model, so
 * that the key of another product does not certify a GPU.
 */
function linkProblem({ leaf, brom, ica, root, certificates }: NvidiaChain): string | null {
  const linked = certificates.every(({ issuer }, i) =>
    sameName(issuer, (certificates[i + 1] ?? root.certificate).subject),
  );
  if (!linked) return 'the certificates do not follow one another by name';
  if (leaf.model !== brom.model || leaf.chip !== ica.chip)
    return `the certificates are of ${leaf.model}, ${brom.model} and ${ica.chip}`;
  const { deviceKey } = leaf;
  return deviceKey === null || equalBytes(deviceKey, brom.certificate.spki)
    ? null
    : 'the attestation key was made for the boot ROM of another device';
}

function lacking(label: string): DeviceFinding {
  return { label, status: 'skip', text: `a readable chain of ${label}` };
}

function pinOf(
  label: string,
  chain: NvidiaChain | null,
  trusted: readonly TrustedRoot[],
): { root: TrustedRoot | null; finding: DeviceFinding } {
  if (chain === null) return { root: null, finding: lacking(label) };
  const fingerprint = spkiFingerprint(chain.root.certificate);
  const root = trusted.find(({ spkiSha256 }) => equalBytes(spkiSha256, fingerprint)) ?? null;
  const text =
    root === null
      ? `its root calls itself NVIDIA's but has the key ${toHex(fingerprint)}: a simulated device or a forged chain`
      : toHex(fingerprint);
  return { root, finding: { label, status: root === null ? 'fail' : 'pass', text } };
}

function validityOf(label: string, chain: NvidiaChain | null, now: UnixTime): DeviceFinding {
  if (chain === null) return lacking(label);
  const late = chain.certificates.find(({ notAfter }) => notAfter < now);
  if (late !== undefined) {
    const text = `${late.commonName} expired at ${formatTime(late.notAfter)}`;
    return { label, status: 'fail', text };
  }
  const early = chain.certificates.find(({ notBefore }) => now < notBefore);
  return early === undefined
    ? { label, status: 'pass', text: 'all five are' }
    : {
        label,
        status: 'fail',
        text: `${early.commonName} is not valid before ${formatTime(early.notBefore)}`,
      };
}

async function signaturesOf(
  label: string,
  chain: NvidiaChain | null,
  crypto: CryptoPort,
): Promise<DeviceFinding> {
  if (chain === null) return lacking(label);
  const { certificates, root } = chain;
  const valid = await Promise.all(
    certificates.map((certificate, i) =>
      verifySignedBy(crypto, certificates[i + 1] ?? root.certificate, certificate),
    ),
  );
  const bad = certificates[valid.indexOf(false)];
  return bad === undefined
    ? { label, status: 'pass', text: 'they verify' }
    : {
        label,
        status: 'fail',
        text: `the signature on ${bad.commonName} is not by the key of the certificate behind it`,
      };
}
