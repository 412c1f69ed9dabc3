import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile } from '#test/shared.ts';
import { readRuntimeData } from '#verifier/abi/event-log/dstack.ts';
import { looksLikeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { proofOf } from '#verifier/abi/event-log/preimage.ts';
import { replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { hashOf } from '#verifier/abi/tpm/hash.ts';
import { concat, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { hex } from './samples.ts';

const runtime = 0x08000001;
const digest = toHex(hashOf('sha384', concat(hex('01000008'), utf8(':app-id:'), hex('0102'))));
const good = { imr: 3, event_type: runtime, digest, event: 'app-id', event_payload: '0102' };
const firmware = { ...good, imr: 0, event_type: 4, event: '', event_payload: '00000000' };
const json = (...entries: unknown[]) => utf8(JSON.stringify(entries));
const code = (...entries: unknown[]) => codeOf(() => parseEventLog(json(...entries)));

describe('dstack’s log', () => {
  const log = parseEventLog(json(good, firmware));

  test('is numbered as a CC log, and names its runtime events', () => {
    expect(log.events.map(({ register, type }) => [register, type])).toEqual([
      [4, runtime],
      [1, 4],
    ]);
    const [first] = log.events;
    expect(first && readRuntimeData(first)).toEqual({ name: 'app-id', payload: hex('0102') });
    expect(log.events.map((event) => proofOf(event, 'sha384'))).toEqual(['proved', 'false']);
  });

  test('a short digest ends in zeros when it is extended', () => {
    const short = parseEventLog(json({ ...good, digest: 'ab'.repeat(32) })).events[0];
    expect(toHex(short?.digests.get('sha384') ?? hex(''))).toBe('ab'.repeat(32) + '00'.repeat(16));
  });

  test('is told by its first bytes', () => {
    expect(looksLikeEventLog(json(good))).toBe(true);
    expect(looksLikeEventLog(utf8('[1, 2]'))).toBe(false);
  });

  test.each<[string, unknown]>([
    ['a register that no TD has', { ...good, imr: 4 }],
    ['an unknown member', { ...good, more: 1 }],
    ['a missing member', { ...good, event: undefined }],
    ['no digest', { ...good, digest: '' }],
    ['a digest that is too long', { ...good, digest: '00'.repeat(49) }],
    ['a name for what is no runtime event', { ...firmware, event: 'name' }],
    ['an event that is not extended', { ...firmware, event_type: 3 }],
    ['a payload that is no hex', { ...good, event_payload: 'xy' }],
  ])('refused: %s', (_, entry) => {
    expect(code(entry)).toBe('log-malformed');
    expect(code(good)).toBe(null);
  });

  test('refused: no event, text around it, more than a megabyte', () => {
    expect(code()).toBe('log-malformed');
    expect(codeOf(() => parseEventLog(concat(json(good), utf8('x'))))).toBe('log-malformed');
    const long = { ...good, event_payload: '00'.repeat(600_000) };
    expect(code(long)).toBe('log-malformed');
  });

  if (hasShared) {
    const shared = (file: string) => sharedFile(`corpus/tdx-ccel/dstack-quote-report/${file}`);
    test('of a real guest replays to its quote, and every runtime event proves itself', () => {
      const real = parseEventLog(shared('event-log.json'));
      const { body } = parseQuote(shared('quote.bin'));
      expect(replayRtmrs(real)).toEqual(body.kind === 'tdx' ? body.report.rtmr : null);
      const own = real.events.filter(({ type }) => type === runtime);
      expect(own.map((event) => proofOf(event, 'sha384'))).toEqual(own.map(() => 'proved'));
      expect(own).toHaveLength(8);
    });
  }
});
