/** How a policy speaks of a register that only ever grows: an RTMR, a PCR. */
import { type Decoder, described, object, schemaOf, shapeError } from '../json.ts';
import { hexText, setOf } from './sets.ts';

/**
 * A set of values, or what may have been measured on the way: every event of the register, of which there is one at least, has one
 * of these digests, in any order. All as lower-case hex.
 */
export type RegisterRule = 'any' | string[] | { events: string[] };

/** @param length of a digest, in bytes */
export function registerRule(length: number): Decoder<RegisterRule> {
  const values = setOf(hexText(length));
  const byEvents = object({ events: values });
  const decode: Decoder<RegisterRule> = (value, path) => {
    if (value === 'any') return 'any';
    if (Array.isArray(value)) return values(value, path);
    if (typeof value !== 'object' || value === null) {
      throw shapeError(path, '"any", a set of values, or the member events', value);
    }
    return byEvents(value, path);
  };
  return described(decode, () => ({
    anyOf: [{ const: 'any' }, schemaOf(values), schemaOf(byEvents)],
  }));
}

/** Whether the rule is about events, and so needs the log of them. */
export function isByEvents(rule: RegisterRule): rule is { events: string[] } {
  return rule !== 'any' && !Array.isArray(rule);
}
