/** Names of the object identifiers in vendors' certificates, and what their extensions say. */
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { DerReader, derTag } from '#verifier/chain/der.ts';
import { AttestationError } from '#verifier/errors.ts';

const amd = '1.3.6.1.4.1.3704.1';
const hardwareId = `${amd}.4`;
const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';

const names: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.29.14': 'subject key identifier',
  [keyUsage]: 'key usage',
  [basicConstraints]: 'basic constraints',
  '2.5.29.20': 'CRL number',
  '2.5.29.31': 'CRL distribution points',
  '2.5.29.35': 'authority key identifier',
  '1.2.840.113549.1.1.1': 'RSA',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'RSA PKCS #1 with SHA-256',
  '1.2.840.113549.1.1.12': 'RSA PKCS #1 with SHA-384',
  '1.2.840.10045.2.1': 'elliptic curve',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
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
  const { tag, content, raw } = reader.element('value');
  reader.end('the value');
  if (oid === keyUsage && tag === derTag.bitString && content.length === 2) {
    const bits = content[1] as number;
    return keyUsages.filter((_, i) => bits & (0x80 >> i)).join(', ');
  }
  if (tag === derTag.integer) return String(new DerReader(raw, 'extension').u8('value'));
  return tag === derTag.ia5String ? fromUtf8(content, 'extension') : null;
}
