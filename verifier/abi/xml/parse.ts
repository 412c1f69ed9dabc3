/**
 * The subset of XML 1.0 with namespaces that NVIDIA's manifests use, read strictly: elements, attributes, text and the five
 * predefined entities. A DTD, processing instructions, comments, CDATA, character references and undeclared prefixes are
 * refused: whatever parsers differ in, a signature over the parsed tree must not meet.
 */
import { type Bytes, fromUtf8, quote } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';

/** Prefix to URI; the default namespace has the prefix ''. */
export type Scope = ReadonlyMap<string, string>;

export type XmlName = {
  /** '' for none. */
  prefix: string;
  local: string;
  /** '' for none: an element without a default namespace, an attribute without a prefix. */
  uri: string;
};
/** `value` with its entities resolved. */
export type XmlAttribute = XmlName & { value: string };
export type XmlElement = XmlName & {
  /** All that is declared here or above. */
  scope: Scope;
  /** What is declared on this very element. */
  declared: Scope;
  attributes: readonly XmlAttribute[];
  /** Text with its entities resolved; two texts never stand side by side. */
  children: readonly (XmlElement | string)[];
};

/** 512 KiB; the largest manifest seen has 26 KB. */
export const maxXmlLength = 512 * 1024;
const maxDepth = 16;
const maxElements = 4096;
const maxAttributes = 32;

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

