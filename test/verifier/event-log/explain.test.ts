import { describe, expect, test } from 'vitest';
import { compareRegisters, firstDifference } from '#verifier/abi/event-log/compare.ts';
import { describeExplanation } from '#verifier/abi/event-log/describe.ts';
import { type Explanation, explain, newBudget } from '#verifier/abi/event-log/explain.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import type { EventLog, LogEvent } from '#verifier/abi/event-log/types.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import {
  boot,
  grub,
  type Made,
  makeLog,
  secureBoot,
  separator,
  startupLocality,
} from './samples.ts';

/** What explains that registers hold what `extended` gives while the log says `logged`. */
function explained(logged: EventLog, extended: EventLog, register: number, budget = newBudget()) {
  const held = replayPcrs(extended, 'sha256').get(register) ?? new Uint8Array(32);
  const values = new Map([['sha256', new Map([[register, held]])] as const]);
  const [outcome] = compareRegisters(logged, 'pcr', values);
  if (outcome === undefined || outcome.status === 'fits') return null;
  return explain(logged, outcome, budget);
}

const log = makeLog(boot);
const numberOf = (explanation: Explanation | null) =>
  explanation !== null && 'event' in explanation ? explanation.event?.number : null;
const without = (...numbers: number[]) => ({
  ...log,
  events: log.events.filter(({ number }) => !numbers.includes(number)),
});
const eventAt = (number: number) => log.events[number - 1] as LogEvent;
const ofRegister = (register: number) =>
  log.events.filter((event) => event.register === register && event.type !== 3);
const altered = (number: number, change: Partial<LogEvent>): EventLog => ({
  ...log,
  events: log.events.map((event) => (event.number === number ? { ...event, ...change } : event)),
});
const [first, second, third] = ofRegister(8) as [LogEvent, LogEvent, LogEvent];

describe('a register that does not fit', () => {
  test('a log that fits needs no explanation', () => {
    expect(explained(log, log, 8)).toBe(null);
  });

  test('stops after an event: the rest of the log was not extended', () => {
    const found = explained(log, without(second.number, third.number), 8);
    expect(found).toMatchObject({ kind: 'stops', event: second, after: first });
    const never = explained(log, without(...ofRegister(8).map(({ number }) => number)), 8);
    expect(never).toMatchObject({ kind: 'stops', event: first, after: null });
  });

  test.each(
    ofRegister(8)
      .map(({ number }) => number)
      .slice(0, -1),
  )('event %i was not extended', (number) => {
    expect(explained(log, without(number), 8)).toEqual({
      kind: 'left-out',
      event: eventAt(number),
    });
  });

  test.each(ofRegister(8).map(({ number }) => number))('event %i was extended twice', (number) => {
    const events = log.events.flatMap((event) =>
      event.number === number ? [event, event] : event,
    );
    expect(explained(log, { ...log, events }, 8)).toEqual({
      kind: 'twice',
      event: eventAt(number),
    });
  });

  test('two events in the other order', () => {
    const events = log.events.map((event) =>
      event === first ? second : event === second ? first : event,
    );
    expect(explained(log, { ...log, events }, 8)).toEqual({
      kind: 'exchanged',
      event: first,
      next: second,
    });
  });

  test.each(ofRegister(8).map(({ number }) => number))(
    'the digest of event %i was altered: its data has the one that was extended',
    (number) => {
      const digests = new Map([['sha256', new Uint8Array(32).fill(1)] as const]);
      const found = explained(altered(number, { digests }), log, 8);
      expect(found).toMatchObject({ kind: 'another-digest' });
      expect(numberOf(found)).toBe(number);
      expect(found).toMatchObject({ measured: eventAt(number).digests.get('sha256') });
    },
  );

  test('an event that the log has in another register', () => {
    const found = explained(altered(first.number, { register: 9 }), log, 8);
    expect(found).toMatchObject({ kind: 'another-register' });
    expect(numberOf(found)).toBe(first.number);
  });

  test.each([0, 4] as const)('PCR 0 of a TPM that was started from locality %i', (locality) => {
    const started = makeLog([startupLocality(locality), ...boot.slice(1)]);
    expect(explained(log, started, 0)).toEqual({ kind: 'another-start', locality });
    expect(explained(log, started, 1)).toBe(null);
  });

  test('no event of it in the log', () => {
    expect(explained(log, makeLog([...boot, separator(14)]), 14)).toEqual({ kind: 'no-events' });
  });

  test('not certain: the first event whose data is not what its digest is of', () => {
    const made: Made[] = [secureBoot(true), separator(7), secureBoot(false), separator(7)];
    const honest = makeLog([...made, separator(7)]);
    const lying = makeLog(made);
    const events = lying.events.map((event) =>
      event.number === 3 ? { ...event, data: secureBoot(true).data } : event,
    );
    const doubled = makeLog([...made, separator(7), separator(7)]);
    expect(explained({ ...lying, events }, honest, 7)).toMatchObject({ kind: 'twice' });
    const found = explained({ ...lying, events }, doubled, 7);
    expect([found?.kind, numberOf(found)]).toEqual(['false-data', 3]);
  });

  test('nothing certain: the first event that its digest alone speaks for', () => {
    const more = makeLog([...boot, grub('x'), grub('y')]);
    expect(explained(log, more, 8)).toEqual({ kind: 'unexplained', searched: true, event: null });
    const kernel = { register: 9, type: 13, data: utf8('/k\0'), measured: utf8('k') };
    const other = makeLog([...boot, kernel, kernel, kernel]);
    const found = explained(log, other, 9);
    expect([found?.kind, numberOf(found)]).toEqual(['unexplained', ofRegister(9)[0]?.number]);
  });

  test('too many events are not searched', () => {
    const many = makeLog(
      Array.from({ length: 400 }, (_, i) => grub(`${i}`)),
      ['sha256'],
    );
    const other = makeLog([grub('x')], ['sha256']);
    expect(explained(many, other, 8)).toMatchObject({ kind: 'unexplained', searched: false });
    const stopped = { ...many, events: many.events.slice(0, 399) };
    expect(explained(many, stopped, 8)).toMatchObject({ kind: 'stops' });
    const budget = { left: 0 };
    expect(explained(log, without(first.number), 8, budget)).toMatchObject({ searched: false });
  });
});

