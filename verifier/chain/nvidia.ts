/**
 * What the certificates of NVIDIA's devices must say, read off those of Hopper and Blackwell GPUs and of Hopper's switches:
 * attestation key ← boot ROM (BROM) ← Provisioner ICA ← Identity ← NVIDIA Device Identity CA, all P-384 with SHA-384. The firmware
 * id stands in a DICE extension (TCG DICE Attestation Architecture 1.1). Signatures are nvidia-chain.ts's.
 */
import type { NvidiaArchitecture } from '../abi/nvidia/opaque.ts';
import { type Bytes, equalBytes, fromHex, fromUtf8, quote } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { context, DerReader, derTag } from './der.ts';
import { attributesOf, type Certificate, type Extension } from './x509.ts';

/** The key that signs reports. The boot ROM certifies it anew for each firmware. */
export type NvidiaLeaf = {
  role: 'leaf';
  /** Chip, revision and processor: `GH100 A01 GSP`. */
  model: string;
  chip: string;
  architecture: NvidiaArchitecture;
  /** Alternative name of the device, as `NVIDIA:GH100:48B02DD1B4B4D2DD`. */
  id: string;
  /** SHA-384 of the firmware that the key was made for. */
  fwid: Bytes;
  /** SPKI of the boot ROM's key, where the extension repeats it (Hopper). */
  deviceKey: Bytes | null;
};
/** The device's own key, certified where it was made. */
export type NvidiaBrom = {
  role: 'brom';
  model: string;
  /** 8 bytes that name the device; a switch's report repeats them. */
  pdi: Bytes;
};
/** `chip`: whose devices it provisions. */
export type NvidiaIca = { role: 'ica'; chip: string };
export type NvidiaIdentity = { role: 'identity' };
export type NvidiaRoot = { role: 'root' };

const oids = {
  serialNumber: '2.5.4.5',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  /** TCG: CompositeDeviceID on Hopper. */
  compositeDeviceId: '2.23.133.5.4.1',
  /** TCG: DiceTcbInfo on Blackwell. */
  tcbInfo: '2.23.133.5.4.1.1',
  /** DMTF: device info as manufacturer, product and serial number. */
  deviceInfo: '1.3.6.1.4.1.412.274.1',
  sha384: '2.16.840.1.101.3.4.2.2',
} as const;

const rootName = 'NVIDIA Device Identity CA';
// Whole extension values, for NVIDIA writes them in one way.
const isCa = fromHex('30030101ff', 'CA without path length');
const usages = {
  leaf: fromHex('03020780', 'digitalSignature'),
  brom: fromHex('03020204', 'keyCertSign'),
  ca: fromHex('03020106', 'keyCertSign and cRLSign'),
} as const;
const chipName = /^[A-Z]{2}_?[0-9A-Z]{2,4}$/;

/** @throws AttestationError `certificate-profile`, `der-malformed`, `utf8-malformed` */
export function asNvidiaLeaf(certificate: Certificate): NvidiaLeaf {
  const what = 'attestation key of an NVIDIA device';
  const model = modelOf(certificate, ' FMC LF', what);
  const chip = model.split(' ')[0] as string;
  conforms(certificate, 'leaf', what);
  const id = deviceIdOf(extensionOf(certificate, oids.subjectAltName, what), what);
  if (id.split(':')[1] !== chip) throw profile(what, `its alternative name is not of a ${chip}`);
  const firmware = firmwareOf(certificate, model, what);
  return { role: 'leaf', model, chip, architecture: architectureOf(chip, what), id, ...firmware };
}

/** @throws AttestationError `certificate-profile`, `der-malformed`, `utf8-malformed` */
export function asNvidiaBrom(certificate: Certificate): NvidiaBrom {
  const what = 'boot ROM of an NVIDIA device';
  const model = modelOf(certificate, ' BROM', what);
  conforms(certificate, 'brom', what);
  // One byte for what made the key, then the device's own number; the subject repeats it.
  const { serial, subject } = certificate;
  const written = attributeOf(subject, oids.serialNumber, what);
  if (serial.length !== 9 || !/^[0-9A-F]{18}$/.test(written))
    throw profile(what, 'its serial number should have 9 bytes');
  if (!equalBytes(serial, fromHex(written.toLowerCase(), what)))
    throw profile(what, 'its serial number is not the one of its subject');
  return { role: 'brom', model, pdi: serial.slice(1) };
}

