/** MRTD and RTMR0 to RTMR3 of a trust domain before it boots, and where a real boot's log differs from them. */
import { type Bytes, equalBytes, toHex } from '../../bytes.ts';
import { replay, zeroRegister } from './digest.ts';
import { type EventLog, eventTypeName, type Register, registers } from './event-log.ts';
import { computeMrtd, type PageAddOrder } from './mrtd.ts';
import { type PlanInput, planEvents } from './plan.ts';
import type { PlannedEvent } from './planned.ts';
import { profiles } from './profiles.ts';
import { parseTdvf, type TdvfSection } from './tdvf.ts';

export type TdxInput = PlanInput & {
  /** The whole flash. */
  readonly firmware: Bytes;
  readonly pageAddOrder: PageAddOrder;
  readonly log: EventLog | null;
};

/** Where a digest comes from: from the build, or from the log alone because it could not be computed. */
export type EventSource = 'computed' | 'log';

export type TdxEvent = {
  readonly register: Register;
  readonly type: number;
  readonly what: string;
  /** Null where it is not known: `needs` says what to give. */
  readonly digest: Bytes | null;
  readonly source: EventSource | null;
  readonly needs: string | null;
};

/** The first event of a register in which the log is not the computed boot; `number` counts from 1 within the register. */
export type Difference = {
  readonly register: Register;
  readonly number: number;
  /** Null where the log has an event more. */
  readonly expected: TdxEvent | null;
  /** Null where the log ends before it. */
  readonly found: { readonly type: number; readonly digest: Bytes } | null;
};

export type TdxRegister = {
  /** Null where an event of it is not known. */
  readonly value: Bytes | null;
  /** What to give so that it is known. */
  readonly needs: readonly string[];
  /** Events that only the log vouches for. */
  readonly fromLog: number;
};

export type TdxMeasurement = {
  /** What this computation stands for, in words. */
  readonly standsFor: string;
  readonly sections: readonly TdvfSection[];
  readonly mrtd: Bytes;
  /** RTMR0 to RTMR3. */
  readonly rtmr: readonly TdxRegister[];
  readonly events: readonly TdxEvent[];
  /** Of each register that differs, the first event; empty without a log. */
  readonly differences: readonly Difference[];
};

/** @throws AttestationError for input that is wrong in itself; a log that differs is an outcome */
export function measureTdx(input: TdxInput): TdxMeasurement {
  const tdvf = parseTdvf(input.firmware);
  const { events: planned, open } = planEvents(tdvf, input);
  const compared = registers.map((register) =>
    compare(
      register,
      planned.filter((event) => event.register === register),
      open.includes(register),
      input.log,
    ),
  );
  return {
    standsFor: standsFor(input),
    sections: tdvf.sections,
    mrtd: computeMrtd(tdvf, input.pageAddOrder),
    rtmr: compared.map(({ events }, i) =>
      registerOf(events, open.includes(i as Register) && input.log === null, i),
    ),
    events: inOrder(planned, compared),
    differences: compared.flatMap(({ difference }) => difference ?? []),
  };
}

function standsFor({ profile, pageAddOrder }: TdxInput): string {
  return `QEMU on KVM, machine q35, firmware by -bios, pages added ${pageAddOrder}; OVMF of ${profiles[profile].covers} (${profile})`;
}

type Compared = { readonly events: readonly TdxEvent[]; readonly difference: Difference | null };

function compare(
  register: Register,
  planned: readonly PlannedEvent[],
  open: boolean,
  log: EventLog | null,
): Compared {
  const logged = log?.events.filter((event) => event.register === register) ?? null;
  const fromLog = (from: number): TdxEvent[] =>
    (logged ?? []).slice(from).map(({ type, digest }) => ({
      register,
      type,
      what: 'known from the log alone',
      digest,
      source: 'log',
      needs: null,
    }));
  const events = planned.map((event, i): TdxEvent => {
    if (event.digest !== null) return { ...event, source: 'computed' };
    const entry = logged?.[i];
    if (entry === undefined || entry.type !== event.type) return { ...event, source: null };
    return { ...event, digest: entry.digest, source: 'log', needs: null };
  });
  if (logged === null) return { events, difference: null };
  const at = events.findIndex((event, i) => !agrees(event, logged[i]));
  if (at >= 0) return { events, difference: differenceAt(register, at, events, logged) };
  if (open) return { events: [...events, ...fromLog(events.length)], difference: null };
  const difference =
    logged.length > events.length ? differenceAt(register, events.length, events, logged) : null;
  return { events, difference };
}

type Entry = { readonly type: number; readonly digest: Bytes };

function agrees(event: TdxEvent, entry: Entry | undefined): boolean {
  return (
    entry !== undefined &&
    event.digest !== null &&
    event.type === entry.type &&
    equalBytes(event.digest, entry.digest)
  );
}

function differenceAt(
  register: Register,
  at: number,
  events: readonly TdxEvent[],
  logged: readonly Entry[],
): Difference {
  const entry = logged[at];
  const found = entry === undefined ? null : { type: entry.type, digest: entry.digest };
  return { register, number: at + 1, expected: events[at] ?? null, found };
}

function registerOf(events: readonly TdxEvent[], open: boolean, register: number): TdxRegister {
  const needs = events.flatMap((event) => event.needs ?? []);
  const fromLog = events.filter(({ source }) => source === 'log').length;
  // RTMR3 belongs to the running system: zero until that extends it.
  if (register === 3 && open) return { value: zeroRegister(), needs, fromLog };
  if (open) return { value: null, needs: ['--kernel or --uki', ...needs], fromLog };
  if (needs.length > 0) return { value: null, needs, fromLog };
  return { value: replay(events.flatMap(({ digest }) => digest ?? [])), needs, fromLog };
}

/** As the plan has them, with those that only the log has after them. */
function inOrder(planned: readonly PlannedEvent[], compared: readonly Compared[]): TdxEvent[] {
  const next = compared.map(() => 0);
  const take = (register: Register): TdxEvent[] => {
    const at = next[register] as number;
    next[register] = at + 1;
    return compared[register]?.events.slice(at, at + 1) ?? [];
  };
  const ordered = planned.flatMap(({ register }) => take(register));
  const rest = compared.flatMap(({ events }, register) => events.slice(next[register]));
  return [...ordered, ...rest];
}

/** Three lines: where the log and the build part, and what each has there. */
export function describeDifference({
  register,
  number,
  expected,
  found,
}: Difference): readonly [string, string, string] {
  const logged =
    found === null ? 'has no more events' : `${eventTypeName(found.type)} ${toHex(found.digest)}`;
  return [
    `event ${number} of RTMR${register}`,
    `log: ${logged}`,
    `build: ${expectation(expected)}`,
  ];
}

function expectation(event: TdxEvent | null): string {
  if (event === null) return 'has no more events';
  const digest = event.digest === null ? `(give ${event.needs})` : toHex(event.digest);
  return `${eventTypeName(event.type)} ${digest}, ${event.what}`;
}
