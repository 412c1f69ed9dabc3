/** How long each server is to be left alone, known to all processes that share a cache. */

import { AttestationError } from '../../errors.ts';
import { integer, object, oneOf, parseJson, text, unixTime, version } from '../../json.ts';
import type { UnixTime } from '../../time.ts';
import type { Folder } from './folder.ts';

/** Codes of CollateralError that a server is left alone after. */
export const pausingCodes = ['vendor-busy', 'vendor-unreachable'] as const;
export type PausingCode = (typeof pausingCodes)[number];

export type Pause = {
  readonly until: UnixTime;
  /** What happened, for people: the end of a sentence. */
  readonly why: string;
  readonly code: PausingCode;
  /** In a row. */
  readonly failures: number;
};

/** A host as in an address: with its port where that is not the usual one. All throw CollateralError `cache-unusable`. */
export type Pauses = {
  /** The last one, even when it has ended: the next may be longer. Null when the server answered since. */
  pauseOf(host: string): Promise<Pause | null>;
  /** Until when the server itself asked to be left alone. */
  pause(host: string, until: UnixTime, why: string): Promise<void>;
  /** After a failure: 2 s from `now`, twice as long after each further one, 10 minutes at most. */
  backOff(host: string, now: UnixTime, code: PausingCode, why: string): Promise<void>;
  /** The server answered. */
  resume(host: string): Promise<void>;
};

/** Nobody is left alone for longer, whatever a server says or a clock that was wrong has left in a file. */
export const longestPause = 86_400;
const firstBackoff = 2;
const longestBackoff = 600;

/** seconds = min(600, 2 · 2^(failures − 1)) @param failures in a row, with the last one */
export function backoffOf(failures: number): number {
  return Math.min(longestBackoff, firstBackoff * 2 ** (failures - 1));
}

/** Changes are read, then written: who changes a host's pause is alone at work on the host. */
export function openPauses(files: Folder): Pauses {
  const pauseOf = async (host: string): Promise<Pause | null> => {
    const found = await files.read('pauses', fileOf(host), maxLength);
    return found === null ? null : decodePause(found, host);
  };
  const write = (host: string, pause: Pause): Promise<void> =>
    files.write('pauses', fileOf(host), encodePause(host, pause));
  return {
    pauseOf,
    async pause(host, until, why) {
      const failures = failuresAfter(await pauseOf(host));
      await write(host, { until, why, code: 'vendor-busy', failures });
    },
    async backOff(host, now, code, why) {
      const failures = failuresAfter(await pauseOf(host));
      await write(host, { until: now + backoffOf(failures), why, code, failures });
    },
    async resume(host) {
      await files.remove('pauses', fileOf(host));
    },
  };
}

const maxLength = 8192;
/** Far beyond what the longest backoff takes. */
const maxFailures = 1000;

function failuresAfter(last: Pause | null): number {
  return Math.min((last?.failures ?? 0) + 1, maxFailures);
}

const maxWhy = 500;
const file = object({
  version: version(1),
  host: text(/^[\x21-\x7e]{1,255}$/, 'a host'),
  until: unixTime,
  why: text(/^[^\p{Cc}]{1,500}$/u, 'a reason of 1 to 500 characters'),
  code: oneOf(...pausingCodes),
  failures: integer(1, maxFailures),
});

function encodePause(host: string, { until, why, code, failures }: Pause): string {
  const line = why
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, maxWhy)
    .toWellFormed();
  return JSON.stringify({ version: 1, host, until, why: line, code, failures });
}

/** @returns null for a file that is damaged: then nothing is known of the host */
function decodePause(encoded: string, host: string): Pause | null {
  try {
    const { version: _, host: named, ...pause } = file(parseJson(encoded, host), host);
    return named === host ? pause : null;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** One file name, and one part of a lock's name, for each host: what is not usual in host names as `%` and hex. */
export function hostName(host: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(host))
    throw new RangeError(`not a host: ${JSON.stringify(host)}`);
  return host.replace(
    /[^a-z0-9.-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

const fileOf = (host: string): string => `${hostName(host)}.json`;
