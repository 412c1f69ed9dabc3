/** The XML that is read, that which is not, and its canonical form. */
import { expect, test } from 'vitest';
import { codeOf } from '#test/verifier/code-of.ts';
import { canonicalXml } from '#verifier/abi/xml/canonical.ts';
import { maxXmlLength, parseXml, type XmlElement } from '#verifier/abi/xml/parse.ts';
import { fromUtf8, utf8 } from '#verifier/bytes.ts';

const read = (text: string) => parseXml(utf8(text), 'document');
const codeOfText = (text: string) => codeOf(() => read(text));
const canonical = (text: string) => fromUtf8(canonicalXml(read(text)), 'canonical');

test.for<[string, string]>([
  ['nothing', ''],
  ['text alone', 'a'],
  ['two roots', '<a/><b/>'],
  ['text after the root', '<a/>b'],
  ['a DTD', '<!DOCTYPE a><a/>'],
  ['an entity of a DTD', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
  ['an unknown entity', '<a>&nbsp;</a>'],
  ['an entity of the prototype', '<a>&constructor;</a>'],
  ['a character reference', '<a>&#65;</a>'],
  ['a bare ampersand', '<a>a & b</a>'],
  ['CDATA', '<a><![CDATA[x]]></a>'],
  ['the end of CDATA', '<a>]]></a>'],
  ['a comment', '<a>x<!-- y -->z</a>'],
  ['a comment before the root', '<!-- y --><a/>'],
  ['a processing instruction', '<a><?x y?></a>'],
  ['a style sheet', '<?xml-stylesheet href="x"?><a/>'],
  ['another version of XML', '<?xml version="1.1"?><a/>'],
  ['another encoding', '<?xml version="1.0" encoding="latin1"?><a/>'],
  ['space before the declaration', ' <?xml version="1.0"?><a/>'],
  ['a byte order mark', '\ufeff<a/>'],
  ['an element without its end', '<a><b></a>'],
  ['the end of another element', '<a></b>'],
  ['the end of another prefix', '<a xmlns:x="u:1" xmlns:y="u:1"><x:b></y:b></a>'],
  ['no end', '<a>'],
  ['no end of a tag', '<a b="c"'],
  ['an attribute without quotes', '<a b=c/>'],
  ['an attribute without a value', '<a b/>'],
  ['an attribute without space', '<a b="c"d="e"/>'],
  ['an attribute twice', '<a b="c" b="d"/>'],
  ['one attribute by two prefixes', '<a xmlns:x="u:1" xmlns:y="u:1" x:b="c" y:b="d"/>'],
  ['a tag in a value', '<a b="<"/>'],
  ['a line end in a value', '<a b="c\nd"/>'],
  ['a tab in a value', '<a b="c\td"/>'],
  ['an undeclared prefix', '<x:a/>'],
  ['an undeclared prefix of an attribute', '<a x:b="c"/>'],
  ['a prefix of a sibling', '<a><b xmlns:x="u:1"/><x:c/></a>'],
  ['the prefix xml', '<a xml:lang="de"/>'],
  ['a declaration of xml', '<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>'],
  ['another prefix for xml', '<a xmlns:x="http://www.w3.org/XML/1998/namespace"/>'],
  ['a declaration of xmlns', '<a xmlns:xmlns="u:1"/>'],
  ['a namespace undeclared', '<a xmlns="u:1"><b xmlns=""/></a>'],
  ['a relative namespace', '<a xmlns="../b"/>'],
  ['a name that is not ASCII', '<ä/>'],
  ['a name that begins with a digit', '<1a/>'],
  ['two colons', '<a xmlns:x="u:1"><x:y:z/></a>'],
  ['a control character', '<a>\u0001</a>'],
  ['a zero byte', '<a>\0</a>'],
])('refuses %s', ([, text]) => {
  expect(codeOfText(text)).toBe('form-unknown');
});

test.for<[string, string, string]>([
  ['an empty element', '<a/>', '<a></a>'],
  [
    'a declaration and space around the root',
    '<?xml version="1.0" encoding="UTF-8"?>\n<a/>\n',
    '<a></a>',
  ],
  ['space in tags', '<a  b = "c"\n\t></a >', '<a b="c"></a>'],
  ['either quotes', `<a b='"' c="'"/>`, `<a b="&quot;" c="'"></a>`],
  [
    'the predefined entities',
    '<a b="&lt;&amp;&gt;&apos;">&lt;&amp;&gt;&quot;></a>',
    `<a b="&lt;&amp;>'">&lt;&amp;&gt;"&gt;</a>`,
  ],
  ['line ends', '<a>\r\n<b/>\r</a>', '<a>\n<b></b>\n</a>'],
  ['text that is not ASCII', '<a b="ä">😀</a>', '<a b="ä">😀</a>'],
  [
    'attributes by namespace and name, declarations by prefix',
    '<a z="1" y:b="2" x:c="3" x:a="4" a="5" xmlns:y="u:1" xmlns:x="u:2" xmlns="u:3"/>',
    '<a xmlns="u:3" xmlns:x="u:2" xmlns:y="u:1" a="5" z="1" y:b="2" x:a="4" x:c="3"></a>',
  ],
  [
    'what holds already is not declared again, what changes is',
    '<a xmlns="u:1" xmlns:x="u:2"><b xmlns="u:1" xmlns:x="u:3"><x:c xmlns:x="u:3"/></b></a>',
    '<a xmlns="u:1" xmlns:x="u:2"><b xmlns:x="u:3"><x:c></x:c></b></a>',
  ],
  [
    'a prefix comes back to what it was',
    '<a xmlns:x="u:1"><b xmlns:x="u:2"><c xmlns:x="u:1"/></b></a>',
    '<a xmlns:x="u:1"><b xmlns:x="u:2"><c xmlns:x="u:1"></c></b></a>',
  ],
])('canonical form: %s', ([, text, wanted]) => {
  expect(canonical(text)).toBe(wanted);
  expect(canonical(wanted)).toBe(wanted);
});

test('an element alone carries all that it inherits, used or not', () => {
  const root = read('<a xmlns="u:1" xmlns:x="u:2" x:y="z"><x:b xmlns:w="u:3"><c/></x:b></a>');
  const b = root.children[0] as XmlElement;
  expect(fromUtf8(canonicalXml(b), 'b')).toBe(
    '<x:b xmlns="u:1" xmlns:w="u:3" xmlns:x="u:2"><c></c></x:b>',
  );
});

test('an element may be left out with all that it holds; the text around it stays', () => {
  const root = read('<a> <b><c/>d</b> <b/></a>');
  const b = root.children[1] as XmlElement;
  expect(fromUtf8(canonicalXml(root, b), 'a')).toBe('<a>  <b></b></a>');
});

test('names know their namespaces; a default one is not that of attributes', () => {
  const root = read('<a xmlns="u:1" xmlns:x="u:2" b="c" x:b="d"/>');
  expect([root.uri, ...root.attributes.map(({ uri }) => uri)]).toEqual(['u:1', '', 'u:2']);
});

test('sizes are limited', () => {
  const deep = (n: number) => `${'<a>'.repeat(n)}${'</a>'.repeat(n)}`;
  expect([codeOfText(deep(16)), codeOfText(deep(17))]).toEqual([null, 'form-unknown']);
  const wide = (n: number) => `<a>${'<b/>'.repeat(n)}</a>`;
  expect([codeOfText(wide(4095)), codeOfText(wide(4096))]).toEqual([null, 'form-unknown']);
  const attributes = (n: number) =>
    `<a ${Array.from({ length: n }, (_, i) => `a${i}="b"`).join(' ')}/>`;
  expect([codeOfText(attributes(32)), codeOfText(attributes(33))]).toEqual([null, 'form-unknown']);
  const long = (n: number) => `<a>${'b'.repeat(n - 7)}</a>`;
  expect([codeOfText(long(maxXmlLength)), codeOfText(long(maxXmlLength + 1))]).toEqual([
    null,
    'too-large',
  ]);
  expect(codeOf(() => parseXml(new Uint8Array([0x3c, 0xff, 0x2f, 0x3e]), 'document'))).toBe(
    'utf8-malformed',
  );
});

test.for<[string, (length: number) => string]>([
  ['one long text', (length) => `<a>${'x'.repeat(length)}`],
  ['entities', (length) => `<a>${'&lt;'.repeat(length / 4)}`],
  ['line ends', (length) => `<a>${'\r'.repeat(length)}`],
  ['one long name', (length) => `<${'x'.repeat(length)}`],
  ['one long value', (length) => `<a b="${'&amp;'.repeat(length / 5)}`],
  ['spaces in a tag', (length) => `<a ${' '.repeat(length)}`],
  ['elements side by side', (length) => `<a>${'<b/>'.repeat(length / 4)}`],
  ['elements inside each other', (length) => '<a>'.repeat(length / 3)],
  ['attributes', (length) => `<a ${'b="" '.repeat(length / 5)}`],
])('hostile input of the largest size ends soon: %s', ([, make]) => {
  for (const length of [maxXmlLength - 16, 16 * 1024 * 1024]) {
    const bytes = utf8(make(length));
    const start = performance.now();
    expect(codeOf(() => parseXml(bytes, 'document'))).toMatch(/^(?:form-unknown|too-large)$/);
    expect(performance.now() - start).toBeLessThan(1000);
  }
});
