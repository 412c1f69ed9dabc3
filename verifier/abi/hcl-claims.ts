/**
 * The runtime claims of an HCL report ⇄ JSON: what Azure's paravisor (the HCL) says of the guest above it, and the 64
 * bytes that this guest gave it. The hash of exactly these bytes is in the hardware report's REPORT_DATA (Microsoft, "Confidential
 * VM guest attestation design detail", Runtime claims).
 *
 *     {"keys": [HCLAkPub, HCLEkPub], "vm-configuration": {…}, "user-data": 128 hex digits}
 *
 * Members of the document and of its keys are an exact list. Members of vm-configuration are not: each release of the paravisor
 * adds some, which say more of the machine and take nothing back, so unknown ones are kept as they stand and shown.
 */
import {
  type Bytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  quote,
  toBase64,
  toHex,
  utf8,
} from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  bool,
  canonicalJson,
  type Decoder,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  text,
} from '../json.ts';
import { spkiOfTpmKey } from './tpm/public.ts';

export type HclClaims = {
  /** DER of the SubjectPublicKeyInfo of the vTPM's attestation key, RSA. */
  akPublicKey: Bytes;
  /** What the document says that the AK is for: the first paravisors wrote `encrypt`. */
  akOperation: 'sign' | 'encrypt';
  /** The same of the endorsement key; the first paravisors wrote none. */
  ekPublicKey: Bytes | null;
  consoleEnabled: boolean;
  secureBoot: boolean;
  tpmEnabled: boolean;
  /** As written: paravisors write the GUID in either case. */
  vmUniqueId: string;
  /** Every member of vm-configuration, those above too, as JSON text, in the document's order. */
  configuration: ReadonlyMap<string, string>;
  /** 64 bytes that the guest chose; null where the document has none. */
  userData: Bytes | null;
};

/** 32 KiB: genuine ones have about 1,200 bytes, in an NV index of 2,600. */
export const maxClaimsLength = 32 * 1024;
export const userDataLength = 64;

/** Bytes of a modulus: RSA-2048, which Azure's vTPM has, and what a later one may. */
const modulusLengths = [256, 384, 512];

const guid = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/;

const jwk = object({
  kid: oneOf('HCLAkPub', 'HCLEkPub'),
  key_ops: arrayOf(oneOf('sign', 'encrypt'), { min: 1, max: 1 }),
  kty: oneOf('RSA'),
  e: oneOf('AQAB'),
  n: decodeModulus,
});

/** Known members typed, the others kept. */
const configuration: Decoder<ReadonlyMap<string, unknown>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw shapeError(path, 'an object', value);
  return new Map(Object.entries(value));
};

const document = object({
  keys: arrayOf(jwk, { min: 1, max: 2 }),
  'vm-configuration': configuration,
  'user-data': optional(text(/^[0-9A-Fa-f]{128}$/, '128 hex digits')),
});

/**
 * Nothing is verified.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `base64-malformed`,
 *   `value-out-of-range`
 */
