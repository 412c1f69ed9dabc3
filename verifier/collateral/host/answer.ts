/** HTTP answers: headers, dates, and bodies that are never read further than allowed. */
import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Bytes, concat } from '../../bytes.ts';
import type { UnixTime } from '../../time.ts';
import type { Answer } from '../ports.ts';
import { longestPause } from './pauses.ts';

type Headers = Answer['headers'];

/** Names in lower case, several of one name joined as RFC 9110, 5.3 has it. */
export function toHeaders(headers: object): Headers {
  const out: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (value != null)
      out[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return out;
}

/**
 * RFC 9110, 5.6.7, IMF-fixdate, the only form that may be sent.
 * @returns null for anything else, and for days that there are not
 */
export function parseHttpDate(text: string): UnixTime | null {
  const date = new Date(text);
  const time = Math.floor(date.getTime() / 1000);
  return time >= 0 && date.toUTCString() === text ? time : null;
}

/** The server's clock. */
export function serverDate(headers: Headers): UnixTime | null {
  return parseHttpDate(headers['date'] ?? '');
}

/**
 * Retry-After (RFC 9110, 10.2.3) in seconds, 1 s at least and a day at most. A date counts by the server's own clock,
 * where it tells it.
 * @returns null where the header is not there, or cannot be read
 */
export function secondsToWait(headers: Headers, now: UnixTime): number | null {
  const said = headers['retry-after']?.trim() ?? '';
  const date = parseHttpDate(said);
  const wait = /^\d+$/.test(said)
    ? Number(said)
    : date === null
      ? null
      : date - (serverDate(headers) ?? now);
  return wait === null ? null : Math.min(Math.max(wait, 1), longestPause);
}

export function isWebPage(headers: Headers): boolean {
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(headers['content-type'] ?? '');
}

/** Where a redirect leads, without what may be long or not for others; null where it does not say. */
export function pointedAt(headers: Headers, from: URL): string | null {
  const { location } = headers;
  if (location === undefined) return null;
  const target = URL.parse(location, from.href);
  if (target === null) return 'no address';
  return /^https?:$/.test(target.protocol)
    ? `${target.origin}${target.pathname.slice(0, 200)}`
    : target.protocol;
}

export type Read =
  | { readonly body: Bytes }
  | {
      readonly code: 'answer-too-large' | 'answer-wrong';
      readonly why: string;
      readonly cause?: unknown;
    };

/** @param limit bytes, as they come and as they are unpacked @throws what the stream or the signal throws */
export async function readBody(
  stream: Readable,
  encoding: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<Read> {
  const tooLarge = {
    code: 'answer-too-large',
    why: `its answer has more than ${limit} bytes`,
  } as const;
  const raw = await readAtMost(addAbortSignal(signal, stream), limit);
  if (raw === null) return tooLarge;
  if (encoding === undefined || /^identity$/i.test(encoding)) return { body: raw };
  if (!/^(?:x-)?gzip$/i.test(encoding)) {
    return { code: 'answer-wrong', why: 'its answer is packed in a way that was not asked for' };
  }
  try {
    return { body: new Uint8Array(await unpack(raw, { maxOutputLength: limit })) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return tooLarge;
    return { code: 'answer-wrong', why: 'its answer is no whole gzip', cause: error };
  }
}

const unpack = promisify(gunzip);

/** Lets go of the connection as soon as it is too much. @returns null for more than `limit` bytes */
async function readAtMost(stream: Readable, limit: number): Promise<Bytes | null> {
  const chunks: Bytes[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += (chunk as Bytes).length;
    if (length > limit) return null;
    chunks.push(chunk as Bytes);
  }
  return concat(...chunks);
}
