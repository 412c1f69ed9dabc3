/** Which of the events are listed: by register, by what speaks for them, by words. */
import { eventsStrings as words } from '../strings/events.ts';
import type { Register } from './model.ts';
import type { RowProof } from './proofs.ts';
import { type EventFilter, noFilter } from './rows.ts';

type EventFiltersProps = {
  filter: EventFilter;
  registers: readonly Register[];
  /** Whether the log has events that are extended nowhere. */
  someSaid: boolean;
  onChange: (filter: EventFilter) => void;
};

const proofs = Object.keys(words.proof) as RowProof[];

export function EventFilters({ filter, registers, someSaid, onChange }: EventFiltersProps) {
  const { register, proof, text } = filter;
  const filtered = register !== null || proof !== null || text !== '';
  return (
    <search class="events-filters no-print">
      <label>
        <span>{words.filterRegister}</span>
        <select
          value={String(register ?? '')}
          onChange={({ currentTarget: { value } }) =>
            onChange({ ...filter, register: registerOf(value) })
          }
        >
          <option value="">{words.allRegisters}</option>
          {registers
            .filter(({ events }) => events.length > 0)
            .map(({ register, name, events }) => (
              <option key={register} value={String(register)}>
                {`${name} (${events.length})`}
              </option>
            ))}
          {someSaid && <option value="nowhere">{words.onlySaid}</option>}
        </select>
      </label>
      <label>
        <span>{words.filterProof}</span>
        <select
          value={proof ?? ''}
          onChange={({ currentTarget: { value } }) =>
            onChange({ ...filter, proof: proofs.find((one) => one === value) ?? null })
          }
        >
          <option value="">{words.anyProof}</option>
          {proofs.map((one) => (
            <option key={one} value={one}>
              {words.proof[one].word}
            </option>
          ))}
        </select>
      </label>
      <label class="events-search">
        <span>{words.filterText}</span>
        <input
          type="search"
          autoComplete="off"
          spellcheck={false}
          placeholder={words.filterTextHint}
          value={text}
          onInput={({ currentTarget: { value } }) => onChange({ ...filter, text: value })}
        />
      </label>
      <button type="button" disabled={!filtered} onClick={() => onChange(noFilter)}>
        {words.clear}
      </button>
    </search>
  );
}

function registerOf(value: string): EventFilter['register'] {
  if (value === '') return null;
  return value === 'nowhere' ? value : Number(value);
}
