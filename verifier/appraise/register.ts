/** One register against what the policy says of it. */
import type { EventClaimOfLog } from '../verified.ts';
import { isByEvents, type RegisterRule } from './register-policy.ts';

export type RegisterOutcome =
  | { status: 'fits' }
  | { status: 'differs'; reason: string }
  /** Nobody can tell for want of this, a noun phrase. */
  | { status: 'unknown'; lacks: string };

/**
 * @param actual the quoted value, hex
 * @param events what was measured into this very register, of a log that replays to it; null without one
 */
export function judgeRegister(
  actual: string,
  rule: RegisterRule,
  events: readonly EventClaimOfLog[] | null,
): RegisterOutcome {
  if (rule === 'any') return { status: 'fits' };
  if (!isByEvents(rule)) {
    return rule.includes(actual)
      ? { status: 'fits' }
      : { status: 'differs', reason: 'something else was measured than the policy names' };
  }
  if (events === null) {
    return {
      status: 'unknown',
      lacks: 'an event log that replays to it, by which its events are known',
    };
  }
  // A register without events is one that nobody measured into: what should have been measured ran all the same.
  if (events.length === 0) return { status: 'differs', reason: 'nothing was measured into it' };
  const other = events.find(({ digest }) => !rule.events.includes(digest));
  return other === undefined
    ? { status: 'fits' }
    : {
        status: 'differs',
        reason: `event ${events.indexOf(other) + 1} of it is not one that the policy names: ${describeEvent(other)}`,
      };
}

function describeEvent({ type, digest, what }: EventClaimOfLog): string {
  return `${type} ${digest}${what === '' ? '' : ` (${what})`}`;
}

/** What the rule asks for, in words. */
export function describeRule(rule: RegisterRule): string {
  if (rule === 'any') return 'any';
  if (!isByEvents(rule)) return rule.join(' or ');
  const count = rule.events.length;
  return count === 1 ? 'made of the event named' : `made of the ${count} events named`;
}
