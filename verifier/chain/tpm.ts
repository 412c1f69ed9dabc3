/**
 * What the certificates of a TPM's attestation key must say: those of Google's vTPMs (GCE) and of Azure's, as read off genuine
 * ones, after the TCG EK Credential Profile 2.5 and RFC 5280. Who is trusted, and every signature, is the chain's to check.
 */
import { type Bytes, equalBytes, fromBigEndian, fromHex, fromUtf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { context, DerReader, derTag } from './der.ts';
import type { Certificate, PublicKey } from './x509.ts';

/** A CA of TPM certificates, the root too. `pathLength`: how many CAs may stand below it, null for any number. */
export type TpmCa = { role: 'ca'; pathLength: number | null };
/** Certifies an attestation key. `instance`: the machine that it names, for people; null when it names none. */
export type AkCertificate = { role: 'ak'; instance: string | null };

const oids = {
  subjectAltName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  gceInstance: '1.3.6.1.4.1.11129.2.1.21',
} as const;

/** Critical extensions whose meaning is checked here; a name in place of an empty subject decides nothing. */
const known: readonly string[] = [
  oids.keyUsage,
  oids.basicConstraints,
  oids.extendedKeyUsage,
  oids.subjectAltName,
];

/** tcg-kp-EKCertificate, which Google's first AK certificates and all of its CAs carry, and tcg-kp-AIKCertificate. */
const tpmUses = ['2.23.133.8.1', '2.23.133.8.3'];

const digitalSignature = fromHex('03020780', 'digitalSignature');
const keyCertSign = 0x04;
/** DER of a [0] with primitive contents. */
const keyIdentifierTag = 0x80;

/** @throws AttestationError `certificate-profile`, `der-malformed` */
export function asTpmCa(certificate: Certificate): TpmCa {
  const what = 'CA of a TPM';
  conforms(certificate, what);
  const { publicKey, extensions } = certificate;
  if (publicKey.kind !== 'rsa') throw profile(what, 'its key should be RSA');
  const usage = extensions.find(({ oid, critical }) => oid === oids.keyUsage && critical)?.value;
  if (usage === undefined || ((keyBits(usage, what)[0] ?? 0) & keyCertSign) === 0)
    throw profile(what, 'key usage should be critical and allow signing certificates');
  const constraints = constraintsOf(certificate, what);
  if (constraints === null || !constraints.ca || !constraints.critical)
    throw profile(what, 'basic constraints should be critical and say CA');
  return { role: 'ca', pathLength: constraints.pathLength };
}

/** @throws AttestationError `certificate-profile`, `der-malformed`, `utf8-malformed` */
export function asAk(certificate: Certificate): AkCertificate {
  const what = 'AK certificate';
  conforms(certificate, what);
  const { extensions, commonName } = certificate;
  const usage = extensions.find(({ oid, critical }) => oid === oids.keyUsage && critical)?.value;
  if (usage === undefined || !equalBytes(usage, digitalSignature))
    throw profile(what, 'key usage should be critical and allow digital signatures alone');
  if (constraintsOf(certificate, what)?.ca === true) throw profile(what, 'it should not be a CA');
  const written = extensions.find(({ oid }) => oid === oids.gceInstance);
  const instance = written === undefined ? commonName : gceInstanceText(written.value, what);
  return { role: 'ak', instance: instance === '' ? null : printable(instance, what) };
}

/**
 * What every quote's key must be, certified or not: RSA of 2048 bits at least with exponent 65537, or on P-256 or P-384.
 * @returns what is wrong, null when nothing is
 */
export function weaknessOf(key: PublicKey): string | null {
  if (key.kind !== 'rsa') return null;
  const bits = 8 * key.modulus.length;
  if (bits < 2048) return `RSA of ${bits} bits is too weak`;
  return key.exponent === 65537 ? null : `its RSA exponent is ${key.exponent}, not 65537`;
}

export function keyText(key: PublicKey): string {
  if (key.kind === 'rsa') return `RSA of ${8 * key.modulus.length} bits`;
  return key.kind === 'p256' ? 'P-256' : 'P-384';
}

/** Whether the child's authority key identifier, if it has one, is the issuer's. Only a hint: CAs share names. */
export function keyIdentifiersFit(child: Certificate, issuer: Certificate): boolean {
  const wanted = authorityKeyOf(child);
  const own = issuer.extensions.find(({ oid }) => oid === oids.subjectKeyIdentifier)?.value;
  // OCTET STRING, 2 bytes of header for every identifier in use.
  return wanted === null || own === undefined || equalBytes(own.subarray(2), wanted);
}

function authorityKeyOf({ extensions }: Certificate): Bytes | null {
  const value = extensions.find(({ oid }) => oid === oids.authorityKeyIdentifier)?.value;
  if (value === undefined) return null;
  const reader = new DerReader(value, 'authority key identifier').enter(derTag.sequence, 'it');
  return reader.peek === keyIdentifierTag ? reader.element('key identifier').content : null;
}

/** The rules for all roles. */
function conforms({ publicKey, signatureAlgorithm, extensions }: Certificate, what: string): void {
  const weakness = weaknessOf(publicKey);
  if (weakness !== null) throw profile(what, weakness);
  if (signatureAlgorithm !== 'rsa-pkcs1-sha256' && signatureAlgorithm !== 'rsa-pkcs1-sha384')
    throw profile(what, 'signature algorithm should be RSASSA-PKCS1-v1_5');
  const strange = extensions.find(({ oid, critical }) => critical && !known.includes(oid));
  if (strange !== undefined) throw profile(what, `critical extension ${strange.oid} is not known`);
  const uses = extensions.find(({ oid }) => oid === oids.extendedKeyUsage)?.value;
  if (uses !== undefined && !extendedUses(uses, what).some((use) => tpmUses.includes(use)))
    throw profile(what, `extended key usage should name TPMs (${tpmUses.join(' or ')})`);
}

function extendedUses(value: Bytes, what: string): string[] {
  const file = new DerReader(value, `${what}, extended key usage`);
  const list = file.enter(derTag.sequence, 'list of uses');
  file.end('the list');
  const found: string[] = [];
  while (!list.done) found.push(list.oid('use'));
  return found;
}

/** The octets of a named BIT STRING, whatever it says of unused bits. */
function keyBits(value: Bytes, what: string): Bytes {
  const reader = new DerReader(value, `${what}, key usage`);
  const { content } = reader.expect(derTag.bitString, 'key usage');
  reader.end('key usage');
  return content.subarray(1);
}

/** SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } (RFC 5280, 4.2.1.9); null without the extension. */
function constraintsOf({ extensions }: Certificate, what: string) {
  const found = extensions.find(({ oid }) => oid === oids.basicConstraints);
  if (found === undefined) return null;
  const file = new DerReader(found.value, `${what}, basic constraints`);
  const fields = file.enter(derTag.sequence, 'fields');
  file.end('the fields');
  const ca = fields.peek === derTag.boolean && fields.boolean('cA');
  const pathLength = fields.done ? null : fields.u8('path length');
  fields.end('the path length');
  return { ca, pathLength, critical: found.critical };
}

/**
 * Google's extension: SEQUENCE { zone UTF8String, project number INTEGER, project id UTF8String, instance id INTEGER, instance name
 * UTF8String, [0] { SEQUENCE { [0] security version, [1] is production BOOLEAN, … } } OPTIONAL }. A vTPM that says that it is not in
 * production is refused.
 */
function gceInstanceText(value: Bytes, what: string): string {
  const file = new DerReader(value, `${what}, GCE instance`);
  const fields = file.enter(derTag.sequence, 'fields');
  file.end('the fields');
  const text = (field: string) =>
    fromUtf8(fields.expect(derTag.utf8String, field).content, `${what}, ${field}`);
  const zone = text('zone');
  fields.unsigned('project number');
  const project = text('project id');
  const id = fromBigEndian(fields.unsigned('instance id'));
  const name = text('instance name');
  if (!fields.done) checkProperties(fields, what);
  fields.end('the security properties');
  return `projects/${project}/zones/${zone}/instances/${name} (${id})`;
}

/** Each property has a number of its own, ascending. Those but the second say how the host treats the vTPM, and are not judged. */
function checkProperties(fields: DerReader, what: string): void {
  const wrapper = fields.enter(context(0), 'security properties');
  const list = wrapper.enter(derTag.sequence, 'security properties');
  wrapper.end('the security properties');
  let last = -1;
  let isProduction = false;
  while (!list.done) {
    const number = (list.peek as number) - context(0);
    if (number <= last || number > 30) list.fail('security properties are not in order');
    last = number;
    const property = list.enter(context(number), 'property');
    if (number === 1) isProduction = property.boolean('is production');
    else property.element('value');
    property.end('the value');
  }
  if (!isProduction) throw profile(what, 'its vTPM is not in production');
}

function printable(text: string, what: string): string {
  if (/^[\x20-\x7e]{1,512}$/.test(text)) return text;
  throw profile(what, 'the name of its machine should be printable ASCII');
}

function profile(what: string, problem: string): AttestationError {
  return new AttestationError('certificate-profile', `${what}: ${problem}`);
}
