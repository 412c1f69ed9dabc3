/** What the worker is about, step by step, and how to end it. */
import { useEffect, useState } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import { proofStrings } from '../strings/proofs.ts';
import type { StageTold } from './proof-client.ts';
import type { Side, Work } from './state.ts';

const words = proofStrings.work;

type WorkProgressProps = { side: Side; work: Work<unknown>; onCancel: () => void };

export function WorkProgress({ side, work, onCancel }: WorkProgressProps) {
  switch (work.state) {
    case 'idle':
    case 'done':
      return null;
    case 'cancelled':
      return (
        <p role="status" data-test="cancelled">
          {words.cancelled}
        </p>
      );
    case 'refused': {
      const { message, remedy } = work.problem;
      return (
        <section class="panel refusal" role="alert" data-test="proof-refused">
          <h2>{words.refused}</h2>
          <p>{harmless(message)}</p>
          {remedy !== null && <p>{harmless(remedy)}</p>}
        </section>
      );
    }
    case 'running':
      return (
        <section class="panel" aria-label={words.title[side]} data-test="working">
          <h2>{words.title[side]}</h2>
          <ol class="proofs-stages" aria-live="polite">
            {work.stages.length === 0 && <li>{words.begins}</li>}
            {work.stages.map((told, place) => (
              <StageItem key={place} told={told} />
            ))}
          </ol>
          <button type="button" data-test="cancel" onClick={onCancel}>
            {proofStrings.check.cancel}
          </button>
        </section>
      );
  }
}

export function StageItem({ told: { stage, milliseconds } }: { told: StageTold }) {
  const { name, circuit, expected } = stage;
  const text = words.stages[name](circuit);
  return (
    <li>
      <span class="proofs-stage-name">{text}</span>
      {milliseconds === null ? (
        <Elapsed expected={expected} />
      ) : (
        <span class="proofs-stage-time">{words.seconds(milliseconds)}</span>
      )}
    </li>
  );
}

const tick = 250;

/** Its clock is of this page: the worker is busy. */
function Elapsed({ expected }: { expected: number | null }) {
  const [since] = useState(() => performance.now());
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), tick);
    return () => clearInterval(timer);
  }, []);
  const seconds = (now - since) / 1000;
  return (
    <>
      <span class="proofs-stage-time" aria-hidden="true">
        {words.seconds(now - since)}
      </span>
      {expected !== null && (
        <span class="proofs-stage-expected">
          <progress
            max={expected}
            value={Math.min(seconds, expected)}
            aria-label={words.progress}
          />
          <span class="quiet">{words.expected(expected)}</span>
        </span>
      )}
    </>
  );
}
