/** Decisions read back, the newest first: how they are searched, and the last of them in memory where no log is kept. */
import type { Decision } from '../appraise/verdict.ts';
import type { UnixTime } from '../time.ts';
import type { DecisionRow, DecisionsAnswer } from './answers.ts';
import type { DecisionEntry } from './ports.ts';

export type DecisionQuery = {
  /** Only what comes before this place of an earlier answer; null: from the end. */
  before: string | null;
  /** Only what comes after this place; null: all. */
  after: string | null;
  /** Words that a row must all have. */
  words: readonly string[];
  decision: Decision | null;
  limit: number;
};

/** Gives one answer for a bounded amount of work, however much there is to read. */
export type DecisionHistory = { read(query: DecisionQuery): Promise<DecisionsAnswer> };

/** What separates words is no part of any. */
export function wordsOf(search: string): string[] {
  return search.toLowerCase().split(' ').filter(Boolean);
}

type Searched = Readonly<{
  policyName: string;
  decision: Decision;
  failed: readonly string[];
  skipped: readonly string[];
  waived: readonly string[];
  evidence: string;
}>;

/** Each word is in the policy's name, the decision or the id of a check that did not pass, or begins the digest of the evidence. */
export function matches(
  row: Searched,
  { words, decision }: Pick<DecisionQuery, 'words' | 'decision'>,
): boolean {
  if (decision !== null && row.decision !== decision) return false;
  if (words.length === 0) return true;
  const texts = [
    row.policyName.toLowerCase(),
    row.decision,
    ...row.failed,
    ...row.skipped,
    ...row.waived,
  ];
  return words.every(
    (word) => texts.some((text) => text.includes(word)) || row.evidence.startsWith(word),
  );
}

/** A place between two decisions: of which row of decisions, and after how much of it. */
export type Place = { source: string; at: number };

export const placePattern = '^[0-9a-z]{1,24}-[0-9]{1,16}$';

export function placeText({ source, at }: Place): string {
  return `${source}-${at}`;
}

/** @param text of the pattern above */
export function parsePlace(text: string): Place {
  const [source = '', at = ''] = text.split('-');
  return { source, at: Number(at) };
}

/** The last decisions of this run. */
export class RecentDecisions implements DecisionHistory {
  readonly #source: string;
  readonly #capacity: number;
  readonly #kept: DecisionEntry[] = [];
  #total = 0;

  /** @param since sets this run's places apart from those of another */
  constructor(since: UnixTime, capacity = 2000) {
    this.#source = since.toString(36);
    this.#capacity = capacity;
  }

  add(entry: DecisionEntry): void {
    this.#kept.push(entry);
    this.#total += 1;
    if (this.#kept.length > this.#capacity) this.#kept.shift();
  }

  async read(query: DecisionQuery): Promise<DecisionsAnswer> {
    const oldest = this.#total - this.#kept.length;
    const [before, after] = [this.#numberOf(query.before), this.#numberOf(query.after)];
    const end = query.before === null ? this.#total : Math.min(before ?? 0, this.#total);
    const start = Math.max(oldest, after ?? 0);
    const decisions: DecisionRow[] = [];
    let number = end;
    while (number > start && decisions.length < query.limit) {
      number -= 1;
      const entry = this.#kept[number - oldest] as DecisionEntry;
      if (matches(entry, query))
        decisions.push({ id: placeText({ source: this.#source, at: number }), ...shown(entry) });
    }
    const place = (at: number) => placeText({ source: this.#source, at });
    const left = number > start;
    return {
      decisions,
      newest: place(this.#total),
      older: left ? place(number) : null,
      reached: left ? (decisions.at(-1)?.at ?? null) : null,
      damaged: 0,
    };
  }

  /** Null for none, and for one of another run. */
  #numberOf(text: string | null): number | null {
    if (text === null) return null;
    const { source, at } = parsePlace(text);
    return source === this.#source ? at : null;
  }
}

function shown(entry: DecisionEntry): Omit<DecisionRow, 'id'> {
  const { at, evidence, policy, policyName, mode, decision, expires } = entry;
  const { failed, skipped, waived } = entry;
  return {
    at,
    evidence,
    policy,
    policyName,
    mode,
    decision,
    failed: [...failed],
    skipped: [...skipped],
    waived: [...waived],
    expires,
  };
}
