/** Every rule, in the order in which findings are shown. `docs/guest-lint.md` lists them. */
import type { GuestDescription } from './description.ts';
import type { Hit, Rule } from './rule.ts';
import { accessRules } from './rules/access.ts';
import { agentRules } from './rules/agents.ts';
import { bootRules } from './rules/boot.ts';
import { parameterRules } from './rules/parameters.ts';
import { runningRules } from './rules/running.ts';
import { storageRules } from './rules/storage.ts';
import { unitRules } from './rules/units.ts';

const notSeen = {
  id: 'not-seen',
  severity: 'note',
  title: 'a part of the guest could not be seen',
  why: 'The rules that look there said nothing, and that means nothing.',
  close: 'Lint the description that the NixOS configuration gives; it leaves nothing out.',
  spec: 'docs/guest-lint.md, “A folder”',
  find: (description) => membersThatAreNull(description, ''),
} as const satisfies Rule;

/** Devices of file systems apart: some have none. */
function membersThatAreNull(value: object, path: string): Hit[] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (member === null) return [{ at, what: 'unknown' }];
    const isObject = typeof member === 'object' && !Array.isArray(member);
    return isObject ? membersThatAreNull(member as object, at) : [];
  });
}

export const rules = [
  ...bootRules,
  ...parameterRules,
  ...storageRules,
  ...unitRules,
  ...agentRules,
  ...accessRules,
  ...runningRules,
  notSeen,
] as const satisfies readonly Rule[];

export type RuleId = (typeof rules)[number]['id'];

const byId: ReadonlyMap<string, Rule> = new Map(rules.map((rule: Rule) => [rule.id, rule]));

/** Null for an id that no rule has. */
export function ruleOf(id: string): Rule | null {
  return byId.get(id) ?? null;
}

export function findAll(description: GuestDescription): { rule: Rule; hit: Hit }[] {
  return rules.flatMap((rule: Rule) => rule.find(description).map((hit) => ({ rule, hit })));
}
