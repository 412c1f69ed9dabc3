/**
 * go-tpm-tools' protobuf `attest.Attestation` ⇄ quotes, key, certificates and event log (proto/attest.proto and
 * proto/tpm.proto): what `gotpm attest` writes, and Google's Confidential VMs hand out.
 */
import { type Bytes, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { encodeMessage, type MessageShape, parseMessage } from '../protobuf.ts';
import { maxAkCertificates, maxQuotes, type TpmQuote } from './evidence.ts';
import { type PcrValues, pcrCount, type TpmHash, tpmHashById, tpmHashes } from './hash.ts';
import { anAttestationKey, parseTpmPublic, spkiOfTpmKey } from './public.ts';

const attestationShape = {
  ak_pub: [1, 'bytes'],
  quotes: [2, 'repeated'],
  event_log: [3, 'bytes'],
  instance_info: [4, 'bytes'],
  canonical_event_log: [5, 'bytes'],
  ak_cert: [6, 'bytes'],
  intermediate_certs: [7, 'repeated'],
  sev_snp_attestation: [8, 'bytes'],
  tdx_attestation: [9, 'bytes'],
} as const satisfies MessageShape;
const instanceShape = {
  zone: [1, 'bytes'],
  project_id: [2, 'bytes'],
  project_number: [3, 'uint64'],
  instance_name: [4, 'bytes'],
  instance_id: [5, 'uint64'],
} as const satisfies MessageShape;
const quoteShape = {
  quote: [1, 'bytes'],
  raw_sig: [2, 'bytes'],
  pcrs: [3, 'bytes'],
} as const satisfies MessageShape;
const pcrsShape = { hash: [1, 'uint32'], pcrs: [2, 'repeated'] } as const satisfies MessageShape;
/** What `map<uint32, bytes>` is on the wire. */
const pcrShape = { key: [1, 'uint32'], value: [2, 'bytes'] } as const satisfies MessageShape;

export type GoTpmAttestation = {
  quotes: readonly TpmQuote[];
  /** TPMT_PUBLIC of the attestation key. */
  publicArea: Bytes;
  /** SPKI of the same key. */
  publicKey: Bytes;
  /** DER, the AK's own first; empty when there are none. */
  certificates: readonly Bytes[];
  eventLog: Bytes | null;
  /** COS's canonical event log, as it stands. */
  canonicalEventLog: Bytes | null;
  /** The message of the CPU's own attestation beside the TPM's; at most one of the two. */
  sevSnp: Bytes | null;
  tdx: Bytes | null;
};

const what = 'attest.Attestation';
const maxAttestationLength = 1024 * 1024;
/** Of one message: an attestation has about thirty, the values of a bank 25. */
const maxFields = 64;

/** Whether the bytes begin as the message does: with the public area of an RSA or ECC key. */
export function looksLikeGoTpm(bytes: Bytes): boolean {
  // Field 1, a length of one or two bytes, then type 0x0001 or 0x0023.
  const start = (bytes[1] as number) < 0x80 ? 2 : 3;
  const type = toHex(bytes.subarray(start, start + 2));
  return bytes[0] === 0x0a && (type === '0001' || type === '0023');
}

/**
 * The instance that the sender names is checked for its shape and not used: what counts is in the AK's certificate.
 * @throws AttestationError `too-large`, `protobuf-malformed`, `length-wrong`, `value-out-of-range`, `reserved-not-zero`; the last
 *   two also when the key's public area is not that of an attestation key
 */
export function parseGoTpmAttestation(bytes: Bytes): GoTpmAttestation {
  if (bytes.length > maxAttestationLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxAttestationLength} (1 MiB) are allowed`,
    );
  }
  refuseMany(bytes, what);
  const found = parseMessage(bytes, attestationShape, what);
  if (found.ak_pub === null) throw malformed('ak_pub is missing');
  if (found.quotes.length === 0 || found.quotes.length > maxQuotes)
    throw malformed(`${found.quotes.length} quotes, 1 to ${maxQuotes} are expected`);
  if (found.instance_info !== null)
    parseMessage(found.instance_info, instanceShape, `${what}.instance_info`);
  if (found.sev_snp_attestation !== null && found.tdx_attestation !== null)
    throw malformed('it holds attestations of two CPUs');
  const leaf = found.ak_cert === null || found.ak_cert.length === 0 ? [] : [found.ak_cert];
  if (leaf.length === 0 && found.intermediate_certs.length > 0)
    throw malformed('it has intermediate certificates without the AK’s own');
  const certificates = [...leaf, ...found.intermediate_certs];
  if (certificates.length > maxAkCertificates)
    throw malformed(`more than ${maxAkCertificates} certificates`);
  return {
    quotes: found.quotes.map((message, i) => readQuote(message, `${what}.quotes[${i}]`)),
    publicArea: found.ak_pub,
    publicKey: spkiOfTpmKey(anAttestationKey(parseTpmPublic(found.ak_pub)).key),
    certificates,
    eventLog: emptyAsNull(found.event_log),
    canonicalEventLog: emptyAsNull(found.canonical_event_log),
    sevSnp: found.sev_snp_attestation,
    tdx: found.tdx_attestation,
  };
}

/** The inverse of `parseGoTpmAttestation`, without an instance. @throws RangeError for PCRs of other than one bank */
export function encodeGoTpmAttestation(given: Omit<GoTpmAttestation, 'publicKey'>): Bytes {
  const [leaf = null, ...intermediates] = given.certificates;
  return encodeMessage(attestationShape, {
    ak_pub: given.publicArea,
    quotes: given.quotes.map(({ message, signature, pcrs }) =>
      encodeMessage(quoteShape, { quote: message, raw_sig: signature, pcrs: encodePcrs(pcrs) }),
    ),
    event_log: given.eventLog,
    instance_info: null,
    canonical_event_log: given.canonicalEventLog,
    ak_cert: leaf,
    intermediate_certs: intermediates,
    sev_snp_attestation: given.sevSnp,
    tdx_attestation: given.tdx,
  });
}

function readQuote(message: Bytes, where: string): TpmQuote {
  const { quote, raw_sig, pcrs } = parseMessage(message, quoteShape, where);
  if (quote === null || raw_sig === null) throw malformed(`${where} has no quote or no signature`);
  return {
    message: quote,
    signature: raw_sig,
    pcrs: pcrs === null ? new Map() : readPcrs(pcrs, `${where}.pcrs`),
  };
}

/** `tpm.PCRs`: the values of one bank. */
function readPcrs(message: Bytes, where: string): PcrValues {
  refuseMany(message, where);
  const { hash, pcrs } = parseMessage(message, pcrsShape, where);
  const bank = tpmHashById(hash);
  if (bank === null) throw outOfRange(`${where}.hash`, 'SHA-1, SHA-256, SHA-384 or SHA-512', hash);
  const values = new Map<number, Bytes>();
  for (const entry of pcrs) {
    const { key, value } = parseMessage(entry, pcrShape, `${where}.pcrs`);
    if (key >= pcrCount) throw outOfRange(`${where}, PCR`, `0 to ${pcrCount - 1}`, key);
    if (values.has(key)) throw malformed(`${where} has PCR ${key} twice`);
    if (value?.length !== tpmHashes[bank].length)
      throw outOfRange(
        `${where}, PCR ${key}`,
        `${tpmHashes[bank].length} bytes`,
        value?.length ?? 0,
      );
    values.set(key, value);
  }
  return new Map(values.size === 0 ? [] : [[bank, values]]);
}

function encodePcrs(pcrs: PcrValues): Bytes {
  const [bank, ...others] = pcrs;
  if (bank === undefined || others.length > 0)
    throw new RangeError('the message holds the values of one bank');
  const [name, values] = bank as readonly [TpmHash, ReadonlyMap<number, Bytes>];
  return encodeMessage(pcrsShape, {
    hash: tpmHashes[name].id,
    pcrs: [...values].map(([key, value]) => encodeMessage(pcrShape, { key, value })),
  });
}

/** Repeated fields of two bytes each would take seconds to collect. A key of two bytes is of no field here: left to the parser. */
function refuseMany(message: Bytes, where: string): void {
  let at = 0;
  for (let count = 0; at < message.length; count++) {
    if (count === maxFields) throw malformed(`${where} has more than ${maxFields} fields`);
    const isNumber = ((message[at] as number) & 7) === 0;
    let length = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      at += 1;
      const byte = message[at] ?? 0;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += 1 + (isNumber ? 0 : length);
  }
}

function emptyAsNull(bytes: Bytes | null): Bytes | null {
  return bytes === null || bytes.length === 0 ? null : bytes;
}

function malformed(problem: string): AttestationError {
  return new AttestationError('protobuf-malformed', `${what}: ${problem}`);
}

function outOfRange(where: string, expected: string, actual: number): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `${where} should be ${expected}, got ${actual}`,
  );
}
