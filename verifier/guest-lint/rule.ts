/** What a rule of the lint is. Ids are API; texts are not. */
import type { GuestDescription } from './description.ts';

/**
 * `error`: the host, or whoever has the console or a disk, can run code in the guest or read its secrets, and the evidence does
 * not show it. `warning`: it can change what measured code does, or sees what it should not. `note`: known, and not closed by
 * the configuration of a guest alone.
 */
export const severities = ['error', 'warning', 'note'] as const;
export type Severity = (typeof severities)[number];

/** Where in the description, and what is there. */
export type Hit = { at: string; what: string };

export type Rule = {
  id: string;
  severity: Severity;
  /** What is so, as a sentence without its full stop. */
  title: string;
  /** What the host can do with it. */
  why: string;
  /** What a person does about it. */
  close: string;
  /** Where the facts are from. */
  spec: string;
  /** Pure. Empty for a guest that has closed it, and for what the description does not know. */
  find: (description: GuestDescription) => Hit[];
};

export function hitIf(condition: boolean, at: string, what: string): Hit[] {
  return condition ? [{ at, what }] : [];
}
