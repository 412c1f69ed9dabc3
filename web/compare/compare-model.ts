/** Two pieces of evidence side by side: what is the same, what differs, and what cannot be compared. Nothing here is verified. */
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { canonicalJson } from '#verifier/json.ts';
import type { ShowField, ShowPart, ShowSection } from '#verifier/show/document.ts';
import { formatTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { seenIn } from '../policy/seen.ts';

/** `only`: one side alone has it, and there is nothing to compare. */
export type Likeness = 'same' | 'differs' | 'only';

/** Null on the side that has none. */
export type Pair<T> = { left: T | null; right: T | null };

function likenessOf<T>({ left, right }: Pair<T>, same: (a: T, b: T) => boolean): Likeness {
  if (left === null || right === null) return 'only';
  return same(left, right) ? 'same' : 'differs';
}

// ——— At a glance: the questions that a person has.

/** By question, the members of a policy that would name the answer. */
const questions = {
  software: [
    'sevSnp.measurement',
    'tdx.mrTd',
    'tdx.rtmr0',
    'tdx.rtmr1',
    'tdx.rtmr2',
    'tdx.rtmr3',
    'sgx.mrEnclave',
    'sgx.mrSigner',
    'nitro.pcrs',
    'tpm.pcrs',
  ],
  closure: ['closureDigest'],
  services: ['treeRoot'],
  firmware: [
    'sevSnp.minimumTcb.reported',
    'sevSnp.minimumFirmware',
    'tdx.minimumTeeTcbSvn',
    'tdx.tcb.acceptedStatuses',
    'sgx.tcb.acceptedStatuses',
    'tpm.firmware',
  ],
  processor: ['sevSnp.product', 'tdx.platform.fmspc', 'sgx.platform.fmspc'],
  machine: [
    'sevSnp.chipId',
    'tdx.platform.ppid',
    'tdx.platform.instanceId',
    'sgx.platform.ppid',
    'nitro.moduleId',
  ],
  channel: ['channel'],
} as const;
export type Question = keyof typeof questions;

export type GlanceLine = Pair<string> & { member: string; likeness: Likeness };
export type Glance = {
  question: Question;
  /** `only` where no line can be compared. */
  likeness: Likeness;
  lines: GlanceLine[];
};

/** Questions that at least one side answers. */
export function glanceOf(left: Verified, right: Verified): Glance[] {
  const [a, b] = [seenIn(left), seenIn(right)];
  return (Object.keys(questions) as Question[]).flatMap((question) => {
    const lines = questions[question].flatMap((member): GlanceLine[] => {
      const [one, other] = [a.get(member), b.get(member)];
      const has = { left: one?.value !== undefined, right: other?.value !== undefined };
      if (!has.left && !has.right) return [];
      const pair = {
        left: has.left ? (one?.words ?? null) : null,
        right: has.right ? (other?.words ?? null) : null,
      };
      const likeness = likenessOf(
        pair,
        () => canonicalJson(one?.value) === canonicalJson(other?.value),
      );
      return [{ member, ...pair, likeness }];
    });
    return lines.length === 0 ? [] : [{ question, likeness: worstOf(lines), lines }];
  });
}

function worstOf(lines: readonly { likeness: Likeness }[]): Likeness {
  const has = (wanted: Likeness) => lines.some(({ likeness }) => likeness === wanted);
  if (has('differs')) return 'differs';
  if (!has('same')) return 'only';
  return has('only') ? 'differs' : 'same';
}

/** The logs of two bundles: entries that both begin with, and what each has after them. Null unless both have one. */
export type LogLikeness = { common: number; left: number; right: number; likeness: Likeness };

export function compareLogs(left: Verified, right: Verified): LogLikeness | null {
  if (left.bundle === null || right.bundle === null) return null;
  const [a, b] = [entriesOf(left.bundle), entriesOf(right.bundle)];
  const differing = a.findIndex((entry, index) => entry !== b[index]);
  const common = differing === -1 ? a.length : differing;
  const rest = { left: a.length - common, right: b.length - common };
  return { common, ...rest, likeness: rest.left + rest.right === 0 ? 'same' : 'differs' };
}

/** In the order of time; trees before events of the same second, as neither says which came first. */
function entriesOf({ trees, events }: NonNullable<Verified['bundle']>): string[] {
  return [...trees, ...events].toSorted((one, other) => one.time - other.time).map(canonicalJson);
}

// ——— Checks.

export type CheckPair = Pair<CheckResult> & {
  id: CheckId;
  likeness: Likeness;
  /** The status differs, which is more than that a value does. */
  isNews: boolean;
};

/** What they compare is new with each piece of evidence: only whether they pass is told. */
const ofTheRound: readonly CheckId[] = ['binding.nonce', 'binding.freshness', 'policy.report-data'];

/** Every check of either verdict, in the order of the left one and then of the right. */
export function compareChecks(left: Verdict, right: Verdict): CheckPair[] {
  const ids = [...new Set([...left.checks, ...right.checks].map(({ id }) => id))];
  const find = ({ checks }: Verdict, id: CheckId) => checks.find((one) => one.id === id) ?? null;
  return ids.map((id) => {
    const pair = { left: find(left, id), right: find(right, id) };
    const likeness = likenessOf(
      pair,
      (a, b) =>
        a.status === b.status &&
        (ofTheRound.includes(id) || timeless(a.actual, left.at) === timeless(b.actual, right.at)),
    );
    const isNews = likeness === 'differs' && pair.left?.status !== pair.right?.status;
    return { id, ...pair, likeness, isNews };
  });
}

/** That it is later there is no difference. */
function timeless(text: string | null, at: number): string | null {
  return text?.replaceAll(formatTime(at), 'now') ?? null;
}

// ——— Fields, of the evidence and of what came with it.

export type FieldPair = Pair<ShowField> & { name: string; likeness: Likeness; parts: PartPair[] };
export type PartPair = Pair<string> & { name: string };
export type SectionPair = {
  title: string;
  /** `only`: the other side has no such section, and its fields are not listed. */
  likeness: Likeness;
  side: 'left' | 'right' | null;
  fields: FieldPair[];
  /** How many of them are the same on both sides. */
  same: number;
};

/** Sections by their kind, fields by their name, each the first with the first of its kind. */
export function compareSections(
  left: readonly ShowSection[],
  right: readonly ShowSection[],
): SectionPair[] {
  return paired(left, right, sectionKey).map(({ left: a, right: b }) => {
    const title = sectionKey((a ?? b) as ShowSection);
    if (a === null || b === null) {
      return { title, likeness: 'only', side: a === null ? 'right' : 'left', fields: [], same: 0 };
    }
    const fields = paired(a.fields, b.fields, fieldKeyOf(a, b)).map(compareField);
    const same = fields.filter(({ likeness }) => likeness === 'same').length;
    const likeness = same === fields.length ? 'same' : 'differs';
    return { title, likeness, side: null, fields, same };
  });
}

/** A name that stands there more often than this is that of a list, such as of revoked certificates, whose order says little. */
const longestRow = 4;

/** Fields go by their names, those of a list by what they say. */
function fieldKeyOf(...sections: readonly ShowSection[]): (field: ShowField) => string {
  const nameOf = ({ key, name }: ShowField) => key ?? name;
  const lists = new Set(
    sections.flatMap(({ fields }) => {
      const counts = new Map<string, number>();
      for (const field of fields) counts.set(nameOf(field), (counts.get(nameOf(field)) ?? 0) + 1);
      return [...counts].filter(([, count]) => count > longestRow).map(([name]) => name);
    }),
  );
  return (field) =>
    lists.has(nameOf(field)) ? JSON.stringify([nameOf(field), field.value]) : nameOf(field);
}

function compareField(pair: Pair<ShowField>): FieldPair {
  const { left, right } = pair;
  const likeness = likenessOf(pair, (a, b) => a.value === b.value && sameParts(a, b));
  const parts =
    likeness === 'differs'
      ? paired(left?.parts ?? [], right?.parts ?? [], ({ name }) => name)
          .filter((one) => one.left?.value !== one.right?.value)
          .map((one) => ({
            name: ((one.left ?? one.right) as ShowPart).name,
            left: one.left?.value ?? null,
            right: one.right?.value ?? null,
          }))
      : [];
  return { name: ((left ?? right) as ShowField).name, ...pair, likeness, parts };
}

function sameParts(a: ShowField, b: ShowField): boolean {
  return canonicalJson(a.parts ?? []) === canonicalJson(b.parts ?? []);
}

/** A title without what is of one piece alone: how long it is. */
export function sectionKey({ title }: Pick<ShowSection, 'title'>): string {
  return title.replace(/, \d+ bytes$/, '').replace(/: (certificate|revocation list)$/, '');
}

/** The n-th of a key on the left with the n-th of it on the right; the left order first. */
function paired<T>(left: readonly T[], right: readonly T[], keyOf: (one: T) => string): Pair<T>[] {
  const waiting = new Map<string, T[]>();
  for (const one of right) waiting.set(keyOf(one), [...(waiting.get(keyOf(one)) ?? []), one]);
  const pairs: Pair<T>[] = left.map((one) => ({
    left: one,
    right: waiting.get(keyOf(one))?.shift() ?? null,
  }));
  const rest = new Set([...waiting.values()].flat());
  return [
    ...pairs,
    ...right.filter((one) => rest.has(one)).map((one) => ({ left: null, right: one })),
  ];
}
