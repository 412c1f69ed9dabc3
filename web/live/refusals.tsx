/** Which checks stood in the way, how often, and what each means. */
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { liveStrings } from '../strings/live.ts';
import { dayAndClock, meaningOf } from './model.ts';
import { activity } from './poll.ts';
import { ScrollArea } from './scroll-area.tsx';

const strings = liveStrings.refusals;

export function Refusals() {
  const found = activity.value?.refusals ?? [];
  const most = Math.max(1, ...found.map(({ failed, skipped }) => failed + skipped));
  return (
    <Panel id="refusals" title={strings.title} note={strings.note}>
      <ScrollArea class="live-refusals" label={strings.listLabel}>
        {activity.value !== null && found.length === 0 && <p>{strings.none}</p>}
        {found.map(({ id, failed, skipped, last }) => (
          <details key={id} class="live-refusal">
            <summary>
              <span class="live-refusal-words">
                <code>{id}</code> <span>{strings.count(failed, skipped)}</span>
              </span>
              <span class="live-bar" aria-hidden="true">
                <span
                  class={`live-bar-fill live-fill-${failed > 0 ? 'bad' : 'open'}`}
                  style={{ width: `${(100 * (failed + skipped)) / most}%` }}
                />
              </span>
            </summary>
            <Meaning id={id} last={last} />
          </details>
        ))}
      </ScrollArea>
    </Panel>
  );
}

function Meaning({ id, last }: { id: string; last: number }) {
  const meaning = meaningOf(id);
  return (
    <div class="live-meaning">
      {meaning === null ? (
        <p>{strings.unknown}</p>
      ) : (
        <>
          <p>{harmless(strings.passesWhen(meaning.title))}</p>
          <p class="quiet">{harmless(meaning.protects)}</p>
          <p>
            <strong>{strings.remedy}:</strong> {harmless(meaning.remedy)}
          </p>
          <p class="quiet">
            {strings.spec}: {harmless(meaning.spec)}
          </p>
        </>
      )}
      <p class="quiet">
        {strings.last}: {dayAndClock(last)} UTC
      </p>
    </div>
  );
}
