/** `affidavit verify`: inputs → verify → appraise → a verdict on standard output. */
import { randomBytes } from 'node:crypto';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { maxLogLength } from '#verifier/abi/event-log/types.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { looksLikeQuote } from '#verifier/abi/quote.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import { maxSnpEvidenceLength, readSnpEvidence, readTsmEvidence } from '#verifier/abi/snp-forms.ts';
import { bytesOfText } from '#verifier/abi/text-form.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Expectations, type Policy, parsePolicy, tighten } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral, CpuEvidence, DeviceEvidence, Evidence } from '#verifier/evidence.ts';
import { type FoundEvidence, fromSnp } from '#verifier/evidence-forms.ts';
import { noReferences, type VerifiedReferences } from '#verifier/reference/verified.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import { readCertificates, readLists, readSigningChain } from './certificate-files.ts';
import { blaming, usageError } from './cli-error.ts';
import type { SourceOptions } from './collateral-options.ts';
import type { DeviceOptions } from './device-evidence.ts';
import { attestationUrl, fetchLive } from './fetch-bundle.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';
import { gathererOf, verifyGathering, withGathered } from './gather.ts';
import { nodeCrypto } from './node-crypto.ts';
import { refuseSaving, type SaveOptions, saveBundle } from './save-bundle.ts';
import { withSpinner } from './spinner.ts';

/** Options that every command with a verdict takes. */
export type VerdictOptions = {
  vek?: string | undefined;
  /** ASK or ASVK and ARK, in one file or several. */
  chain?: string | readonly string[] | undefined;
  crl?: string | readonly string[] | undefined;
  tcbInfo?: string | readonly string[] | undefined;
  tcbSigningChain?: string | readonly string[] | undefined;
  qeIdentity?: string | readonly string[] | undefined;
  qeIdentitySigningChain?: string | readonly string[] | undefined;
  pckCrl?: string | readonly string[] | undefined;
  rootCaCrl?: string | readonly string[] | undefined;
  policy?: string | undefined;
  at?: string | undefined;
  closure?: string | undefined;
  treeRoot?: string | undefined;
  measurement?: string | undefined;
  reportData?: string | undefined;
  insecureRoot?: string | undefined;
  /** For the policy's member `references`. */
  reference?: string | readonly string[] | undefined;
  /** Reference manifests and OCSP answers of NVIDIA. */
  rim?: string | readonly string[] | undefined;
  ocsp?: string | readonly string[] | undefined;
};

export type VerifyOptions = VerdictOptions &
  SaveOptions &
  SourceOptions &
  DeviceOptions & {
    target?: string | undefined;
    report?: string | undefined;
    quote?: string | undefined;
    auxblob?: string | undefined;
    nonce?: string | undefined;
  };

const certificateLimit = 1024 * 1024;
/** The entry of zeros that ends every certificate table. */
const smallestTable = 24;

/** @throws CliError for everything that ends without a verdict */
export async function runVerify(options: VerifyOptions): Promise<{
  verdict: Verdict;
  policy: Policy;
  evidence: Evidence;
  bundle: Verified['bundle'];
  note: string | null;
}> {
  refuseSaving(options);
  const settings = await settingsOf(options);
  const gather = gathererOf(options, settings.roots);
  const found = await evidenceOf(options);
  const { verified, gathered } = await verifyGathering(found, settings, gather, nodeCrypto);
  const { evidence } = found;
  const note =
    options.save === undefined
      ? null
      : await saveBundle(
          options.save,
          options,
          await withGathered(evidence, gathered),
          settings.collateral,
          settings.now,
        );
  const { policy, references } = settings;
  const { bundle } = verified;
  return { verdict: appraise(verified, policy, references), policy, evidence, bundle, note };
}

export type VerdictSettings = {
  now: UnixTime;
  policy: Policy;
  roots: readonly TrustedRoot[];
  collateral: readonly Collateral[];
  references: VerifiedReferences;
};

/** @throws CliError wrong usage, or invalid for a certificate file that is none */
export async function settingsOf(options: VerdictOptions): Promise<VerdictSettings> {
  const now = timeOf(options.at);
  const expectations = expectationsOf(options);
  const policy = tighten(await policyOf(options.policy), expectations);
  const roots = await rootsOf(options.insecureRoot);
  const references = await referencesOf(policy, options.reference);
  return { now, policy, roots, collateral: await collateralOf(options), references };
}

export function verifyEvidence(
  evidence: Evidence,
  { now, roots, collateral }: VerdictSettings,
): Promise<Verified> {
  return verify(evidence, collateral, roots, now, nodeCrypto);
}

async function referencesOf(
  policy: Policy,
  given: VerdictOptions['reference'],
): Promise<VerifiedReferences> {
  if (given === undefined) return noReferences;
  // Loaded here: few policies name builders.
  const { referencesFor } = await import('./reference-files.ts');
  return referencesFor(policy, given);
}

