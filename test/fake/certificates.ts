/**
 * Certificates and CRLs of simulated vendors (RFC 5280). Each is written from a plan that holds
 * every field; a test changes any field of the plan and gets a certificate that is wrong in exactly
 * that way, and still rightly signed unless the change is about the signature.
 */
import { constants, type KeyObject, sign } from 'node:crypto';
import { type Bytes, toBase64 } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import * as der from './der.ts';

export type Hash = 'sha256' | 'sha384' | 'sha512';

export type SignatureAlgorithm =
  /**
   * `trailerField`: write the default value 1 out, as AMD's CA certificates do. MGF1 uses the same
   * hash.
   */
  | { name: 'rsa-pss'; hash: Hash; saltLength: number; trailerField: boolean }
  | { name: 'rsa-pkcs1'; hash: Hash }
  | { name: 'ecdsa'; hash: Hash };

const hashOids: Record<Hash, string> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const rsaPkcs1Oids: Record<Hash, string> = {
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
const ecdsaOids: Record<Hash, string> = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};

/** One attribute; each stands in an RDN of its own, in the order of the list. */
export type NameAttribute = {
  type: 'CN' | 'C' | 'L' | 'ST' | 'O' | 'OU';
  value: string;
  string: 'utf8' | 'printable';
};
export type Name = readonly NameAttribute[];

const attributeOids: Record<NameAttribute['type'], string> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
};

/** `value` is the content of extnValue: DER for every standard extension, anything for AMD's. */
export type Extension = { oid: string; critical: boolean; value: Bytes };

type Signed = {
  /** What signs, and what both algorithm fields say unless the next two differ. */
  algorithm: SignatureAlgorithm;
  /** The algorithm field inside the signed part; null: as `algorithm`. */
  innerAlgorithm: SignatureAlgorithm | null;
  /** The algorithm field beside the signature; null: as `algorithm`. */
  outerAlgorithm: SignatureAlgorithm | null;
  /** The private key that signs. */
  signer: KeyObject;
  issuer: Name;
  extensions: readonly Extension[];
  /** Applied to the DER of the signed part before it is signed. */
  editToBeSigned: (toBeSigned: Bytes) => Bytes;
  /** Applied to the signature bytes. */
  editSignature: (signature: Bytes) => Bytes;
};

export type CertificatePlan = Signed & {
  /** 1 to 3 as people count; DER holds one less, and leaves 1 out. */
  version: number;
  serial: bigint;
  notBefore: UnixTime;
  notAfter: UnixTime;
  subject: Name;
  publicKey: KeyObject;
};

/** `reason`: RFC 5280, section 5.3.1, 0 to 10; left out of the DER when it is not given. */
export type Revocation = { serial: bigint; at: UnixTime; reason?: number };

export type CrlPlan = Signed & {
  /** 1 or 2; 1 is left out of the DER. */
  version: number;
  thisUpdate: UnixTime;
  nextUpdate: UnixTime | null;
  revoked: readonly Revocation[];
};

/** New values for some fields of a plan, or a function from the plan to them. */
export type Change<Plan> = Partial<Plan> | ((plan: Plan) => Partial<Plan>);

export function changePlan<Plan extends object>(plan: Plan, change: Change<Plan> = {}): Plan {
  return { ...plan, ...(typeof change === 'function' ? change(plan) : change) };
}

/** The fields that are the same in every plan that is not meant to be wrong. */
export const unedited = {
  innerAlgorithm: null,
  outerAlgorithm: null,
  editToBeSigned: (bytes: Bytes): Bytes => bytes,
  editSignature: (bytes: Bytes): Bytes => bytes,
} as const;

export type Issued<Plan> = { plan: Plan; der: Bytes; pem: string };
export type Certificate = Issued<CertificatePlan>;
export type Crl = Issued<CrlPlan>;

export function issueCertificate(plan: CertificatePlan): Certificate {
  const toBeSigned = der.sequence(
    ...(plan.version === 1 ? [] : [der.context(0, der.integer(plan.version - 1))]),
    der.integer(plan.serial),
    encodeAlgorithm(plan.innerAlgorithm ?? plan.algorithm),
    encodeName(plan.issuer),
    der.sequence(der.time(plan.notBefore), der.time(plan.notAfter)),
    encodeName(plan.subject),
    plan.publicKey.export({ type: 'spki', format: 'der' }),
    ...encodeExtensions(3, plan.extensions),
  );
  return issued(plan, toBeSigned, 'CERTIFICATE');
}