test('the sentence names event and register', () => {
  const found = explained(log, without(second.number), 8) as Explanation;
  expect(describeExplanation(found, 'pcr', 8, 'sha256')).toBe(
    `event ${second.number} (EV_IPL: GRUB command: linux /vmlinuz root=/dev/sda1) was not extended into PCR 8, all others were`,
  );
  const stops = explained(log, without(third.number), 8) as Explanation;
  expect(describeExplanation(stops, 'rtmr', 3, 'sha256')).toBe(
    `RTMR2 stops after event ${second.number}: the first that was not extended is event ${third.number} (EV_IPL: GRUB command: initrd /initrd.img)`,
  );
});

describe('against the log of another boot', () => {
  const events = (made: Made[]) => makeLog(made, ['sha256']).events;
  const compare = (one: Made[], other: Made[]) => {
    const found = firstDifference(events(one), events(other), 'sha256');
    return found === null ? null : [found.logged?.number ?? null, found.reference?.number ?? null];
  };
  const [a, b, c] = [grub('a'), grub('b'), grub('c')];
  test('the first event that differs, in both', () => {
    expect(compare([a, b], [a, b])).toBe(null);
    expect(compare([a, b], [a, c])).toEqual([2, 2]);
    expect(compare([a, b], [a])).toEqual([2, null]);
    expect(compare([a], [a, b])).toEqual([null, 2]);
    expect(compare([a, b], [b, a])).toEqual([1, 1]);
    const retyped: Made = { ...b, type: 5 };
    expect(compare([a, b], [a, retyped])).toEqual([2, 2]);
  });

  test('data without a digest of its own makes no difference', () => {
    const said = (data: Bytes): Made => ({
      register: 4,
      type: 0x80000003,
      data,
      measured: utf8('i'),
    });
    expect(compare([said(utf8('x'))], [said(utf8('y'))])).toBe(null);
  });
});
