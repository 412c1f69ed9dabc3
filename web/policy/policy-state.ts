/** The policy that the reader is writing, and what it makes of the evidence: kept while other views are looked at. */
import { computed, effect, signal } from '@preact/signals';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, parsePolicy, toPolicy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { utf8 } from '#verifier/bytes.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { AttestationError } from '#verifier/errors.ts';
import { asIfLive } from '#verifier/evidence-forms.ts';
import { type CheckChange, compareDecisions } from '#verifier/policy-tools/compare.ts';
import { type Finding, lintPolicy } from '#verifier/policy-tools/lint.ts';
import { noReferences } from '#verifier/reference/verified.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';
import type { Judged } from '../model/judge.ts';
import { give, judged } from '../model/session.ts';
import { show } from '../model/view.ts';
import { policyStrings } from '../strings/policy.ts';
import {
  attempt,
  choose,
  type Draft,
  draftOf,
  pinnedStart,
  textOf,
  typed,
  withReading,
} from './policy-draft.ts';
import { kindsOf, type Seen, seenIn, seenMembers } from './seen.ts';
import { valueAt } from './shape.ts';

/** Null until the reader has chosen what to start from. */
export const draft = signal<Draft | null>(null);
/** Of the evidence under the policy made from it, where that does not accept it. */
export const startRefusal = signal<Verdict | null>(null);
/** The draft began with the evidence: its values are believed, not known. */
export const fromEvidence = signal(false);
/** The evidence as if its nonce had been the reader's; null while that is not asked for. */
const live = signal<{ of: Judged; verified: Verified } | null>(null);
export const asLive = signal(false);

/** Only a saved bundle names a nonce and a channel that somebody else was given. */
export const canBeLive = computed(() => {
  const found = judged.value?.sorted.evidence;
  return found?.form === 'bundle' && found.nonce === null;
});

const verifiedNow = computed<Verified | null>(() => {
  const found = judged.value;
  if (found === null) return null;
  const again = live.value;
  return asLive.value && again?.of === found ? again.verified : found.verified;
});

effect(() => {
  const found = judged.value;
  if (!asLive.value || found === null || !canBeLive.value) return;
  if (live.peek()?.of === found) return;
  const { evidence, collateral } = found.sorted;
  if (evidence.form !== 'bundle') return;
  const again = asIfLive({ evidence, collateral });
  verify(again.evidence, collateral, found.roots, found.at, webCrypto).then((verified) => {
    if (judged.peek() === found) live.value = { of: found, verified };
  });
});

export type Effect = {
  verdict: Verdict;
  /** Checks that end otherwise than under the policy in force. */
  changes: readonly CheckChange[];
};

const policyNow = computed<Policy | null>(() => draft.value?.policy ?? null);

/** What the draft makes of the evidence; null without either. */
export const effectNow = computed<Effect | null>(() => {
  const [policy, verified, found] = [policyNow.value, verifiedNow.value, judged.value];
  if (policy === null || verified === null || found === null) return null;
  const { checks } = compareDecisions(verified, found.policy, policy);
  return { verdict: appraise(verified, policy, noReferences), changes: checks };
});

export const findingsNow = computed<readonly Finding[]>(() => {
  const policy = policyNow.value;
  if (policy === null) return [];
  return lintPolicy(policy, judged.value?.at ?? Math.floor(Date.now() / 1000));
});

export const seenNow = computed<ReadonlyMap<string, Seen>>(() => {
  const found = judged.value;
  return found === null ? new Map() : seenIn(found.verified);
});

/** Null without evidence: then every member of the policy is shown. */
export const kindsNow = computed<readonly string[] | null>(() => {
  const found = judged.value;
  return found === null ? null : kindsOf(found.verified);
});

/** A whole kind as the evidence has it; where it does not say, as `genuine` does. */
export function seenKind(name: string): unknown {
  const found = judged.value;
  const seen = found === null ? undefined : valueAt(seenMembers(found.verified), [name]);
  return seen ?? valueAt(genuinePolicy, [name]);
}

export function startFromEvidence(): void {
  const found = judged.value;
  if (found === null) return;
  const { policy, refusal } = pinnedStart(found.verified);
  begin(draftOf(policy), refusal);
  fromEvidence.value = true;
}

export function startFromGenuine(): void {
  // Changed it is no longer the built-in one, and must not bear its name.
  begin(draftOf(toPolicy({ ...genuinePolicy, name: policyStrings.start.genuineName })));
}

export function startFromForce(): void {
  const found = judged.value;
  if (found !== null) begin(draftOf(found.policy));
}

/** @returns why the text is no policy; null when the draft is what it says */
export async function startFromText(text: string): Promise<string | null> {
  const read = await reading(text);
  if ('problem' in read) return read.problem;
  begin(draftOf(read.policy, text));
  return null;
}

function begin(next: Draft, refusal: Verdict | null = null): void {
  const before = draft.value;
  // Starting again is a change like any other, and can be undone.
  const past = before === null ? [] : [...before.past, before.policy];
  draft.value = { ...next, past };
  startRefusal.value = refusal;
  fromEvidence.value = false;
}

/** @returns why no policy can say that; null when the draft says it now */
export function chooseMember(path: readonly string[], value: unknown): string | null {
  const before = draft.value;
  if (before === null) return null;
  const outcome = choose(before, path, value);
  if ('problem' in outcome) return outcome.problem;
  draft.value = outcome.draft;
  return null;
}

/** What is typed in the editor. YAML takes a reader that is loaded when it is first wanted. */
export function type(text: string): void {
  const before = draft.value;
  if (before === null) return;
  if (isJson(text)) {
    draft.value = typed(before, text);
    return;
  }
  draft.value = { ...before, text };
  reading(text).then((read) => {
    const now = draft.value;
    if (now !== null && now.text === text) draft.value = withReading(now, text, read);
  });
}

export function isJson(text: string): boolean {
  return /^\s*(\{|$)/.test(text);
}

async function reading(text: string) {
  if (isJson(text)) return attempt(() => parsePolicy(utf8(text)));
  const { parseYamlPolicy } = await import('#verifier/appraise/policy-yaml.ts');
  return attempt(() => parseYamlPolicy(utf8(text)));
}

/** The evidence is judged anew under the draft, and its view shown. */
export function useDraft(): void {
  const now = draft.value;
  if (now === null) return;
  const file = { name: fileName(now.policy, 'json'), bytes: utf8(textOf(now.policy)) };
  give({ policy: file });
  show('evidence');
}

export function fileName({ name }: Policy, ending: string): string {
  const plain = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${plain === '' ? 'policy' : plain}.${ending}`;
}

/** @returns null for a policy that is longer than the YAML reader takes */
export async function yamlOf(policy: Policy): Promise<string | null> {
  const [{ stringify }, { parseYamlPolicy }] = await Promise.all([
    import('yaml'),
    import('#verifier/appraise/policy-yaml.ts'),
  ]);
  const text = stringify(policy, { lineWidth: 0 });
  try {
    parseYamlPolicy(utf8(text));
    return text;
  } catch (error) {
    if (error instanceof AttestationError && error.code === 'too-large') return null;
    throw error;
  }
}
