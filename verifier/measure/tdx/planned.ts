/** One event of a boot that was not yet made. */
import type { Bytes } from '../../bytes.ts';
import { sha384 } from './digest.ts';
import type { Register } from './event-log.ts';

export type PlannedEvent = {
  readonly register: Register;
  readonly type: number;
  /** What was measured, in words. */
  readonly what: string;
  readonly digest: Bytes | null;
  /** What would have to be given for a digest, in words; null where there is one. */
  readonly needs: string | null;
};

export function measured(
  register: Register,
  type: number,
  what: string,
  data: Bytes,
): PlannedEvent {
  return { register, type, what, digest: sha384(data), needs: null };
}

export function unknown(
  register: Register,
  type: number,
  what: string,
  needs: string,
): PlannedEvent {
  return { register, type, what, digest: null, needs };
}
