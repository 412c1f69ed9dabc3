/** Wycheproof's ECDSA vectors over P-384 with SHA-384, brought to what the circuit takes. */
import { readdirSync } from 'node:fs';
import { sha384 } from '@noble/hashes/sha2.js';
import { sharedFile, sharedPath } from '#test/shared.ts';
import { type Bytes, concat, fromHex, fromUtf8, isZero, toHex } from '#verifier/bytes.ts';

const folder = 'vectors/wycheproof';

/** What is read of a file; the names are Wycheproof's. */
type File = {
  readonly algorithm: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
};
type Group = {
  readonly type: string;
  readonly sha?: string;
  readonly publicKey?: { readonly curve?: string; readonly uncompressed?: string };
  readonly publicKeyDer?: string;
  readonly tests: readonly Test[];
};
type Test = {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: string;
};

export type P384Case = {
  /** File, number and comment. */
  readonly id: string;
  /** SHA-384 of the message, 48 bytes. */
  readonly digest: Bytes;
  /** x ‖ y, 96 bytes, big-endian; null when the file's key is no point in uncompressed form. */
  readonly publicKey: Bytes | null;
  /** r ‖ s, 96 bytes, big-endian; null when the file's bytes stand for no two integers of 48 bytes. */
  readonly signature: Bytes | null;
  readonly valid: boolean;
  /** Why a circuit cannot be given the case as it is; null when it can, or when it is refused for its numbers before one is. */
  readonly excluded: string | null;
};

/** What a signature's bytes stand for. */
type Read =
  | { readonly kind: 'numbers'; readonly signature: Bytes }
  /** Two integers, of which one is negative or has more than 48 bytes: refused whatever reads it. */
  | { readonly kind: 'out of range' }
  /** Refused for its encoding, which a circuit never sees. */
  | { readonly kind: 'malformed'; readonly reason: string };

const scalarLength = 48;

/** Every case of the files of ECDSA on P-384 with SHA-384, in the order of the files' names. */
export function p384Cases(): P384Case[] {
  return readdirSync(sharedPath(folder))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => casesOf(name));
}

function casesOf(name: string): P384Case[] {
  const file: File = JSON.parse(fromUtf8(sharedFile(`${folder}/${name}`), name));
  const groups = file.testGroups.filter(isP384Sha384);
  if (groups.length === 0) return [];
  const cases = groups.flatMap((group) => group.tests.map((test) => caseOf(name, group, test)));
  // A group of another curve or hash would be another file's: none is left out unseen.
  if (groups.length !== file.testGroups.length || cases.length !== file.numberOfTests) {
    throw new Error(
      `${name}: ${cases.length} of ${file.numberOfTests} cases are of P-384, SHA-384`,
    );
  }
  return cases;
}

function isP384Sha384({ type, sha, publicKey }: Group): boolean {
  return type.startsWith('Ecdsa') && publicKey?.curve === 'secp384r1' && sha === 'SHA-384';
}

function caseOf(name: string, { type, publicKey }: Group, test: Test): P384Case {
  const { tcId, comment, msg, sig, result } = test;
  const read = readerOf(type, name)(fromHex(sig, 'sig'));
  return {
    id: `${name} ${tcId} ${comment}`,
    digest: sha384(fromHex(msg, 'msg')),
    publicKey: pointOf(publicKey?.uncompressed),
    signature: read.kind === 'numbers' ? read.signature : null,
    valid: validOf(result, `${name} ${tcId}`),
    excluded: read.kind === 'malformed' ? read.reason : null,
  };
}

/** @throws Error for `acceptable`, which would need a word of ours */
function validOf(result: string, what: string): boolean {
  if (result !== 'valid' && result !== 'invalid') throw new Error(`${what} is ${result}`);
  return result === 'valid';
}

/** 04 ‖ x ‖ y. Whether the point is on the curve is the circuit's to say. */
function pointOf(uncompressed = ''): Bytes | null {
  return /^04[0-9a-f]{192}$/.test(uncompressed) ? fromHex(uncompressed.slice(2), 'key') : null;
}

