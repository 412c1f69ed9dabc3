/**
 * The attestation documents of AWS Nitro: of an enclave (aws-nitro-enclaves-nsm-api, "Nitro Enclaves Attestation Process", 2.2
 * and 3.2) and of an EC2 instance with NitroTPM (EC2 User Guide, "Validate a NitroTPM Attestation Document"). Both are COSE_Sign1
 * by ES384 over a CBOR map, and differ in the name of the PCRs.
 */
import { type Bytes, equalBytes, quote } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type CborKey, type CborMap, type CborValue, parseCbor } from './cbor.ts';
import { type CoseSign1, es384Header, parseCoseSign1 } from './cose.ts';

/** Whose PCRs a document holds: an enclave's, or those of an instance's NitroTPM. */
export type NitroKind = 'enclave' | 'tpm';
export const nitroKinds: readonly NitroKind[] = ['enclave', 'tpm'];

export type NitroDocument = {
  kind: NitroKind;
  /** `<instance>-enc<enclave>` or `<instance>-tpm<number>` */
  moduleId: string;
  /** Of the PCRs. */
  digest: 'SHA384';
  /** When it was made, in milliseconds since 1970. */
  timestamp: number;
  /** By index, 0 to 31; 32, 48 or 64 bytes each. */
  pcrs: ReadonlyMap<number, Bytes>;
  /** DER of the certificate whose key signed the document. */
  certificate: Bytes;
  /** DER of its issuers, from the root on. */
  cabundle: readonly Bytes[];
  /** A key of the enclave or instance; null where the document has none, as the next two. */
  publicKey: Bytes | null;
  userData: Bytes | null;
  nonce: Bytes | null;
  /** The frame: what was signed, and the signature, r ‖ s. */
  cose: CoseSign1;
};

/** "Nitro Enclaves Attestation Process", 3.1. */
const maxPayload = 16_384;
const maxLength = maxPayload + 128;
const signatureLength = 96;
const maxCertificate = 1024;
const maxPcrs = 32;
const pcrLengths = [32, 48, 64];
/** The first millisecond that RFC 3339 cannot write: year 10000. */
const endOfTime = 253_402_300_800_000;

const kindOfMember = { pcrs: 'enclave', nitrotpm_pcrs: 'tpm' } as const;

type Limit = readonly [min: number, max: number];
/** Of the members that may be left out, or null. */
const limits: Record<NitroKind, { publicKey: Limit; userData: Limit; nonce: Limit }> = {
  enclave: { publicKey: [1, 1024], userData: [0, 512], nonce: [0, 512] },
  tpm: { publicKey: [0, 1024], userData: [0, 1024], nonce: [0, 1024] },
};

const members: readonly CborKey[] = [
  'module_id',
  'digest',
  'timestamp',
  ...Object.keys(kindOfMember),
  'certificate',
  'cabundle',
  'public_key',
  'user_data',
  'nonce',
];
const what = 'Nitro document';

/** An array of four, ES384, nothing unprotected. */
const start = Uint8Array.of(0x84, 0x40 | es384Header.length, ...es384Header, 0xa0);
/** CBOR tag 18, of COSE_Sign1. */
const tagged = 0xd2;

/** Whether the bytes begin as such a document. */
export function looksLikeNitro(bytes: Bytes): boolean {
  const from = bytes[0] === tagged ? 1 : 0;
  return equalBytes(bytes.subarray(from, from + start.length), start);
}

/**
 * Whether the document may be believed is for its signature to say (verify-nitro.ts).
 * @throws AttestationError `too-large`, `cbor-malformed`, `length-wrong`, `utf8-malformed`, `value-out-of-range`
 */
