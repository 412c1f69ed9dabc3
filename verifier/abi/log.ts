/** The agent's log: every tree it served since the boot, and runtime events (protocol, "What is bound"). */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, bigEndian, concat, fromUtf8, Reader, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '../field.ts';
import { tag } from '../tags.ts';
import type { UnixTime } from '../time.ts';

export type LogEntry =
  | { kind: 'tree'; time: UnixTime; treeRoot: Field; reason: string }
  | { kind: 'event'; time: UnixTime; name: string; digest: Bytes };

export const maxLogEntries = 4096;

/**
 * entry = u8 1 ‖ time ‖ tree root ‖ u16 length ‖ reason (a new tree) or u8 2 ‖ time ‖ u16 length ‖ name ‖ 32-byte
 * digest (a runtime event), texts UTF-8
 */
export function encodeLogEntry(entry: LogEntry): Bytes {
  const text = utf8(entry.kind === 'tree' ? entry.reason : entry.name);
  const sized = concat(bigEndian(text.length, 2), text);
  const time = bigEndian(entry.time, 8);
  if (entry.kind === 'tree') {
    return concat(bigEndian(1, 1), time, fieldToBytes(entry.treeRoot), sized);
  }
  if (entry.digest.length !== 32) throw new RangeError('an event digest has 32 bytes');
  return concat(bigEndian(2, 1), time, sized, entry.digest);
}

/** @throws AttestationError `log-malformed`, `length-wrong`, `utf8-malformed`, `field-not-canonical` */
export function parseLogEntry(bytes: Bytes): LogEntry {
  const reader = new Reader(bytes, 'log entry');
  const code = reader.u8('kind');
  if (code !== 1 && code !== 2) {
    throw new AttestationError('log-malformed', `log entry: kind should be 1 or 2, got ${code}`);
  }
  const seconds = reader.u64be('time');
  if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new AttestationError('log-malformed', `log entry: time ${seconds} is not below 2^53`);
  }
  const time = Number(seconds);
  const readText = (what: string) =>
    fromUtf8(reader.bytes(reader.u16be(what), what), `log entry ${what}`);
  let entry: LogEntry;
  if (code === 1) {
    const treeRoot = fieldFromBytes(reader.bytes(32, 'tree root'), 'log entry tree root');
    entry = { kind: 'tree', time, treeRoot, reason: readText('reason') };
  } else {
    entry = { kind: 'event', time, name: readText('name'), digest: reader.bytes(32, 'digest') };
  }
  reader.end();
  return entry;
}

/**
 * Entry 1 is the boot's first tree; 4,096 entries at most.
 * @returns the entries, and the tree root of the last tree entry
 * @throws AttestationError `log-malformed` and those of `parseLogEntry`
 */
export function parseLog(entries: readonly Bytes[]): { entries: LogEntry[]; treeRoot: Field } {
  if (entries.length > maxLogEntries) {
    throw new AttestationError(
      'log-malformed',
      `log: ${entries.length} entries, at most ${maxLogEntries} are allowed`,
    );
  }
  const parsed = entries.map(parseLogEntry);
  const last = parsed.findLast((entry) => entry.kind === 'tree');
  if (last === undefined || parsed[0]?.kind !== 'tree') {
    throw new AttestationError('log-malformed', "log: entry 1 must be the boot's first tree");
  }
  return { entries: parsed, treeRoot: last.treeRoot };
}

/** log digest = L_n; L_0 = 32 zero bytes, L_i = SHA-256(tag(log) ‖ L_{i−1} ‖ entry_i) */
export function logDigest(entries: readonly Bytes[]): Bytes {
  return entries.reduce(extendLogDigest, new Uint8Array(32));
}

/** L_i from L_{i−1} and entry_i. */
export function extendLogDigest(digest: Bytes, entry: Bytes): Bytes {
  if (digest.length !== 32) throw new RangeError('a log digest has 32 bytes');
  return sha256(concat(tag('log'), digest, entry));
}
