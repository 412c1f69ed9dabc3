/**
 * Changes good input in the ways that break parsers. Everything comes from the seed: one seed, one
 * sequence.
 */
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';

export type Random = {
  /** From 0 to `limit` − 1. */
  below: (limit: number) => number;
  pick: <T>(list: readonly T[]) => T;
};

/**
 * sfc32: small, fast and good enough to choose where to break things. Nothing secret is drawn from
 * it.
 */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] };
}

/** Inputs grow to this at most, but for the few that are made large on purpose. */
const maxLength = 64 * 1024;
const maxLargeLength = 512 * 1024;

/** Where signed and unsigned, short and long lengths end. */
const interesting = [
  0n,
  1n,
  2n,
  3n,
  5n,
  6n,
  7n,
  16n,
  24n,
  0x7fn,
  0x80n,
  0x81n,
  0x82n,
  0x83n,
  0x84n,
  0xffn,
  0x100n,
  0x49fn,
  0x4a0n,
  0x4a1n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0xffffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
] as const;

const words = [
  '',
  '0',
  '-0',
  '-1',
  '1e999',
  '1e-999',
  '9007199254740993',
  '0x10',
  'null',
  'true',
  'NaN',
  '"any"',
  '""',
  '"__proto__"',
  '"constructor"',
  '"version":1,',
  '{}',
  '[]',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '\\ud800',
  '\\u',
  ',',
  ':',
  ' '.repeat(200),
  '['.repeat(200),
  '\n',
  '\u0000',
  '\ufeff',
  '\u202e',
  '=',
  '==',
  'A'.repeat(64),
  'ff',
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '-----BEGIN X509 CRL-----\n',
  '-----BEGIN ',
].map(utf8);

type Mutation = (bytes: Bytes, random: Random, other: Bytes) => Bytes;

function slice(bytes: Bytes, random: Random, limit = bytes.length): Bytes {
  const start = random.below(bytes.length + 1);
  return bytes.subarray(start, start + random.below(Math.min(limit, bytes.length - start) + 1));
}

function insert(bytes: Bytes, at: number, piece: Bytes, replaces = 0): Bytes {
  return concat(bytes.subarray(0, at), piece, bytes.subarray(at + replaces));
}

function number(value: bigint, width: number, bigEndian: boolean): Bytes {
  const bytes = Uint8Array.from({ length: width }, (_, i) =>
    Number((value >> BigInt(8 * i)) & 0xffn),
  );
  return bigEndian ? bytes.reverse() : bytes;
}

const flipBits: Mutation = (bytes, random) => {
  const out = bytes.slice();
  for (let i = random.below(8); i >= 0; i--) {
    const at = random.below(out.length);
    if (at < out.length) out[at] = (out[at] as number) ^ (1 << random.below(8));
  }
  return out;
};

const setByte: Mutation = (bytes, random) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)] = random.below(256);
  return out;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length + 1));
const behead: Mutation = (bytes, random) =>
  bytes.slice(random.below(Math.min(bytes.length, 64) + 1));
const extend: Mutation = (bytes, random, other) =>
  concat(bytes, random.pick([new Uint8Array(1 + random.below(5000)), slice(other, random)]));
const splice: Mutation = (bytes, random, other) =>
  concat(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  );
const duplicate: Mutation = (bytes, random) =>
  insert(bytes, random.below(bytes.length + 1), slice(bytes, random, 2048));
const remove: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return insert(bytes, at, new Uint8Array(), random.below(Math.min(256, bytes.length - at) + 1));
};

const overwriteNumber: Mutation = (bytes, random) => {
  const width = random.pick([1, 2, 3, 4, 8]);
  const piece = number(random.pick(interesting), width, random.below(2) === 0);
  return insert(bytes, random.below(bytes.length + 1), piece, width);
};

