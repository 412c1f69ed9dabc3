/** Event logs for `affidavit show`: what was measured into which register, and what the registers would hold. */
import { provedLine } from '#verifier/abi/event-log/describe.ts';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import {
  type EventLog,
  eventTypeName,
  isExtended,
  type LogEvent,
  registerKind,
  registerName,
} from '#verifier/abi/event-log/types.ts';
import { viewEvent } from '#verifier/abi/event-log/view.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { ShowDocument, ShowField, ShowPart, ShowSection } from './document.ts';

export { looksLikeEventLog } from '#verifier/abi/event-log/parse.ts';

type Kind = ReturnType<typeof registerKind>;

/** A dbx has hundreds of hashes, a log of GRUB's as many commands: of one event so many parts are shown. */
const shownParts = 400;

/** Boots make some hundred events; a hostile log of the most that are read would make ten million lines. */
const shownEvents = 4096;

/** @throws AttestationError what `parseEventLog` throws */
export function eventLogSections(bytes: Bytes): ShowDocument['sections'] {
  const log = parseEventLog(bytes);
  const kind = registerKind(log);
  return [
    headSection(log, kind),
    ...log.algorithms.map((algorithm) => replaySection(log, kind, algorithm)),
    eventsSection(log, kind),
  ];
}

function headSection(log: EventLog, kind: Kind): ShowSection {
  const { format, algorithms, events, specification } = log;
  const fields: ShowField[] = [
    { name: 'format', value: format === 'sha1' ? 'SHA-1' : 'crypto-agile' },
    { name: 'registers', value: kind === 'pcr' ? 'PCRs of a TPM' : 'RTMRs of a TD' },
    { name: 'digests', value: algorithms.join(', ') },
    { name: 'events', value: String(events.length) },
  ];
  if (specification !== null) {
    const { platformClass, errata } = specification;
    fields.push({
      name: 'platform class',
      value: platformClass === 0 ? 'client' : 'server',
    });
    fields.push({ name: 'specification', value: `2.0, errata ${errata}` });
  }
  return { title: 'Event log', offsetsFrom: null, fields };
}

/** As policies and `--registers` spell them: PCRs by number, RTMRs from 0. */
function replaySection(log: EventLog, kind: Kind, algorithm: TpmHash): ShowSection {
  const values = [...replayPcrs(log, algorithm)];
  const fields = values.map(([register, value]) => ({
    name: registerName(kind, register),
    key: kind === 'pcr' ? `${algorithm}.${register}` : `rtmr${register - 1}`,
    value: toHex(value),
  }));
  if (fields.length === 0) fields.push({ name: 'registers', key: algorithm, value: 'none' });
  return { title: `Registers after all events, ${algorithm}`, offsetsFrom: null, fields };
}

function eventsSection(log: EventLog, kind: Kind): ShowSection {
  const { events } = log;
  const fields = events.slice(0, shownEvents).map((event) => eventField(event, log, kind));
  if (events.length > shownEvents) {
    fields.push({ name: 'more', value: `${events.length - shownEvents} that are not shown` });
  }
  if (fields.length === 0) fields.push({ name: 'events', value: 'none' });
  return {
    title: 'Events (unproved: the digest is not the hash of what is said)',
    offsetsFrom: null,
    fields,
  };
}

function eventField(event: LogEvent, { algorithms }: EventLog, kind: Kind): ShowField {
  const place = isExtended(event) ? registerName(kind, event.register) : 'nowhere';
  const [strongest] = algorithms.toReversed() as [TpmHash];
  return {
    name: `${String(event.number).padStart(3)} ${place}`,
    value: provedLine(event, strongest),
    parts: [
      { name: 'type', value: eventTypeName(event.type) },
      ...digestParts(event),
      ...viewParts(event),
    ],
  };
}

function digestParts(event: LogEvent): ShowPart[] {
  if (!isExtended(event)) return [];
  return [...event.digests].map(([name, digest]) => ({ name, value: toHex(digest) }));
}

function viewParts(event: LogEvent): ShowPart[] {
  const { parts } = viewEvent(event);
  if (parts.length <= shownParts) return [...parts];
  const more = parts.length - shownParts;
  return [...parts.slice(0, shownParts), { name: 'more', value: `${more} that are not shown` }];
}
