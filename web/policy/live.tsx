/** What the draft makes of the loaded evidence, at each change: the decision, what it changes, what stands in the way, advice. */
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf, waivableChecks } from '#verifier/checks.ts';
import type { CheckChange } from '#verifier/policy-tools/compare.ts';
import type { Finding } from '#verifier/policy-tools/lint.ts';
import { decisionLine } from '#verifier/words/decision-line.ts';
import { harmless, shortHex } from '#verifier/words/lines.ts';
import { judged } from '../model/session.ts';
import { StatusMark } from '../parts/status.tsx';
import { withoutOptions } from '../road/station-words.ts';
import { policyStrings } from '../strings/policy.ts';
import { verdictStrings } from '../strings/road.ts';
import { FindingNote } from './finding.tsx';
import { findingsAt, memberOf } from './members.ts';
import { digestOf } from './policy-draft.ts';
import { asLive, canBeLive, draft, effectNow } from './policy-state.ts';
import { goToMember, wordsOfMember } from './rows.tsx';
import type { Row } from './shape.ts';
import { addWaiver } from './waivers.tsx';

const { live: words } = policyStrings;

type Shown = { rows: readonly Row[] };

export function LiveVerdict({ rows }: Shown) {
  const found = effectNow.value;
  const policy = draft.value?.policy;
  const force = judged.value;
  if (policy === undefined) return null;
  const insecure = judged.value?.verified.insecureRoot === true;
  return (
    <section class="policy-live" aria-labelledby="policy-live-title">
      <h3 class="policy-live-title" id="policy-live-title">
        {words.title}
      </h3>
      {found === null || force === null ? (
        <p class="quiet">{policyStrings.noEvidence}</p>
      ) : (
        <>
          <p
            class={`policy-decision policy-${insecure ? 'insecure' : found.verdict.decision}`}
            role="status"
          >
            <span class="quiet policy-small">{words.under}</span>
            <span data-test="draft-decision">
              {insecure && `${verdictStrings.insecure}: `}
              {decisionLine(found.verdict, policy, 240)}
            </span>
          </p>
          <p class="quiet policy-small">
            {words.force(force.verdict.decision, harmless(force.policy.name))}
          </p>
          {canBeLive.value && (
            <label class="policy-as-live">
              <input
                type="checkbox"
                checked={asLive.value}
                onChange={({ currentTarget }) => {
                  asLive.value = currentTarget.checked;
                }}
              />
              <span>
                {words.asLive} <span class="quiet policy-small">{words.asLiveMeans}</span>
              </span>
            </label>
          )}
          {policy.references !== undefined && <p class="policy-small">{words.references}</p>}
          <Obstacles checks={found.verdict.checks} rows={rows} />
          <Changes changes={found.changes} rows={rows} />
        </>
      )}
    </section>
  );
}

function Obstacles({ checks, rows }: Shown & { checks: readonly CheckResult[] }) {
  const open = checks.filter(({ status }) => status === 'fail' || status === 'skip');
  if (open.length === 0) return null;
  return (
    <>
      <h4 class="policy-live-part">{words.open}</h4>
      <ul class="policy-checks">
        {open.map((check) => (
          <li key={check.id}>
            <StatusMark status={check.status} /> {entryOf(check.id).title}
            {check.reason !== null && (
              <span class="quiet policy-small policy-reason">
                {harmless(shortHex(withoutOptions(check.reason)))}
              </span>
            )}
            <span class="policy-presses">
              <GoTo check={check.id} rows={rows} />
              {check.status === 'skip' && waivableChecks.includes(check.id) && (
                <button
                  type="button"
                  class="policy-press"
                  aria-label={policyStrings.forMember(
                    policyStrings.waiver.waive,
                    entryOf(check.id).title,
                  )}
                  onClick={() => addWaiver(check.id)}
                >
                  {policyStrings.waiver.waive}
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Changes({ changes, rows }: Shown & { changes: readonly CheckChange[] }) {
  return (
    <>
      <h4 class="policy-live-part">{words.changes}</h4>
      {changes.length === 0 ? (
        <p class="quiet policy-small">{words.noChanges}</p>
      ) : (
        <ul class="policy-checks">
          {changes.map(({ id, from, to }) => (
            <li key={id}>
              {entryOf(id).title}{' '}
              <span class="policy-change">
                <span class="quiet policy-small">{words.was}</span> <StatusMark status={from} />{' '}
                <span class="quiet policy-small">{words.now}</span> <StatusMark status={to} />
              </span>
              <span class="policy-presses">
                <GoTo check={id} rows={rows} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function GoTo({ check, rows }: Shown & { check: CheckResult['id'] }) {
  const name = memberOf(check, rows);
  return name === null ? null : <GoToRow name={name} />;
}

function GoToRow({ name }: { name: string }) {
  const [title] = wordsOfMember(name);
  return (
    <button
      type="button"
      class="policy-press"
      aria-label={words.show(title)}
      onClick={() => goToMember(name)}
    >
      {title}
    </button>
  );
}

/** How much advice there is and where it stands; in full only what is about no single member that is shown. */
export function Advice({ findings, rows }: Shown & { findings: readonly Finding[] }) {
  const { lint } = policyStrings;
  const byRow = findingsAt(findings, rows);
  const placed = [...byRow.values()].flat();
  const rest = findings.filter((one) => !placed.includes(one));
  const whole = rest.filter(
    ({ path }) => path === 'policy' || rows.some(({ path: [top] }) => top === path),
  );
  const shown = [...placed, ...whole];
  return (
    <section class="policy-live" aria-labelledby="policy-lint-title">
      <h3 class="policy-live-title" id="policy-lint-title">
        {lint.title}
      </h3>
      <p class={shown.length === 0 ? 'quiet' : undefined}>
        {shown.length === 0 ? lint.clean : lint.of(shown)}
      </p>
      {whole.map((finding) => (
        <FindingNote key={`${finding.id} ${finding.path}`} finding={finding} />
      ))}
      <ul class="policy-places">
        {[...byRow].map(([name, found]) => (
          <li key={name}>
            <GoToRow name={name} /> <span class="quiet policy-small">{lint.of(found)}</span>
          </li>
        ))}
      </ul>
      {rest.length > whole.length && (
        <p class="quiet policy-small">{lint.elsewhere(rest.length - whole.length)}</p>
      )}
    </section>
  );
}

export function Digest() {
  const policy = draft.value?.policy;
  if (policy === undefined) return null;
  return (
    <p class="policy-digest">
      <span class="quiet policy-small">
        {policyStrings.digest}. {policyStrings.digestMeans}
      </span>
      <code data-test="draft-digest">{digestOf(policy)}</code>
    </p>
  );
}
