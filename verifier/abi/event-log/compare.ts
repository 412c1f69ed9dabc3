/** A log against what registers hold. */
import { type Bytes, equalBytes } from '../../bytes.ts';
import type { PcrValues, TpmHash } from '../tpm/hash.ts';
import { phasesBetween } from './phases.ts';
import { digestOf, eventsByRegister, replayRegister, untouchedPcr } from './replay.ts';
import type { EventLog, LogEvent } from './types.ts';

/** What somebody vouches for that registers hold: RTMR0 to RTMR3 of a quote, or PCRs by bank. */
export type Quoted =
  | { readonly kind: 'rtmr'; readonly registers: readonly Bytes[] }
  | { readonly kind: 'pcr'; readonly pcrs: PcrValues };

export type RegisterOutcome = {
  /** As the log numbers it. */
  readonly register: number;
  readonly algorithm: TpmHash;
  /**
   * `untold`: the log has no event of it, and it does not hold what such a register begins with. A TPM's log ends where the
   * operating system begins, so that is usual from PCR 8 on.
   */
  readonly status: 'fits' | 'differs' | 'untold';
  readonly held: Bytes;
  readonly replayed: Bytes;
  /** Of this register, in the log. */
  readonly events: readonly LogEvent[];
  /** Phases of the boot that systemd measured after them. */
  readonly phases: readonly string[];
};

/** By bank of which both sides have digests, registers ascending. */
export function compareLog(log: EventLog, quoted: Quoted): readonly RegisterOutcome[] {
  return compareRegisters(log, quoted.kind, asLogged(quoted));
}

/** The same values as a log numbers their registers. */
export function asLogged(quoted: Quoted): PcrValues {
  if (quoted.kind === 'pcr') return quoted.pcrs;
  return new Map([['sha384', new Map(quoted.registers.map((value, i) => [i + 1, value]))]]);
}

/** @param values by registers as the log numbers them */
export function compareRegisters(
  log: EventLog,
  kind: Quoted['kind'],
  values: PcrValues,
): readonly RegisterOutcome[] {
  return [...values].flatMap(([algorithm, held]) =>
    log.algorithms.includes(algorithm) ? compareBank(log, kind, algorithm, held) : [],
  );
}

function compareBank(
  log: EventLog,
  kind: Quoted['kind'],
  algorithm: TpmHash,
  values: ReadonlyMap<number, Bytes>,
): RegisterOutcome[] {
  const grouped = eventsByRegister(log);
  return [...values]
    .toSorted(([a], [b]) => a - b)
    .map(([register, held]): RegisterOutcome => {
      const events = grouped.get(register) ?? [];
      const value =
        events.length > 0
          ? replayRegister(log, algorithm, register, events)
          : untouched(log, kind, algorithm, register);
      const outcome = { register, algorithm, held, replayed: value, events };
      if (equalBytes(value, held)) return { ...outcome, status: 'fits', phases: [] };
      if (events.length === 0) return { ...outcome, status: 'untold', phases: [] };
      const phases = phasesBetween(kind, register, algorithm, value, held);
      if (phases === null) return { ...outcome, status: 'differs', phases: [] };
      return { ...outcome, status: 'fits', phases };
    });
}

function untouched(
  log: EventLog,
  kind: Quoted['kind'],
  algorithm: TpmHash,
  register: number,
): Bytes {
  return kind === 'rtmr' ? new Uint8Array(48) : untouchedPcr(log, algorithm, register);
}

/** The first event in which two logs differ in one register; null on the side that ends before it. */
export type LogDifference = {
  readonly logged: LogEvent | null;
  readonly reference: LogEvent | null;
};

/** @returns null when the register is made of the same digests in both */
export function firstDifference(
  logged: readonly LogEvent[],
  reference: readonly LogEvent[],
  algorithm: TpmHash,
): LogDifference | null {
  for (let i = 0; i < Math.max(logged.length, reference.length); i++) {
    const one = logged[i] ?? null;
    const other = reference[i] ?? null;
    const same =
      one !== null &&
      other !== null &&
      one.type === other.type &&
      equalBytes(digestOf(one, algorithm), digestOf(other, algorithm));
    if (!same) return { logged: one, reference: other };
  }
  return null;
}