function timeOf(at: string | undefined): UnixTime {
  if (at === undefined) return Math.floor(Date.now() / 1000);
  const time = parseTime(at);
  if (time === null) {
    throw usageError(
      `--at ${at} is not an RFC 3339 time with its zone`,
      'Write for example 2026-01-31T12:00:00Z.',
    );
  }
  return time;
}

/** Hex as people paste it: either case. */
export function hexOption(
  name: string,
  text: string | undefined,
  length: number,
): string | undefined {
  if (text === undefined) return undefined;
  const lower = text.toLowerCase();
  blaming('usage', `--${name}`, () => fromHex(lower, 'value', length));
  return lower;
}

function expectationsOf(options: VerdictOptions): Expectations {
  const wanted = {
    closureDigest: hexOption('closure', options.closure, 32),
    treeRoot: hexOption('tree-root', options.treeRoot, 32),
    measurement: hexOption('measurement', options.measurement, 48),
    reportData: hexOption('report-data', options.reportData, 64),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

async function policyOf(path: string | undefined): Promise<Policy> {
  if (path === undefined || path === 'genuine') return genuinePolicy;
  const bytes = await readFileLimited(path, maxBundleLength, 'policy', 'usage');
  if (isJson(bytes)) return blaming('usage', `policy ${path}`, () => parsePolicy(bytes));
  // Loaded here: most policies are JSON, and a YAML reader is not small.
  const { parseYamlPolicy } = await import('#verifier/appraise/policy-yaml.ts');
  return blaming('usage', `policy ${path}`, () => parseYamlPolicy(bytes));
}

/** A policy is an object, and YAML that begins with a brace is JSON for our purposes: it gets the stricter reader. */
function isJson(bytes: Bytes): boolean {
  return bytes.find((byte) => !' \t\r\n'.includes(String.fromCharCode(byte))) === '{'.charCodeAt(0);
}

async function rootsOf(path: string | undefined): Promise<readonly TrustedRoot[]> {
  if (path === undefined) return vendorRoots;
  const bytes = await readFileLimited(path, certificateLimit, 'root', 'usage');
  return blaming('usage', `--insecure-root ${path}`, () =>
    readDerObjects(bytes, 'CERTIFICATE', 'root').map((der) =>
      insecureRoot(parseCertificate(der, 'root')),
    ),
  );
}

async function collateralOf(options: VerdictOptions): Promise<Collateral[]> {
  const read = async (
    option: string,
    paths: string | readonly string[] | undefined,
    parse: (bytes: Bytes) => Collateral[],
  ) => {
    const found: Collateral[] = [];
    for (const path of [paths ?? []].flat()) {
      const bytes = await readFileLimited(path, certificateLimit, option, 'invalid');
      found.push(...blaming('invalid', `--${option} ${path}`, () => parse(bytes)));
    }
    return found;
  };
  const { tcbInfo, tcbSigningChain, qeIdentity, qeIdentitySigningChain } = options;
  return [
    ...(await read('vek', options.vek, (bytes) => readCertificates(bytes, 'certificate', 'vek'))),
    ...(await read('chain', options.chain, (bytes) => readCertificates(bytes, 'chain', 'ask'))),
    ...(await read('crl', options.crl, (bytes) => readLists(bytes, 'ark-crl'))),
    ...(await read('tcb-info', tcbInfo, (data) => [{ kind: 'tcb-info', data }])),
    ...(await read('tcb-signing-chain', tcbSigningChain, (bytes) =>
      readSigningChain(bytes, 'tcb-signing'),
    )),
    ...(await read('qe-identity', qeIdentity, (data) => [{ kind: 'qe-identity', data }])),
    ...(await read('qe-identity-signing-chain', qeIdentitySigningChain, (bytes) =>
      readSigningChain(bytes, 'qe-identity-signing'),
    )),
    ...(await read('pck-crl', options.pckCrl, (bytes) => readLists(bytes, 'pck-crl'))),
    ...(await read('root-ca-crl', options.rootCaCrl, (bytes) =>
      readLists(bytes, 'intel-root-crl'),
    )),
    ...(await read('rim', options.rim, (data) => [{ kind: 'nvidia-rim', data }])),
    ...(await read('ocsp', options.ocsp, (data) => [{ kind: 'nvidia-ocsp', data }])),
  ];
}

async function evidenceOf(options: VerifyOptions): Promise<FoundEvidence<Evidence>> {
  const { target, report, quote } = options;
  const device = await deviceOf(options);
  if (device !== null) return device;
  const nonceText = hexOption('nonce', options.nonce, 32);
  const nonce = nonceText === undefined ? null : fromHex(nonceText, 'nonce');
  const count = [target, report, quote].filter((given) => given !== undefined).length;
  if (count !== 1) {
    throw usageError(
      count === 0
        ? 'nothing to verify was given'
        : 'more than one of a target, --report and --quote was given',
      'Give a URL, a bundle file or - for standard input, or a raw report with --report, a quote with --quote, or --hcl-report, --tpm-quote, --nitro, --gpu.',
    );
  }
  if (target === undefined && nonce !== null) {
    throw usageError(
      '--nonce is for bundles: a raw report or quote holds no nonce',
      'Use --report-data for its 64 bytes.',
    );
  }
  if (report !== undefined) {
    refuseEventLog(options.eventLog);
    return reportEvidence(report, options.auxblob);
  }
  if (options.auxblob !== undefined) {
    throw usageError('--auxblob belongs beside --report', 'Give the outblob with --report.');
  }
  if (quote !== undefined) return quoteEvidence(quote, options.eventLog);
  refuseEventLog(options.eventLog);
  const path = target as string;
  if (/^https?:\/\//i.test(path)) {
    const evidence = await fetchEvidence(path, nonce, options.offline ?? false);
    return { evidence, collateral: [] };
  }
  const bytes =
    path === standardInput
      ? await readStdinLimited(maxBundleLength, 'bundle')
      : await readFileLimited(path, maxBundleLength, 'bundle', 'invalid');
  return { evidence: { form: 'bundle', bytes, nonce, connection: null }, collateral: [] };
}

/** A report in any of its forms, with the certificates that came with it (verifier/abi/snp-forms.ts). */
async function reportEvidence(path: string, auxblob: string | undefined): Promise<FoundEvidence> {
  const bytes = await readFileLimited(path, maxSnpEvidenceLength, 'report', 'invalid');
  if (looksLikeQuote(bytes)) {
    throw usageError(`--report ${path} holds a TDX or SGX quote`, 'Give it with --quote.');
  }
  if (auxblob !== undefined) {
    const table = await readFileLimited(auxblob, maxSnpEvidenceLength, 'auxblob', 'invalid');
    const read = () => readTsmEvidence({ outblob: bytes, auxblob: table });
    return fromSnp(blaming('invalid', `--report ${path} --auxblob ${auxblob}`, read));
  }
  try {
    return fromSnp(readSnpEvidence(bytes));
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    // Not of a known form, nor long enough for a table: as a raw report it gets a verdict that says what is wrong with it.
    if (bytes.length < reportLength + smallestTable || error.code === 'form-unknown') {
      return { evidence: { form: 'report', bytes }, collateral: [] };
    }
    return blaming('invalid', `--report ${path}`, () => {
      throw error;
    });
  }
}

/** A quote as it is, or as one text of hex or base64. What is neither gets a verdict that says so. */
async function quoteEvidence(path: string, log: string | undefined): Promise<FoundEvidence> {
  const bytes = await readFileLimited(path, certificateLimit, 'quote', 'invalid');
  const raw = blaming('invalid', `--quote ${path}`, () => bytesOfText(bytes, 'quote')) ?? bytes;
  const eventLog =
    log === undefined ? null : await readFileLimited(log, maxLogLength, '--event-log', 'invalid');
  return {
    evidence: { form: 'quote', bytes: raw, ...(eventLog !== null && { eventLog }) },
    collateral: [],
  };
}

/** Loaded here: most evidence is a CPU's alone. */
async function deviceOf(options: VerifyOptions): Promise<FoundEvidence<DeviceEvidence> | null> {
  const { hclReport, tpmQuote, tpmSignature, pcrs, ak, akChain, nitro, gpu, gpuChain } = options;
  const given = [hclReport, tpmQuote, tpmSignature, pcrs, ak, akChain, nitro, gpu, gpuChain];
  if (given.every((option) => option === undefined)) return null;
  const { target, report, quote, auxblob } = options;
  if ([target, report, auxblob].some((option) => option !== undefined)) {
    throw usageError(
      'more than one piece of evidence was given',
      'Verify each by itself; what belongs to one machine is in a bundle.',
    );
  }
  if (quote !== undefined && hclReport === undefined) {
    throw usageError('--quote stands alone or beside --hcl-report', 'Verify each by itself.');
  }
  const { deviceEvidence } = await import('./device-evidence.ts');
  return deviceEvidence(options);
}

function refuseEventLog(path: string | undefined): void {
  if (path === undefined) return;
  throw usageError(
    '--event-log belongs beside --quote, --tpm-quote or --hcl-report',
    'A bundle holds its own log; for a log alone: affidavit replay.',
  );
}

/** @param signal ends the wait for the agent */
export async function fetchEvidence(
  target: string,
  given: Bytes | null,
  offline: boolean,
  signal?: AbortSignal,
): Promise<CpuEvidence & { form: 'bundle' }> {
  if (offline) {
    throw usageError(
      '--offline and a URL contradict each other',
      'Save the bundle where there is a network, then verify the file.',
    );
  }
  const url = attestationUrl(target);
  const nonce = given ?? new Uint8Array(randomBytes(32));
  const asking = `asking ${url.host} for evidence`;
  const { bytes, channel } = await withSpinner(asking, () => fetchLive(url, nonce, signal));
  return { form: 'bundle', bytes, nonce, connection: { channel } };
}
