/** Echo services: what a line asks for, and what is answered (protocol, "Signed response"). Pure. */
import { encodeResponse, signResponse } from '#verifier/abi/response.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';

/** Bytes of a line, LF not counted. */
export const maxLineLength = 4096;

export type EchoRequest = {
  /** 32 bytes; all zero when the client gave none. */
  readonly nonce: Bytes;
  readonly request: Bytes;
};

const at = 0x40;
const space = 0x20;
const lineFeed = 0x0a;
const nonceDigits = 64;

/**
 * `@<nonce, 64 hex> <request>` or, with zero nonce, any line not beginning with `@`. The request is
 * bytes: a CR belongs to it, and it need not be UTF-8.
 * @param line without its LF
 * @returns null for a bad line
 */
export function parseLine(line: Bytes): EchoRequest | null {
  if (line.length > maxLineLength) return null;
  if (line[0] !== at) return { nonce: new Uint8Array(32), request: new Uint8Array(line) };
  const request = 1 + nonceDigits + 1;
  if (line[request - 1] !== space) return null;
  // Latin-1: every byte is a character, and only hex digits pass.
  const digits = String.fromCharCode(...line.subarray(1, request - 1));
  try {
    const nonce = fromHex(digits, 'nonce', nonceDigits / 2);
    return { nonce, request: new Uint8Array(line.subarray(request)) };
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/**
 * body = request; answer = that JSON in the order above, no spaces, and LF.
 * @throws RangeError for a key or a time that cannot be, AttestationError `value-out-of-range` for
 * such a name
 */
export function answerLine(
  { nonce, request }: EchoRequest,
  service: string,
  privateKey: Bytes,
  time: UnixTime,
): Bytes {
  const response = signResponse({ service, nonce, time, request, body: request }, privateKey);
  return utf8(`${encodeResponse(response)}\n`);
}

export const badRequest: Bytes = utf8('{"error":"bad-request"}\n');

/** Not of the protocol: for a connection over the limit. */
export const busy: Bytes = utf8('{"error":"busy"}\n');

/** Cuts a stream into lines. */
export type LineReader = {
  /** The lines that end in this chunk; null, as the last one, for a line that is too long. */
  push(chunk: Bytes): (Bytes | null)[];
};

/** Keeps `maxLineLength` bytes of an unfinished line at most. */
export function createLineReader(): LineReader {
  let kept: Bytes = new Uint8Array();
  return {
    push(chunk) {
      const lines: (Bytes | null)[] = [];
      let start = 0;
      for (;;) {
        const end = chunk.indexOf(lineFeed, start);
        const part = chunk.subarray(start, end === -1 ? chunk.length : end);
        if (kept.length + part.length > maxLineLength) return [...lines, null];
        const line = concat(kept, part);
        if (end === -1) {
          kept = line;
          return lines;
        }
        kept = new Uint8Array();
        lines.push(line);
        start = end + 1;
      }
    },
  };
}
