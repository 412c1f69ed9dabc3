/**
 * Whom a certificate in a Secure Boot database is of: its common name, else its organisation. Manufacturers write certificates of
 * every kind, so nothing else is read and nothing is checked here: firmware trusts them because they are in the database.
 */
import { type Bytes, toHex } from '../../bytes.ts';
import { printable } from './text.ts';

type Element = { readonly tag: number; readonly content: Bytes; readonly end: number };

const sequence = 0x30;
const set = 0x31;
const context0 = 0xa0;
const oid = 0x06;
const commonName = '550403';
const organisation = '55040a';

/** @returns null for what is no certificate */
export function certificateName(der: Bytes): string | null {
  const certificate = elementAt(der, 0);
  const tbs = certificate?.tag === sequence ? elementAt(certificate.content, 0) : null;
  if (tbs?.tag !== sequence) return null;
  const fields = elementsOf(tbs.content, 8);
  // version [0], serial, algorithm, issuer, validity, subject: the version is left out of old certificates
  const subject = fields[fields[0]?.tag === context0 ? 5 : 4];
  if (subject?.tag !== sequence) return null;
  const names = elementsOf(subject.content, 32).flatMap(({ tag, content }) =>
    tag === set ? elementsOf(content, 4).flatMap(({ content: one }) => attributeOf(one) ?? []) : [],
  );
  const named = (type: string) => names.findLast((name) => name.type === type)?.value;
  return named(commonName) ?? named(organisation) ?? null;
}

function attributeOf(content: Bytes): { type: string; value: string } | null {
  const [type, value] = elementsOf(content, 2);
  if (type?.tag !== oid || value === undefined) return null;
  // BMPString is UTF-16, big-endian; all others are read as UTF-8.
  const encoding = value.tag === 0x1e ? 'utf-16be' : 'utf-8';
  return {
    type: toHex(type.content),
    value: printable(new TextDecoder(encoding).decode(value.content)),
  };
}

function elementsOf(bytes: Bytes, limit: number): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length && found.length < limit; ) {
    const element = elementAt(bytes, at);
    if (element === null) break;
    found.push(element);
    at = element.end;
  }
  return found;
}

function elementAt(bytes: Bytes, at: number): Element | null {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return null;
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (size > 3 || first === 0x80) return null;
  const start = at + 2 + size;
  let length = size === 0 ? first : 0;
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const end = start + length;
  return end > bytes.length ? null : { tag, content: bytes.subarray(start, end), end };
}
