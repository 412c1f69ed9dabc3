/** Every parser that an event log passes through, with seeds for each: real logs, and small ones of every kind of event. */
import { boot, makeLog, realLogs, tdBoot } from '#test/verifier/event-log/samples.ts';
import { compareRegisters } from '#verifier/abi/event-log/compare.ts';
import { describeExplanation } from '#verifier/abi/event-log/describe.ts';
import { explain, newBudget } from '#verifier/abi/event-log/explain.ts';
import { encodeEventLog, looksLikeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import { registerKind } from '#verifier/abi/event-log/types.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { eventLogSections } from '#verifier/show/event-log.ts';
import { verifyEventLog } from '#verifier/verify-event-log.ts';
import type { Parser } from './fuzz-run.ts';

export async function eventLogParsers(): Promise<Parser[]> {
  const made = [
    encodeEventLog(makeLog(boot)),
    encodeEventLog(makeLog(boot, ['sha1'], 'sha1')),
    encodeEventLog(makeLog(boot, ['sha256', 'sha384', 'sha512'])),
    encodeEventLog(makeLog(tdBoot, ['sha384'])),
  ];
  const seeds = [...made, ...realLogs().map(({ bytes }) => bytes)];
  return [
    { name: 'event log', parse: roundTrip, seeds },
    { name: 'event log, replay', parse: replayOther, seeds },
    { name: 'event log, verify', parse: verifyOwn, seeds },
    { name: 'event log, show', parse: show, seeds },
  ];
}

/** What is accepted can be written again and is the same then, but for digests that are passed over. */
function roundTrip(bytes: Bytes): void {
  const log = parseEventLog(bytes);
  // Everything but a log of no event is told by its first bytes too.
  if (log.format === 'crypto-agile' && !looksLikeEventLog(bytes)) {
    throw new Error('read, but not recognised');
  }
  const written = encodeEventLog(log);
  const again = parseEventLog(written);
  if (!equalBytes(encodeEventLog(again), written)) throw new Error('not canonical');
  if (again.events.length !== log.events.length) throw new Error('another log');
}

/** Registers that the log does not replay to have an explanation in words. */
function replayOther(bytes: Bytes): void {
  const log = parseEventLog(bytes);
  const kind = registerKind(log);
  const budget = newBudget();
  for (const algorithm of log.algorithms) {
    const values = [...replayPcrs(log, algorithm)].map(
      ([register, value]) => [register, value.with(0, (value[0] as number) ^ 1)] as const,
    );
    for (const outcome of compareRegisters(log, kind, new Map([[algorithm, new Map(values)]]))) {
      if (outcome.status === 'fits') throw new Error('fits another value');
      const { register } = outcome;
      const why = explain(log, outcome, budget);
      if (describeExplanation(why, kind, register, algorithm) === '') throw new Error('no word');
    }
  }
}

/** Every log replays to what it replays to, and its events can be claimed. */
function verifyOwn(bytes: Bytes): void {
  const log = parseEventLog(bytes);
  const pcrs = new Map(log.algorithms.map((one) => [one, replayPcrs(log, one)]));
  const list = new Checklist(['parse.event-log', 'evidence.event-log']);
  verifyEventLog(list, bytes, { kind: 'pcr', pcrs });
  if (list.finish().some(({ status }) => status === 'fail')) throw new Error('does not fit itself');
}

function show(bytes: Bytes): void {
  const document = { form: 'event log', length: bytes.length, sections: eventLogSections(bytes) };
  renderShow(document, true);
  showJson(document, true);
}
