/** Each register: what the log gives, what was quoted, whether they are equal, and the event to look at. */
import type { LogEvent } from '#verifier/abi/event-log/types.ts';
import { toHex } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import { LongHex } from '../parts/long-hex.tsx';
import { eventsStrings as words } from '../strings/events.ts';
import type { Register } from './model.ts';

type RegisterListProps = {
  registers: readonly Register[];
  onLook: (event: LogEvent) => void;
  onShow: (register: number) => void;
};

export function RegisterList({ registers, onLook, onShow }: RegisterListProps) {
  return (
    <ol class="events-registers">
      {registers.map((one) => (
        <RegisterItem key={one.register} one={one} onLook={onLook} onShow={onShow} />
      ))}
    </ol>
  );
}

type RegisterItemProps = Omit<RegisterListProps, 'registers'> & { one: Register };

function RegisterItem({ one, onLook, onShow }: RegisterItemProps) {
  const { name, replayed, held, events, register } = one;
  return (
    <li class={one.wrong ? 'events-register events-register-wrong' : 'events-register'}>
      <p class="events-register-head">
        <strong>{name}</strong> <Equality one={one} />
        {events.length > 0 && (
          <button type="button" class="events-link no-print" onClick={() => onShow(register)}>
            {words.eventCount(events.length)}
            <span class="visually-hidden"> {words.ofRegister(name)}</span>
          </button>
        )}
      </p>
      <dl class="events-register-values">
        <div>
          <dt>{words.replayed}</dt>
          <dd>
            <LongHex what={words.replayedOf(name)} hex={toHex(replayed)} />
          </dd>
        </div>
        <div>
          <dt>{words.quoted}</dt>
          <dd>
            {held === null ? (
              <span class="quiet">{words.noQuoted}</span>
            ) : (
              <LongHex what={words.quotedOf(name)} hex={toHex(held)} />
            )}
          </dd>
        </div>
      </dl>
      <Reasons one={one} onLook={onLook} />
    </li>
  );
}

const statusClass = { fits: 'pass', differs: 'fail', untold: 'waived', unquoted: 'skip' } as const;

function Equality({ one }: { one: Register }) {
  const wrongUntold = one.wrong && one.status === 'untold';
  const { mark, word } = wrongUntold ? words.untoldWrong : words.registerStatus[one.status];
  return (
    <span class={`status status-${wrongUntold ? 'fail' : statusClass[one.status]}`}>
      <span aria-hidden="true">{mark}</span>
      <span>{word}</span>
    </span>
  );
}

function Reasons({ one, onLook }: Pick<RegisterItemProps, 'one' | 'onLook'>) {
  const { status, wrong, why, phases, first, firstUntold, events } = one;
  return (
    <div class="events-register-why">
      {wrong && why !== null && <p>{sentence(why)}</p>}
      {status === 'untold' && !wrong && <p class="quiet">{words.untoldUsual}</p>}
      {status === 'fits' && events.length === 0 && <p class="quiet">{words.untouched}</p>}
      {phases.length > 0 && <p class="quiet">{words.phases(phases.join(', '))}</p>}
      {first !== null && (
        <p>
          <button type="button" class="events-jump" onClick={() => onLook(first.event)}>
            <span aria-hidden="true">▸ </span>
            {words.look(first.event.number)}
            {`: ${words.mark[first.mark]}`}
          </button>
        </p>
      )}
      {first === null && events.length > 0 && (
        <p class="quiet">
          {firstUntold === null ? (
            words.allProved
          ) : (
            <button type="button" class="events-link" onClick={() => onLook(firstUntold)}>
              {words.firstUntold(firstUntold.number)}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function sentence(text: string): string {
  const clean = harmless(text);
  return `${clean.slice(0, 1).toUpperCase()}${clean.slice(1)}.`;
}
