/** Names of the object identifiers in vendors' certificates, and what their extensions say. */
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { context, DerReader, derTag, type Element } from '#verifier/chain/der.ts';
import { sgxExtension, sgxTypes } from '#verifier/chain/pck-extension.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { ShowPart } from './document.ts';

const amd = '1.3.6.1.4.1.3704.1';
const hardwareId = `${amd}.4`;
const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';
const subjectKeyIdentifier = '2.5.29.14';
const authorityKeyIdentifier = '2.5.29.35';
const crlDistributionPoints = '2.5.29.31';
const sgxTcb = `${sgxExtension}.2`;
const sgxConfiguration = `${sgxExtension}.7`;
/** [0] and [6], primitive: a key identifier, the URI of a GeneralName. */
const keyIdentifierTag = 0x80;
const uriTag = 0x86;

const names: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  [subjectKeyIdentifier]: 'subject key identifier',
  [keyUsage]: 'key usage',
  [basicConstraints]: 'basic constraints',
  '2.5.29.20': 'CRL number',
  [crlDistributionPoints]: 'CRL distribution points',
  [authorityKeyIdentifier]: 'authority key identifier',
  '1.2.840.113549.1.1.1': 'RSA',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'RSA PKCS #1 with SHA-256',
  '1.2.840.113549.1.1.12': 'RSA PKCS #1 with SHA-384',
  '1.2.840.10045.2.1': 'elliptic curve',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '2.5.29.37': 'extended key usage',
  '2.23.133.8.1': 'EK certificate',
  '2.23.133.8.3': 'AK certificate',
  '1.3.6.1.4.1.11129.2.1.21': 'Compute Engine instance',
  '1.2.840.10045.4.3.2': 'ECDSA with SHA-256',
  '1.2.840.10045.4.3.3': 'ECDSA with SHA-384',
  [`${amd}.1`]: 'structVersion',
  [`${amd}.2`]: 'productName',
  [`${amd}.3.1`]: 'blSPL',
  [`${amd}.3.2`]: 'teeSPL',
  [`${amd}.3.3`]: 'snpSPL',
  [`${amd}.3.4`]: 'spl_4',
  [`${amd}.3.5`]: 'spl_5',
  [`${amd}.3.6`]: 'spl_6',
  [`${amd}.3.7`]: 'spl_7',
  [`${amd}.3.8`]: 'ucodeSPL',
  [`${amd}.3.9`]: 'fmcSPL',
  [hardwareId]: 'hwID',
  [`${amd}.5`]: 'CSP id',
  [sgxExtension]: 'SGX extension',
  [`${sgxExtension}.1`]: 'PPID',
  [sgxTcb]: 'TCB',
  ...Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [`${sgxTcb}.${i + 1}`, `TCB component ${i + 1} SVN`]),
  ),
  [`${sgxTcb}.17`]: 'PCE SVN',
  [`${sgxTcb}.18`]: 'CPU SVN',
  [`${sgxExtension}.3`]: 'PCE-ID',
  [`${sgxExtension}.4`]: 'FMSPC',
  [`${sgxExtension}.5`]: 'SGX type',
  [`${sgxExtension}.6`]: 'platform instance id',
  [sgxConfiguration]: 'configuration',
  [`${sgxConfiguration}.1`]: 'dynamic platform',
  [`${sgxConfiguration}.2`]: 'cached keys',
  [`${sgxConfiguration}.3`]: 'SMT enabled',
};

const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
] as const;

/** The dotted decimal itself when it has no name here. */
export function oidName(oid: string): string {
  return names[oid] ?? oid;
}

/** Hex where the value is of a type that is not told apart here. */
export function describeExtension(oid: string, value: Bytes): string {
  try {
    return oid === hardwareId ? toHex(value) : (readExtension(oid, value) ?? toHex(value));
  } catch (error) {
    if (error instanceof AttestationError) return toHex(value);
    throw error;
  }
}

function readExtension(oid: string, value: Bytes): string | null {
  const reader = new DerReader(value, 'extension');
  if (oid === basicConstraints) {
    const inside = reader.enter(derTag.sequence, 'basic constraints');
    const ca = inside.peek === derTag.boolean && inside.boolean('CA');
    const length = inside.done ? '' : `, path length ${inside.u8('path length')}`;
    return `CA ${ca ? 'yes' : 'no'}${length}`;
  }
  if (oid === authorityKeyIdentifier) {
    const inside = reader.enter(derTag.sequence, 'authority key identifier');
    const { content } = inside.expect(keyIdentifierTag, 'key identifier');
    return inside.done ? toHex(content) : null;
  }
  if (oid === crlDistributionPoints) return urlOf(reader);
  const { tag, content, raw } = reader.element('value');
  reader.end('the value');
  if (oid === keyUsage && tag === derTag.bitString && content.length === 2) {
    const bits = content[1] as number;
    return keyUsages.filter((_, i) => bits & (0x80 >> i)).join(', ');
  }
  if (oid === subjectKeyIdentifier && tag === derTag.octetString) return toHex(content);
  if (tag === derTag.integer) return String(new DerReader(raw, 'extension').u8('value'));
  return tag === derTag.ia5String ? fromUtf8(content, 'extension') : null;
}

/** Of one distribution point with one address, which is what vendors write. */
function urlOf(reader: DerReader): string | null {
  const points = reader.enter(derTag.sequence, 'distribution points');
  const point = points.enter(derTag.sequence, 'distribution point');
  const names = point.enter(context(0), 'name').enter(context(0), 'full name');
  const { content } = names.expect(uriTag, 'URI');
  return reader.done && points.done && point.done && names.done ? fromUtf8(content, 'URI') : null;
}

/**
 * The members of the SGX extension of a PCK certificate, those of its TCB and configuration among them. Empty where the
 * extension is another, or is not made like this.
 */
export function extensionParts(oid: string, value: Bytes): ShowPart[] {
  if (oid !== sgxExtension) return [];
  try {
    const reader = new DerReader(value, 'SGX extension');
    const list = reader.enter(derTag.sequence, 'members');
    reader.end('the members');
    return readMembers(list, [sgxTcb, sgxConfiguration]);
  } catch (error) {
    if (error instanceof AttestationError) return [];
    throw error;
  }
}

/** @param nested members that hold members */
function readMembers(list: DerReader, nested: readonly string[]): ShowPart[] {
  const parts: ShowPart[] = [];
  while (!list.done) {
    const item = list.enter(derTag.sequence, 'member');
    const oid = item.oid('member id');
    if (nested.includes(oid)) {
      parts.push(...readMembers(item.enter(derTag.sequence, oidName(oid)), []));
    } else parts.push({ name: oidName(oid), value: memberText(item.element(oidName(oid))) });
    item.end(oidName(oid));
  }
  return parts;
}

function memberText({ tag, content, raw }: Element): string {
  const reader = new DerReader(raw, 'member');
  if (tag === derTag.integer) {
    const octets = reader.unsigned('value');
    return octets.length <= 6 ? String(Number.parseInt(toHex(octets), 16)) : `0x${toHex(octets)}`;
  }
  if (tag === derTag.boolean) return reader.boolean('value') ? 'yes' : 'no';
  if (tag === derTag.octetString) return toHex(content);
  const type = tag === derTag.enumerated && content.length === 1 ? content[0] : undefined;
  if (type === undefined) return toHex(raw);
  return `${type} (${sgxTypes[type] ?? 'unknown'})`;
}
