/**
 * Evidence of NVIDIA devices as it is handed around: our JSON, which a bundle's device of kind `nvidia` holds; the list that
 * NVIDIA's tools print; the request to NVIDIA's attestation service; and the bare bytes.
 */
import { type Bytes, equalBytes, fromHex, fromUtf8, toBase64 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import {
  arrayOf,
  base64Bytes,
  object,
  oneOf,
  optional,
  parseJson,
  text,
  version,
} from '../../json.ts';
import { readPemChain } from '../pem.ts';
import { nvidiaArchitectures } from './opaque.ts';
import { looksLikeSpdm } from './spdm.ts';

/** One device's report and the chain of the key that signed it. */
export type NvidiaEvidence = {
  /** 37-byte request ‖ response */
  evidence: Bytes;
  /** DER, the attestation key's own first, the root last; empty when they come beside. */
  certificates: readonly Bytes[];
};

/** A report has 4 KiB and a chain 3; a file holds 16 devices and a machine's switches. */
const maxEvidenceLength = 64 * 1024;
const maxCertificates = 8;
const maxDevices = 64;
const maxFileLength = 4 * 1024 * 1024;
const what = 'NVIDIA evidence';

const ours = object({
  version: version(1),
  evidence: base64Bytes,
  certificates: arrayOf(base64Bytes, { max: maxCertificates }),
});

/** @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `base64-malformed` */
export function parseNvidiaEvidence(bytes: Bytes): NvidiaEvidence {
  const { evidence, certificates } = ours(jsonOf(bytes, maxEvidenceLength), what);
  return { evidence, certificates };
}

/** The inverse, in the one spelling that devices of bundles have. */
export function encodeNvidiaEvidence({ evidence, certificates }: NvidiaEvidence): string {
  return JSON.stringify({
    version: 1,
    evidence: toBase64(evidence),
    certificates: certificates.map(toBase64),
  });
}

const label = text(/^[\x20-\x7e]{0,64}$/, 'a short text');
const nonceHex = text(/^[0-9A-Fa-f]{64}$/, '64 hex digits');
const architecture = oneOf(...nvidiaArchitectures);

/** One of the list that NVIDIA's tools print. Versions and architecture are the tool's word: the report itself says them. */
const printed = object({
  evidence: base64Bytes,
  certificate: base64Bytes,
  nonce: nonceHex,
  arch: architecture,
  driver_version: optional(label),
  vbios_version: optional(label),
  version: optional(label),
});

/** What NVIDIA's attestation service is asked with. */
const requested = object({
  nonce: nonceHex,
  arch: architecture,
  claims_version: optional(label),
  evidence_list: arrayOf(
    object({ evidence: base64Bytes, certificate: base64Bytes, arch: optional(architecture) }),
    { min: 1, max: maxDevices },
  ),
});

/**
 * Each device of a file, in its order.
 * @throws AttestationError `too-large`, `form-unknown`, `value-out-of-range`, `pem-malformed` and what `parseNvidiaEvidence` throws
 */
export function readNvidiaFile(bytes: Bytes): NvidiaEvidence[] {
  if (looksLikeSpdm(bytes)) {
    return [{ evidence: new Uint8Array(limited(bytes, maxEvidenceLength)), certificates: [] }];
  }
  const value = jsonOf(bytes, maxFileLength);
  if (Array.isArray(value)) {
    const list = arrayOf(printed, { min: 1, max: maxDevices })(value, what);
    return list.map((one, i) => deviceOf(one, one.nonce, `${what}[${i}]`));
  }
  if (typeof value === 'object' && value !== null && 'evidence_list' in value) {
    const { nonce, evidence_list } = requested(value, what);
    return evidence_list.map((one, i) => deviceOf(one, nonce, `${what}.evidence_list[${i}]`));
  }
  if (typeof value === 'object' && value !== null && 'evidence' in value) {
    const { evidence, certificates } = ours(value, what);
    return [{ evidence, certificates }];
  }
  throw new AttestationError(
    'form-unknown',
    `${what}: neither a report, nor ours, nor a list as NVIDIA's tools print it`,
  );
}

type Printed = { evidence: Bytes; certificate: Bytes; nonce: string };

/** The file's nonce is nobody's word; that it is not the report's is a mistake all the same. */
function deviceOf(one: Omit<Printed, 'nonce'>, nonce: string, path: string): NvidiaEvidence {
  const { evidence, certificate } = one;
  if (!equalBytes(evidence.subarray(4, 36), fromHex(nonce.toLowerCase(), `${path}.nonce`, 32))) {
    throw new AttestationError(
      'value-out-of-range',
      `${path}: the report answers another nonce than the file says`,
    );
  }
  return { evidence, certificates: readPemChain(certificate, `${path}.certificate`) };
}

function jsonOf(bytes: Bytes, limit: number): unknown {
  return parseJson(fromUtf8(limited(bytes, limit), what), what);
}

function limited(bytes: Bytes, limit: number): Bytes {
  if (bytes.length > limit) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${limit} are allowed`,
    );
  }
  return bytes;
}
