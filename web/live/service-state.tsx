/** Whether the service answers, and since when it runs. */
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { liveStrings } from '../strings/live.ts';
import { totalOf } from './model.ts';
import { activity, link, now, paused, setPaused } from './poll.ts';

const strings = liveStrings.state;

export function ServiceState() {
  const found = activity.value;
  const { facts } = strings;
  return (
    <Panel id="service" title={strings.title}>
      <div class="live-state">
        <div class="live-state-words" role="status">
          <StateMark />
          <Silence />
        </div>
        <button type="button" class="no-print" onClick={() => setPaused(!paused.value)}>
          {paused.value ? strings.resume : strings.pause}
        </button>
      </div>
      <dl class="live-facts">
        <Fact name={facts.since} value={found === null ? '…' : formatTime(found.since)} />
        <Fact
          name={facts.total}
          value={found === null ? '…' : totalOf(found.total).toLocaleString('en')}
        />
        <Fact
          name={facts.policies}
          value={found === null ? '…' : harmless(found.policies.join(', ')) || strings.noPolicies}
        />
        <div>
          <dt>{facts.answered}</dt>
          <dd>
            <LastAnswer />
          </dd>
        </div>
      </dl>
      {found !== null && !found.logged && <p class="quiet">{liveStrings.unlogged}</p>}
    </Panel>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function StateMark() {
  const { state } = link.value;
  const [kind, mark, word] = paused.value
    ? ['waived', '❚❚', strings.paused]
    : state === 'answering'
      ? ['pass', '✓', strings.answering]
      : state === 'silent'
        ? ['fail', '✕', strings.silent]
        : ['skip', '…', strings.starting];
  return (
    <span class={`status status-${kind}`}>
      <span aria-hidden="true">{mark}</span>
      <span>{word}</span>
    </span>
  );
}

/** What a screen reader is told once; the seconds that tick are beside it. */
function Silence() {
  const found = link.value;
  if (found.state !== 'silent') return null;
  const since =
    found.since === null ? strings.neverAnswered : strings.silentSince(formatTime(found.since));
  return (
    <span class="live-silence">
      {since} {found.problem} {found.since !== null && strings.what}
    </span>
  );
}

function LastAnswer() {
  const found = link.value;
  if (found.state === 'starting') return <>…</>;
  if (found.state === 'answering') return <>{liveStrings.ago(Math.max(0, now.value - found.at))}</>;
  const age = found.since === null ? '–' : liveStrings.ago(Math.max(0, now.value - found.since));
  return (
    <>
      {age}
      {!paused.value && `. ${strings.nextTry(found.next - now.value)}`}
    </>
  );
}
