/** The agents that the service asks again and again. */
import type { WatchedAgent } from '#verifier/serve/answers.ts';
import { formatTime } from '#verifier/time.ts';
import { distance } from '#verifier/words/forecast.ts';
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { liveStrings } from '../strings/live.ts';
import { DecisionMark } from './decision-mark.tsx';
import { meaningOf, placeInMonth } from './model.ts';
import { activity, minute, now } from './poll.ts';

const strings = liveStrings.agents;

export function Agents() {
  const found = activity.value?.agents ?? [];
  return (
    <Panel id="agents" title={strings.title}>
      {activity.value !== null && found.length === 0 && <p class="quiet">{strings.none}</p>}
      <ul class="live-agents">
        {found.map((agent, place) => (
          <li key={`${place} ${agent.url}`}>
            <Agent agent={agent} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Agent({ agent }: { agent: WatchedAgent }) {
  const { url, policy, interval, asked, last, changed } = agent;
  return (
    <article class={agent.trouble === null ? 'live-agent' : 'live-agent live-agent-trouble'}>
      <h3>{harmless(url)}</h3>
      <p>
        {last === null ? (
          <span class="status status-skip">{strings.never}</span>
        ) : (
          <DecisionMark decision={last.decision} />
        )}
      </p>
      <Trouble agent={agent} />
      <Why agent={agent} />
      <dl class="live-facts">
        <div>
          <dt>{strings.policy}</dt>
          <dd>{harmless(policy)}</dd>
        </div>
        <div>
          <dt>{strings.decided}</dt>
          <dd>{last === null ? strings.never : <Age at={last.at} />}</dd>
        </div>
        <div>
          <dt>{strings.asked}</dt>
          <dd>
            {asked === null ? strings.waiting : <Age at={asked} />}, {strings.every(interval)}
          </dd>
        </div>
        <div>
          <dt>{strings.changed}</dt>
          <dd>
            {changed === null || last === null
              ? strings.unchanged
              : `${formatTime(changed.at)}, ${strings.changedFrom(changed.from, last.decision)}`}
          </dd>
        </div>
      </dl>
      <Expiry agent={agent} />
    </article>
  );
}

function Age({ at }: { at: number }) {
  return <time dateTime={formatTime(at)}>{liveStrings.ago(Math.max(0, now.value - at))}</time>;
}

function Trouble({ agent: { trouble, last } }: { agent: WatchedAgent }) {
  if (trouble === null) return null;
  return (
    <p class="live-trouble">
      <strong>{strings.trouble(trouble.count, formatTime(trouble.since))}</strong>{' '}
      {sentence(harmless(trouble.problem))} {last !== null && strings.stale}
    </p>
  );
}

/** Words from elsewhere, as they stand between two sentences. */
function sentence(text: string): string {
  const first = [...text][0] ?? '';
  return `${first.toUpperCase()}${text.slice(first.length)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** Of an agent that is not accepted: the checks, with what each asks for. */
function Why({ agent: { last } }: { agent: WatchedAgent }) {
  if (last === null || last.decision === 'accepted') return null;
  const ids = last.decision === 'undecided' ? last.skipped : last.failed;
  return (
    <ul class="live-why">
      {ids.map((id) => (
        <li key={id}>
          <code>{id}</code> <span class="quiet">{harmless(meaningOf(id)?.title ?? '')}</span>
        </li>
      ))}
    </ul>
  );
}

function Expiry({ agent: { forecast } }: { agent: WatchedAgent }) {
  const today = minute.value;
  const [first] = forecast;
  const within = forecast.flatMap(({ at }) => placeInMonth(at, today) ?? []);
  const words = ({ what, at }: { what: string; at: number }) =>
    strings.ending(harmless(what), `${distance(at - today)} (${formatTime(at)})`);
  return (
    <div class="live-expiry">
      <p>
        <strong>{strings.expiry}:</strong>{' '}
        {first === undefined ? strings.nothingEnds : words(first)}
      </p>
      <div class="live-month" role="img" aria-label={strings.barName(within.length)}>
        <span class="live-month-line" />
        {within.map((share, place) => (
          <span
            key={place}
            class={share < 7 / 30 ? 'live-month-mark live-month-near' : 'live-month-mark'}
            style={{ left: `${100 * share}%` }}
          />
        ))}
      </div>
      <p class="live-month-ends quiet" aria-hidden="true">
        <span>{strings.today}</span>
        {within.length === 0 && first !== undefined && <span>{strings.later}</span>}
        <span>{strings.days}</span>
      </p>
      {forecast.length > 1 && (
        <details>
          <summary>{strings.all(forecast.length)}</summary>
          <ul>
            {forecast.map((ending, place) => (
              <li key={place}>{words(ending)}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
