/** The decision, in words, before everything else; then what it hangs on and what it does not say. */
import type { ComponentChildren } from 'preact';
import { formatTime } from '#verifier/time.ts';
import { countsOf } from '#verifier/words/counts.ts';
import { decisionLine } from '#verifier/words/decision-line.ts';
import { forecastSentence } from '#verifier/words/forecast.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import { openCheck } from '../model/session.ts';
import { verdictStrings as words } from '../strings/road.ts';
import { machineWords, plainWords, reasonsOf } from './verdict-words.ts';
import './verdict.css';

/** The command line cuts its last line at the terminal's edge; a page has room. */
const longestSentence = 400;
const digestShown = 16;

export function VerdictBanner({ judged }: { judged: Judged }) {
  const { verdict, policy, given, verified } = judged;
  const { decision } = verdict;
  const insecure = given.insecureRoot !== null || verified.insecureRoot;
  return (
    <section
      class={`verdict verdict-${insecure && decision === 'accepted' ? 'insecure' : decision}`}
      aria-labelledby="verdict-word"
      data-test="verdict"
      data-decision={decision}
    >
      <h2 id="verdict-word" class="verdict-word">
        <span aria-hidden="true" class="verdict-mark">
          {insecure && decision === 'accepted' ? '!' : words.mark[decision]}
        </span>
        <span class="verdict-words">
          {words.word[decision]}
          {insecure && (
            <>
              {' '}
              <strong class="verdict-insecure">{words.insecure}</strong>{' '}
              <span class="verdict-insecure-about">{words.insecureAbout}</span>
            </>
          )}
        </span>
      </h2>
      <p class="verdict-plain">{plainWords(judged)}</p>
      <p class="verdict-line mono">{decisionLine(verdict, policy, longestSentence)}</p>
      <Reasons judged={judged} />
      <Warnings judged={judged} />
      <Facts judged={judged} />
    </section>
  );
}

function Reasons({ judged }: { judged: Judged }) {
  const { decision } = judged.verdict;
  if (decision === 'accepted') return null;
  const { reasons, more } = reasonsOf(judged.verdict);
  return (
    <div class="verdict-reasons">
      <h3>{words.reasons[decision]}</h3>
      <ul>
        {reasons.map(({ id, text, others }) => (
          <li key={id}>
            {text}
            {others > 0 && <span class="quiet"> {words.sameReason(others)}</span>}{' '}
            <button
              type="button"
              class="verdict-open mono"
              aria-label={words.open(id)}
              onClick={() => show(id)}
            >
              {id}
            </button>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="quiet">{words.moreReasons(more)}</p>}
    </div>
  );
}

/** Again, too, where the reader has scrolled away since. */
function show(id: NonNullable<typeof openCheck.value>): void {
  openCheck.value = null;
  openCheck.value = id;
}

function Warnings({ judged: { verdict } }: { judged: Judged }) {
  const { warnings, decision } = verdict;
  if (warnings.length === 0) return null;
  return (
    <div class="verdict-warnings">
      <h3>{decision === 'accepted' ? words.warnings.accepted : words.warnings.other}</h3>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>
            <span aria-hidden="true" class="verdict-warning-mark">
              !
            </span>
            <span>
              <span class="visually-hidden">{words.warning}</span>
              {harmless(warning)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Facts({ judged }: { judged: Judged }) {
  const { verdict, policy, given, verified, milliseconds } = judged;
  const forecast = forecastSentence(verdict);
  const vouched = verdict.decision === 'accepted' || verdict.decision === 'rejected';
  return (
    <dl class="verdict-facts" aria-label={words.facts}>
      <Fact name={vouched ? words.machine : words.claimed}>{machineWords(verified)}</Fact>
      <Fact name={words.evidence}>{words.form[verified.subject.form]}</Fact>
      <Fact name={words.time}>
        {formatTime(verdict.at)}
        <span class="quiet"> {given.at === null ? words.now : words.chosen}</span>
      </Fact>
      <Fact name={words.policy}>
        “{harmless(policy.name)}”
        <span class="quiet">
          {' '}
          {words.digest} <code title={verdict.policy}>{verdict.policy.slice(0, digestShown)}…</code>
        </span>
      </Fact>
      <Fact name={words.checks}>
        {countsOf(verdict.checks)}
        <span class="quiet"> {words.speed(milliseconds)}</span>
      </Fact>
      {forecast !== null && (
        <Fact name={words.forecast} wide>
          {harmless(forecast)}
        </Fact>
      )}
    </dl>
  );
}

type FactProps = { name: string; wide?: boolean; children: ComponentChildren };

function Fact({ name, wide = false, children }: FactProps) {
  return (
    <div class={wide ? 'verdict-fact verdict-fact-wide' : 'verdict-fact'}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
