/**
 * NVIDIA's reference integrity manifests (RIM): SWID tags (ISO/IEC 19770-2:2015) with TCG's extensions, signed as XML. One
 * holds the measurements that a driver, or the firmware (VBIOS) of a GPU or an NVSwitch, leads to. A manifest's index i is SPDM
 * block i + 1.
 */
import { type Bytes, fromHex, quote } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { parseXml, type XmlElement } from '../xml/parse.ts';
import { elementsOf, readXmlSignature, type XmlSignature } from '../xml/signature.ts';
import type { RimSubject } from './rim-subject.ts';

export type RimMeasurement = {
  /** From 0. */
  index: number;
  /** Those that are not say nothing: their values are placeholders. */
  active: boolean;
  /** One of them must be what was measured; never none. */
  alternatives: readonly Bytes[];
  name: string;
};

export type Rim = {
  /** As its version is written: five pairs of hex digits for firmware, decimal numbers for a driver. */
  kind: 'driver' | 'firmware';
  edition: 'gpu' | 'switch';
  /** The chip: `GH100`, `LS10`. */
  product: string;
  /** `570.124.03`, `96.00.5E.00.01`; hex digits in upper case. */
  version: string;
  /** As the manifest identifies itself; it is not the id that NVIDIA serves it by. */
  tagId: string;
  /** By index; at least one is active. */
  measurements: readonly RimMeasurement[];
  signature: XmlSignature;
};

const swidUri = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd';
/** Namespace of the attributes Hash0, Hash1 …: the measurements are SHA-384. */
const hashUri = 'http://www.w3.org/2001/04/xmlenc#sha384';
const hashLength = 48;
/** SPDM numbers its blocks in one byte, and 0xff is none. */
const maxIndex = 253;
const maxAlternatives = 16;

const driverVersion = /^\d{3,4}(?:\.\d{2,3}){1,2}$/;
const firmwareVersion = /^[0-9A-F]{2}(?:\.[0-9A-F]{2}){4}$/;
const product = /^[A-Z]{2}\d{1,3}[A-Z]?$/;
const editions: ReadonlyMap<string, Rim['edition']> = new Map([
  ['GPU', 'gpu'],
  ['SWITCH', 'switch'],
]);

/** Whether the bytes are more likely a manifest than anything else; parseRim decides. */
export function looksLikeRim(bytes: Bytes): boolean {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024)).trimStart();
  return start.startsWith('<') && start.includes('SoftwareIdentity');
}

/**
 * What it says, and the signature to be checked.
 * @throws AttestationError `too-large`, `utf8-malformed`, `form-unknown` for XML or a document of another kind,
 * `value-out-of-range`, `hex-malformed`, `signature-malformed`, `base64-malformed`
 */
export function parseRim(bytes: Bytes, what = 'the manifest'): Rim {
  const root = parseXml(bytes, what);
  if (root.uri !== swidUri || root.local !== 'SoftwareIdentity')
    throw new AttestationError('form-unknown', `${what} is no SWID tag of ISO/IEC 19770-2:2015`);
  const signature = readXmlSignature(root, what);
  const fields = fieldsOf(what);
  for (const kind of ['corpus', 'patch', 'supplemental']) {
    if (fields.text(root, kind) !== 'false') fields.fail(`it is of another kind: ${kind}`);
  }
  const [, meta, payload] = fields.children(
    root,
    elementsOf(root).filter((element) => element !== signature.element),
    ['Entity', 'Meta', 'Payload'],
  ) as [XmlElement, XmlElement, XmlElement];
  const version = fields.text(meta, 'colloquialVersion').toUpperCase();
  const kind = firmwareVersion.test(version) ? 'firmware' : 'driver';
  if (kind === 'driver' && !driverVersion.test(version))
    fields.fail(`colloquialVersion ${quote(version)} is that of no driver and no firmware`);
  const edition = editions.get(fields.text(meta, 'edition')) ?? fields.fail('edition is not known');
  const chip = fields.text(meta, 'product');
  if (!product.test(chip)) fields.fail(`product ${quote(chip)} is no chip`);
  if (fields.text(meta, 'PayloadType') !== 'direct') fields.fail('its payload is not direct');
  const measurements = measurementsIn(payload, fields);
  const tagId = fields.text(root, 'tagId');
  return { kind, edition, product: chip, version, tagId, measurements, signature };
}

