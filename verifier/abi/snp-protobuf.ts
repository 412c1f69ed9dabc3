/**
 * go-sev-guest's protobuf `sevsnp.Attestation` ⇄ report bytes and certificates
 * (proto/sevsnp.proto). The message holds each field of the report apart; put together again they
 * are the bytes that were signed.
 */
import { type Bytes, equalBytes, fromUtf8, quote, Reader, toHex, utf8, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { encodeMessage, type Message, type MessageShape, parseMessage } from './protobuf.ts';
import { reportLength } from './snp.ts';
import { type SnpCertificate, snpCertificateGuids } from './snp-certs.ts';

const attestationShape = {
  report: [1, 'bytes'],
  certificate_chain: [2, 'bytes'],
  product: [3, 'bytes'],
} as const satisfies MessageShape;

const chainShape = {
  vcek_cert: [1, 'bytes'],
  ask_cert: [2, 'bytes'],
  ark_cert: [3, 'bytes'],
  firmware_cert: [4, 'bytes'],
  vlek_cert: [6, 'bytes'],
  extras: [7, 'repeated'],
} as const satisfies MessageShape;
/** What `map<string, bytes>` is on the wire. */
const extraShape = { key: [1, 'bytes'], value: [2, 'bytes'] } as const satisfies MessageShape;

const productShape = {
  name: [1, 'uint32'],
  stepping: [2, 'uint32'],
  machine_stepping: [3, 'bytes'],
} as const satisfies MessageShape;
const uint32ValueShape = { value: [1, 'uint32'] } as const satisfies MessageShape;
/** SEV_PRODUCT_TURIN */
const lastProduct = 3;

/**
 * Field number, offset in the report, length there, and how: `cpuid` is CPUID leaf 1 EAX for three
 * bytes.
 */
const reportFields = {
  version: [1, 0x000, 4, 'uint32'],
  guest_svn: [2, 0x004, 4, 'uint32'],
  policy: [3, 0x008, 8, 'uint64'],
  family_id: [4, 0x010, 16, 'bytes'],
  image_id: [5, 0x020, 16, 'bytes'],
  vmpl: [6, 0x030, 4, 'uint32'],
  signature_algo: [7, 0x034, 4, 'uint32'],
  current_tcb: [8, 0x038, 8, 'uint64'],
  platform_info: [9, 0x040, 8, 'uint64'],
  signer_info: [10, 0x048, 4, 'uint32'],
  report_data: [11, 0x050, 64, 'bytes'],
  measurement: [12, 0x090, 48, 'bytes'],
  host_data: [13, 0x0c0, 32, 'bytes'],
  id_key_digest: [14, 0x0e0, 48, 'bytes'],
  author_key_digest: [15, 0x110, 48, 'bytes'],
  report_id: [16, 0x140, 32, 'bytes'],
  report_id_ma: [17, 0x160, 32, 'bytes'],
  reported_tcb: [18, 0x180, 8, 'uint64'],
  cpuid1eax_fms: [29, 0x188, 3, 'cpuid'],
  chip_id: [19, 0x1a0, 64, 'bytes'],
  committed_tcb: [20, 0x1e0, 8, 'uint64'],
  current_build: [21, 0x1e8, 1, 'uint32'],
  current_minor: [22, 0x1e9, 1, 'uint32'],
  current_major: [23, 0x1ea, 1, 'uint32'],
  committed_build: [24, 0x1ec, 1, 'uint32'],
  committed_minor: [25, 0x1ed, 1, 'uint32'],
  committed_major: [26, 0x1ee, 1, 'uint32'],
  launch_tcb: [27, 0x1f0, 8, 'uint64'],
  launch_mit_vector: [30, 0x1f8, 8, 'uint64'],
  current_mit_vector: [31, 0x200, 8, 'uint64'],
  signature: [28, 0x2a0, 512, 'bytes'],
} as const;
const reportShape = Object.fromEntries(
  Object.entries(reportFields).map(([name, [number, , , type]]) => [
    name,
    [number, type === 'cpuid' ? 'uint32' : type],
  ]),
) as MessageShape;

/** The certificates as they are in the message; field 4, which has no GUID, as `firmware_cert`. */
export type SnpProtobuf = { report: Bytes; certificates: SnpCertificate[] };
export const firmwareCertificate = 'firmware_cert';

const guidOfField = {
  vcek_cert: snpCertificateGuids.vcek,
  vlek_cert: snpCertificateGuids.vlek,
  ask_cert: snpCertificateGuids.ask,
  ark_cert: snpCertificateGuids.ark,
  firmware_cert: firmwareCertificate,
} as const;

/** Whether the bytes begin as a message with one of the three fields does. */
export function looksLikeSnpProtobuf(bytes: Bytes): boolean {
  const known = Object.values(attestationShape).map(([number]) => (number << 3) | 2);
  // A binary report starts with its version, a small number in four bytes: never with these.
  return known.includes(bytes[0] as number) && bytes.subarray(1, 4).some((byte) => byte !== 0);
}

/**
 * The product message is the sender's guess: its shape is checked and it is not used.
 * @throws AttestationError `protobuf-malformed`, `length-wrong`, `value-out-of-range`,
 *   `reserved-not-zero`, `utf8-malformed`
 */
export function parseSnpProtobuf(bytes: Bytes): SnpProtobuf {
  const what = 'sevsnp.Attestation';
  const { report, certificate_chain, product } = parseMessage(bytes, attestationShape, what);
  if (report === null) throw malformed(what, 'report is missing');
  if (product !== null) checkProduct(product, `${what}.product`);
  const chain = certificate_chain ?? new Uint8Array();
  return {
    report: reportBytes(report, `${what}.report`),
    certificates: chainCertificates(chain, `${what}.certificate_chain`),
  };
}

/**
 * The inverse of `parseSnpProtobuf`, without a product message.
 * @throws RangeError for what the message has no place for: set reserved bits, a malformed or
 *   repeated GUID, no data
 */
export function encodeSnpProtobuf({ report, certificates }: SnpProtobuf): Bytes {
  const encodedReport = encodeReportMessage(report);
  if (!equalBytes(reportBytes(encodedReport, 'report'), report)) {
    throw new RangeError('the report has reserved bits set, which the message cannot hold');
  }
  const chain: Message<typeof chainShape> = {
    vcek_cert: null,
    ask_cert: null,
    ark_cert: null,
    firmware_cert: null,
    vlek_cert: null,
    extras: [],
  };
  const seen = new Set<string>();
  for (const { guid, data } of certificates) {
    if (data.length === 0) throw new RangeError(`${guid} has no data`);
    if (seen.has(guid)) throw new RangeError(`${guid} occurs twice`);
    seen.add(guid);
    const field = Object.entries(guidOfField).find(([, known]) => known === guid)?.[0];
    if (field !== undefined) chain[field as keyof typeof guidOfField] = data;
    else if (isGuid(guid)) {
      chain.extras.push(encodeMessage(extraShape, { key: utf8(guid), value: data }));
    } else throw new RangeError(`bad GUID ${guid}`);
  }
  return encodeMessage(attestationShape, {
    report: encodedReport,
    certificate_chain: certificates.length === 0 ? null : encodeMessage(chainShape, chain),
    product: null,
  });
}

function reportBytes(message: Bytes, what: string): Bytes {
  const fields = parseMessage(message, reportShape, what);
  const out = new Uint8Array(reportLength);
  for (const [name, [, offset, length, type]] of Object.entries(reportFields)) {
    const value = fields[name];
    if (type === 'bytes') {
      const bytes = value as Bytes | null;
      if (bytes?.length !== length) {
        throw new AttestationError(
          'length-wrong',
          `${what}: ${name} should have ${length} bytes, got ${bytes?.length ?? 'none'}`,
        );
      }
      out.set(bytes, offset);
    } else if (type === 'cpuid') {
      out.set(cpuidFromEax(value as number, `${what}: ${name}`), offset);
    } else {
      const number = BigInt(value as number | bigint);
      if (number >> BigInt(8 * length) !== 0n) {
        throw outOfRange(`${what}: ${name}`, `${length} byte`, number);
      }
      out.set(new Writer(8).u64le(number).finish().subarray(0, length), offset);
    }
  }
  return out;
}

function encodeReportMessage(report: Bytes): Bytes {
  if (report.length !== reportLength) throw new RangeError(`a report has ${reportLength} bytes`);
  const fields = Object.entries(reportFields).map(([name, [, offset, length, type]]) => {
    const bytes = new Reader(report.subarray(offset), name).bytes(length, name);
    if (type === 'bytes') return [name, bytes];
    if (type === 'cpuid') return [name, eaxFromCpuid(bytes)];
    const number = BigInt(`0x${toHex(bytes.reverse())}`);
    return [name, type === 'uint32' ? Number(number) : number];
  });
  return encodeMessage(reportShape, Object.fromEntries(fields));
}

/**
 * EAX = extended family (27:20) ‖ extended model (19:16) ‖ family (11:8) ‖ model (7:4) ‖ stepping
 * (3:0), the rest zero (AMD document 40332, CPUID Fn0000_0001_EAX): an extended family exists
 * beside family 15 only.
 */
function cpuidFromEax(eax: number, what: string): Bytes {
  const bits = (from: number, count: number) => (eax >>> from) & ((1 << count) - 1);
  if (bits(28, 4) !== 0 || bits(12, 4) !== 0) {
    throw new AttestationError(
      'reserved-not-zero',
      `${what}: 0x${eax.toString(16)} needs bits 12 to 15 and 28 to 31 clear`,
    );
  }
  const [base, extended] = [bits(8, 4), bits(20, 8)];
  if ((extended !== 0 && base !== 15) || base + extended > 255) {
    throw outOfRange(what, 'a CPUID family', `0x${eax.toString(16)}`);
  }
  return Uint8Array.of(base + extended, (bits(16, 4) << 4) | bits(4, 4), bits(0, 4));
}

function eaxFromCpuid([family = 0, model = 0, stepping = 0]: Bytes): number {
  const base = Math.min(family, 15);
  const extended = family - base;
  return (
    (extended << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 15) << 4) | (stepping & 15)
  );
}

