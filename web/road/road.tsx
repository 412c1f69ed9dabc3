/** The road of trust as a picture: stations joined by lines, and below it the checks of the station that was chosen. */
import { useRef, useState } from 'preact/hooks';
import type { Judged } from '../model/judge.ts';
import { Panel } from '../parts/panel.tsx';
import { roadStrings as words } from '../strings/road.ts';
import { Link } from './link.tsx';
import { StationBox } from './station-box.tsx';
import type { StationId } from './station-map.ts';
import { StationPanel } from './station-panel.tsx';
import { carries, lanesOf, type Placed, rowsOf, type Step, stationsOf } from './stations.ts';
import './road.css';

const forward = ['ArrowRight', 'ArrowDown'];
const back = ['ArrowLeft', 'ArrowUp'];
const panelId = 'road-station';

export function Road({ judged }: { judged: Judged }) {
  const { verified, verdict } = judged;
  const lanes = lanesOf(stationsOf(verdict.checks, verified.subject), verified);
  const order = lanes.flatMap(({ steps }) =>
    steps.flatMap(({ stations, feeds }) => [...stations, ...feeds]),
  );
  const [chosen, setChosen] = useState<StationId | null>(null);
  const [held, setHeld] = useState<StationId | null>(null);
  const boxes = useRef(new Map<StationId, HTMLButtonElement>());
  const open = order.find(({ id }) => id === chosen) ?? null;
  // One stop for the Tab key: where the reader was last, else the first that is not well, else the first.
  const stop =
    order.find(({ id }) => id === held) ?? order.find(({ broken }) => broken) ?? order[0];

  const focus = (station: Placed | undefined) => {
    if (station !== undefined) boxes.current.get(station.id)?.focus();
  };
  const close = () => {
    setChosen(null);
    focus(open ?? undefined);
  };
  const move = (event: KeyboardEvent) => {
    const place = order.findIndex(({ id }) => id === held);
    if (event.key === 'Escape' && open !== null) close();
    else if (forward.includes(event.key)) focus(order[place + 1]);
    else if (back.includes(event.key)) focus(order[place - 1]);
    else if (event.key === 'Home') focus(order[0]);
    else if (event.key === 'End') focus(order.at(-1));
    else return;
    event.preventDefault();
  };
  const box = (station: Placed) => (
    <StationBox
      station={station}
      judged={judged}
      open={open?.id === station.id}
      stop={stop?.id === station.id}
      controls={panelId}
      onPress={() => setChosen(open?.id === station.id ? null : station.id)}
      onKey={move}
      onFocus={() => setHeld(station.id)}
      onElement={(element) => {
        if (element === null) boxes.current.delete(station.id);
        else boxes.current.set(station.id, element);
      }}
    />
  );
  return (
    <Panel id="road" title={words.title} note={words.note}>
      <div class="road-lanes">
        {lanes.map(({ id, steps }) => (
          <div key={id} class="road-lane">
            {lanes.length > 1 && <h3>{words.lane[id]}</h3>}
            {rowsOf(steps).map((row, first) => (
              <ol
                key={row[0]?.stations[0]?.id}
                class={`road-steps ${sizeOf(row)}`}
                style={columnsOf(row)}
              >
                {row.map((step, place) => (
                  <li
                    key={step.stations[0]?.id}
                    class="road-step"
                    style={{ '--road-share': step.stations.length }}
                  >
                    {(place > 0 || first > 0) && <Link cut={step.cut} />}
                    <StepBoxes step={step} box={box} />
                  </li>
                ))}
              </ol>
            ))}
          </div>
        ))}
      </div>
      <div id={panelId}>
        {open !== null && <StationPanel station={open} judged={judged} onClose={close} />}
      </div>
    </Panel>
  );
}

type StepBoxesProps = { step: Step; box: (station: Placed) => preact.JSX.Element };

function StepBoxes({ step: { stations, feeds }, box }: StepBoxesProps) {
  const [first] = stations;
  return (
    <div class={stations.every(carries) ? 'road-column' : 'road-column road-column-cut'}>
      {stations.length === 1 && first !== undefined ? (
        box(first)
      ) : (
        <div class="road-fan">
          <p class="road-caption">{words.together}</p>
          <ul>
            {stations.map((station) => (
              <li key={station.id}>{box(station)}</li>
            ))}
          </ul>
        </div>
      )}
      {feeds.length > 0 && (
        <ul class="road-feeds" aria-label={words.feeds}>
          {feeds.map((station) => (
            <li key={station.id}>
              <Link cut={station.broken} up />
              {box(station)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** How wide a screen must be for all steps to stand in one row; nine boxes or more are too narrow on any. */
function sizeOf(steps: readonly Step[]): string {
  const fans = steps.some(({ stations }) => stations.length > 1);
  if (fans || steps.length <= 5) return 'road-short';
  return steps.length <= 8 ? 'road-middle' : 'road-long';
}

function columnsOf(steps: readonly Step[]): Record<string, number> {
  return { '--road-all': steps.length, '--road-half': Math.ceil(steps.length / 2) };
}
