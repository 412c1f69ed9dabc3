/**
 * What registers hold after the events of a log.
 *
 *   PCR' = H(PCR ‖ digest)          TCG TPM 2.0 Library, Part 1, 17.3
 *   RTMR' = SHA-384(RTMR ‖ digest)  Intel TDX Module Base Architecture, RTMR
 */
import { type Bytes, concat } from '../../bytes.ts';
import { hashOf, type TpmHash, tpmHashes } from '../tpm/hash.ts';
import { startupLocality } from './locality.ts';
import { type EventLog, isExtended, type LogEvent } from './types.ts';

export function extend(algorithm: TpmHash, register: Bytes, digest: Bytes): Bytes {
  return hashOf(algorithm, concat(register, digest));
}

export function replayFrom(algorithm: TpmHash, start: Bytes, digests: Iterable<Bytes>): Bytes {
  let register = start;
  for (const digest of digests) register = extend(algorithm, register, digest);
  return register;
}

/** Only registers that the log extends. @throws RangeError for an algorithm that the log has no digests of */
export function replayPcrs(log: EventLog, algorithm: TpmHash): ReadonlyMap<number, Bytes> {
  const replayed = new Map<number, Bytes>();
  for (const [register, events] of eventsByRegister(log)) {
    replayed.set(register, replayRegister(log, algorithm, register, events));
  }
  return replayed;
}

/** @param events of this register, one at least */
export function replayRegister(
  log: EventLog,
  algorithm: TpmHash,
  register: number,
  events: readonly LogEvent[],
): Bytes {
  const start = startOf(log, algorithm, register);
  return replayFrom(algorithm, start, digestsOf(events, algorithm));
}

/** RTMR0 to RTMR3, which a CC log numbers from 1; 48 bytes each, zeros where nothing was measured. */
export function replayRtmrs(log: EventLog): readonly Bytes[] {
  const replayed = replayPcrs(log, 'sha384');
  const zero = () => new Uint8Array(tpmHashes.sha384.length);
  return [1, 2, 3, 4].map((register) => replayed.get(register) ?? zero());
}

/** Without what is not extended; registers in ascending order. */
export function eventsByRegister({ events }: EventLog): ReadonlyMap<number, readonly LogEvent[]> {
  const grouped = Map.groupBy(events.filter(isExtended), ({ register }) => register);
  return new Map([...grouped].toSorted(([a], [b]) => a - b));
}

/** @throws RangeError for an algorithm that the log has no digests of */
export function digestOf(event: LogEvent, algorithm: TpmHash): Bytes {
  const digest = event.digests.get(algorithm);
  if (digest === undefined) {
    throw new RangeError(`event ${event.number} has no digest of ${algorithm}`);
  }
  return digest;
}

export function digestsOf(events: readonly LogEvent[], algorithm: TpmHash): Bytes[] {
  return events.map((event) => digestOf(event, algorithm));
}

/** What a register that the log extends held before: zeros, in PCR 0 with the locality that the TPM was started from. */
export function startOf(log: EventLog, algorithm: TpmHash, register: number): Bytes {
  return register === 0
    ? startAt(algorithm, startupLocality(log.events))
    : new Uint8Array(tpmHashes[algorithm].length);
}

export function startAt(algorithm: TpmHash, locality: number): Bytes {
  const start = new Uint8Array(tpmHashes[algorithm].length);
  start[start.length - 1] = locality;
  return start;
}

/** What a PCR holds that nothing ever extended: ones in 17 to 22, which a dynamic launch resets (PC Client PTP 1.05, table 5). */
export function untouchedPcr(log: EventLog, algorithm: TpmHash, register: number): Bytes {
  if (register >= 17 && register <= 22) {
    return new Uint8Array(tpmHashes[algorithm].length).fill(0xff);
  }
  return startOf(log, algorithm, register);
}