function chainCertificates(message: Bytes, what: string): SnpCertificate[] {
  const chain = parseMessage(message, chainShape, what);
  const found: SnpCertificate[] = Object.entries(guidOfField).flatMap(([field, guid]) => {
    const data = chain[field as keyof typeof guidOfField];
    return data === null || data.length === 0 ? [] : [{ guid, data }];
  });
  const seen = new Set<string>();
  for (const entry of chain.extras) {
    const { key, value } = parseMessage(entry, extraShape, `${what}.extras`);
    const guid = fromUtf8(key ?? new Uint8Array(), `${what}.extras, key`);
    if (!isGuid(guid)) throw outOfRange(`${what}.extras`, 'GUIDs as keys', quote(guid));
    if (value === null || value.length === 0) throw malformed(what, `${guid} has no data`);
    if (Object.values<string>(guidOfField).includes(guid)) {
      throw malformed(what, `${guid} has a field of its own and stands among the extras`);
    }
    if (seen.has(guid)) throw malformed(what, `${guid} occurs twice`);
    seen.add(guid);
    found.push({ guid, data: value });
  }
  return found;
}

/** Lower case, and not the zero GUID that would end a certificate table. */
function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) && /[1-9a-f]/.test(text);
}

function checkProduct(message: Bytes, what: string): void {
  const { name, machine_stepping } = parseMessage(message, productShape, what);
  if (name > lastProduct) throw outOfRange(`${what}.name`, `0 to ${lastProduct}`, name);
  if (machine_stepping !== null) {
    parseMessage(machine_stepping, uint32ValueShape, `${what}.machine_stepping`);
  }
}

function malformed(what: string, problem: string): AttestationError {
  return new AttestationError('protobuf-malformed', `${what}: ${problem}`);
}

function outOfRange(what: string, expected: string, actual: unknown): AttestationError {
  return new AttestationError('value-out-of-range', `${what} should be ${expected}, got ${actual}`);
}