function readerOf(type: string, name: string): (bytes: Bytes) => Read {
  if (type === 'EcdsaP1363Verify') return fromP1363;
  if (type === 'EcdsaVerify') return fromDer;
  throw new Error(`${name}: unknown type ${type}`);
}

/**
 * IEEE P1363: r ‖ s, each of 48 bytes. Longer halves are two numbers all the same, too large unless zeros alone are in front;
 * shorter ones are a length that the encoding does not have.
 */
export function fromP1363(bytes: Bytes): Read {
  const half = bytes.length / 2;
  if (half === scalarLength) return { kind: 'numbers', signature: bytes };
  const isLonger = Number.isInteger(half) && half > scalarLength;
  const fits = (number: Bytes) => isZero(number.subarray(0, half - scalarLength));
  if (isLonger && !(fits(bytes.subarray(0, half)) && fits(bytes.subarray(half))))
    return { kind: 'out of range' };
  return { kind: 'malformed', reason: `${bytes.length} bytes, a signature has 96` };
}

/** DER (X.690): SEQUENCE of two INTEGERs, each in its shortest form, and nothing after them. */
export function fromDer(bytes: Bytes): Read {
  const outer = elementAt(bytes, 0, 0x30);
  if (typeof outer === 'string') return { kind: 'malformed', reason: outer };
  if (outer.end !== bytes.length) return { kind: 'malformed', reason: 'bytes after the sequence' };
  const r = integerAt(outer.content, 0);
  if (typeof r === 'string') return { kind: 'malformed', reason: `r: ${r}` };
  const s = integerAt(outer.content, r.end);
  if (typeof s === 'string') return { kind: 'malformed', reason: `s: ${s}` };
  if (s.end !== outer.content.length) return { kind: 'malformed', reason: 'bytes after s' };
  const numbers = [r.magnitude, s.magnitude];
  const fitting = numbers.filter((number) => number !== null && number.length <= scalarLength);
  if (fitting.length !== numbers.length) return { kind: 'out of range' };
  return {
    kind: 'numbers',
    signature: concat(...fitting.map((number) => padded(number as Bytes))),
  };
}

function padded(number: Bytes): Bytes {
  return concat(new Uint8Array(scalarLength - number.length), number);
}

type Element = { readonly content: Bytes; readonly end: number };

/** @returns what is wrong with it, in words, when it is no such element */
function elementAt(bytes: Bytes, at: number, tag: number): Element | string {
  const [found, first, second] = bytes.subarray(at, at + 3);
  if (found !== tag) return `tag ${hexOf(found)}, expected ${hexOf(tag)}`;
  if (first === undefined) return 'no length';
  // Two integers of P-384's size need no second byte, longer ones do.
  if (first === 0x81 && (second === undefined || second < 0x80))
    return 'a length not in its shortest form';
  if (first > 0x81 || first === 0x80) return `a length that begins with ${hexOf(first)}`;
  const start = at + (first === 0x81 ? 3 : 2);
  const end = start + (first === 0x81 ? (second as number) : first);
  return end > bytes.length ? 'cut off' : { content: bytes.subarray(start, end), end };
}

function hexOf(byte: number | undefined): string {
  return byte === undefined ? 'none' : toHex(Uint8Array.of(byte));
}

/** @returns its magnitude without a sign byte, null when it is negative */
function integerAt(
  bytes: Bytes,
  at: number,
): { readonly magnitude: Bytes | null; readonly end: number } | string {
  const element = elementAt(bytes, at, 0x02);
  if (typeof element === 'string') return element;
  const { content, end } = element;
  const [first, second = 0] = content;
  if (first === undefined) return 'an integer without content';
  const isPadded =
    content.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (isPadded) return 'an integer not in its shortest form';
  if (first >= 0x80) return { magnitude: null, end };
  return { magnitude: first === 0 ? content.subarray(1) : content, end };
}
