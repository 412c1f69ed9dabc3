/** Canonical XML 1.1 without comments of the subset in parse.ts, of a whole document or of one element in it. */
import { type Bytes, utf8 } from '../../bytes.ts';
import type { Scope, XmlAttribute, XmlElement } from './parse.ts';

/**
 * Of an element with all that it inherits: for a document's root that is the document's canonical form, for another element
 * that of the document subset that it is. Attributes `xml:…`, which would be inherited too, are not read.
 * @param without an element of it that is left out with all that it holds, as the enveloped-signature transform wants
 */
export function canonicalXml(element: XmlElement, without: XmlElement | null = null): Bytes {
  const parts: string[] = [];
  write(parts, element, element.scope, without);
  return utf8(parts.join(''));
}

/** @param namespaces those that stand above no element of the output yet */
function write(
  parts: string[],
  element: XmlElement,
  namespaces: Scope,
  without: XmlElement | null,
): void {
  const { prefix, local, attributes, children, scope } = element;
  const name = prefix === '' ? local : `${prefix}:${local}`;
  parts.push('<', name);
  for (const [declared, uri] of [...namespaces].toSorted(([a], [b]) => compare(a, b))) {
    parts.push(declared === '' ? ' xmlns="' : ` xmlns:${declared}="`, escapeValue(uri), '"');
  }
  for (const attribute of attributes.toSorted(byUriAndName)) {
    const { prefix: of, local: its, value } = attribute;
    parts.push(' ', of === '' ? its : `${of}:${its}`, '="', escapeValue(value), '"');
  }
  parts.push('>');
  for (const child of children) {
    if (typeof child === 'string') parts.push(escapeText(child));
    else if (child !== without) write(parts, child, changes(child, scope), without);
  }
  parts.push('</', name, '>');
}

/** A declaration that says what holds already is not repeated. */
function changes({ declared }: XmlElement, outer: Scope): Scope {
  return new Map([...declared].filter(([prefix, uri]) => outer.get(prefix) !== uri));
}

function byUriAndName(a: XmlAttribute, b: XmlAttribute): number {
  return compare(a.uri, b.uri) || compare(a.local, b.local);
}

/** By code point: names and URIs of the subset are ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const textEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const valueEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
};

// Carriage returns, and tabs and line ends in values, have escapes too: no parsed text holds any.
function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (character) => textEscapes[character] as string);
}

function escapeValue(value: string): string {
  return value.replace(/[&<"]/g, (character) => valueEscapes[character] as string);
}
