/** The log that an agent keeps itself: its trees and runtime events, in order. Only what the report binds is told. */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { type LogEntry, parseLog } from '#verifier/abi/log.ts';
import { toHex } from '#verifier/bytes.ts';
import type { CheckStatus } from '#verifier/checklist.ts';
import type { Evidence } from '#verifier/evidence.ts';
import { fieldToBytes } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { harmless } from '#verifier/words/lines.ts';

export type OwnEntry = {
  /** From 1. */
  readonly number: number;
  readonly time: UnixTime;
  readonly kind: 'tree' | 'event';
  /** A tree's reason, an event's name. */
  readonly what: string;
  /** hex: a tree's root, an event's digest. */
  readonly hex: string;
  /** The tree that the report binds: the one in force. */
  readonly current: boolean;
  /** Earlier than the entry before it: the guest's clock went back. */
  readonly back: boolean;
};

export type OwnLog = {
  /** Empty unless the log is the one bound. */
  readonly entries: readonly OwnEntry[];
  /** That came, whether they count or not. */
  readonly came: number;
  /** Of `binding.log`: the log against its bound digest. */
  readonly log: CheckStatus;
  /** Of `binding.report-data`: whether the report binds that digest. */
  readonly binding: CheckStatus;
};

/** @returns null for what is no bundle, and for one that cannot be read */
export function ownLogOf(evidence: Evidence, verified: Verified): OwnLog | null {
  if (evidence.form !== 'bundle' || verified.bundle === null) return null;
  const status = (id: string) => verified.checks.find((check) => check.id === id)?.status ?? 'skip';
  const { log } = parseBundle(evidence.bytes);
  const fits = status('binding.log') === 'pass';
  return {
    entries: fits ? entriesOf(parseLog(log).entries) : [],
    came: log.length,
    log: status('binding.log'),
    binding: status('binding.report-data'),
  };
}

function entriesOf(entries: readonly LogEntry[]): OwnEntry[] {
  const last = entries.findLastIndex(({ kind }) => kind === 'tree');
  return entries.map((entry, i) => ({
    number: i + 1,
    time: entry.time,
    kind: entry.kind,
    what: harmless(entry.kind === 'tree' ? entry.reason : entry.name),
    hex: toHex(entry.kind === 'tree' ? fieldToBytes(entry.treeRoot) : entry.digest),
    current: i === last,
    back: entry.time < (entries[i - 1]?.time ?? entry.time),
  }));
}