type Fields = ReturnType<typeof fieldsOf>;

function fieldsOf(what: string) {
  const fail = (problem: string): never => {
    throw new AttestationError('value-out-of-range', `${what}: ${problem}`);
  };
  const text = ({ local, attributes }: XmlElement, name: string): string =>
    attributes.find((one) => one.uri === '' && one.local === name)?.value ??
    fail(`${local} has no ${name}`);
  /** A decimal number without leading zeros. */
  const number = (element: XmlElement, name: string, max: number): number => {
    const written = text(element, name);
    if (!/^(?:0|[1-9]\d{0,3})$/.test(written) || Number(written) > max)
      fail(`${name} should be 0 to ${max}, got ${quote(written)}`);
    return Number(written);
  };
  const children = (parent: XmlElement, found: XmlElement[], names: readonly string[]) => {
    const stray = parent.children.some(
      (child) => typeof child === 'string' && /[^ \t\n]/.test(child),
    );
    const fits =
      found.length === names.length &&
      found.every(({ uri, local }, place) => uri === swidUri && local === names[place]);
    if (stray || !fits) fail(`${parent.local} should hold ${names.join(', ')} and nothing else`);
    return found;
  };
  return { fail, text, number, children };
}

function measurementsIn(payload: XmlElement, fields: Fields): RimMeasurement[] {
  const elements = elementsOf(payload);
  const names = elements.map(() => 'Resource');
  const found = fields
    .children(payload, elements, names)
    .map((element) => measurementOf(element, fields));
  if (new Set(found.map(({ index }) => index)).size !== found.length)
    fields.fail('two measurements have one index');
  if (!found.some(({ active }) => active)) fields.fail('no measurement is active');
  return found.toSorted((a, b) => a.index - b.index);
}

/** A resource of another type, or with an attribute more, demands something that is not checked here: it is refused. */
function measurementOf(element: XmlElement, fields: Fields): RimMeasurement {
  if (element.children.length > 0) fields.fail('a resource should be empty');
  const type = fields.text(element, 'type');
  if (type !== 'Measurement') fields.fail(`a resource is no measurement: ${quote(type)}`);
  const index = fields.number(element, 'index', maxIndex);
  const active = fields.text(element, 'active');
  if (active !== 'True' && active !== 'False')
    fields.fail(`active should be True or False, got ${quote(active)}`);
  const size = fields.number(element, 'size', hashLength);
  if (size !== hashLength) fields.fail(`a measurement has ${hashLength} bytes, this one ${size}`);
  const count = fields.number(element, 'alternatives', maxAlternatives);
  const alternatives = Array.from({ length: count }, (_, i) => hashAt(element, i, fields));
  const known = ['type', 'index', 'active', 'size', 'alternatives', 'name'].length + count;
  if (count === 0 || element.attributes.length !== known)
    fields.fail(`measurement ${index} should have ${count || 'some'} hashes and nothing else`);
  const name = fields.text(element, 'name');
  return { index, active: active === 'True', alternatives, name };
}

function hashAt({ attributes }: XmlElement, i: number, fields: Fields): Bytes {
  const found = attributes.find(({ uri, local }) => uri === hashUri && local === `Hash${i}`);
  const written = found?.value ?? fields.fail(`a measurement has no Hash${i}`);
  return fromHex(written, `Hash${i}`, hashLength);
}

/** For people: `GH100 driver 570.124.03`. */
export function rimName({
  product,
  kind,
  version,
}: Pick<Rim, 'product' | 'kind' | 'version'>): string {
  return `${product} ${kind} ${version}`;
}

/**
 * The ids by which NVIDIA's RIM service has the manifests of a device. Hopper's drivers and those of later GPUs are named by
 * two rules; a switch has no driver.
 */
export function rimIds(subject: RimSubject): { driver: string | null; firmware: string } {
  const { kind, architecture, driver, vbios, project, projectSku, chipSku } = subject;
  const family = architecture === 'GH100' ? 'NV_GPU_DRIVER' : 'NV_GPU_CC_DRIVER';
  const firmware = kind === 'gpu' ? 'NV_GPU_VBIOS' : 'NV_SWITCH_BIOS';
  const version = vbios.replaceAll('.', '').toUpperCase();
  return {
    driver: driver === null ? null : `${family}_${architecture}_${driver}`,
    firmware: [firmware, project, projectSku, chipSku, version].join('_'),
  };
}