// Sticky: each is tried at one place and reads what it accepts once.
const patterns = {
  declaration:
    /<\?xml version=(["'])1\.0\1(?: encoding=(["'])(?:UTF-8|utf-8)\2)?(?: standalone=(["'])(?:yes|no)\3)? ?\?>/y,
  space: /[ \t\n]*/y,
  name: /(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)/y,
  equals: /[ \t\n]*=[ \t\n]*(["'])/y,
  text: /[^<&]*/y,
  double: /[^<&"\t\n]*/y,
  single: /[^<&'\t\n]*/y,
  entity: /&([a-z]+);/y,
};
// Of what XML allows, all but the control characters that it discourages (C1), which no manifest has a use for.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/;

/**
 * One document: white space around its root, nothing else but an XML declaration before it.
 * @throws AttestationError `too-large`, `utf8-malformed`, `form-unknown`
 */
export function parseXml(bytes: Bytes, what: string): XmlElement {
  if (bytes.length > maxXmlLength) {
    throw new AttestationError(
      'too-large',
      `${what} has ${bytes.length} bytes, at most ${maxXmlLength} are read`,
    );
  }
  // XML 1.0, 2.11: line ends are one character before anything else is looked at.
  const text = fromUtf8(bytes, what).replace(/\r\n?/g, '\n');
  const reader = new XmlReader(text, what);
  const found = forbidden.exec(text);
  if (found !== null) reader.fail('a control character', found.index);
  reader.take(patterns.declaration);
  reader.take(patterns.space);
  const root = readElement(reader, new Map(), 1);
  reader.take(patterns.space);
  if (!reader.done) reader.fail('something after the root element');
  return root;
}

/** Where the reader is, and how many elements it has seen. */
class XmlReader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;
  #elements = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  get done(): boolean {
    return this.#at === this.#text.length;
  }

  fail(problem: string, at = this.#at): never {
    throw new AttestationError(
      'form-unknown',
      `${this.#what} is not the XML that is read here: ${problem} at character ${at}`,
    );
  }

  countElement(): void {
    this.#elements += 1;
    if (this.#elements > maxElements) this.fail(`more than ${maxElements} elements`);
  }

  sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  skip(text: string): boolean {
    const here = this.sees(text);
    if (here) this.#at += text.length;
    return here;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }

  expect(pattern: RegExp, wanted: string): RegExpExecArray {
    return this.take(pattern) ?? this.fail(`no ${wanted}`);
  }

  /** Up to where `plain` ends and no entity follows. */
  run(plain: RegExp): string {
    let value = '';
    for (;;) {
      value += this.take(plain)?.[0] ?? '';
      if (!this.sees('&')) return value;
      const [, name = ''] = this.expect(patterns.entity, 'predefined entity');
      value += entities.get(name) ?? this.fail('an entity that is not predefined');
    }
  }
}

type RawAttribute = { prefix: string; local: string; value: string };

function readElement(reader: XmlReader, outer: Scope, depth: number): XmlElement {
  if (depth > maxDepth) reader.fail(`elements more than ${maxDepth} deep`);
  reader.countElement();
  if (!reader.skip('<')) reader.fail('no element');
  const { prefix, local } = readName(reader);
  const raw = readAttributes(reader);
  const declared = declarations(reader, raw);
  const scope = declared.size === 0 ? outer : new Map([...outer, ...declared]);
  const uri = uriOf(reader, prefix, scope);
  const attributes = resolve(reader, raw, scope);
  const children: (XmlElement | string)[] = [];
  const element = { prefix, local, uri, scope, declared, attributes, children };
  if (reader.skip('/>')) return element;
  if (!reader.skip('>')) reader.fail('no end of the tag');
  for (;;) {
    const text = reader.run(patterns.text);
    // XML 1.0, 2.4.
    if (text.includes(']]>')) reader.fail('"]]>" in a text');
    if (text !== '') children.push(text);
    if (reader.skip('</')) break;
    if (!reader.sees('<')) reader.fail('an element without its end');
    children.push(readElement(reader, scope, depth + 1));
  }
  const end = readName(reader);
  if (end.prefix !== prefix || end.local !== local) reader.fail('the end of another element');
  reader.take(patterns.space);
  if (!reader.skip('>')) reader.fail('no end of the tag');
  return element;
}

function readName(reader: XmlReader): { prefix: string; local: string } {
  const [, prefix = '', local = ''] = reader.expect(patterns.name, 'name of the subset');
  return { prefix, local };
}

function readAttributes(reader: XmlReader): RawAttribute[] {
  const found: RawAttribute[] = [];
  const seen = new Set<string>();
  for (;;) {
    const space = reader.take(patterns.space)?.[0] ?? '';
    if (reader.sees('>') || reader.sees('/>')) return found;
    if (space === '') reader.fail('no space before an attribute');
    const { prefix, local } = readName(reader);
    const [, mark] = reader.expect(patterns.equals, 'quoted value');
    const value = reader.run(mark === '"' ? patterns.double : patterns.single);
    if (!reader.skip(mark as string)) reader.fail('no end of the value');
    if (found.length === maxAttributes) reader.fail(`more than ${maxAttributes} attributes`);
    const name = `${prefix}:${local}`;
    if (seen.has(name)) reader.fail(`attribute ${quote(local)} twice`);
    seen.add(name);
    found.push({ prefix, local, value });
  }
}

/** Namespaces in XML 1.0, 3: prefixes that begin with `xml` are reserved, an empty URI undeclares, which is not read here. */
function declarations(reader: XmlReader, raw: readonly RawAttribute[]): Map<string, string> {
  const declared = new Map<string, string>();
  for (const { prefix, local, value } of raw) {
    if (prefix !== 'xmlns' && (prefix !== '' || local !== 'xmlns')) continue;
    const name = prefix === '' ? '' : local;
    if (/^xml/i.test(name)) reader.fail('a reserved prefix');
    // Relative URIs have no canonical form (Canonical XML 1.1, 1.3); those in use are plain.
    if (!/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) || reservedUris.includes(value))
      reader.fail('a namespace that is no plain absolute URI');
    declared.set(name, value);
  }
  return declared;
}

const reservedUris = ['http://www.w3.org/XML/1998/namespace', 'http://www.w3.org/2000/xmlns/'];

function uriOf(reader: XmlReader, prefix: string, scope: Scope): string {
  const uri = scope.get(prefix);
  if (uri === undefined && prefix !== '') reader.fail(`prefix ${quote(prefix)} is not declared`);
  return uri ?? '';
}

/** A default namespace is not that of attributes (Namespaces in XML 1.0, 6.2); two names may not be one (6.3). */
function resolve(reader: XmlReader, raw: readonly RawAttribute[], scope: Scope): XmlAttribute[] {
  const plain = raw.filter(
    ({ prefix, local }) => prefix !== 'xmlns' && (prefix !== '' || local !== 'xmlns'),
  );
  const seen = new Set<string>();
  return plain.map(({ prefix, local, value }) => {
    const uri = prefix === '' ? '' : uriOf(reader, prefix, scope);
    const name = `${uri} ${local}`;
    if (seen.has(name)) reader.fail(`attribute ${quote(local)} twice`);
    seen.add(name);
    return { prefix, local, uri, value };
  });
}