export function parseHclClaims(bytes: Bytes): HclClaims {
  const what = 'HCL runtime claims';
  if (bytes.length > maxClaimsLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxClaimsLength} (32 KiB) are allowed`,
    );
  }
  const found = document(parseJson(fromUtf8(bytes, what), what), what);
  const ak = keyOf(found.keys, 'HCLAkPub');
  const ek = keyOf(found.keys, 'HCLEkPub');
  if (ak === null) throw shape(`${what}.keys: HCLAkPub is missing`);
  if (ek !== null && equalBytes(ak.n, ek.n))
    throw shape(`${what}.keys: HCLAkPub and HCLEkPub are the same key`);
  if (ek !== null && ek.key_ops[0] !== 'encrypt')
    throw shape(`${what}.keys: HCLEkPub is for "encrypt", not for "${ek.key_ops[0]}"`);

  const members = found['vm-configuration'];
  const member = <T>(name: string, decode: Decoder<T>): T => {
    const path = `${what}.vm-configuration`;
    if (!members.has(name)) throw shape(`${path}: member "${name}" is missing`);
    return decode(members.get(name), `${path}.${name}`);
  };
  const userData = found['user-data'];
  return {
    akPublicKey: rsaSpki(ak.n),
    akOperation: ak.key_ops[0] as 'sign' | 'encrypt',
    ekPublicKey: ek && rsaSpki(ek.n),
    consoleEnabled: member('console-enabled', bool),
    secureBoot: member('secure-boot', bool),
    tpmEnabled: member('tpm-enabled', bool),
    vmUniqueId: member('vmUniqueId', text(guid, 'a GUID')),
    configuration: new Map([...members].map(([name, value]) => [name, canonicalJson(value)])),
    userData: userData === undefined ? null : fromHex(userData.toLowerCase(), 'user-data'),
  };
}

/**
 * A document as the paravisor writes one. `parseHclClaims` reads it back, but a document need not be the one that it was read
 * from: its bytes are what is hashed.
 * @throws RangeError for configuration that contradicts the fields, or keys of other kinds
 */
export function encodeHclClaims(claims: HclClaims): Bytes {
  const key = (kid: string, operation: string, spki: Bytes) =>
    `{"kid":"${kid}","key_ops":["${operation}"],"kty":"RSA","e":"AQAB","n":"${toBase64Url(modulusOf(spki))}"}`;
  const keys = [key('HCLAkPub', claims.akOperation, claims.akPublicKey)];
  if (claims.ekPublicKey !== null) keys.push(key('HCLEkPub', 'encrypt', claims.ekPublicKey));
  const known: Record<string, unknown> = {
    'console-enabled': claims.consoleEnabled,
    'secure-boot': claims.secureBoot,
    'tpm-enabled': claims.tpmEnabled,
    vmUniqueId: claims.vmUniqueId,
  };
  for (const [name, value] of Object.entries(known)) {
    if (claims.configuration.get(name) !== JSON.stringify(value))
      throw new RangeError(`configuration has another "${name}" than the field says`);
  }
  const members = [...claims.configuration].map(
    ([name, value]) => `${JSON.stringify(name)}:${value}`,
  );
  const userData = claims.userData === null ? '' : `,"user-data":"${toHex(claims.userData)}"`;
  return utf8(`{"keys":[${keys.join(',')}],"vm-configuration":{${members.join(',')}}${userData}}`);
}

/**
 * base64url in its one canonical form; with `padded`, the padding may be there or not.
 * @throws AttestationError `base64-malformed`
 */
export function readBase64Url(written: string, what: string, padded = false): Bytes {
  const body = padded && written.length % 4 === 0 ? written.replace(/={1,2}$/, '') : written;
  if (!/^[A-Za-z0-9_-]*$/.test(body)) {
    throw new AttestationError(
      'base64-malformed',
      `${what}: expected base64url, got ${quote(written)}`,
    );
  }
  const standard = body.replace(/-/g, '+').replace(/_/g, '/');
  return fromBase64(standard.padEnd(4 * Math.ceil(body.length / 4), '='), what);
}

type Jwk = ReturnType<typeof jwk>;

/** Each at most once. */
function keyOf(keys: readonly Jwk[], kid: Jwk['kid']): Jwk | null {
  const [found = null, second] = keys.filter((key) => key.kid === kid);
  if (second !== undefined) throw shape(`HCL runtime claims.keys: ${kid} occurs twice`);
  return found;
}

/** Big-endian, of one of the lengths, its highest and its lowest bit set. */
function decodeModulus(value: unknown, path: string): Bytes {
  if (typeof value !== 'string') throw shapeError(path, 'base64url text', value);
  const modulus = readBase64Url(value, path);
  const { length } = modulus;
  const wholeSize = modulusLengths.includes(length) && (modulus[0] as number) >= 0x80;
  if (!wholeSize || (modulus[length - 1] as number) % 2 === 0) {
    throw new AttestationError(
      'value-out-of-range',
      `${path}: expected an odd RSA modulus of exactly 2048, 3072 or 4096 bits, got ${length} bytes`,
    );
  }
  return modulus;
}

function rsaSpki(modulus: Bytes): Bytes {
  return spkiOfTpmKey({ kind: 'rsa', modulus, exponent: 65537 });
}

/** @throws RangeError for a key that `rsaSpki` did not make */
function modulusOf(spki: Bytes): Bytes {
  for (const length of modulusLengths) {
    // INTEGER 65537 comes last, in five bytes.
    const end = spki.length - 5;
    const modulus = spki.slice(Math.max(end - length, 0), Math.max(end, 0));
    if (modulus.length === length && equalBytes(rsaSpki(modulus), spki)) return modulus;
  }
  throw new RangeError('the key is not RSA of 2048, 3072 or 4096 bits with exponent 65537');
}

function toBase64Url(bytes: Bytes): string {
  return toBase64(bytes).replace(/[+/=]/g, (sign) => ({ '+': '-', '/': '_' })[sign] ?? '');
}

function shape(problem: string): AttestationError {
  return new AttestationError('json-shape', problem);
}
