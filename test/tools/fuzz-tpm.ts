/** Every parser that a TPM's quotes and the certificates of its key pass through, with seeds for each. */
import { existsSync, readdirSync } from 'node:fs';
import { createTpm, type FakeTpm } from '#test/fake/tpm.ts';
import { createTpmProvider } from '#test/fake/tpm-certificates.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { encodeAttest, parseAttest } from '#verifier/abi/tpm/attest.ts';
import { encodeTpmEvidence, parseTpmEvidence, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import {
  encodeGoTpmAttestation,
  looksLikeGoTpm,
  parseGoTpmAttestation,
} from '#verifier/abi/tpm/go-tpm.ts';
import { encodePcrs, readPcrs } from '#verifier/abi/tpm/pcrs.ts';
import { encodeTpmPublic, parseTpmPublic, readAkPublic } from '#verifier/abi/tpm/public.ts';
import { encodeTpmSignature, parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import { type Bytes, equalBytes, toHex, utf8 } from '#verifier/bytes.ts';
import { asAk, asTpmCa } from '#verifier/chain/tpm.ts';
import { withoutPadding } from '#verifier/chain/tpm-chain.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { renderShow } from '#verifier/show/document.ts';
import { tpmSections } from '#verifier/show/tpm.ts';
import type { Parser } from './fuzz-run.ts';

const kinds = ['rsa', 'p256', 'p384'] as const;

export async function tpmParsers(): Promise<Parser[]> {
  const tpms = await Promise.all(kinds.map((key) => createTpm({ key })));
  const quotes = await Promise.all(tpms.map(quoteOf));
  const provider = await createTpmProvider();
  const messages = [...quotes.map(({ message }) => message), ...corpus('tpm-quote-msg.bin')];
  const signatures = [...quotes.map(({ signature }) => signature), ...corpus('tpm-quote-sig.bin')];
  const areas = tpms.map(({ publicArea }) => publicArea);
  const evidence = tpms.map(({ certificates }, i) =>
    encodeTpmEvidence({ quotes: [quotes[i] as TpmQuote], certificates }),
  );
  const attestations = [
    ...tpms.map((tpm, i) => goTpmOf(tpm, quotes[i] as TpmQuote)),
    ...corpus('attestation.pb'),
  ];
  const certificates = [
    ...tpms.map(({ certificates: [own] }) => own as Bytes),
    provider.ca.der,
    provider.root.der,
    ...genuineCertificates(),
  ];
  return [
    { name: 'TPM quote', parse: canonicalAttest, seeds: messages },
    { name: 'TPM signature', parse: stableSignature, seeds: signatures },
    { name: 'TPM public area', parse: stablePublic, seeds: areas },
    { name: 'attestation key', parse: readAkPublic, seeds: [...areas, ...tpms.map(keyOf)] },
    { name: 'PCR values', parse: pcrsRoundTrip, seeds: pcrFiles(quotes) },
    { name: 'TPM evidence', parse: evidenceRoundTrip, seeds: evidence },
    { name: 'go-tpm-tools', parse: goTpm, seeds: attestations },
    { name: 'AK certificate', parse: akCertificate, seeds: certificates },
    {
      name: 'show of a quote',
      parse: (bytes) => show(bytes, signatures[0] as Bytes),
      seeds: messages,
    },
  ];
}

async function quoteOf(tpm: FakeTpm): Promise<TpmQuote> {
  tpm.extend(4, new Uint8Array(32).fill(4));
  return tpm.quote(utf8('a nonce'), { algorithm: 'sha256', indices: [0, 4, 7, 23] });
}

/** What is accepted has one way to be written. */
function canonicalAttest(bytes: Bytes): void {
  if (!equalBytes(encodeAttest(parseAttest(bytes)), bytes)) throw new Error('not canonical');
}

/** r and s may come without their leading zeros: written again, it stays as it is. */
function stableSignature(bytes: Bytes): void {
  const written = encodeTpmSignature(parseTpmSignature(bytes));
  if (!equalBytes(encodeTpmSignature(parseTpmSignature(written)), written)) {
    throw new Error('another signature');
  }
}

/** The exponent has two spellings. */
function stablePublic(bytes: Bytes): void {
  const written = encodeTpmPublic(parseTpmPublic(bytes));
  if (!equalBytes(encodeTpmPublic(parseTpmPublic(written)), written)) {
    throw new Error('another public area');
  }
}

function pcrsRoundTrip(bytes: Bytes): void {
  const text = JSON.stringify(encodePcrs(readPcrs(bytes)));
  if (JSON.stringify(encodePcrs(readPcrs(utf8(text)))) !== text) throw new Error('other values');
}

function evidenceRoundTrip(bytes: Bytes): void {
  const written = encodeTpmEvidence(parseTpmEvidence(bytes));
  if (!equalBytes(encodeTpmEvidence(parseTpmEvidence(written)), written)) {
    throw new Error('another evidence');
  }
}

/** What is accepted can be written again, and says the same then; a quote without PCR values cannot. */
function goTpm(bytes: Bytes): void {
  const found = parseGoTpmAttestation(bytes);
  if (found.quotes.some(({ pcrs }) => pcrs.size === 0)) return;
  const written = encodeGoTpmAttestation(found);
  if (!looksLikeGoTpm(written)) throw new Error('read, but not recognised');
  if (!equalBytes(encodeGoTpmAttestation(parseGoTpmAttestation(written)), written)) {
    throw new Error('another attestation');
  }
}

function akCertificate(bytes: Bytes): void {
  const certificate = parseCertificate(withoutPadding(bytes), 'certificate');
  if (certificate.commonName.startsWith('EK/AK')) asTpmCa(certificate);
  else asAk(certificate);
}

function show(message: Bytes, signature: Bytes): void {
  const sections = tpmSections([{ message, signature, pcrs: new Map() }]);
  renderShow({ form: 'TPM quote', length: message.length, sections }, true);
}

function goTpmOf({ publicArea, certificates, eventLog }: FakeTpm, quote: TpmQuote): Bytes {
  const rest = { canonicalEventLog: null, sevSnp: null, tdx: null };
  return encodeGoTpmAttestation({ quotes: [quote], publicArea, certificates, eventLog, ...rest });
}

function keyOf({ publicKey }: FakeTpm): Bytes {
  return publicKey;
}

function pcrFiles(quotes: readonly TpmQuote[]): Bytes[] {
  const [bank, values] = [...(quotes[0] as TpmQuote).pcrs][0] as [string, Map<number, Bytes>];
  const lines = [...values].map(([index, value]) => `    ${index} : 0x${toHex(value)}\n`);
  const serialized = new Uint8Array(668);
  serialized.set([1, 0, 0, 0, 0x0b, 0, 3, 0x03]);
  serialized.set([1, 0, 0, 0, 2, 0, 0, 0, 32], 132);
  serialized[206] = 32;
  return [
    ...quotes.map(({ pcrs }) => utf8(JSON.stringify(encodePcrs(pcrs)))),
    utf8(`  ${bank}:\n${lines.join('')}`),
    serialized,
    ...corpus('pcrs-sha256.json'),
  ];
}

/** Files of this name beside the corpus's quotes; none where the corpus is not. */
function corpus(name: string): Bytes[] {
  if (!hasShared) return [];
  return ['tpm-quote', 'azure-snp-vtpm', 'azure-tdx-vtpm'].flatMap((kind) =>
    readdirSync(sharedPath(`corpus/${kind}`))
      .map((id) => `corpus/${kind}/${id}/${name}`)
      .filter((path) => existsSync(sharedPath(path)))
      .toSorted()
      .map(sharedFile),
  );
}

function genuineCertificates(): Bytes[] {
  if (!hasShared) return [];
  const gcp = (file: string) => sharedFile(`corpus/collateral/gcp/${file}`);
  return [
    ...readDerObjects(gcp('openpcc_gce_ak_certificates.txt'), 'CERTIFICATE', 'chain'),
    gcp('gcp_ek_ak_ca_intermediate_v3.crt'),
    gcp('gcp_ek_ak_ca_root.crt'),
    ...corpus('ak-cert.der'),
  ];
}
