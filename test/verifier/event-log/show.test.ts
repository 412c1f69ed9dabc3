/** `affidavit show` of event logs. */
import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { encodeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { eventLogSections, looksLikeEventLog } from '#verifier/show/event-log.ts';
import { codeOf } from '../code-of.ts';
import { boot, makeLog, realLogs, separator, tdBoot } from './samples.ts';

const documentOf = (bytes: Bytes) => ({
  form: 'event log',
  length: bytes.length,
  sections: eventLogSections(bytes),
});
const log = makeLog(boot);

describe('an event log', () => {
  const bytes = encodeEventLog(log);
  const [head, sha1, sha256, events] = eventLogSections(bytes);

  test('says what it is and what registers it gives, in each bank', () => {
    expect(looksLikeEventLog(bytes)).toBe(true);
    expect(head?.fields).toContainEqual({ name: 'registers', value: 'PCRs of a TPM' });
    expect(head?.fields).toContainEqual({ name: 'events', value: String(boot.length) });
    expect(sha1?.title).toBe('Registers after all events, sha1');
    expect(sha256?.fields).toContainEqual({
      name: 'PCR 8',
      key: 'sha256.8',
      value: toHex(replayPcrs(log, 'sha256').get(8) as Bytes),
    });
  });

  test('then every event, with type and digests', () => {
    expect(events?.fields).toHaveLength(boot.length);
    expect(events?.fields[0]).toMatchObject({
      name: '  1 nowhere',
      value: 'unproved: the TPM was started from locality 3',
    });
    expect(events?.fields[2]).toMatchObject({ name: '  3 PCR 7', value: 'SecureBoot: on' });
    expect(events?.fields[2]?.parts?.map(({ name }) => name)).toEqual([
      'type',
      'sha1',
      'sha256',
      'of',
    ]);
  });

  test('of a TD names its RTMRs as policies do', () => {
    const td = eventLogSections(encodeEventLog(makeLog(tdBoot, ['sha384'])));
    expect(td[1]?.fields.map(({ name, key }) => [name, key])).toEqual([
      ['RTMR0', 'rtmr0'],
      ['RTMR1', 'rtmr1'],
      ['RTMR2', 'rtmr2'],
    ]);
  });

  test('in the format of SHA-1', () => {
    const old = encodeEventLog(makeLog(boot, ['sha1'], 'sha1'));
    expect(looksLikeEventLog(old)).toBe(true);
    expect(eventLogSections(old)[0]?.fields[0]).toEqual({ name: 'format', value: 'SHA-1' });
  });

  test('of no event, and of more than are shown', () => {
    const text = renderShow(documentOf(encodeEventLog(makeLog([]))), false);
    expect(text).toContain('events    none');
    const many = makeLog(
      Array.from({ length: 4100 }, () => separator(1)),
      ['sha1'],
    );
    const sections = eventLogSections(encodeEventLog(many));
    expect(sections.at(-1)?.fields.at(-1)).toEqual({ name: 'more', value: '4 that are not shown' });
  });

  test('what is none is refused, and not taken for one', () => {
    expect(codeOf(() => eventLogSections(utf8('rubbish')))).toBe('log-malformed');
    expect(looksLikeEventLog(utf8('-----BEGIN CERTIFICATE-----\nMIIB'.padEnd(200, 'A')))).toBe(
      false,
    );
    expect(looksLikeEventLog(new Uint8Array())).toBe(false);
  });

  if (hasShared) {
    test.each(realLogs())('a real one: $name', ({ bytes: real }) => {
      const text = renderShow(documentOf(real), false);
      expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(
        100,
      );
      const { sections } = JSON.parse(showJson(documentOf(real), false));
      expect(sections.at(-1).fields).toHaveLength(parseEventLog(real).events.length);
    });
  }
});
