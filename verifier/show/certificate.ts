/**
 * Any X.509 certificate or CRL, field by field. It reads more than the verifier accepts, so that a
 * certificate that is refused can be looked at; the last field says whether this one is.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { context, DerReader, derTag, type Element } from '#verifier/chain/der.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime } from '#verifier/time.ts';
import type { ShowField, ShowPart, ShowSection } from './document.ts';
import { describeExtension, extensionParts, oidName } from './oids.ts';

const what = 'certificate or CRL';
const timeTags: readonly number[] = [derTag.utcTime, derTag.generalizedTime];

/**
 * @param title of the section; what the object is comes after it
 * @throws AttestationError `der-malformed`, `utf8-malformed`
 */
export function certificateSection(der: Bytes, title: string): ShowSection {
  const file = new DerReader(der, what);
  const outer = file.enter(derTag.sequence, 'outer sequence');
  file.end('the outer sequence');
  const signed = outer.expect(derTag.sequence, 'signed part');
  const algorithm = outer.expect(derTag.sequence, 'signature algorithm');
  const signature = outer.expect(derTag.bitString, 'signature');
  outer.end('the signature');
  const show = new Shower(der);
  const body = new DerReader(signed.content, what);
  const isCertificate = holdsCertificate(signed.content);
  if (isCertificate) showCertificate(show, body);
  else showRevocationList(show, body);
  show.add('signature algorithm', algorithm, algorithmName(algorithm));
  show.add('signature', signature, toHex(signature.content.subarray(1)));
  const kind = isCertificate ? 'certificate' : 'revocation list';
  const refusal = refusalOf(() =>
    isCertificate ? parseCertificate(der, kind) : parseRevocationList(der, kind),
  );
  show.fields.push({
    name: 'affidavit',
    value: refusal === null ? `reads this ${kind}` : `refuses this ${kind}: ${refusal}`,
  });
  return {
    title: `${title}: ${kind}, ${der.length} bytes`,
    offsetsFrom: `this ${kind}`,
    fields: show.fields,
  };
}

/**
 * A certificate has its validity where a list has a time; version 1, which is left out, has no [0].
 */
function holdsCertificate(content: Bytes): boolean {
  const reader = new DerReader(content, what);
  if (reader.peek === context(0)) return true;
  for (const field of ['serial number or version', 'algorithm', 'issuer']) reader.element(field);
  return reader.peek === derTag.sequence;
}

/** Fields of one DER object; an element is a view of it, which says where it is. */
class Shower {
  readonly fields: ShowField[] = [];
  readonly #start: number;

  constructor(der: Bytes) {
    this.#start = der.byteOffset;
  }

  add(name: string, { raw }: Element, value: string, parts: readonly ShowPart[] = []): void {
    this.fields.push({
      name,
      value,
      offset: raw.byteOffset - this.#start,
      length: raw.length,
      ...(parts.length > 0 && { parts: [...parts] }),
    });
  }
}

function showCertificate(show: Shower, body: DerReader): void {
  if (body.peek === context(0)) {
    const version = body.expect(context(0), 'version');
    show.add('version', version, String(new DerReader(version.content, what).u8('version') + 1));
  }
  const serial = body.expect(derTag.integer, 'serial number');
  show.add('serial number', serial, toHex(serial.content));
  body.expect(derTag.sequence, 'inner signature algorithm');
  const issuer = body.expect(derTag.sequence, 'issuer');
  show.add('issuer', issuer, nameText(issuer));
  const validity = body.enter(derTag.sequence, 'validity');
  showTime(show, 'not before', validity);
  showTime(show, 'not after', validity);
  validity.end('notAfter');
  const subject = body.expect(derTag.sequence, 'subject');
  show.add('subject', subject, nameText(subject));
  showPublicKey(show, body.expect(derTag.sequence, 'subject public key'));
  if (body.peek === context(3)) showExtensions(show, body.enter(context(3), 'extensions'));
  body.end('the extensions');
}

function showRevocationList(show: Shower, body: DerReader): void {
  const version = body.expect(derTag.integer, 'version');
  show.add('version', version, String(new DerReader(version.raw, what).u8('version') + 1));
  body.expect(derTag.sequence, 'inner signature algorithm');
  const issuer = body.expect(derTag.sequence, 'issuer');
  show.add('issuer', issuer, nameText(issuer));
  showTime(show, 'this update', body);
  if (timeTags.includes(body.peek ?? 0)) showTime(show, 'next update', body);
  if (body.peek === derTag.sequence) {
    const list = body.enter(derTag.sequence, 'revoked certificates');
    while (!list.done) {
      const entry = list.expect(derTag.sequence, 'entry');
      const inside = new DerReader(entry.content, what);
      const serial = inside.expect(derTag.integer, 'serial number');
      const time = formatTime(inside.time('revocation date'));
      show.add('revoked', entry, `serial number ${toHex(serial.content)} at ${time}`);
    }
  }
  if (!body.done) showExtensions(show, body.enter(context(0), 'CRL extensions'));
  body.end('the CRL extensions');
}

function showTime(show: Shower, name: string, reader: DerReader): void {
  const element = reader.element(name);
  show.add(name, element, formatTime(new DerReader(element.raw, what).time(name)));
}

function showPublicKey(show: Shower, element: Element): void {
  const reader = new DerReader(element.content, what);
  const algorithm = reader.expect(derTag.sequence, 'key algorithm');
  const key = reader.expect(derTag.bitString, 'key');
  reader.end('the key');
  show.add('public key', element, algorithmName(algorithm));
  show.add('key bytes', key, toHex(key.content.subarray(1)));
  show.fields.push({
    name: 'SHA-256 of public key',
    value: toHex(sha256(element.raw)),
  });
}

function showExtensions(show: Shower, wrapper: DerReader): void {
  const list = wrapper.enter(derTag.sequence, 'extension list');
  wrapper.end('the extension list');
  while (!list.done) {
    const element = list.expect(derTag.sequence, 'extension');
    const item = new DerReader(element.content, what);
    const oid = item.oid('extension id');
    const critical = item.peek === derTag.boolean && item.boolean('critical');
    const { content } = item.expect(derTag.octetString, `extension ${oid}`);
    item.end(`extension ${oid}`);
    const parts = extensionParts(oid, content);
    const value = parts.length > 0 ? `${parts.length} values` : describeExtension(oid, content);
    show.add(oidName(oid), element, critical ? `${value} (critical)` : value, parts);
  }
}

/** The algorithm, and its first parameter where that is a name too (the curve of a key). */
function algorithmName({ content }: Element): string {
  const reader = new DerReader(content, what);
  const name = oidName(reader.oid('algorithm'));
  return reader.peek === derTag.oid ? `${name}, ${oidName(reader.oid('parameter'))}` : name;
}

/** `CN=… , O=…` in the order written. */
function nameText({ raw }: Element): string {
  const reader = new DerReader(raw, what).enter(derTag.sequence, 'name');
  const found: string[] = [];
  while (!reader.done) {
    const set = reader.enter(derTag.set, 'relative name');
    while (!set.done) {
      const attribute = set.enter(derTag.sequence, 'attribute');
      const oid = attribute.oid('attribute type');
      const { content } = attribute.element('attribute value');
      found.push(`${oidName(oid)}=${fromUtf8(content, 'name')}`);
    }
  }
  return found.join(', ');
}

function refusalOf(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof AttestationError) return error.message;
    throw error;
  }
}
