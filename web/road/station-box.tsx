/** One station of the road: a button with its name, what was found there, and how its checks ended. */
import type { Judged } from '../model/judge.ts';
import { StatusMark } from '../parts/status.tsx';
import { roadStrings as words } from '../strings/road.ts';
import { sayingOf, titleOf } from './station-words.ts';
import './station-box.css';
import type { Placed } from './stations.ts';

type StationBoxProps = {
  station: Placed;
  judged: Judged;
  open: boolean;
  /** The Tab key stops here; arrow keys lead to the others. */
  stop: boolean;
  controls: string;
  onPress: () => void;
  onKey: (event: KeyboardEvent) => void;
  onFocus: () => void;
  onElement: (element: HTMLButtonElement | null) => void;
};

export function StationBox(props: StationBoxProps) {
  const { station, judged, open, stop, controls, onPress, onKey, onFocus, onElement } = props;
  const { id, status, checks, vouched } = station;
  const title = titleOf(id, judged.verified);
  const saying = sayingOf(station, judged);
  return (
    <button
      ref={onElement}
      type="button"
      class={`road-box road-box-${status} ${vouched ? '' : 'road-box-dim'}`}
      data-test="station"
      data-station={id}
      data-status={status}
      aria-expanded={open}
      aria-controls={controls}
      tabIndex={stop ? 0 : -1}
      onClick={onPress}
      onKeyDown={onKey}
      onFocus={onFocus}
    >
      <span class="road-title">{title}</span>
      <span class="road-state">
        <StatusMark status={status} /> <span class="road-count">{words.checks(checks.length)}</span>
      </span>
      {saying !== null && <span class="road-says">{saying}</span>}
      {!vouched && <span class="road-unvouched">{words.unvouched}</span>}
    </button>
  );
}
