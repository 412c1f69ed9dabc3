/**
 * What the certificates of AWS Nitro must say in their place ("Nitro Enclaves Attestation Process", 3.2.3): P-384 throughout, CAs
 * that may sign certificates, and at the end a key that signs documents and no certificates. Signatures are verify's.
 */
import { type Bytes, equalBytes, fromBigEndian } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { DerReader, derTag } from './der.ts';
import type { Certificate, Extension } from './x509.ts';

const oids = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19' } as const;
/** Bits of key usage (RFC 5280, 4.2.1.3), in its first octet. */
const usages = { digitalSignature: 0x80, keyCertSign: 0x04 } as const;

/** `pathLength`: how many CAs may stand between it and the leaf; null: any number. */
export type NitroCa = { pathLength: number | null };

/** @throws AttestationError `certificate-profile`, `der-malformed` */
export function asNitroRoot(certificate: Certificate, what: string): NitroCa {
  if (!equalBytes(certificate.subject, certificate.issuer))
    throw profile(what, 'a root should name itself as its issuer');
  return asNitroCa(certificate, what);
}

/** @throws AttestationError `certificate-profile`, `der-malformed` */
export function asNitroCa(certificate: Certificate, what: string): NitroCa {
  conforms(certificate, what);
  const constraints = find(certificate, oids.basicConstraints);
  const usage = find(certificate, oids.keyUsage);
  if (constraints?.critical !== true || usage?.critical !== true)
    throw profile(what, 'a CA should have critical basic constraints and key usage');
  const { ca, pathLength } = readConstraints(constraints, what);
  if (!ca) throw profile(what, 'basic constraints should say that it is a CA');
  if ((readUsage(usage, what) & usages.keyCertSign) === 0)
    throw profile(what, 'key usage should allow to sign certificates');
  return { pathLength };
}

/** @throws AttestationError `certificate-profile`, `der-malformed` */
export function asNitroLeaf(certificate: Certificate, what: string): void {
  conforms(certificate, what);
  const constraints = find(certificate, oids.basicConstraints);
  if (constraints !== undefined) {
    const { ca, pathLength } = readConstraints(constraints, what);
    if (ca || pathLength !== null) throw profile(what, 'it should be no CA, without a path length');
  }
  const usage = find(certificate, oids.keyUsage);
  const bits = usage === undefined ? 0 : readUsage(usage, what);
  if ((bits & usages.digitalSignature) === 0 || (bits & usages.keyCertSign) !== 0)
    throw profile(what, 'key usage should allow to sign data, and no certificates');
}

/** The rules for all places. */
function conforms({ publicKey, signatureAlgorithm, extensions }: Certificate, what: string): void {
  if (publicKey.kind !== 'p384') throw profile(what, 'its key should be on P-384');
  if (signatureAlgorithm !== 'ecdsa-p384-sha384')
    throw profile(what, 'its signature algorithm should be ECDSA with SHA-384');
  const known: readonly string[] = Object.values(oids);
  const unknown = extensions.find(({ oid, critical }) => critical && !known.includes(oid));
  if (unknown !== undefined) throw profile(what, `critical extension ${unknown.oid} is not known`);
}

function find({ extensions }: Certificate, wanted: string): Extension | undefined {
  return extensions.find(({ oid }) => oid === wanted);
}

/** SEQUENCE { BOOLEAN cA DEFAULT FALSE, INTEGER pathLenConstraint OPTIONAL } (RFC 5280, 4.2.1.9) */
function readConstraints({ value }: Extension, what: string): { ca: boolean } & NitroCa {
  const outer = new DerReader(value, `${what}, basic constraints`);
  const inner = outer.enter(derTag.sequence, 'basic constraints');
  outer.end('the basic constraints');
  const ca = inner.peek === derTag.boolean;
  if (ca && !inner.boolean('cA')) inner.fail('cA FALSE, the default, must be left out');
  const pathLength = inner.done ? null : readSmall(inner.unsigned('path length'), what);
  inner.end('the path length');
  return { ca, pathLength };
}

function readSmall(octets: Bytes, what: string): number {
  if (octets.length > 1) throw profile(what, 'the path length is over 255');
  return Number(fromBigEndian(octets));
}

/** The first octet: what is asked of key usage is in it. A BIT STRING of named bits, as short as it can be (X.690, 11.2.2). */
function readUsage({ value }: Extension, what: string): number {
  const reader = new DerReader(value, `${what}, key usage`);
  const [unused = 8, ...octets] = reader.expect(derTag.bitString, 'key usage').content;
  reader.end('key usage');
  const last = octets.at(-1) ?? 0;
  if (octets.length > 2 || unused > 7 || (last & -last) !== 1 << unused)
    reader.fail('key usage is not a DER string of named bits');
  return octets[0] as number;
}

function profile(what: string, problem: string): AttestationError {
  return new AttestationError('certificate-profile', `${what}: ${problem}`);
}
