/**
 * The event log that a TD's firmware and kernel keep of what they extended (ACPI table CCEL, /sys/firmware/acpi/tables/data/CCEL):
 * the crypto-agile format of abi/event-log/parse.ts with SHA-384 alone (UEFI 2.10, 38 "Confidential Computing"). Registers are
 * counted from MRTD there: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3.
 */
import { parseBinaryLog } from '../../abi/event-log/parse.ts';
import { malformed } from '../../abi/event-log/specification.ts';
import type * as tcg from '../../abi/event-log/types.ts';
import { isExtended } from '../../abi/event-log/types.ts';
import { tpmHashes } from '../../abi/tpm/hash.ts';
import type { Bytes } from '../../bytes.ts';
import { replay } from './digest.ts';

export { eventTypeName, eventTypes, maxLogLength } from '../../abi/event-log/types.ts';

/** Runtime registers: RTMR0 to RTMR3. */
export const registers = [0, 1, 2, 3] as const;
export type Register = (typeof registers)[number];

export type LogEvent = {
  /** Null for what is extended nowhere (EV_NO_ACTION). */
  readonly register: Register | null;
  readonly type: number;
  /** SHA-384, 48 bytes; of what, the type says. */
  readonly digest: Bytes;
  /** What the firmware says about it: informative, unless `digest` is its hash. */
  readonly data: Bytes;
};

export type EventLog = { readonly events: readonly LogEvent[] };

/** @throws AttestationError `log-malformed`, `too-large` */
export function parseEventLog(bytes: Bytes): EventLog {
  const { specification, events } = parseBinaryLog(bytes);
  if (specification === null) {
    throw malformed('its first event is not of the crypto-agile format (Spec ID Event03)');
  }
  const { platformClass, algorithms } = specification;
  if (platformClass !== 0) throw malformed(`it is of platform class ${platformClass}`);
  if (algorithms.length !== 1 || algorithms[0]?.id !== tpmHashes.sha384.id) {
    throw malformed('its digests are not SHA-384 alone');
  }
  return { events: events.map(toTdx) };
}

/** @returns the four registers after all events */
export function replayLog({ events }: EventLog): readonly Bytes[] {
  return registers.map((register) =>
    replay(events.filter((event) => event.register === register).map(({ digest }) => digest)),
  );
}

function toTdx(event: tcg.LogEvent): LogEvent {
  const { number, type, data } = event;
  const digest = event.digests.get('sha384') as Bytes;
  if (!isExtended(event)) return { register: null, type, digest, data };
  const register = registers[event.register - 1];
  if (register === undefined) {
    throw malformed(
      `event ${number} extends register ${event.register}, of 1 (RTMR0) to 4 (RTMR3)`,
    );
  }
  return { register, type, digest, data };
}
