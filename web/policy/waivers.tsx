/** The list of waivers: what may be left out, why, and until when. */
import { useState } from 'preact/hooks';
import type { Policy } from '#verifier/appraise/policy.ts';
import { type CheckId, entryOf, waivableChecks } from '#verifier/checks.ts';
import type { Finding } from '#verifier/policy-tools/lint.ts';
import { policyStrings } from '../strings/policy.ts';
import { Control } from './controls.tsx';
import { FindingNote } from './finding.tsx';
import { chooseMember, draft, effectNow } from './policy-state.ts';
import { Problem } from './typed.tsx';

type Waiver = Policy['waivers'][number];

const { waiver: words } = policyStrings;
const expiresShape = {
  kind: 'either',
  words: [null],
  others: [{ kind: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }],
} as const;
const reasonShape = { kind: 'text', digits: null } as const;

/** Ninety days: long enough to supply what is lacking, short enough to be looked at again. */
const usualLength = 90 * 86_400;

/** @returns why it cannot be waived; null when it is */
export function addWaiver(check: CheckId): string | null {
  const waivers = draft.value?.policy.waivers ?? [];
  const from = effectNow.value?.verdict.at ?? Math.floor(Date.now() / 1000);
  // Days are what a reader sees and sets.
  const expires = Math.ceil((from + usualLength) / 86_400) * 86_400;
  return chooseMember(['waivers'], [...waivers, { check, reason: words.reasonDefault, expires }]);
}

export function Waivers({ findings }: { findings: readonly Finding[] }) {
  const [problem, setProblem] = useState<string | null>(null);
  const waivers = draft.value?.policy.waivers ?? [];
  const set = (next: readonly Waiver[]) => chooseMember(['waivers'], next);
  const change = (index: number, member: object) =>
    set(waivers.map((one, at) => (at === index ? { ...one, ...member } : one)));
  return (
    <div class="policy-waivers">
      {waivers.length === 0 && <p class="quiet">{words.none}</p>}
      {waivers.map((waiver, index) => (
        <div key={waiver.check} class="policy-waiver">
          <p class="policy-waiver-title">
            <span>{entryOf(waiver.check).title}</span>{' '}
            <span class="mono quiet policy-small">{waiver.check}</span>
          </p>
          <div class="policy-waiver-part">
            <span class="quiet">{words.reason}</span>
            <Control
              shape={reasonShape}
              value={waiver.reason}
              label={`${words.reason}: ${waiver.check}`}
              name="waivers.reason"
              seen={undefined}
              choose={(reason) => change(index, { reason })}
            />
          </div>
          <div class="policy-waiver-part">
            <span class="quiet">{words.expires}</span>
            <Control
              shape={expiresShape}
              value={waiver.expires}
              label={`${words.expires}: ${waiver.check}`}
              name="waivers.expires"
              seen={undefined}
              choose={(expires) => change(index, { expires })}
            />
          </div>
          {findings
            .filter(({ path }) => path === `waivers[${index}]`)
            .map((finding) => (
              <FindingNote key={finding.id} finding={finding} />
            ))}
          <button
            type="button"
            class="policy-small policy-waiver-gone"
            onClick={() => setProblem(set(waivers.filter((_, at) => at !== index)))}
            aria-label={policyStrings.remove(waiver.check)}
          >
            ✕
          </button>
        </div>
      ))}
      <AddWaiver
        used={waivers.map(({ check }) => check)}
        add={(check) => setProblem(addWaiver(check))}
      />
      <Problem text={problem} />
    </div>
  );
}

type AddProps = { used: readonly CheckId[]; add: (check: CheckId) => void };

/** What could not be made comes first: that is what a reader looks for. */
function AddWaiver({ used, add }: AddProps) {
  const checks = effectNow.value?.verdict.checks ?? [];
  const free = waivableChecks.filter((id) => !used.includes(id));
  const lacking = free.filter((id) => checks.some((one) => one.id === id && one.status === 'skip'));
  const others = free.filter((id) => !lacking.includes(id));
  const option = (id: CheckId) => (
    <option key={id} value={id}>
      {entryOf(id).title} ({id})
    </option>
  );
  return (
    <select
      class="policy-add-waiver"
      aria-label={words.add}
      value=""
      onChange={({ currentTarget }) => {
        const found = free.find((id) => id === currentTarget.value);
        currentTarget.value = '';
        if (found !== undefined) add(found);
      }}
    >
      <option value="">{words.choose}</option>
      {lacking.length > 0 && <optgroup label={words.lacking}>{lacking.map(option)}</optgroup>}
      <optgroup label={words.others}>{others.map(option)}</optgroup>
    </select>
  );
}
