/**
 * What AMD's certificates must say to be an ARK, an ASK or ASVK, and a VCEK or VLEK: AMD document 57230 ("Versioned
 * Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification"), chapter 3. Signatures are verify's.
 */
import { decodeTcb, hardwareIdLength, type SnpProduct, snpProducts } from '../abi/snp-tcb.ts';
import { type Bytes, concat, equalBytes, fromHex, fromUtf8, toHex, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { context, DerReader, derTag } from './der.ts';
import { type Certificate, commonNameOf, type Extension } from './x509.ts';

export type Ark = { role: 'ark'; product: SnpProduct };
/** The ASK signs VCEKs, the ASVK signs VLEKs. */
export type Ask = { role: 'ask' | 'asvk'; product: SnpProduct };
export type Vek = {
  role: 'vcek' | 'vlek';
  product: SnpProduct;
  /** The TCB that the key is derived from, in the product's 8-byte layout. */
  tcb: Bytes;
  /** Of a VCEK: the chip's id, 64 bytes, 8 on Turin. */
  hardwareId: Bytes | null;
  /** Of a VLEK: the cloud provider that AMD issued it to. */
  cspId: string | null;
};

const amdArc = '1.3.6.1.4.1.3704.1';
const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';
const crlDistributionPoints = '2.5.29.31';
/** [6] of GeneralName, primitive. */
const uniformResourceIdentifier = 0x86;
const keyCertSign = 0x04;
const cRLSign = 0x02;

/** The security patch level extension of each byte of a TCB field. */
const splOids: Record<SnpProduct, readonly number[]> = {
  Milan: [1, 2, 4, 5, 6, 7, 3, 8],
  Genoa: [1, 2, 4, 5, 6, 7, 3, 8],
  Turin: [9, 1, 2, 3, 5, 6, 7, 8],
};

/** @throws AttestationError `certificate-profile` */
export function asArk(certificate: Certificate): Ark {
  const product = productAfter('ARK-', certificate.commonName, 'ARK');
  amdName(certificate.subject, certificate.commonName, 'ARK, subject');
  amdName(certificate.issuer, certificate.commonName, 'ARK, issuer');
  authority(certificate, 'ARK', '30030101ff', keyCertSign | cRLSign);
  revocationUrl(certificate, 'ARK', `vcek/v1/${product}`);
  return { role: 'ark', product };
}

/** @throws AttestationError `certificate-profile` */
export function asAsk(certificate: Certificate): Ask {
  const isAsvk = certificate.commonName.startsWith('SEV-VLEK-');
  const product = productAfter(isAsvk ? 'SEV-VLEK-' : 'SEV-', certificate.commonName, 'ASK');
  amdName(certificate.subject, certificate.commonName, 'ASK, subject');
  amdName(certificate.issuer, `ARK-${product}`, 'ASK, issuer');
  authority(certificate, 'ASK', '30060101ff020100', keyCertSign);
  revocationUrl(certificate, 'ASK', `${isAsvk ? 'vlek' : 'vcek'}/v1/${product}`);
  return { role: isAsvk ? 'asvk' : 'ask', product };
}

/** @throws AttestationError `certificate-profile`, `der-malformed` */
export function asVek(certificate: Certificate): Vek {
  const { commonName, publicKey, extensions } = certificate;
  const role = commonName === 'SEV-VCEK' ? 'vcek' : commonName === 'SEV-VLEK' ? 'vlek' : null;
  if (role === null)
    throw profile(
      'VEK',
      `common name should be SEV-VCEK or SEV-VLEK, got ${JSON.stringify(commonName)}`,
    );
  const what = role.toUpperCase();
  amdName(certificate.subject, commonName, `${what}, subject`);
  signedAsAmdSigns(certificate, what);
  if (publicKey.kind !== 'p384') throw profile(what, 'its key should be on P-384');
  if (!equalBytes(certificate.serial, new Uint8Array(1)))
    throw profile(what, 'its serial number should be 0');
  const critical = extensions.find((extension) => extension.critical);
  if (critical !== undefined)
    throw profile(what, `critical extension ${critical.oid} is not known`);

  const amd = new AmdExtensions(extensions, what);
  amd.u8('1', 'structVersion', 1);
  // The issuer names the product. AMD has issued certificates with a wrong productName, so that only its form counts.
  amd.ia5('2', 'productName');
  const prefix = role === 'vcek' ? 'SEV-' : 'SEV-VLEK-';
  const product = productAfter(
    prefix,
    commonNameOf(certificate.issuer, `${what}, issuer`),
    `${what}, issuer`,
  );
  const tcb = Uint8Array.from(splOids[product], (spl) =>
    amd.u8(`3.${spl}`, `security patch level 3.${spl}`, 255),
  );
  decodeTcb(product, tcb, `${what}, security patch levels`);
  const hardwareId = role === 'vcek' ? amd.octets('4', 'hwID', hardwareIdLength[product]) : null;
  const cspId = role === 'vlek' ? amd.ia5('5', 'CSP id') : null;
  amd.end();
  amdName(
    certificate.issuer,
    `${role === 'vcek' ? 'SEV-' : 'SEV-VLEK-'}${product}`,
    `${what}, issuer`,
  );
  return { role, product, tcb, hardwareId, cspId };
}

/** AMD's own arc, where an extension left unread could be a part of the TCB left unchecked. */
class AmdExtensions {
  readonly #values: Map<string, Bytes>;
  readonly #what: string;

  constructor(extensions: readonly Extension[], what: string) {
    const own = extensions.filter(({ oid }) => oid.startsWith(`${amdArc}.`));
    this.#values = new Map(own.map(({ oid, value }) => [oid.slice(amdArc.length + 1), value]));
    this.#what = what;
  }

  #take(oid: string, field: string): Bytes {
    const value = this.#values.get(oid);
    if (value === undefined)
      throw profile(this.#what, `extension ${amdArc}.${oid} (${field}) is missing`);
    this.#values.delete(oid);
    return value;
  }

  u8(oid: string, field: string, max: number): number {
    const reader = new DerReader(this.#take(oid, field), `${this.#what}, ${field}`);
    const value = reader.u8(field);
    reader.end(field);
    if (value > max) throw profile(this.#what, `${field} should be at most ${max}, got ${value}`);
    return value;
  }

  ia5(oid: string, field: string): string {
    const reader = new DerReader(this.#take(oid, field), `${this.#what}, ${field}`);
    const { content } = reader.expect(derTag.ia5String, field);
    reader.end(field);
    const text = fromUtf8(content, `${this.#what}, ${field}`);
    if (!/^[\x20-\x7e]{1,255}$/.test(text))
      throw profile(this.#what, `${field} should be printable ASCII`);
    return text;
  }

  /** The bare octets: AMD does not wrap hwID in a DER type. */
  octets(oid: string, field: string, length: number): Bytes {
    const value = this.#take(oid, field);
    if (value.length !== length)
      throw profile(this.#what, `${field} should have ${length} bytes, got ${value.length}`);
    return value;
  }

  end(): void {
    for (const oid of this.#values.keys())
      throw profile(this.#what, `extension ${amdArc}.${oid} does not belong here`);
  }
}

function productAfter(prefix: string, commonName: string, what: string): SnpProduct {
  const product = snpProducts.find((known) => commonName === prefix + known);
  if (product === undefined) {
    const expected = snpProducts.map((known) => prefix + known).join(', ');
    throw profile(
      what,
      `common name should be one of ${expected}, got ${JSON.stringify(commonName)}`,
    );
  }
  return product;
}

/** OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices and the CN, in this order and these types. */
function amdName(name: Bytes, commonName: string, what: string): void {
  if (!equalBytes(name, expectedName(commonName))) {
    throw profile(what, `the name should be AMD's with CN=${commonName}`);
  }
}

/** Common names were compared with AMD's own before: the map holds eleven at most. */
const names = new Map<string, Bytes>();

function expectedName(commonName: string): Bytes {
  const known = names.get(commonName);
  if (known !== undefined) return known;
  const attribute = (oid: string, type: number, text: string) =>
    tlv(derTag.set, tlv(derTag.sequence, concat(fromHex(oid, 'oid'), tlv(type, utf8(text)))));
  const expected = tlv(
    derTag.sequence,
    concat(
      attribute('060355040b', derTag.utf8String, 'Engineering'),
      attribute('0603550406', derTag.printableString, 'US'),
      attribute('0603550407', derTag.utf8String, 'Santa Clara'),
      attribute('0603550408', derTag.utf8String, 'CA'),
      attribute('060355040a', derTag.utf8String, 'Advanced Micro Devices'),
      attribute('0603550403', derTag.utf8String, commonName),
    ),
  );
  names.set(commonName, expected);
  return expected;
}

/** Contents below 256 bytes are all that a name needs. */
function tlv(tag: number, content: Bytes): Bytes {
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return concat(Uint8Array.of(tag, ...length), content);
}

function authority(
  certificate: Certificate,
  what: string,
  constraints: string,
  usage: number,
): void {
  const { publicKey, extensions } = certificate;
  signedAsAmdSigns(certificate, what);
  if (
    publicKey.kind !== 'rsa' ||
    publicKey.modulus.length !== 512 ||
    publicKey.exponent !== 65537
  ) {
    throw profile(what, 'its key should be RSA of 4096 bits with exponent 65537');
  }
  for (const { oid, critical } of extensions) {
    if (critical && oid !== basicConstraints && oid !== keyUsage) {
      throw profile(what, `critical extension ${oid} is not known`);
    }
  }
  const found = (wanted: string) =>
    extensions.find(({ oid, critical }) => oid === wanted && critical)?.value;
  const constraintsFound = found(basicConstraints);
  if (constraintsFound === undefined || toHex(constraintsFound) !== constraints) {
    throw profile(
      what,
      'basic constraints should be critical and say CA, with the path length of its place',
    );
  }
  // The number of unused bits is not looked at: AMD does not write it as DER's named-bit rule would.
  const bits = found(keyUsage);
  if (bits === undefined || !/^03020[0-7]..$/.test(toHex(bits)) || bits[3] !== usage) {
    throw profile(what, 'key usage should be critical and allow what its place needs, no more');
  }
}

function signedAsAmdSigns({ signatureAlgorithm }: Certificate, what: string): void {
  if (signatureAlgorithm !== 'rsa-pss-sha384') {
    throw profile(
      what,
      'signature algorithm should be RSASSA-PSS with SHA-384, MGF1-SHA-384 and salt 48',
    );
  }
}

/** One distribution point, AMD's own. The list is not fetched from there by this code; a foreign one would be a forgery. */
function revocationUrl({ extensions }: Certificate, what: string, path: string): void {
  const url = `https://kdsintf.amd.com/${path}/crl`;
  const point = tlv(context(0), tlv(context(0), tlv(uniformResourceIdentifier, utf8(url))));
  const expected = tlv(derTag.sequence, tlv(derTag.sequence, point));
  const found = extensions.find(({ oid }) => oid === crlDistributionPoints)?.value;
  if (found === undefined || !equalBytes(found, expected)) {
    throw profile(what, `its one CRL distribution point should be ${url}`);
  }
}

function profile(what: string, problem: string): AttestationError {
  return new AttestationError('certificate-profile', `${what}: ${problem}`);
}