/** Takes what stands somewhere for a length, and writes one that lies. */
const attackLength: Mutation = (bytes, random) => {
  const width = random.pick([1, 1, 2, 3, 4]);
  const at = random.below(Math.max(bytes.length - width, 0) + 1);
  const bigEndian = random.below(2) === 0;
  const field = bytes.slice(at, at + width);
  if (!bigEndian) field.reverse();
  let found = 0n;
  for (const byte of field) found = (found << 8n) | BigInt(byte);
  const left = BigInt(Math.max(bytes.length - at - width, 0));
  const lie = random.pick([
    found + 1n,
    found - 1n,
    found * 2n,
    left,
    left + 1n,
    left - 1n,
    BigInt(bytes.length),
    0n,
    (1n << BigInt(8 * width)) - 1n,
  ]);
  return insert(bytes, at, number(lie < 0n ? 0n : lie, width, bigEndian), width);
};

const insertWord: Mutation = (bytes, random) => {
  const word = random.pick(words);
  const replaces = random.pick([0, word.length, random.below(20)]);
  return insert(bytes, random.below(bytes.length + 1), word, replaces);
};

/** One piece so often that what takes quadratic time shows it. */
const amplify: Mutation = (bytes, random) => {
  const piece = random.below(2) === 0 ? slice(bytes, random, 64) : random.pick(words);
  if (piece.length === 0) return bytes;
  const count = Math.floor((maxLargeLength - bytes.length) / piece.length);
  if (count <= 0) return bytes;
  const repeated = new Uint8Array(count * piece.length);
  for (let i = 0; i < count; i++) repeated.set(piece, i * piece.length);
  return insert(bytes, random.below(bytes.length + 1), repeated);
};

const token = /"(?:[^"\\]|\\.)*"|-?\d+|true|false|null|[{}[\],:]/g;

/** One token of a JSON text for another, so that the document stays one and its shape does not. */
const exchangeToken: Mutation = (bytes, random, other) => {
  const all = [...textOf(bytes).matchAll(token)];
  const values = all.filter(([one]) => !isPunctuation(one));
  const tokens = random.below(8) === 0 ? all : values;
  if (tokens.length === 0) return bytes;
  const { 0: found, index } = random.pick(tokens);
  const theirs = textOf(other).match(token) ?? [];
  const from = theirs.filter((one) => isPunctuation(one) === isPunctuation(found));
  const piece = random.below(6) === 0 ? random.pick(words) : utf8(random.pick(from) ?? '""');
  return insert(bytes, index, piece, found.length);
};

function isPunctuation(text: string): boolean {
  return /^[{}[\],:]$/.test(text);
}

/** Hex and base64 stay what they are, their bytes do not. */
const changeDigit: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const at = random.below(out.length);
  if (/[0-9a-zA-Z]/.test(String.fromCharCode(out[at] ?? 0))) {
    out[at] = random.pick(utf8('0123456789abcdefAz+/') as unknown as number[]);
  }
  return out;
};

function textOf(bytes: Bytes): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** These keep lengths and offsets, and so get past the checks of those. */
const inPlace: readonly Mutation[] = [flipBits, setByte, overwriteNumber, attackLength];
const any: readonly Mutation[] = [
  ...inPlace,
  truncate,
  behead,
  extend,
  splice,
  duplicate,
  remove,
  insertWord,
  exchangeToken,
];
const inText: readonly Mutation[] = [exchangeToken, exchangeToken, changeDigit, insertWord];

/** A changed copy of one of the seeds; now and then the seed itself, or noise. */
export function mutate(seeds: readonly Bytes[], random: Random): Bytes {
  const start = random.pick(seeds);
  const kind = random.below(2000);
  if (kind === 0) return amplify(start, random, start);
  if (kind < 20) return start;
  if (kind < 40) return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
  const isText = start[0] === 0x7b || start[0] === 0x2d;
  const mutations = kind < 800 ? any : isText ? inText : inPlace;
  let bytes = start;
  do bytes = random.pick(mutations)(bytes, random, random.pick(seeds));
  while (random.below(2) === 0);
  return bytes.length > maxLength && bytes.length > start.length
    ? bytes.subarray(0, maxLength)
    : bytes;
}
