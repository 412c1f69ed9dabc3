/**
 * All that a verdict was made of ⇄ the part of an address behind `#`, which browsers never send. Whoever opens such a link judges
 * anew: there is no verdict in it, and no nonce, for the reader of a link sent none.
 *
 *     data = base64url of deflate-raw of:
 *     version u8 = 1 ‖ flags u8 ‖ time u64 (flag 1) ‖ policy (flag 2) ‖ root (flag 4) ‖ count u16 ‖ count × file
 *     policy, root, file = length of name u8 ‖ name, UTF-8 ‖ length u32 ‖ bytes          integers little-endian
 */
import { readBase64Url } from '#verifier/abi/hcl-claims.ts';
import { type Bytes, concat, fromUtf8, Reader, toBase64, utf8, Writer } from '#verifier/bytes.ts';
import { AttestationError, type ErrorCode } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';
import { inputStrings as words } from '../strings/input.ts';
import { RefusedFile } from './refused-file.ts';
import type { GivenFile } from './sort-files.ts';

export type Linked = {
  /** At least one. */
  files: readonly GivenFile[];
  policy: GivenFile | null;
  insecureRoot: GivenFile | null;
  at: UnixTime | null;
};

/** 16 MiB: what a link may hold when it is unpacked. */
export const maxLinkedLength = 16 * 1024 * 1024;
/** 2 MB, in characters of the whole link: of what is longer, browsers and chat programs lose a part. */
export const safeLinkLength = 2_000_000;
export const maxLinkedFiles = 256;
/** Room for 16 MiB that cannot be made smaller. */
const maxDataLength = 24 * 1024 * 1024;

const version = 1;
const flags = { at: 1, policy: 2, root: 4 } as const;
const knownFlags = flags.at | flags.policy | flags.root;
const maxName = 255;

/** @throws RefusedFile `too-large` for more than a link may hold */
export async function encodeLink({ files, policy, insecureRoot, at }: Linked): Promise<string> {
  if (files.length === 0 || files.length > maxLinkedFiles)
    throw refusal('too-large', words.linkTooLarge(maxLinkedLength), words.linkTooLargeRemedy);
  const found =
    (at === null ? 0 : flags.at) |
    (policy === null ? 0 : flags.policy) |
    (insecureRoot === null ? 0 : flags.root);
  const bytes = concat(
    Uint8Array.of(version, found),
    at === null ? new Uint8Array() : new Writer(8).u64le(BigInt(at)).finish(),
    ...[policy, insecureRoot].flatMap((file) => (file === null ? [] : [encodeFile(file)])),
    new Writer(2).u16le(files.length).finish(),
    ...files.map(encodeFile),
  );
  if (bytes.length > maxLinkedLength)
    throw refusal('too-large', words.linkTooLarge(maxLinkedLength), words.linkTooLargeRemedy);
  const packed = await through(new CompressionStream('deflate-raw'), bytes, Infinity);
  return toBase64(packed).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/**
 * The inverse, strictly: an unknown version or flag, and every byte too many or too few, is an error.
 * @throws RefusedFile `too-large`, `base64-malformed`, `version-unknown`, `value-out-of-range`, `length-wrong`, `utf8-malformed`
 */
export async function decodeLink(data: string): Promise<Linked> {
  if (data.length > maxDataLength)
    throw refusal('too-large', words.linkTooLarge(maxLinkedLength), words.linkBrokenRemedy);
  const packed = reading(() => readBase64Url(data, words.link));
  const bytes = await through(new DecompressionStream('deflate-raw'), packed, maxLinkedLength);
  return reading(() => readContent(bytes));
}

function readContent(bytes: Bytes): Linked {
  const reader = new Reader(bytes, words.link);
  const found = reader.u8('version');
  if (found !== version) throw refusal('version-unknown', words.linkVersion(found, version));
  const set = reader.u8('flags');
  if ((set & ~knownFlags) !== 0) throw refusal('value-out-of-range', words.linkFlags);
  const at = (set & flags.at) === 0 ? null : readTime(reader);
  const policy = (set & flags.policy) === 0 ? null : readFile(reader);
  const insecureRoot = (set & flags.root) === 0 ? null : readFile(reader);
  const count = reader.u16le('number of files');
  if (count === 0 || count > maxLinkedFiles)
    throw refusal('value-out-of-range', words.linkCount(count, maxLinkedFiles));
  const files: GivenFile[] = [];
  for (let i = 0; i < count; i++) files.push(readFile(reader));
  reader.end();
  return { files, policy, insecureRoot, at };
}

/** Cut at a whole character. */
function encodeFile({ name, bytes }: GivenFile): Bytes {
  let short = name.toWellFormed();
  while (utf8(short).length > maxName) short = [...short].slice(0, -1).join('');
  const named = utf8(short);
  const length = new Writer(4).u32le(bytes.length).finish();
  return concat(Uint8Array.of(named.length), named, length, bytes);
}

function readFile(reader: Reader): GivenFile {
  const name = fromUtf8(reader.bytes(reader.u8('length of a name'), 'name'), words.link);
  const length = reader.u32le('length of a file');
  return { name, bytes: reader.bytes(length, 'file') };
}

function readTime(reader: Reader): UnixTime {
  const time = reader.u64le('time');
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw refusal('value-out-of-range', words.linkTime);
  return Number(time);
}

type Transform = { readable: ReadableStream<Bytes>; writable: WritableStream<Bytes> };

/** All that comes out, unless it is more than `limit`: then the rest is not even made. */
async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Bytes,
  limit: number,
): Promise<Bytes> {
  const { readable, writable } = stream as unknown as Transform;
  const writer = writable.getWriter();
  // What goes wrong comes out of the reader as well.
  const written = Promise.allSettled([writer.write(bytes), writer.close()]);
  const reader = readable.getReader();
  const chunks: Bytes[] = [];
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > limit) {
        await reader.cancel();
        throw refusal('too-large', words.linkTooLarge(limit), words.linkBrokenRemedy);
      }
      chunks.push(next.value);
    }
  } catch (error) {
    if (error instanceof AttestationError) throw error;
    throw refusal('length-wrong', words.linkBroken, words.linkBrokenRemedy);
  }
  await written;
  return concat(...chunks);
}

/** What a reader refuses, with what to do about a link. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError) || error instanceof RefusedFile) throw error;
    throw refusal(error.code, error.message);
  }
}

function refusal(code: ErrorCode, problem: string, remedy: string = words.linkBrokenRemedy) {
  return new RefusedFile(code, null, problem, remedy);
}
