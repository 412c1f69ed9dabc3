/**
 * dstack's event log: a JSON list of CCEL's events and of what the guest measured into RTMR3 afterwards. `imr` counts runtime
 * registers from 0. A runtime event names itself, and its digest is
 *   SHA-384(type, 4 bytes little-endian ‖ ':' ‖ event ‖ ':' ‖ payload)
 * so that is what `data` is here: it proves itself as the data of firmware's events do. Digests that are shorter than SHA-384's
 * end in zeros when they are extended.
 */
import { type Bytes, concat, fromHex, fromUtf8, utf8, Writer } from '../../bytes.ts';
import { arrayOf, type Decoded, integer, object, parseJson, text } from '../../json.ts';
import { tpmHashes } from '../tpm/hash.ts';
import { malformed } from './specification.ts';
import { type EventLog, eventTypes, type LogEvent, maxEvents } from './types.ts';

const entry = object({
  imr: integer(0, 3),
  event_type: integer(0, 0xffffffff),
  digest: text(/^(?:[0-9a-f]{2}){1,48}$/, '1 to 48 bytes as lower-case hex'),
  event: text(/^[^\0]{0,1024}$/u, 'the name of an event'),
  event_payload: text(/^(?:[0-9a-f]{2})*$/, 'lower-case hex'),
});
const entries = arrayOf(entry, { min: 1, max: maxEvents });

/** dstack's logs have some kilobytes, and JSON costs more to read than what firmware writes. */
export const maxJsonLogLength = 1024 * 1024;

/** @throws AttestationError what JSON's reader throws, `log-malformed` */
export function parseDstackLog(bytes: Bytes): EventLog {
  if (bytes.length > maxJsonLogLength) {
    throw malformed(`as JSON it has ${bytes.length} bytes, at most ${maxJsonLogLength} are read`);
  }
  const list = entries(parseJson(fromUtf8(bytes, 'event log'), 'event log'), 'event log');
  const events = list.map((one, i) => toEvent(one, i + 1));
  return { format: 'crypto-agile', algorithms: ['sha384'], specification: null, events };
}

function toEvent(one: Decoded<typeof entry>, number: number): LogEvent {
  const payload = fromHex(one.event_payload, 'payload');
  const runtime = one.event_type === eventTypes.dstackRuntime;
  if (one.event_type === eventTypes.noAction || (!runtime && one.event !== '')) {
    throw malformed(`event ${number} is of a kind that dstack does not write`);
  }
  const digest = new Uint8Array(tpmHashes.sha384.length);
  digest.set(fromHex(one.digest, 'digest'));
  return {
    number,
    register: one.imr + 1,
    type: one.event_type,
    digests: new Map([['sha384', digest]]),
    data: runtime ? runtimeData(one.event, payload) : payload,
  };
}

function runtimeData(name: string, payload: Bytes): Bytes {
  const type = new Writer(4).u32le(eventTypes.dstackRuntime).finish();
  return concat(type, utf8(`:${name}:`), payload);
}

/** @returns null for another event, and for data that does not name itself */
export function readRuntimeData({
  type,
  data,
}: Pick<LogEvent, 'type' | 'data'>): { name: string; payload: Bytes } | null {
  if (type !== eventTypes.dstackRuntime || data[4] !== 0x3a) return null;
  const end = data.indexOf(0x3a, 5);
  if (end < 0) return null;
  const name = new TextDecoder().decode(data.subarray(5, end));
  return { name, payload: data.subarray(end + 1) };
}