/** @throws AttestationError `certificate-profile` */
export function asNvidiaIca(certificate: Certificate): NvidiaIca {
  const what = 'Provisioner ICA of NVIDIA';
  const chip = /^NVIDIA (\S+) Provisioner ICA [0-9A-Z]{1,8}$/.exec(certificate.commonName)?.[1];
  if (chip === undefined || !chipName.test(chip)) throw misnamed(certificate, what);
  conforms(certificate, 'ca', what);
  return { role: 'ica', chip };
}

/** @throws AttestationError `certificate-profile` */
export function asNvidiaIdentity(certificate: Certificate): NvidiaIdentity {
  const what = 'Identity CA of NVIDIA';
  const family = /^NVIDIA (\S+) Identity$/.exec(certificate.commonName)?.[1];
  if (family === undefined || !chipName.test(family)) throw misnamed(certificate, what);
  conforms(certificate, 'ca', what);
  return { role: 'identity' };
}

/** @throws AttestationError `certificate-profile` */
export function asNvidiaRoot(certificate: Certificate): NvidiaRoot {
  const what = 'root of NVIDIA devices';
  if (certificate.commonName !== rootName) throw misnamed(certificate, what);
  conforms(certificate, 'ca', what);
  return { role: 'root' };
}

/** The common name without its end: `GH100 A01 GSP`. */
function modelOf(certificate: Certificate, end: string, what: string): string {
  const { commonName } = certificate;
  const model = commonName.slice(0, -end.length);
  const [chip = '', revision = '', processor = '', ...others] = model.split(' ');
  const wellFormed =
    chipName.test(chip) && /^[A-Z][0-9]{2}$/.test(revision) && /^[A-Z]{2,4}$/.test(processor);
  if (!commonName.endsWith(end) || !wellFormed || others.length > 0)
    throw misnamed(certificate, what);
  return model;
}

function architectureOf(chip: string, what: string): NvidiaArchitecture {
  if (chip === 'LS_10') return 'LS10';
  if (chip.startsWith('GH')) return 'HOPPER';
  if (chip.startsWith('GB')) return 'BLACKWELL';
  throw profile(what, `chip ${chip} is of no architecture that is known`);
}

/** What all roles share. Key identifiers and addresses may be there, but name nothing that counts. */
function conforms(certificate: Certificate, role: keyof typeof usages, what: string): void {
  const { publicKey, signatureAlgorithm, extensions } = certificate;
  if (publicKey.kind !== 'p384') throw profile(what, 'its key should be on P-384');
  if (signatureAlgorithm !== 'ecdsa-p384-sha384')
    throw profile(what, 'its signature algorithm should be ECDSA with SHA-384');
  for (const { oid, critical } of extensions) {
    if (critical && oid !== oids.basicConstraints && oid !== oids.keyUsage)
      throw profile(what, `critical extension ${oid} is not known`);
  }
  const usage = extensions.find(({ oid }) => oid === oids.keyUsage);
  if (usage === undefined || !usage.critical || !equalBytes(usage.value, usages[role]))
    throw profile(what, 'key usage should be critical and allow what its place needs, no more');
  const constraints = extensions.find(({ oid }) => oid === oids.basicConstraints);
  const mayIssue = constraints?.critical && equalBytes(constraints.value, isCa);
  if (role === 'leaf' ? constraints !== undefined : !mayIssue) {
    throw profile(
      what,
      role === 'leaf' ? 'it should have no basic constraints' : 'it should be a CA',
    );
  }
}

/** SubjectAltName with one otherName of DMTF's: [0] { OID, [0] UTF8String }. */
function deviceIdOf({ value }: Extension, what: string): string {
  const file = new DerReader(value, `${what}, alternative name`);
  const name = file.enter(derTag.sequence, 'names');
  file.end('the names');
  const other = name.enter(context(0), 'other name');
  name.end('the name');
  if (other.oid('kind of name') !== oids.deviceInfo)
    throw profile(what, `its alternative name should be of kind ${oids.deviceInfo}`);
  const wrapper = other.enter(context(0), 'value');
  other.end('the value');
  const { content } = wrapper.expect(derTag.utf8String, 'text');
  wrapper.end('the text');
  const text = fromUtf8(content, `${what}, alternative name`);
  if (!/^NVIDIA:[0-9A-Z_]{4,8}:[0-9A-F]{16}$/.test(text))
    throw profile(what, 'its alternative name should be NVIDIA, chip and 16 hex digits');
  return text;
}

