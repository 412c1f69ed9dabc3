/** Events as a reader filters and reads them. */
import { firstDifference, type LogDifference } from '#verifier/abi/event-log/compare.ts';
import { eventsByRegister } from '#verifier/abi/event-log/replay.ts';
import {
  type EventLog,
  eventTypeName,
  isExtended,
  type LogEvent,
  registerName,
} from '#verifier/abi/event-log/types.ts';
import { viewEvent } from '#verifier/abi/event-log/view.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { toHex } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { LogReading } from './model.ts';
import { type RowProof, rowProofOf } from './proofs.ts';

export type EventRow = {
  readonly number: number;
  /** Null for what is said and measured nowhere. */
  readonly register: string | null;
  readonly type: string;
  readonly what: string;
  readonly proof: RowProof;
  /** hex; null for what is extended nowhere */
  readonly digest: string | null;
};

export function rowOf(event: LogEvent, kind: LogReading['kind'], algorithm: TpmHash): EventRow {
  const extended = isExtended(event);
  const digest = event.digests.get(algorithm);
  return {
    number: event.number,
    register: extended ? registerName(kind, event.register) : null,
    type: eventTypeName(event.type),
    what: harmless(viewEvent(event).what),
    proof: rowProofOf(event, algorithm),
    digest: extended && digest !== undefined ? toHex(digest) : null,
  };
}

/** A dbx has hundreds of hashes, a log of GRUB's as many commands. */
const shownParts = 400;

export type EventDetails = {
  readonly parts: readonly { readonly name: string; readonly value: string }[];
  /** Parts beyond those that are shown. */
  readonly more: number;
  readonly digests: readonly { readonly algorithm: TpmHash; readonly hex: string }[];
  readonly dataLength: number;
};

export function detailsOf(event: LogEvent): EventDetails {
  const { parts } = viewEvent(event);
  return {
    parts: parts
      .slice(0, shownParts)
      .map(({ name, value }) => ({ name: harmless(name), value: harmless(value) })),
    more: Math.max(0, parts.length - shownParts),
    digests: isExtended(event)
      ? [...event.digests].map(([algorithm, digest]) => ({ algorithm, hex: toHex(digest) }))
      : [],
    dataLength: event.data.length,
  };
}

export type EventFilter = {
  /** As the log numbers it; `nowhere` for what is extended nowhere, null for all. */
  readonly register: number | 'nowhere' | null;
  readonly proof: RowProof | null;
  /** Every word of it must occur. */
  readonly text: string;
};

export const noFilter: EventFilter = { register: null, proof: null, text: '' };

/** What is searched, by event: made when first needed. */
export type SearchIndex = Map<LogEvent, string>;

export function filterEvents(
  events: readonly LogEvent[],
  { register, proof, text }: EventFilter,
  { kind, algorithm }: { kind: LogReading['kind']; algorithm: TpmHash },
  index: SearchIndex,
): readonly LogEvent[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    if (register === 'nowhere' ? isExtended(event) : !isOf(event, register)) return false;
    if (proof !== null && rowProofOf(event, algorithm) !== proof) return false;
    if (words.length === 0) return true;
    const searched = index.get(event) ?? searchedOf(event, kind);
    index.set(event, searched);
    return words.every((word) => searched.includes(word));
  });
}

function isOf(event: LogEvent, register: number | null): boolean {
  return register === null || (isExtended(event) && event.register === register);
}

function searchedOf(event: LogEvent, kind: LogReading['kind']): string {
  const { what, parts } = viewEvent(event);
  return [
    String(event.number),
    isExtended(event) ? registerName(kind, event.register) : '',
    eventTypeName(event.type),
    what,
    ...parts.slice(0, shownParts).map(({ value }) => value),
    ...[...event.digests.values()].map(toHex),
  ]
    .join('\n')
    .toLowerCase();
}

export type RegisterDifference = {
  readonly register: number;
  readonly name: string;
  /** Null: the same events in the same order. */
  readonly difference: LogDifference | null;
};

/**
 * Two boots by their logs, register by register.
 * @returns null when they have no digests of the same algorithm
 */
export function differencesOf(
  { log, kind }: LogReading,
  reference: EventLog,
  algorithm: TpmHash,
): readonly RegisterDifference[] | null {
  if (!reference.algorithms.includes(algorithm)) return null;
  const [here, there] = [eventsByRegister(log), eventsByRegister(reference)];
  return [...new Set([...here.keys(), ...there.keys()])]
    .toSorted((one, other) => one - other)
    .map((register) => ({
      register,
      name: registerName(kind, register),
      difference: firstDifference(here.get(register) ?? [], there.get(register) ?? [], algorithm),
    }));
}
