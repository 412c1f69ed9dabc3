/** The decision about a proof, every check behind it, and what the proof says and keeps to itself. */
import type { CheckResult } from '#verifier/checklist.ts';
import { type AnyCheckId, entryOf } from '#verifier/checks.ts';
import { formatTime } from '#verifier/time.ts';
import { decisionLine } from '#verifier/words/decision-line.ts';
import { forecastSentence } from '#verifier/words/forecast.ts';
import { harmless } from '#verifier/words/lines.ts';
import { StatusMark } from '../parts/status.tsx';
import { proofStrings } from '../strings/proofs.ts';
import type { Checked } from './messages.ts';
import { ToldColumns } from './told-columns.tsx';

const words = proofStrings.verdict;
const longestLine = 400;

export function ProofVerdict({ checked }: { checked: Checked }) {
  const { verdict, policy } = checked;
  const { decision, checks } = verdict;
  const insecure = verdict.warnings.some((warning) => warning.startsWith('INSECURE'));
  const forecast = forecastSentence(verdict);
  const proof = checks.filter(({ id, stage }) => stage === 'proof' || id.startsWith('link.'));
  const others = checks.filter((check) => !proof.includes(check));
  const look = insecure && decision === 'accepted' ? 'insecure' : decision;
  return (
    <>
      <section
        class={`panel proofs-verdict proofs-verdict-${look}`}
        aria-labelledby="proof-verdict-word"
        role="status"
        data-test="proof-verdict"
        data-decision={decision}
      >
        <h2 id="proof-verdict-word">
          {words.decision[decision].word}
          {insecure && <strong class="proofs-verdict-insecure"> {words.insecure}</strong>}
        </h2>
        <p>{look === 'insecure' ? words.plainInsecure : words.decision[decision].plain}</p>
        <p class="mono">{decisionLine(verdict, { name: policy }, longestLine)}</p>
        <p class="quiet">{words.held(harmless(policy), formatTime(verdict.at))}</p>
        {forecast !== null && decision === 'accepted' && (
          <p class="quiet">{words.forecast(harmless(forecast))}</p>
        )}
      </section>
      <ToldColumns checked={checked} />
      <CheckTable title={words.proofChecks} checks={proof} open />
      {others.length > 0 && (
        <CheckTable
          title={words.otherChecks}
          checks={others}
          open={others.some(({ status }) => status === 'fail')}
        />
      )}
    </>
  );
}

type Check = CheckResult<AnyCheckId>;
type CheckTableProps = { title: string; checks: readonly Check[]; open: boolean };

function CheckTable({ title, checks, open }: CheckTableProps) {
  const count = (wanted: Check['status']) =>
    checks.filter(({ status }) => status === wanted).length;
  return (
    <details class="panel proofs-checks" open={open}>
      <summary>
        <h2>{title}</h2>{' '}
        <span class="quiet">
          {words.counts(count('pass'), count('fail'), count('skip') + count('waived'))}
        </span>
      </summary>
      <ul>
        {checks.map((check) => (
          <CheckItem key={check.id} check={check} open={isTelling(check, checks)} />
        ))}
      </ul>
    </details>
  );
}

/** What failed; where nothing did, what could not be made. */
function isTelling({ status }: Check, all: readonly Check[]): boolean {
  const wanted = all.some((check) => check.status === 'fail') ? 'fail' : 'skip';
  return status === wanted;
}

function CheckItem({ check, open }: { check: Check; open: boolean }) {
  const { id, status, expected, actual, reason } = check;
  const { title, protects, remedy, spec } = entryOf(id);
  return (
    <li class={`proofs-check proofs-check-${status}`} data-check={id} data-status={status}>
      <details open={open}>
        <summary>
          <StatusMark status={status} /> <span class="proofs-check-title">{title}</span>{' '}
          <code class="quiet">{id}</code>
        </summary>
        <dl>
          {expected !== null && <Fact name={words.expected} value={harmless(expected)} code />}
          {actual !== null && <Fact name={words.actual} value={harmless(actual)} code />}
          {reason !== null && <Fact name={words.reason} value={harmless(reason)} />}
          <Fact name={words.protects} value={protects} />
          <Fact name={words.remedy} value={words.remedies[id] ?? remedy} />
          <Fact name={words.spec} value={spec} />
        </dl>
      </details>
    </li>
  );
}

function Fact({ name, value, code = false }: { name: string; value: string; code?: boolean }) {
  return (
    <div class="proofs-fact">
      <dt>{name}</dt>
      <dd>{code ? <code>{value}</code> : value}</dd>
    </div>
  );
}
