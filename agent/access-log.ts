/**
 * The access log: a JSON line for each request. It holds what operators count by and nothing that a
 * client chose: no URL, query, nonce, header, body or address.
 */
import { type DestinationStream, type Level, pino } from 'pino';
import type { AccessEntry } from './app.ts';
import type { Config } from './config.ts';

export type AccessLevel = NonNullable<Config['accessLog']>;

/**
 * @param clock milliseconds that never go back
 * @returns called when a request comes; what it returns is called with the answer
 */
export function createAccessLog(options: {
  readonly level: AccessLevel;
  readonly to: DestinationStream;
  readonly clock: () => number;
}): () => (entry: AccessEntry) => void {
  const { level, to, clock } = options;
  const log = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    to,
  );
  return () => {
    const start = clock();
    return (entry) => {
      const ms = Math.round((clock() - start) * 10) / 10;
      log[levelOf(entry.status)]({ ...entry, ms }, 'request');
    };
  };
}

function levelOf(status: number): Level {
  if (status >= 500) return 'error';
  return status >= 400 ? 'warn' : 'info';
}
