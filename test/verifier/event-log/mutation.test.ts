/**
 * A bit changed in every byte of a log: it is refused, or what is claimed is the same. Of an event its register and digest are
 * claimed, and what it says where its digest proves that; the rest is marked as unproved. A log may tell of fewer registers from
 * PCR 8 on: then it has no event of them, and policies that ask for their events are not content.
 */
import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import type { Quoted } from '#verifier/abi/event-log/compare.ts';
import { encodeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs, replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import { registerKind } from '#verifier/abi/event-log/types.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import type { EventLogClaims } from '#verifier/verified.ts';
import { verifyEventLog } from '#verifier/verify-event-log.ts';
import { boot, makeLog, realLogs, tdBoot } from './samples.ts';

function claimsOf(bytes: Bytes, quoted: Quoted): EventLogClaims | null {
  const list = new Checklist(['parse.event-log', 'evidence.event-log']);
  return verifyEventLog(list, bytes, quoted);
}

function quotedOf(bytes: Bytes): Quoted {
  const log = parseEventLog(bytes);
  if (registerKind(log) === 'rtmr') return { kind: 'rtmr', registers: replayRtmrs(log) };
  return { kind: 'pcr', pcrs: new Map(log.algorithms.map((one) => [one, replayPcrs(log, one)])) };
}

const marked = /^(?:unproved|not what was measured|proved but for its name): /;

/** Types are not measured: an event of another type is compared by what it does not prove. */
function meaningOf({ events, ...claims }: EventLogClaims, told: EventLogClaims['events']) {
  return {
    ...claims,
    events: events.map(({ register, type, digest, what }, i) => {
      const mine = told[i];
      const free = marked.test(what) || mine?.type !== type || marked.test(mine.what);
      return { register, digest, what: free ? null : what };
    }),
  };
}

function expectNoOther(bytes: Bytes, step: number): { refused: number; same: number } {
  const quoted = quotedOf(bytes);
  const original = claimsOf(bytes, quoted) as EventLogClaims;
  const count = { refused: 0, same: 0 };
  for (let at = 0; at < bytes.length; at += step) {
    const bit = 1 << ((at / step) % 8);
    const mutant = claimsOf(bytes.with(at, (bytes[at] as number) ^ bit), quoted);
    if (mutant === null) count.refused += 1;
    else {
      count.same += 1;
      const registers = new Set(mutant.events.map(({ register }) => register));
      const told = original.events.filter(
        ({ register }) => registers.has(register) || register < 8 || original.kind === 'rtmr',
      );
      const mine = meaningOf(mutant, told);
      const theirs = told.map(({ register, digest, what }, i) => ({
        register,
        digest,
        what: mine.events[i]?.what === null ? null : what,
      }));
      expect(mine, `byte ${at}`).toEqual({ ...original, events: theirs });
    }
  }
  return count;
}

describe('no mutant of a log means anything else', () => {
  test.each<[string, Bytes]>([
    ['a TPM’s', encodeEventLog(makeLog(boot))],
    ['a TPM’s, SHA-1 alone', encodeEventLog(makeLog(boot, ['sha1'], 'sha1'))],
    ['a TD’s', encodeEventLog(makeLog(tdBoot, ['sha384']))],
  ])('%s', (_, bytes) => {
    const { refused, same } = expectNoOther(bytes, 1);
    expect(refused).toBeGreaterThan(bytes.length / 4);
    expect(refused + same).toBe(bytes.length);
  });

  if (hasShared) {
    test.each(
      realLogs().filter(({ name }) => /gcp-cos113|dstack-quote|arch-linux|2404/.test(name)),
    )('a real one: $name', ({ bytes }) => {
      const { refused, same } = expectNoOther(bytes, Math.max(1, Math.floor(bytes.length / 150)));
      expect(refused).toBeGreaterThan(10);
      expect(same).toBeGreaterThan(10);
    });
  }
});
