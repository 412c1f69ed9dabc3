/** Sentences about events and about what explains a register that does not fit. */
import { toHex } from '../../bytes.ts';
import type { TpmHash } from '../tpm/hash.ts';
import type { Quoted } from './compare.ts';
import type { Explanation } from './explain.ts';
import { type Proof, proofOf } from './preimage.ts';
import { eventTypeName, type LogEvent, registerName } from './types.ts';
import { viewEvent } from './view.ts';

const proofPrefix: Readonly<Record<Proof, string>> = {
  proved: '',
  'in-part': 'proved but for its name: ',
  untold: 'unproved: ',
  false: 'not what was measured: ',
};

/** What the event says in one line, and whether its digest proves it: nothing unproved stands there as a fact. */
export function provedLine(event: LogEvent, algorithm: TpmHash): string {
  return `${proofPrefix[proofOf(event, algorithm)]}${viewEvent(event).what}`;
}

/** `event 12 (EV_SEPARATOR: separator)` */
export function eventLabel(event: LogEvent, algorithm: TpmHash): string {
  return `event ${event.number} (${eventTypeName(event.type)}: ${provedLine(event, algorithm)})`;
}

/** One sentence without its full stop. */
export function describeExplanation(
  explanation: Explanation,
  kind: Quoted['kind'],
  register: number,
  algorithm: TpmHash,
): string {
  const name = registerName(kind, register);
  const label = (event: LogEvent) => eventLabel(event, algorithm);
  switch (explanation.kind) {
    case 'stops': {
      const { event, after } = explanation;
      return after === null
        ? `${name} was never extended: the first event of it that was not is ${label(event)}`
        : `${name} stops after event ${after.number}: the first that was not extended is ${label(event)}`;
    }
    case 'left-out':
      return `${label(explanation.event)} was not extended into ${name}, all others were`;
    case 'twice':
      return `${label(explanation.event)} was extended into ${name} twice`;
    case 'exchanged':
      return `${label(explanation.next)} was extended into ${name} before ${label(explanation.event)}`;
    case 'another-digest':
      return `the digest of ${label(explanation.event)} is not the one that was extended into ${name}, which is the hash of its data: ${toHex(explanation.measured)}`;
    case 'another-register':
      return `${label(explanation.event)} was extended into ${name}, the log has it in ${registerName(kind, explanation.event.register)}`;
    case 'another-start':
      return `${name} fits if the TPM was started from locality ${explanation.locality}, of which the log says something else`;
    case 'no-events':
      return `the log has no event of ${name}, which does not hold what it begins with`;
    case 'false-data':
      return `no single change explains ${name}; the first event of it whose data is not what its digest is of is ${label(explanation.event)}`;
    case 'unexplained': {
      const { searched, event } = explanation;
      const first =
        event === null
          ? ''
          : `; the first that nothing but its digest speaks for is ${label(event)}`;
      return `${searched ? unexplained : tooMany} ${name}${first}`;
    }
  }
}

const unexplained =
  'no event left out, doubled, moved or altered by itself explains it: several differ, or something that is not in this log was extended into';
const tooMany = 'there are too many events to try which one explains';
