/** Evidence of what is no CPU alone, from the files that were given: Azure's HCL report, a TPM's quotes, NVIDIA's devices. */
import { readAzureEvidence } from '#verifier/abi/azure-evidence.ts';
import { readNvidiaFile } from '#verifier/abi/nvidia/evidence.ts';
import { parseTpmEvidence, readTpm2Quote, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { readAkPublic } from '#verifier/abi/tpm/public.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { sameName } from '#verifier/chain/x509.ts';
import type { Evidence } from '#verifier/evidence.ts';
import { inputStrings as words } from '../strings/input.ts';
import type { Chosen, Context, KnownFiles, KnownGiven } from './choose-evidence.ts';
import { certificateVendor } from './collateral-items.ts';
import { certificatesOf, type GivenCertificate } from './der-objects.ts';
import type { FileKind } from './file-kinds.ts';
import { naming, RefusedFile } from './refused-file.ts';

type Assembled = Omit<Chosen, 'notes'>;

const ofKind = (files: KnownFiles, ...kinds: FileKind[]) =>
  files.filter(({ kind }) => kinds.includes(kind));

/** The raw report with its quotes, or the JSON of Azure's attesters that holds them all. */
export function hclEvidence(files: KnownFiles, { nonce }: Context): Assembled {
  const [raw] = ofKind(files, 'hcl');
  const [json] = ofKind(files, 'azure-evidence');
  const [log] = ofKind(files, 'event-log');
  const ak = akCertificateIn(files);
  const eventLog = log?.bytes ?? null;
  const akCertificate = ak?.der ?? null;
  const beside = [log, ak?.file].filter((file) => file !== undefined);
  const hasQuotes = ofKind(files, 'tpm-message', 'tpm-evidence', 'go-tpm').length > 0;
  if (json !== undefined && (raw === undefined || !hasQuotes)) {
    const { hcl, quote, tpm, vcek } = naming(json.name, () => readAzureEvidence(json.bytes));
    return {
      evidence: { form: 'hcl', bytes: hcl, quote, tpm: [tpm], akCertificate, eventLog, nonce },
      collateral: vcek === null ? [] : [{ kind: 'vek', data: vcek }],
      used: [json, ...beside],
    };
  }
  const [quote] = ofKind(files, 'quote');
  const tpm = hasQuotes ? quotesIn(files) : { quotes: [], used: [] };
  const evidence: Evidence = {
    form: 'hcl',
    bytes: (raw as KnownGiven).bytes,
    quote: quote?.bytes ?? null,
    tpm: tpm.quotes,
    akCertificate,
    eventLog,
    nonce,
  };
  const used = [raw as KnownGiven, ...(quote ? [quote] : []), ...tpm.used, ...beside];
  return { evidence, collateral: [], used };
}

/** A certificate that is no processor vendor's, and no root: of the paravisor's own key. */
function akCertificateIn(files: KnownFiles): { file: KnownGiven; der: Bytes } | null {
  for (const file of ofKind(files, 'certificates')) {
    const [only, ...others] = certificatesOf(file.bytes) ?? [];
    const isOwn = only?.certificate && !only.isSelfIssued && certificateVendor(only) === null;
    if (isOwn && others.length === 0) return { file, der: only.der };
  }
  return null;
}

export function tpmEvidence(files: KnownFiles, { nonce, trustKeys = false }: Context): Assembled {
  const found = quotesIn(files);
  const keys = trustKeys ? ofKind(files, 'public-key') : [];
  const chainFiles = ofKind(files, 'certificates').filter(
    ({ bytes }) => certificatesOf(bytes) !== null,
  );
  const chain = leafFirst(chainFiles.flatMap(({ bytes }) => certificatesOf(bytes) ?? []));
  const [log] = ofKind(files, 'event-log');
  return {
    evidence: {
      form: 'tpm-quote',
      quotes: found.quotes,
      certificates: chain.length > 0 ? chain.map(({ der }) => der) : found.certificates,
      publicKey: found.publicKey,
      trustedKeys: keys.map(({ name, bytes }) => naming(name, () => readAkPublic(bytes))),
      eventLog: log?.bytes ?? found.eventLog,
      nonce,
    },
    collateral: [],
    used: [...found.used, ...keys, ...chainFiles, ...(log ? [log] : [])],
  };
}

/** The one that issued none of the others leads; the others stay in their order. */
function leafFirst(chain: readonly GivenCertificate[]): GivenCertificate[] {
  const isIssuer = (one: GivenCertificate) =>
    chain.some(
      (other) =>
        other !== one &&
        one.certificate !== null &&
        other.certificate !== null &&
        sameName(other.certificate.issuer, one.certificate.subject),
    );
  const leaf = chain.find((one) => !isIssuer(one));
  return leaf === undefined ? [...chain] : [leaf, ...chain.filter((one) => one !== leaf)];
}

type FoundQuotes = {
  quotes: readonly TpmQuote[];
  certificates: readonly Bytes[];
  publicKey: Bytes | null;
  eventLog: Bytes | null;
  used: readonly KnownGiven[];
};

/** One file with everything, or as many messages as signatures and PCR values, in the order given. */
function quotesIn(files: KnownFiles): FoundQuotes {
  const nothingElse = { certificates: [], publicKey: null, eventLog: null };
  const [file] = ofKind(files, 'go-tpm', 'tpm-evidence', 'tpm-message');
  if (file?.kind === 'go-tpm') {
    const found = naming(file.name, () => parseGoTpmAttestation(file.bytes));
    const { quotes, certificates, publicKey, eventLog } = found;
    return { quotes, certificates, publicKey, eventLog, used: [file] };
  }
  if (file?.kind === 'tpm-evidence') {
    const { quotes, certificates } = naming(file.name, () => parseTpmEvidence(file.bytes));
    return { ...nothingElse, quotes, certificates, used: [file] };
  }
  const messages = ofKind(files, 'tpm-message');
  const [signatures, pcrs] = [signaturesIn(files), pcrsIn(files)];
  if (signatures.length !== messages.length || pcrs.length !== messages.length) {
    throw new RefusedFile(
      'form-unknown',
      null,
      words.unevenQuotes(messages.length, signatures.length, pcrs.length),
      words.unevenQuotesRemedy,
    );
  }
  const quotes = messages.map((message, i) => {
    const [signature, values] = [signatures[i] as KnownGiven, pcrs[i] as KnownGiven];
    const parts = { message: message.bytes, signature: signature.bytes, pcrs: values.bytes };
    return naming(`${message.name}, ${values.name}`, () => readTpm2Quote(parts));
  });
  return { ...nothingElse, quotes, used: [...messages, ...signatures, ...pcrs] };
}

const signaturesIn = (files: KnownFiles) => ofKind(files, 'tpm-signature');

/** The values alone, as `tpm2_pcrread -o` writes them, look like nothing: they are what is left. */
function pcrsIn(files: KnownFiles): readonly KnownGiven[] {
  const named = ofKind(files, 'pcrs');
  return named.length > 0 ? named : ofKind(files, 'binary');
}

/** Each bare report takes the next chain; JSON evidence holds its own. */
export function gpuEvidence(files: KnownFiles, { nonce }: Context): Assembled {
  const given = ofKind(files, 'nvidia', 'nvidia-report');
  const chains = ofKind(files, 'certificates').flatMap((file) => {
    const found = certificatesOf(file.bytes) ?? [];
    // A root alone is in the verifier already.
    const isChain = found.some(({ isSelfIssued }) => !isSelfIssued);
    return isChain ? [{ file, certificates: found.map(({ der }) => der) }] : [];
  });
  const used: KnownGiven[] = [...given];
  const devices = given.flatMap(({ name, bytes }) =>
    naming(name, () => readNvidiaFile(bytes)).map((device) => {
      if (device.certificates.length > 0) return device;
      const chain = chains.shift();
      if (chain === undefined) {
        throw new RefusedFile('form-unknown', name, words.noChain, words.noChainRemedy);
      }
      used.push(chain.file);
      return { ...device, certificates: chain.certificates };
    }),
  );
  return { evidence: { form: 'gpu', devices, nonce }, collateral: [], used };
}
