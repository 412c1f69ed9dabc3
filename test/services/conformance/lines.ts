/** Lines that every echo service must take, and lines that it must refuse (protocol, "Signed response"). */
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';

export type GoodLine = {
  readonly what: string;
  /** Without its LF. */
  readonly line: Bytes;
  readonly nonce: Bytes;
  readonly request: Bytes;
};

const zero: Bytes = new Uint8Array(32);
const hex = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0')).join('');
const highHex = 'fe'.repeat(32);
const letters = (length: number): Bytes => new Uint8Array(length).fill(0x78);
const everyByteButLineFeed = Uint8Array.from({ length: 256 }, (_, i) => i).filter(
  (b) => b !== 0x0a,
);

function plain(what: string, line: Bytes | string): GoodLine {
  const bytes = typeof line === 'string' ? utf8(line) : line;
  return { what, line: bytes, nonce: zero, request: bytes };
}

function nonced(what: string, digits: string, request: Bytes | string): GoodLine {
  const bytes = typeof request === 'string' ? utf8(request) : request;
  const line = concat(utf8(`@${digits} `), bytes);
  return { what, line, nonce: fromHex(digits, 'nonce', 32), request: bytes };
}

/** `@`, 64 digits, space. */
const prefixLength = 66;

export const goodLines: readonly GoodLine[] = [
  plain('plain text', 'hello'),
  plain('an empty line', ''),
  plain('one byte', 'x'),
  plain('a CR at the end, which belongs to the request', 'hello\r'),
  plain('a CR alone', '\r'),
  plain('an @ further on', 'a@b'),
  plain('an @ behind a space', ` @${hex} hello`),
  plain('NUL bytes', 'a\0b\0'),
  plain('a NUL before an @', '\0@'),
  plain('bytes that are no UTF-8', Uint8Array.of(0xff, 0xc0, 0x00, 0x80, 0xfe)),
  plain('every byte but LF', everyByteButLineFeed.toReversed()),
  plain('what JSON escapes', '{"a":"\\u0000\\n"}\t\u2028'),
  // Each length modulo 3 has another end in base64.
  plain('two bytes', 'xy'),
  plain('three bytes', 'xyz'),
  plain('4,095 bytes', letters(4095)),
  plain('4,096 bytes', letters(4096)),
  nonced('a nonce', hex, 'hello'),
  nonced('a nonce of high bytes', highHex, 'hello'),
  nonced('a nonce of zeros', '0'.repeat(64), 'hello'),
  nonced('a nonce and an empty request', hex, ''),
  nonced('a nonce and a space', hex, ' '),
  nonced('a nonce and what looks like another', hex, `@${highHex} x`),
  nonced('a nonce and bytes that are no UTF-8', hex, everyByteButLineFeed),
  nonced('a nonce and a CR', hex, 'hello\r'),
  nonced('a nonce in a line of 4,096 bytes', hex, letters(4096 - prefixLength)),
];

export type BadLine = { readonly what: string; readonly line: Bytes };

const bad = (what: string, line: string | Bytes): BadLine => ({
  what,
  line: typeof line === 'string' ? utf8(line) : line,
});

export const badLines: readonly BadLine[] = [
  bad('@ alone', '@'),
  bad('@ and text', '@hello'),
  bad('@ and a space', '@ hello'),
  bad('@ twice', `@@${hex.slice(1)} hello`),
  bad('@ and a CR', '@\r'),
  bad('a nonce without a space', `@${hex}`),
  bad('a nonce and a tab', `@${hex}\thello`),
  bad('a nonce and a CR', `@${hex}\r`),
  bad('a nonce and a NUL', `@${hex}\0hello`),
  bad('a nonce two digits short', `@${hex.slice(2)} hello`),
  bad('a nonce one digit short', `@${hex.slice(1)} hello`),
  bad('a nonce one digit short, and a space more', `@${hex.slice(1)}  hello`),
  bad('a nonce one digit long', `@${hex}0 hello`),
  bad('a nonce two digits long', `@${hex}00 hello`),
  bad('an upper-case nonce', `@${'AB'.repeat(32)} hello`),
  bad('one upper-case digit, the last', `@${hex.slice(0, 63)}F hello`),
  bad('no digits', `@${'g'.repeat(64)} hello`),
  bad('the character before 0', `@/${hex.slice(1)} hello`),
  bad('the character behind 9', `@${hex.slice(1)}: hello`),
  bad('the character before a', `@${hex.slice(1)}\` hello`),
  bad('a prefix 0x', `@0x${hex.slice(2)} hello`),
  bad('a sign', `@-${hex.slice(1)} hello`),
  bad('a space within the nonce', `@${hex.slice(0, 32)} ${hex.slice(33)} hello`),
  bad('a NUL within the nonce', `@${hex.slice(0, 32)}\0${hex.slice(33)} hello`),
  bad('a high byte within the nonce', concat(utf8(`@${hex.slice(1)}`), Uint8Array.of(0xb0, 0x20))),
  bad('a nonce in wide digits', `@${'１'.repeat(64)} hello`),
  bad('4,097 bytes', letters(4097)),
  bad('a nonce in a line of 4,097 bytes', concat(utf8(`@${hex} `), letters(4097 - prefixLength))),
  bad('100,000 bytes', letters(100_000)),
];