function firmwareOf(
  certificate: Certificate,
  model: string,
  what: string,
): Pick<NvidiaLeaf, 'fwid' | 'deviceKey'> {
  const { extensions } = certificate;
  const composite = extensions.find(({ oid }) => oid === oids.compositeDeviceId);
  const tcb = extensions.find(({ oid }) => oid === oids.tcbInfo);
  if ((composite === undefined) === (tcb === undefined))
    throw profile(what, 'it should have one DICE extension that names its firmware');
  return composite === undefined
    ? { fwid: readTcbInfo((tcb as Extension).value, model, what), deviceKey: null }
    : readCompositeDeviceId(composite.value, what);
}

/** SEQUENCE { version 1, SPKI of the device's key, FWID } */
function readCompositeDeviceId(value: Bytes, what: string): { fwid: Bytes; deviceKey: Bytes } {
  const file = new DerReader(value, `${what}, CompositeDeviceID`);
  const fields = file.enter(derTag.sequence, 'CompositeDeviceID');
  file.end('CompositeDeviceID');
  const version = fields.u8('version');
  if (version !== 1) throw profile(what, `CompositeDeviceID of version ${version} is not known`);
  const deviceKey = fields.expect(derTag.sequence, 'device key').raw;
  const fwid = readFwid(fields);
  fields.end('the firmware id');
  return { fwid, deviceKey };
}

/** FWID: SEQUENCE { OID of SHA-384, OCTET STRING } */
function readFwid(reader: DerReader): Bytes {
  const fwid = reader.enter(derTag.sequence, 'firmware id');
  const hash = fwid.oid('hash of the firmware id');
  if (hash !== oids.sha384) reader.fail(`hash ${hash} of a firmware id is not SHA-384`);
  const digest = fwid.octets('firmware id', 48);
  fwid.end('the firmware id');
  return digest;
}

/** Bits of the flags, the first the most significant: not secure, in recovery, or open to a debugger. */
const unsafeFlags = 0b0111_0000;

/**
 * DiceTcbInfo, of which NVIDIA writes all of [0] to [9]: vendor, model, version, SVN, layer, index, firmware ids (the first is the
 * one reports repeat), flags, vendor info, type.
 */
function readTcbInfo(value: Bytes, model: string, what: string): Bytes {
  const file = new DerReader(value, `${what}, TcbInfo`);
  const fields = file.enter(derTag.sequence, 'TcbInfo');
  file.end('TcbInfo');
  const texts = [0, 1].map((n) =>
    fromUtf8(fields.expect(0x80 | n, `field ${n}`).content, `${what}, TcbInfo`),
  );
  if (texts[0] !== 'NVIDIA' || texts[1] !== model)
    throw profile(what, `its TcbInfo should be of NVIDIA and ${model}`);
  for (const n of [2, 3, 4, 5]) fields.expect(0x80 | n, `field ${n}`);
  const fwids = fields.enter(context(6), 'firmware ids');
  const fwid = readFwid(fwids);
  while (!fwids.done) readFwid(fwids);
  const flags = fields.expect(0x87, 'flags').content;
  if (flags.length < 2) fields.fail('flags are empty');
  if (((flags[1] as number) & unsafeFlags) !== 0)
    throw profile(what, 'its TcbInfo says that the device is not secure, in recovery or debugged');
  for (const n of [8, 9]) fields.expect(0x80 | n, `field ${n}`);
  fields.end('field 9');
  return fwid;
}

/** The one attribute of that type. @param name DER of the Name */
function attributeOf(name: Bytes, type: string, what: string): string {
  const [value, ...others] = attributesOf(name, type, what);
  if (value === undefined || others.length > 0)
    throw profile(what, `its name should have one attribute ${type}`);
  return value;
}

function extensionOf({ extensions }: Certificate, oid: string, what: string): Extension {
  const found = extensions.find((extension) => extension.oid === oid);
  if (found === undefined) throw profile(what, `extension ${oid} is missing`);
  return found;
}

function misnamed({ commonName }: Certificate, what: string): AttestationError {
  return profile(what, `its name should not be ${quote(commonName)}`);
}

function profile(what: string, problem: string): AttestationError {
  return new AttestationError('certificate-profile', `${what}: ${problem}`);
}
