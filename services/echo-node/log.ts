/**
 * What operators read of an echo service: one JSON object a line. It tells what the service did, never
 * what a client asked or which key signs.
 */
import { formatTime, type UnixTime } from '#verifier/time.ts';

export type LogEvent =
  | { readonly event: 'listening'; readonly address: string; readonly port: number }
  /** A connection was turned away while so many were served. */
  | { readonly event: 'busy'; readonly connections: number }
  | { readonly event: 'stopping' }
  /** Lines answered with a signature, and connections served, since the start. */
  | { readonly event: 'stopped'; readonly answered: number; readonly connections: number }
  | { readonly event: 'fault'; readonly reason: string };

const levels = {
  listening: 'info',
  busy: 'warn',
  stopping: 'info',
  stopped: 'info',
  fault: 'error',
} as const satisfies Record<LogEvent['event'], string>;

/**
 * JSON, no spaces, and LF: `time` (RFC 3339 UTC, seconds) · `level` · `service` · `event` · the event's
 * own members.
 */
export function logLine(service: string, time: UnixTime, entry: LogEvent): string {
  const { event, ...own } = entry;
  const head = { time: formatTime(time), level: levels[event], service, event };
  return `${JSON.stringify({ ...head, ...own })}\n`;
}

/**
 * A flood of refused connections writes one line a second at most.
 * @param clock milliseconds that never go back
 */
export function oncePerSecond<T>(
  clock: () => number,
  tell: (value: T) => void,
): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = clock();
    if (now - last < 1000) return;
    last = now;
    tell(value);
  };
}