export function parseNitro(bytes: Bytes): NitroDocument {
  if (bytes.length > maxLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxLength} are allowed`,
    );
  }
  const cose = parseCoseSign1(bytes, what);
  if (!equalBytes(cose.protectedHeader, es384Header))
    throw outOfRange('protected header', 'ES384 and nothing else, {1: -35}');
  if (cose.signature.length !== signatureLength)
    throw wrongLength('signature', cose.signature, [signatureLength, signatureLength]);
  if (cose.payload.length > maxPayload) throw wrongLength('payload', cose.payload, [1, maxPayload]);
  // AWS's own order of members, and a map whose end is marked.
  const map = parseCbor(cose.payload, what, 'any-order');
  if (!(map instanceof Map)) throw malformed('the payload should be a map');
  return { ...readMembers(map), cose };
}

function readMembers(map: CborMap): Omit<NitroDocument, 'cose'> {
  const unknown = [...map.keys()].find((name) => !members.includes(name));
  if (unknown !== undefined) throw malformed(`unknown member ${quote(String(unknown))}`);
  const { kind, pcrs } = readKind(map);
  const limit = limits[kind];
  const moduleId = map.get('module_id');
  if (typeof moduleId !== 'string' || moduleId === '')
    throw malformed('module_id should be a text that is not empty');
  const digest = map.get('digest');
  if (digest !== 'SHA384') throw outOfRange('digest', '"SHA384"');
  return {
    kind,
    moduleId,
    digest,
    timestamp: readTimestamp(map.get('timestamp')),
    pcrs,
    certificate: readBytes(map.get('certificate'), 'certificate', [1, maxCertificate]),
    cabundle: readBundle(map.get('cabundle')),
    publicKey: readOptional(map, 'public_key', limit.publicKey),
    userData: readOptional(map, 'user_data', limit.userData),
    nonce: readOptional(map, 'nonce', limit.nonce),
  };
}

function readKind(map: CborMap): Pick<NitroDocument, 'kind' | 'pcrs'> {
  const [found, ...more] = Object.entries(kindOfMember).filter(([name]) => map.has(name));
  if (found === undefined || more.length > 0)
    throw malformed('one of pcrs and nitrotpm_pcrs should be there');
  const [name, kind] = found;
  return { kind, pcrs: readPcrs(map.get(name), name) };
}

function readPcrs(value: CborValue | undefined, name: string): ReadonlyMap<number, Bytes> {
  if (!(value instanceof Map)) throw malformed(`${name} should be a map`);
  if (value.size < 1 || value.size > maxPcrs) throw outOfRange(name, `1 to ${maxPcrs} registers`);
  const registers = [...value].map(([index, pcr]): [number, Bytes] => {
    if (typeof index !== 'number' || index < 0 || index >= maxPcrs)
      throw outOfRange(`an index of ${name}`, `0 to ${maxPcrs - 1}`);
    if (!(pcr instanceof Uint8Array)) throw malformed(`PCR${index} should be a byte string`);
    if (!pcrLengths.includes(pcr.length))
      throw new AttestationError(
        'length-wrong',
        `${what}: PCR${index} has ${pcr.length} bytes, not ${pcrLengths.join(', ')}`,
      );
    return [index, pcr];
  });
  return new Map(registers.toSorted(([one], [other]) => one - other));
}

function readTimestamp(value: CborValue | undefined): number {
  if (typeof value !== 'number' || value <= 0 || value >= endOfTime)
    throw outOfRange('timestamp', 'milliseconds from 1970 to the year 9999');
  return value;
}

function readBundle(value: CborValue | undefined): readonly Bytes[] {
  if (!Array.isArray(value)) throw malformed('cabundle should be an array');
  if (value.length === 0) throw outOfRange('cabundle', 'one certificate at least');
  return value.map((one: CborValue, place) =>
    readBytes(one, `cabundle[${place}]`, [1, maxCertificate]),
  );
}

/** AWS writes null where its text leaves the member out. */
function readOptional(map: CborMap, name: string, limit: Limit): Bytes | null {
  const value = map.get(name) ?? null;
  return value === null ? null : readBytes(value, name, limit);
}

function readBytes(value: CborValue | undefined, name: string, limit: Limit): Bytes {
  if (!(value instanceof Uint8Array)) throw malformed(`${name} should be a byte string`);
  if (value.length < limit[0] || value.length > limit[1]) throw wrongLength(name, value, limit);
  return value;
}

function malformed(problem: string): AttestationError {
  return new AttestationError('cbor-malformed', `${what}: ${problem}`);
}

function outOfRange(name: string, expected: string): AttestationError {
  return new AttestationError('value-out-of-range', `${what}: ${name} should be ${expected}`);
}

function wrongLength(name: string, { length }: Bytes, [min, max]: Limit): AttestationError {
  const wanted = min === max ? `${min}` : `${min} to ${max}`;
  return new AttestationError(
    'length-wrong',
    `${what}: ${name} has ${length} bytes, expected ${wanted}`,
  );
}