export function issueCrl(plan: CrlPlan): Crl {
  const revoked = plan.revoked.map(({ serial, at, reason }) =>
    der.sequence(der.integer(serial), der.time(at), ...encodeReason(reason)),
  );
  const toBeSigned = der.sequence(
    ...(plan.version === 1 ? [] : [der.integer(plan.version - 1)]),
    encodeAlgorithm(plan.innerAlgorithm ?? plan.algorithm),
    encodeName(plan.issuer),
    der.time(plan.thisUpdate),
    ...(plan.nextUpdate === null ? [] : [der.time(plan.nextUpdate)]),
    ...(revoked.length === 0 ? [] : [der.sequence(...revoked)]),
    ...encodeExtensions(0, plan.extensions),
  );
  return issued(plan, toBeSigned, 'X509 CRL');
}

function issued<Plan extends Signed>(plan: Plan, wanted: Bytes, label: string): Issued<Plan> {
  const toBeSigned = plan.editToBeSigned(wanted);
  const signature = plan.editSignature(signBytes(plan.algorithm, plan.signer, toBeSigned));
  const whole = der.sequence(
    toBeSigned,
    encodeAlgorithm(plan.outerAlgorithm ?? plan.algorithm),
    der.bitString(signature),
  );
  return { plan, der: whole, pem: toPem(label, whole) };
}

function signBytes(algorithm: SignatureAlgorithm, key: KeyObject, message: Bytes): Bytes {
  if (algorithm.name !== 'rsa-pss') return new Uint8Array(sign(algorithm.hash, message, key));
  const { hash, saltLength } = algorithm;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return new Uint8Array(sign(hash, message, { key, padding, saltLength }));
}

function encodeAlgorithm(algorithm: SignatureAlgorithm): Bytes {
  if (algorithm.name === 'ecdsa') {
    return der.sequence(der.objectIdentifier(ecdsaOids[algorithm.hash]));
  }
  if (algorithm.name === 'rsa-pkcs1') {
    return der.sequence(der.objectIdentifier(rsaPkcs1Oids[algorithm.hash]), der.derNull());
  }
  const hash = der.sequence(der.objectIdentifier(hashOids[algorithm.hash]), der.derNull());
  const mgf1 = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.8'), hash);
  return der.sequence(
    der.objectIdentifier('1.2.840.113549.1.1.10'),
    der.sequence(
      der.context(0, hash),
      der.context(1, mgf1),
      der.context(2, der.integer(algorithm.saltLength)),
      ...(algorithm.trailerField ? [der.context(3, der.integer(1))] : []),
    ),
  );
}

function encodeName(name: Name): Bytes {
  return der.sequence(
    ...name.map(({ type, value, string }) => {
      const text = string === 'utf8' ? der.utf8String(value) : der.printableString(value);
      return der.set(der.sequence(der.objectIdentifier(attributeOids[type]), text));
    }),
  );
}

function encodeReason(reason: number | undefined): Bytes[] {
  if (reason === undefined) return [];
  const value = der.octetString(der.enumerated(reason));
  return [der.sequence(der.sequence(der.objectIdentifier('2.5.29.21'), value))];
}

function encodeExtensions(tag: number, extensions: readonly Extension[]): Bytes[] {
  if (extensions.length === 0) return [];
  const items = extensions.map(({ oid, critical, value }) =>
    der.sequence(
      der.objectIdentifier(oid),
      ...(critical ? [der.derTrue()] : []),
      der.octetString(value),
    ),
  );
  return [der.context(tag, der.sequence(...items))];
}

/**
 * The list with the extension of the same OID exchanged in its place. @throws RangeError if there
 * is none
 */
export function replaceExtension(
  extensions: readonly Extension[],
  extension: Extension,
): Extension[] {
  const at = indexOfExtension(extensions, extension.oid);
  return extensions.toSpliced(at, 1, extension);
}

/** The list without that extension. @throws RangeError if there is none */
export function removeExtension(extensions: readonly Extension[], oid: string): Extension[] {
  return extensions.toSpliced(indexOfExtension(extensions, oid), 1);
}

function indexOfExtension(extensions: readonly Extension[], oid: string): number {
  const at = extensions.findIndex((extension) => extension.oid === oid);
  if (at === -1) throw new RangeError(`there is no extension ${oid} to change`);
  return at;
}

export function toPem(label: string, bytes: Bytes): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
