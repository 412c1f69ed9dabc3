/** The policy view: a policy built by choosing, beside what it makes of the loaded evidence. */
import { decisionLine } from '#verifier/words/decision-line.ts';
import { Panel } from '../parts/panel.tsx';
import { policyStrings } from '../strings/policy.ts';
import { Control } from './controls.tsx';
import { Advice, Digest, LiveVerdict } from './live.tsx';
import { byTopic, findingsAt } from './members.ts';
import { layOut } from './policy-draft.ts';
import {
  chooseMember,
  draft,
  effectNow,
  findingsNow,
  fromEvidence,
  kindsNow,
  seenKind,
  startRefusal,
} from './policy-state.ts';
import { TopicPart } from './rows.tsx';
import { type Row, valueAt } from './shape.ts';
import { Start } from './start.tsx';
import { PolicyActions, PolicyText } from './text.tsx';
import './policy-controls.css';
import './policy-side.css';
import './policy.css';

export function PolicyView() {
  return (
    <Panel id="policy" title={policyStrings.title} note={policyStrings.intro}>
      {kindsNow.value === null && <p class="quiet">{policyStrings.noEvidence}</p>}
      <Start />
      {draft.value !== null && <Workbench />}
    </Panel>
  );
}

function Workbench() {
  const now = draft.value;
  if (now === null) return null;
  const { shown, kept, missing } = layOut(now.policy, kindsNow.value);
  const findings = findingsNow.value;
  const byRow = findingsAt(findings, shown);
  return (
    <div class="policy-bench">
      <div class="policy-form">
        <Refusal />
        <fieldset class="policy-fields" disabled={now.problem !== null}>
          <legend class="visually-hidden">{policyStrings.title}</legend>
          {now.problem !== null && <p class="policy-paused">{policyStrings.text.paused}</p>}
          <Name name={now.policy.name} />
          {missing.map((kind) => (
            <Missing key={kind} kind={kind} />
          ))}
          {byTopic(shown).map(({ topic, rows }) => (
            <TopicPart key={topic} topic={topic} rows={rows} findings={byRow} />
          ))}
        </fieldset>
        <Kept rows={kept} />
        <Bar />
      </div>
      <div class="policy-side">
        <PolicyActions />
        <LiveVerdict rows={shown} />
        <Advice findings={findings} rows={shown} />
        <Digest />
        <PolicyText />
      </div>
    </div>
  );
}

/** On narrow screens the verdict is below the form: its word stays in sight. The live verdict itself is what is announced. */
function Bar() {
  const found = effectNow.value;
  if (found === null) return null;
  const { decision, checks } = found.verdict;
  const open = checks.filter(({ status }) => status === 'fail' || status === 'skip').length;
  return (
    <button
      type="button"
      class={`policy-bar policy-${decision} no-print`}
      onClick={() => document.getElementById('policy-live-title')?.scrollIntoView()}
    >
      {policyStrings.live.bar(decision, open)}
    </button>
  );
}

function Refusal() {
  const verdict = startRefusal.value;
  const policy = draft.value?.start;
  const { refusal } = policyStrings;
  if (verdict === null || policy === undefined)
    return fromEvidence.value ? <p class="policy-note">{refusal.trust}</p> : null;
  return (
    <div class="policy-note">
      <p>
        <strong>{refusal.title}.</strong> {decisionLine(verdict, policy, 200)}
      </p>
      <p>{refusal.means}</p>
      <p>{refusal.trust}</p>
    </div>
  );
}

const nameShape = { kind: 'text', digits: null } as const;

function Name({ name }: { name: string }) {
  return (
    <div class="policy-name">
      <span>
        <strong>{policyStrings.name}</strong>{' '}
        <span class="quiet policy-small">{policyStrings.nameHint}</span>
      </span>
      <div>
        <Control
          shape={nameShape}
          value={name}
          label={policyStrings.name}
          name="name"
          seen={undefined}
          choose={(value) => chooseMember(['name'], value)}
        />
      </div>
    </div>
  );
}

function Missing({ kind }: { kind: string }) {
  const { absent } = policyStrings;
  return (
    <div class="policy-note">
      <p>
        <strong>{absent.title(kind)}.</strong> {absent.means(kind)}
      </p>
      <button type="button" onClick={() => chooseMember([kind], seenKind(kind))}>
        {absent.add(kind)}
      </button>
    </div>
  );
}

/** Members of other kinds of evidence: never dropped, and not in the way. */
function Kept({ rows }: { rows: readonly Row[] }) {
  if (rows.length === 0) return null;
  const { kept } = policyStrings;
  const kinds = [...new Set(rows.map(({ path }) => path[0] as string))];
  return (
    <details class="policy-kept">
      <summary>{kept.title(rows.length)}</summary>
      <p class="quiet">{kept.means}</p>
      <div class="policy-presses">
        {kinds.map((kind) => (
          <button
            key={kind}
            type="button"
            class="policy-press"
            onClick={() => chooseMember([kind], undefined)}
          >
            {kept.refuse(kind)}
          </button>
        ))}
      </div>
      <dl>
        {rows.map(({ name, path }) => (
          <div key={name}>
            <dt class="mono">{name}</dt>
            <dd class="mono">{JSON.stringify(valueAt(draft.value?.policy, path))}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
