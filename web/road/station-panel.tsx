/** The checks of one station, below the road: those that are not well first in sight, with everything that is known of them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import type { Judged } from '../model/judge.ts';
import { StatusMark } from '../parts/status.tsx';
import { roadStrings as words } from '../strings/road.ts';
import { CheckDetails } from './check-details.tsx';
import { foundOf } from './check-words.ts';
import { titleOf } from './station-words.ts';
import './station-panel.css';
import { type Placed, worstFirst } from './stations.ts';

/** So many checks are shown in full at once. */
const fewChecks = 3;

type StationPanelProps = { station: Placed; judged: Judged; onClose: () => void };

export function StationPanel({ station, judged, onClose }: StationPanelProps) {
  const title = titleOf(station.id, judged.verified);
  const { checks, vouched } = station;
  const rank = ({ status }: CheckResult) => worstFirst.indexOf(status);
  const worst = checks.toSorted((one, other) => rank(one) - rank(other));
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = panel.current;
    const leave = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    element?.addEventListener('keydown', leave);
    return () => element?.removeEventListener('keydown', leave);
  }, [onClose]);
  return (
    <section ref={panel} class="road-panel" aria-label={words.detailsOf(title)}>
      <div class="road-panel-head">
        <h3>{title}</h3>
        <StatusMark status={station.status} />
        {!vouched && (
          <span class="road-unvouched">
            {words.unvouched}: {words.unvouchedAbout}
          </span>
        )}
        <button type="button" class="no-print" onClick={onClose}>
          {words.close}
        </button>
      </div>
      <ul class="road-checks">
        {worst.map((check) => (
          <StationCheck
            key={`${station.id} ${check.id}`}
            check={check}
            few={checks.length <= fewChecks}
          />
        ))}
      </ul>
    </section>
  );
}

function StationCheck({ check, few }: { check: CheckResult; few: boolean }) {
  const { id, status } = check;
  const unwell = status === 'fail' || status === 'skip';
  const [open, setOpen] = useState(few || unwell);
  const found = foundOf(check);
  return (
    <li>
      <button type="button" class="road-check" aria-expanded={open} onClick={() => setOpen(!open)}>
        <StatusMark status={status} />
        <span class="road-check-title">{entryOf(id).title}</span>
        <code>{id}</code>
        {!open && found !== null && <span class="road-check-found">{found}</span>}
      </button>
      {open && <CheckDetails check={check} />}
    </li>
  );
}
