/** The form: members by topic, each with what it means, what the evidence has, and what the policy asks for. */
import { useState } from 'preact/hooks';
import type { Finding } from '#verifier/policy-tools/lint.ts';
import { policyStrings } from '../strings/policy.ts';
import { type MemberWords, memberWords } from '../strings/policy-members.ts';
import { Control } from './controls.tsx';
import { FindingNote } from './finding.tsx';
import { type Fit, fitOf, isFloor, pressed, type Topic, widened } from './members.ts';
import { asks } from './policy-draft.ts';
import { chooseMember, draft, effectNow, seenNow } from './policy-state.ts';
import { type Row, valueAt } from './shape.ts';
import { Waivers } from './waivers.tsx';

export function wordsOfMember(name: string): MemberWords {
  return memberWords[name] ?? [name, ''];
}

type Findings = ReadonlyMap<string, readonly Finding[]>;

export function rowId(name: string): string {
  return `policy-${name.replaceAll('.', '-')}`;
}

export function TopicPart({
  topic,
  rows,
  findings,
}: {
  topic: Topic;
  rows: readonly Row[];
  findings: Findings;
}) {
  const policy = draft.value?.policy;
  const [title, means] = policyStrings.topics[topic];
  const asking = rows.filter(({ path }) => asks(valueAt(policy, path))).length;
  const advice = rows.reduce((sum, { name }) => sum + (findings.get(name)?.length ?? 0), 0);
  const failing = rows.filter((row) => fitNow(row) === 'fails').length;
  return (
    <details class="policy-topic" open id={`policy-topic-${topic}`}>
      <summary>
        <h3 class="policy-topic-title">{title}</h3>
        <span class="quiet">{means}</span>
        <span class="policy-counts quiet">
          {policyStrings.counts(rows.length, asking)}
          {failing > 0 && <strong class="policy-fails"> · {policyStrings.failing(failing)}</strong>}
          {advice > 0 && (
            <span class="policy-advice"> · {policyStrings.findingsCount(advice)}</span>
          )}
        </span>
      </summary>
      {rows.map((row) => (
        <MemberRow key={row.name} row={row} findings={findings.get(row.name) ?? []} />
      ))}
    </details>
  );
}

function fitNow(row: Row): Fit | null {
  const found = effectNow.value;
  const policy = draft.value?.policy;
  if (found === null || policy === undefined) return null;
  return fitOf(row, valueAt(policy, row.path), seenNow.value.get(row.name), found.verdict);
}

function MemberRow({ row, findings }: { row: Row; findings: readonly Finding[] }) {
  const [title, means] = wordsOfMember(row.name);
  const rule = valueAt(draft.value?.policy, row.path);
  const id = rowId(row.name);
  const fit = fitNow(row);
  return (
    <div class="policy-row" id={id} tabIndex={-1}>
      <div class="policy-what">
        <h4 class="policy-row-title">{title}</h4>
        <p class="mono quiet policy-small">{row.name}</p>
        <p class="policy-means">{means}</p>
      </div>
      <div class="policy-asks">
        {row.name !== 'waivers' && <Evidence row={row} title={title} rule={rule} fit={fit} />}
        <div class="policy-control">
          {row.name === 'waivers' ? (
            <Waivers findings={findings} />
          ) : (
            <Control
              shape={row.shape}
              value={rule}
              label={`${policyStrings.rule}: ${title}`}
              name={row.name}
              seen={seenNow.value.get(row.name)?.value}
              choose={(value) => chooseMember(row.path, value)}
            />
          )}
        </div>
        {row.name !== 'waivers' &&
          findings.map((finding) => (
            <FindingNote key={`${finding.id} ${finding.path}`} finding={finding} />
          ))}
      </div>
    </div>
  );
}

type EvidenceProps = { row: Row; title: string; rule: unknown; fit: Fit | null };

/** What the evidence has, whether that fits, and one press to take it over. */
function Evidence({ row, title, rule, fit }: EvidenceProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const seen = seenNow.value.get(row.name);
  if (effectNow.value === null) return null;
  const take = (value: unknown) => setProblem(chooseMember(row.path, value));
  const exact = seen?.value === undefined ? undefined : pressed(row, rule, seen.value);
  const wider = widened(rule, seen?.value);
  const action = isFloor(row.name) ? policyStrings.atLeast : policyStrings.asSeen;
  const isTaken = JSON.stringify(exact) === JSON.stringify(rule);
  return (
    <div class="policy-evidence">
      <p>
        <span class="quiet">{policyStrings.evidenceHas} </span>
        <span class={seen?.value === undefined ? 'quiet' : 'policy-seen'}>
          {seen?.words ?? policyStrings.notSaid}
        </span>
        {fit !== null && (seen?.value !== undefined || fit !== 'fits') && (
          <span class={`policy-fit policy-fit-${fit}`}>{policyStrings.fit[fit]}</span>
        )}
        {seen?.value !== undefined && seen.about !== null && (
          <span class="quiet policy-small policy-about">{policyStrings.believed(seen.about)}</span>
        )}
      </p>
      <div class="policy-presses">
        {exact !== undefined && (
          <button
            type="button"
            class="policy-press"
            aria-pressed={isTaken}
            aria-label={policyStrings.forMember(action, title)}
            onClick={() => take(exact)}
          >
            {action}
          </button>
        )}
        {wider !== undefined && (
          <button
            type="button"
            class="policy-press"
            aria-label={policyStrings.forMember(policyStrings.also, title)}
            onClick={() => take(wider)}
          >
            {policyStrings.also}
          </button>
        )}
      </div>
      {problem !== null && (
        <p class="policy-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** Brings a member before the reader's eyes, wherever the form has it. */
export function goToMember(name: string): void {
  const row = document.getElementById(rowId(name));
  if (row === null) return;
  const around = row.closest('details');
  if (around !== null) around.open = true;
  row.scrollIntoView({ block: 'center' });
  row.focus({ preventScroll: true });
}
