/** A policy that is being written: the object that the form shows, the text that the editor shows, and how each follows the other. */
import { type Policy, parsePolicy, policyDigest, toPolicy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { pinPolicy } from '#verifier/policy-tools/pin.ts';
import type { Verified } from '#verifier/verified.ts';
import { freshnessOf } from './seen.ts';
import { isObject, policyRows, type Row, valueAt, withValue } from './shape.ts';

export type Draft = {
  /** What Reset goes back to. */
  start: Policy;
  /** The last that could be read: what the form shows and the verdict is under. */
  policy: Policy;
  /** As typed. While it cannot be read it is not what `policy` is. */
  text: string;
  /** Why the text cannot be read, in the reader's words; null when `policy` is what it says. */
  problem: string | null;
  /** Policies before, the last change last. */
  past: readonly Policy[];
};

/** As `affidavit policy init` writes it. */
export function textOf(policy: Policy): string {
  return `${JSON.stringify(policy, null, 2)}\n`;
}

export function digestOf(policy: Policy): string {
  return toHex(policyDigest(policy));
}

/** @param text as its author wrote it, where there is one */
export function draftOf(policy: Policy, text: string = textOf(policy)): Draft {
  return { start: policy, policy, text, problem: null, past: [] };
}

/** How far back Undo goes. */
const longestPast = 100;

/**
 * The form's way in: one member takes another value.
 * @returns the draft with it, or why no policy can say that, and nothing changes
 */
export function choose(
  draft: Draft,
  path: readonly string[],
  value: unknown,
): { draft: Draft } | { problem: string } {
  const read = attempt(() => toPolicy(withValue(draft.policy, path, value)));
  if ('problem' in read) return read;
  return { draft: changed(draft, read.policy, textOf(read.policy)) };
}

/** The editor's way in, for JSON: what is typed is kept, whether it can be read or not. */
export function typed(draft: Draft, text: string): Draft {
  const read = attempt(() => parsePolicy(utf8(text)));
  return withReading(draft, text, read);
}

export type Reading = { policy: Policy } | { problem: string };

/** The same for text that another reader has read. */
export function withReading(draft: Draft, text: string, read: Reading): Draft {
  return 'problem' in read
    ? { ...draft, text, problem: placed(read.problem, text) }
    : changed(draft, read.policy, text);
}

/** Back by one change; what is typed and cannot be read goes first. */
export function undo(draft: Draft): Draft {
  if (draft.problem !== null) return { ...draft, text: textOf(draft.policy), problem: null };
  const before = draft.past.at(-1);
  if (before === undefined) return draft;
  const past = draft.past.slice(0, -1);
  return { ...draft, policy: before, text: textOf(before), past };
}

export function reset(draft: Draft): Draft {
  return changed({ ...draft, problem: null }, draft.start, textOf(draft.start));
}

/** @returns the policy, or the words of the reader that refused it */
export function attempt(make: () => Policy): Reading {
  try {
    return { policy: make() };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { problem: error.message };
  }
}

function changed(draft: Draft, policy: Policy, text: string): Draft {
  const same = digestOf(policy) === digestOf(draft.policy);
  const past = same ? draft.past : [...draft.past, draft.policy].slice(-longestPast);
  return { ...draft, policy, text, problem: null, past };
}

/** `at character 812` says little in an editor: its line and column are added. */
function placed(message: string, text: string): string {
  const [, found] = / at character (\d+)$/.exec(message) ?? [];
  if (found === undefined) return message;
  const before = text.slice(0, Number(found)).split('\n');
  return `${message}: line ${before.length}, column ${(before.at(-1) as string).length + 1}`;
}

export type PinnedStart = {
  policy: Policy;
  /** The verdict on the evidence under its own policy, where that does not accept it: then the command line writes none. */
  refusal: Verdict | null;
};

/** The strictest policy that fits the evidence. One that is refused under it is given too: the reader sees what it lacks. */
export function pinnedStart(verified: Verified): PinnedStart {
  const outcome = pinPolicy(verified);
  if ('pinned' in outcome) return { policy: outcome.pinned.policy, refusal: null };
  const { verdict, policy } = outcome.refusal;
  // It was judged with these two aside, which only the next evidence can show.
  const channel = verified.bundle?.channel?.kind;
  const asked = {
    ...policy,
    freshness: freshnessOf(verified),
    channel: channel === undefined ? 'any' : [channel],
  };
  return { policy: toPolicy(asked), refusal: verdict };
}

/** Members that hold for this evidence, and those that wait for evidence of another kind. */
export type Laid = { shown: Row[]; kept: Row[]; missing: string[] };

const everywhere = ['closureDigest', 'treeRoot', 'devices', 'freshness', 'channel', 'waivers'];

/**
 * @param kinds top members that the evidence is of, such as `sevSnp`; null without evidence: all that the policy has
 * @returns every row that the policy has once, and the kinds that it lacks, of which it refuses all evidence
 */
export function layOut(policy: Policy, kinds: readonly string[] | null): Laid {
  const wanted = (name: string) =>
    kinds === null || everywhere.includes(name) || name === 'references' || kinds.includes(name);
  const present = policyRows().filter(({ path }) => valueAt(policy, path) !== undefined);
  return {
    shown: present.filter(({ path }) => wanted(path[0] as string)),
    kept: present.filter(({ path }) => !wanted(path[0] as string)),
    missing: (kinds ?? []).filter((name) => valueAt(policy, [name]) === undefined),
  };
}

/** Whether a rule asks for anything: `any`, `allowed` and lists of nothing do not. */
export function asks(value: unknown): boolean {
  if (value === 'any' || value === 'allowed' || value === 'dangerously-allowed') return false;
  if (value === 0) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.values(value).some(asks);
  return true;
}
