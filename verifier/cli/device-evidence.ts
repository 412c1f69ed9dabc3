/** Evidence of what is no CPU alone, from files: Azure's HCL report, a TPM's quotes, a document of AWS Nitro, NVIDIA's devices. */
import { readAkCertificate, readAzureEvidence } from '#verifier/abi/azure-evidence.ts';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { maxLogLength } from '#verifier/abi/event-log/types.ts';
import { readNvidiaFile } from '#verifier/abi/nvidia/evidence.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { bytesOfText } from '#verifier/abi/text-form.ts';
import { parseTpmEvidence, readTpm2Quote, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { looksLikeGoTpm, parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { readAkPublic } from '#verifier/abi/tpm/public.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import type { Collateral, DeviceEvidence } from '#verifier/evidence.ts';
import type { FoundEvidence } from '#verifier/evidence-forms.ts';
import { blaming, usageError } from './cli-error.ts';
import { readFileLimited } from './files.ts';

type Files = string | readonly string[] | undefined;

export type DeviceOptions = {
  /** NV index of the vTPM, or the JSON that Azure's attesters send. */
  hclReport?: string | undefined;
  /** TPMS_ATTEST; or quotes with all that belongs to them, in the JSON of a bundle or go-tpm-tools' protobuf. */
  tpmQuote?: Files;
  tpmSignature?: Files;
  pcrs?: Files;
  ak?: Files;
  akChain?: Files;
  eventLog?: string | undefined;
  nitro?: string | undefined;
  gpu?: Files;
  /** One file for each of `gpu` that holds a bare report. */
  gpuChain?: Files;
  nonce?: string | undefined;
  /** The TD quote beside an HCL report. */
  quote?: string | undefined;
};

const fileLimit = 1024 * 1024;
/** Of a Nitro document; a TPM's and a device's are shorter. */
const maxNonce = 1024;

const owners = ['hclReport', 'tpmQuote', 'nitro', 'gpu'] as const;
const names = {
  hclReport: '--hcl-report',
  tpmQuote: '--tpm-quote',
  nitro: '--nitro',
  gpu: '--gpu',
  tpmSignature: '--tpm-signature',
  pcrs: '--pcrs',
  ak: '--ak',
  akChain: '--ak-chain',
  gpuChain: '--gpu-chain',
} as const;
/** What each option stands beside. */
const beside: Partial<Record<keyof typeof names, readonly (typeof owners)[number][]>> = {
  tpmSignature: ['tpmQuote', 'hclReport'],
  pcrs: ['tpmQuote', 'hclReport'],
  ak: ['tpmQuote'],
  akChain: ['tpmQuote', 'hclReport'],
  gpuChain: ['gpu'],
};

/** The option that names what is to be verified: an HCL report comes with its TPM's quote. */
function ownerOf(options: DeviceOptions): (typeof owners)[number] | null {
  const given = owners.filter((name) => options[name] !== undefined);
  const [owner = null, ...more] = given;
  if (more.length === 0 || (owner === 'hclReport' && given.length === 2 && given[1] === 'tpmQuote'))
    return owner;
  throw usageError(
    `more than one of ${given.map((name) => names[name]).join(', ')} was given`,
    'Verify each piece of evidence by itself; what belongs to one machine is in a bundle.',
  );
}

/**
 * Null when nothing of this kind is to be verified.
 * @throws CliError wrong usage, or invalid for a file that is not what its option asks for
 */
export async function deviceEvidence(
  options: DeviceOptions,
): Promise<FoundEvidence<DeviceEvidence> | null> {
  const owner = ownerOf(options);
  refuseStray(options, owner);
  if (owner === null) return null;
  const nonce = nonceOf(options.nonce);
  switch (owner) {
    case 'hclReport':
      return hclEvidence(options, nonce);
    case 'tpmQuote':
      return alone(await tpmEvidence(options, nonce));
    case 'nitro': {
      const bytes = await read('--nitro', options.nitro as string);
      return alone({ form: 'nitro', bytes: binary(bytes, '--nitro'), nonce });
    }
    case 'gpu':
      return alone({ form: 'gpu', devices: await devicesOf(options), nonce });
  }
}

function refuseStray(options: DeviceOptions, owner: (typeof owners)[number] | null): void {
  for (const [name, places] of Object.entries(beside)) {
    const option = name as keyof typeof beside;
    if (options[option] === undefined || (owner !== null && places.includes(owner))) continue;
    throw usageError(
      `${names[option]} belongs beside ${places.map((place) => names[place]).join(' or ')}`,
      'Give both, or neither.',
    );
  }
}

function alone(evidence: DeviceEvidence): FoundEvidence<DeviceEvidence> {
  return { evidence, collateral: [] };
}

async function hclEvidence(
  options: DeviceOptions,
  nonce: Bytes | null,
): Promise<FoundEvidence<DeviceEvidence>> {
  const path = options.hclReport as string;
  const bytes = await read('--hcl-report', path);
  const eventLog = await logOf(options);
  const [akPath, ...more] = [options.akChain ?? []].flat();
  if (more.length > 0) {
    throw usageError(
      '--ak-chain was given twice',
      'Beside an HCL report the certificate of the AK alone is compared.',
    );
  }
  const akCertificate =
    akPath === undefined
      ? null
      : blamed('--ak-chain', akPath, await read('--ak-chain', akPath), readAkCertificate);
  if (bytes[0] === 0x7b) {
    if (options.tpmQuote !== undefined || options.quote !== undefined) {
      throw usageError(
        `--hcl-report ${path} is JSON that holds the quotes too`,
        'Give it without --tpm-quote and --quote.',
      );
    }
    const { hcl, quote, tpm, vcek } = blamed('--hcl-report', path, bytes, readAzureEvidence);
    const collateral: Collateral[] = vcek === null ? [] : [{ kind: 'vek', data: vcek }];
    return {
      evidence: { form: 'hcl', bytes: hcl, quote, tpm: [tpm], akCertificate, eventLog, nonce },
      collateral,
    };
  }
  const quote =
    options.quote === undefined ? null : binary(await read('--quote', options.quote), '--quote');
  const tpm = options.tpmQuote === undefined ? [] : (await quotesOf(options)).quotes;
  const raw = binary(bytes, '--hcl-report');
  return alone({ form: 'hcl', bytes: raw, quote, tpm, akCertificate, eventLog, nonce });
}

async function tpmEvidence(options: DeviceOptions, nonce: Bytes | null): Promise<DeviceEvidence> {
  const found = await quotesOf(options);
  const trustedKeys: Bytes[] = [];
  for (const path of [options.ak ?? []].flat()) {
    trustedKeys.push(blamed('--ak', path, await read('--ak', path), readAkPublic));
  }
  const chain: Bytes[] = [];
  for (const path of [options.akChain ?? []].flat()) {
    const readAll = (bytes: Bytes) => readDerObjects(bytes, 'CERTIFICATE', 'AK certificate');
    chain.push(...blamed('--ak-chain', path, await read('--ak-chain', path), readAll));
  }
  return {
    form: 'tpm-quote',
    quotes: found.quotes,
    certificates: chain.length > 0 ? chain : found.certificates,
    publicKey: found.publicKey,
    trustedKeys,
    eventLog: (await logOf(options)) ?? found.eventLog,
    nonce,
  };
}

type FoundQuotes = {
  quotes: readonly TpmQuote[];
  certificates: readonly Bytes[];
  publicKey: Bytes | null;
  eventLog: Bytes | null;
};

/** One file with everything, or as many of the quotes as of signatures and PCR values. */
async function quotesOf(options: DeviceOptions): Promise<FoundQuotes> {
  const paths = [options.tpmQuote ?? []].flat();
  const signatures = [options.tpmSignature ?? []].flat();
  const pcrs = [options.pcrs ?? []].flat();
  const [only] = paths;
  const nothingElse = { certificates: [], publicKey: null, eventLog: null };
  if (paths.length === 1 && only !== undefined && signatures.length === 0 && pcrs.length === 0) {
    const bytes = await read('--tpm-quote', only);
    if (bytes[0] === 0x7b) {
      return { ...nothingElse, ...blamed('--tpm-quote', only, bytes, parseTpmEvidence) };
    }
    if (looksLikeGoTpm(bytes)) return blamed('--tpm-quote', only, bytes, parseGoTpmAttestation);
  }
  if (signatures.length !== paths.length || pcrs.length !== paths.length) {
    throw usageError(
      `${paths.length} of --tpm-quote, ${signatures.length} of --tpm-signature and ${pcrs.length} of --pcrs were given`,
      'Give the signature and the PCR values of each quote, in the same order.',
    );
  }
  const quotes: TpmQuote[] = [];
  for (const [i, path] of paths.entries()) {
    const files = {
      message: await read('--tpm-quote', path),
      signature: await read('--tpm-signature', signatures[i] as string),
      pcrs: await read('--pcrs', pcrs[i] as string),
    };
    const what = `--tpm-quote ${path}, with its --tpm-signature and --pcrs`;
    quotes.push(blaming('invalid', what, () => readTpm2Quote(files)));
  }
  return { ...nothingElse, quotes };
}

async function devicesOf(options: DeviceOptions) {
  const chains = [options.gpuChain ?? []].flat();
  const found = [];
  for (const path of [options.gpu ?? []].flat()) {
    const bytes = await read('--gpu', path);
    for (const device of blamed('--gpu', path, bytes, readNvidiaFile)) {
      if (device.certificates.length > 0) found.push(device);
      else found.push({ ...device, certificates: await chainOf(chains.shift(), path) });
    }
  }
  const [stray] = chains;
  if (stray === undefined) return found;
  throw usageError(
    `--gpu-chain ${stray} belongs to no bare report`,
    'Give one for each of --gpu that holds a report alone; JSON evidence holds its certificates.',
  );
}

async function chainOf(path: string | undefined, report: string): Promise<Bytes[]> {
  if (path === undefined) {
    throw usageError(
      `--gpu ${report} is a report alone, and no --gpu-chain is left for it`,
      'Give the device’s certificates with --gpu-chain, its own first; JSON evidence holds them.',
    );
  }
  const readAll = (bytes: Bytes) => readDerObjects(bytes, 'CERTIFICATE', 'device certificates');
  return blamed('--gpu-chain', path, await read('--gpu-chain', path), readAll);
}

async function logOf({ eventLog }: DeviceOptions): Promise<Bytes | null> {
  return eventLog === undefined
    ? null
    : readFileLimited(eventLog, maxLogLength, '--event-log', 'invalid');
}

/** Hex of any length: each kind of evidence has its own. */
function nonceOf(text: string | undefined): Bytes | null {
  if (text === undefined) return null;
  const nonce = blaming('usage', '--nonce', () => fromHex(text.toLowerCase(), 'value'));
  if (nonce.length >= 1 && nonce.length <= maxNonce) return nonce;
  throw usageError(`--nonce has ${nonce.length} bytes`, `Give 1 to ${maxNonce} bytes of hex.`);
}

function read(option: string, path: string): Promise<Bytes> {
  const limit = option === '--gpu' || option === '--hcl-report' ? maxBundleLength : fileLimit;
  return readFileLimited(path, limit, option, 'invalid');
}

function blamed<T>(option: string, path: string, bytes: Bytes, parse: (bytes: Bytes) => T): T {
  return blaming('invalid', `${option} ${path}`, () => parse(bytes));
}

/** As it is, or as one text of hex or base64. */
function binary(bytes: Bytes, option: string): Bytes {
  return blaming('invalid', option, () => bytesOfText(bytes, option)) ?? bytes;
}
