/** The log of another boot, beside this one: the first event of each register in which they differ. */
import { useState } from 'preact/hooks';
import { eventLabel } from '#verifier/abi/event-log/describe.ts';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { type EventLog, type LogEvent, maxLogLength } from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { AttestationError } from '#verifier/errors.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { PickFile } from '../parts/pick-file.tsx';
import { eventsStrings } from '../strings/events.ts';
import { listStrings } from '../strings/lists.ts';
import type { LogReading } from './model.ts';
import { differencesOf, type RegisterDifference } from './rows.ts';

const words = eventsStrings.reference;

type ReferenceProps = {
  /** A second log that was dropped with the evidence. */
  given: GivenFile | null;
  reading: LogReading;
  algorithm: TpmHash;
  onLook: (event: LogEvent) => void;
};

export function Reference({ given, reading, algorithm, onLook }: ReferenceProps) {
  const [other, setOther] = useState<Other | null>(() => otherOf(given));
  if (other === null) {
    return (
      <PickFile
        label={words.pick}
        mebibytes={maxLogLength / 1024 / 1024}
        onFile={(file) => setOther(readOther(file))}
      />
    );
  }
  const differences = differencesOf(reading, other.log, algorithm);
  return (
    <section aria-labelledby="events-reference">
      <h3 id="events-reference">{words.against(other.name)}</h3>
      <button type="button" class="no-print" onClick={() => setOther(null)}>
        {listStrings.remove(other.name)}
      </button>
      {differences === null ? (
        <p>{words.noShared(algorithm)}</p>
      ) : (
        <ol class="events-registers">
          {differences.map((one) => (
            <Difference key={one.register} one={one} algorithm={algorithm} onLook={onLook} />
          ))}
        </ol>
      )}
    </section>
  );
}

type Other = { name: string; log: EventLog };

/** @throws AttestationError for what is no event log */
function readOther({ name, bytes }: GivenFile): Other {
  return { name: harmless(name), log: parseEventLog(bytes) };
}

function otherOf(file: GivenFile | null): Other | null {
  try {
    return file && readOther(file);
  } catch (error) {
    // The list of files says so.
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

type DifferenceProps = Pick<ReferenceProps, 'algorithm' | 'onLook'> & { one: RegisterDifference };

function Difference({ one: { name, difference }, algorithm, onLook }: DifferenceProps) {
  const label = (event: LogEvent | null) =>
    event === null ? words.ended : harmless(eventLabel(event, algorithm));
  const logged = difference?.logged ?? null;
  return (
    <li class="events-register">
      <p class="events-register-head">
        <strong>{name}</strong>
        <span class={`status status-${difference === null ? 'pass' : 'skip'}`}>
          <span aria-hidden="true">{difference === null ? '=' : '≠'}</span>
          <span>{difference === null ? words.same : words.differs}</span>
        </span>
      </p>
      {difference !== null && (
        <dl class="events-difference">
          <div>
            <dt>{words.here}</dt>
            <dd>
              {label(logged)}{' '}
              {logged !== null && (
                <button type="button" class="events-link no-print" onClick={() => onLook(logged)}>
                  {eventsStrings.look(logged.number)}
                </button>
              )}
            </dd>
          </div>
          <div>
            <dt>{words.there}</dt>
            <dd>{label(difference.reference)}</dd>
          </div>
        </dl>
      )}
    </li>
  );
}
