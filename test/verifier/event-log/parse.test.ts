import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { encodeEventLog, looksLikeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { encodeSpecification } from '#verifier/abi/event-log/specification.ts';
import { type EventLog, type LogEvent, registerKind } from '#verifier/abi/event-log/types.ts';
import { type TpmHash, tpmHashes } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, concat, utf8, Writer } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { boot, bytesOf, makeLog, realLogs, separator, startupLocality, tdBoot } from './samples.ts';

const code = (log: Bytes) => codeOf(() => parseEventLog(log));
const sized = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

function logs(format: EventLog['format'], algorithms: readonly TpmHash[]): fc.Arbitrary<EventLog> {
  const event = fc.record({
    register: fc.nat(23),
    type: fc.nat(0xffffffff).filter((type) => type !== 3),
    digests: fc.tuple(...algorithms.map((name) => sized(tpmHashes[name].length))),
    data: fc.uint8Array({ maxLength: 40 }),
  });
  return fc.array(event, { minLength: 1, maxLength: 6 }).map((list) => ({
    format,
    algorithms,
    specification: null,
    events: list.map(
      ({ digests, ...one }, i): LogEvent => ({
        ...one,
        number: i + 1,
        digests: new Map(algorithms.map((name, j) => [name, digests[j] as Bytes])),
      }),
    ),
  }));
}

describe('round trip', () => {
  const filled = fc.tuple(fc.constantFrom(0, 0xff), fc.nat(60));
  test.each<[EventLog['format'], TpmHash[]]>([
    ['sha1', ['sha1']],
    ['crypto-agile', ['sha256']],
    ['crypto-agile', ['sha1', 'sha256', 'sha384', 'sha512']],
  ])('%s, %s, with whatever fills the rest', (format, algorithms) => {
    fc.assert(
      fc.property(logs(format, algorithms), filled, (log, [value, length]) => {
        const bytes = concat(encodeEventLog(log), new Uint8Array(length).fill(value));
        const parsed = parseEventLog(bytes);
        expect({ ...parsed, specification: null }).toEqual(log);
        expect(encodeEventLog(parsed)).toEqual(encodeEventLog(log));
      }),
      { numRuns: 60 },
    );
  });

  if (hasShared) {
    test('of real logs, without what fills the rest', () => {
      for (const { name, bytes } of realLogs()) {
        if (name === 'dstack-quote-report') continue;
        const written = encodeEventLog(parseEventLog(bytes));
        expect(written, name).toEqual(bytes.subarray(0, written.length));
        expect(looksLikeEventLog(bytes), name).toBe(true);
      }
    });
  }
});

describe('digests of an algorithm that is not replayed', () => {
  const sm3 = { id: 0x12, length: 32 };
  const data = encodeSpecification({
    platformClass: 1,
    errata: 2,
    wordSize: 2,
    algorithms: [sm3, tpmHashes.sha1],
    vendorInfo: utf8('maker'),
  });
  const head = new Writer(32).u32le(0).u32le(3).zero(20).u32le(data.length).finish();
  const digest = (id: number, length: number) =>
    concat(new Writer(2).u16le(id).finish(), new Uint8Array(length).fill(id));
  const event = (...digests: Bytes[]) =>
    concat(
      new Writer(12).u32le(4).u32le(5).u32le(digests.length).finish(),
      ...digests,
      new Writer(4).u32le(0).finish(),
    );

  test('are passed over, in any order', () => {
    for (const digests of [
      [digest(0x12, 32), digest(4, 20)],
      [digest(4, 20), digest(0x12, 32)],
    ]) {
      const log = parseEventLog(concat(head, data, event(...digests)));
      expect(log.algorithms).toEqual(['sha1']);
      expect(log.events[0]?.digests).toEqual(new Map([['sha1', new Uint8Array(20).fill(4)]]));
      expect(log.specification).toMatchObject({ platformClass: 1, errata: 2 });
    }
  });

  test.each<[string, Bytes]>([
    ['one is missing', event(digest(4, 20))],
    ['one is there twice', event(digest(4, 20), digest(4, 20))],
    ['another is there', event(digest(4, 20), digest(0x0b, 32))],
  ])('refused: %s', (_, changed) => {
    expect(code(concat(head, data, changed))).toBe('log-malformed');
    expect(code(concat(head, data, event(digest(4, 20), digest(0x12, 32))))).toBe(null);
  });
});

describe('refuses', () => {
  const good = bytesOf(boot);
  const at = (offset: number, value: number) => good.with(offset, value);
  const first = 32 + 37;
  test.each<[string, Bytes]>([
    ['an empty file', new Uint8Array()],
    ['another first event', at(4, 4)],
    ['a first event with a digest', at(8, 1)],
    ['a platform class of neither kind', at(32 + 16, 2)],
    ['another version', at(32 + 21, 1)],
    ['another size of UINTN', at(32 + 23, 3)],
    ['no algorithm', at(32 + 24, 0)],
    ['more algorithms than are listed', at(32 + 24, 3)],
    ['an unknown algorithm', at(32 + 28, 5)],
    ['an algorithm of another length', at(32 + 30, 21)],
    ['an algorithm twice', at(32 + 32, 4)],
    ['vendor data beyond the first event', at(32 + 36, 1)],
    ['one digest of two', at(first + 8, 1)],
    ['an event that is cut', good.subarray(0, good.length - 1)],
    ['register 24', bytesOf([...boot, separator(24)])],
    ['a second StartupLocality', bytesOf([...boot, startupLocality(0)])],
    ['a locality that no TPM starts in', bytesOf([startupLocality(1), ...boot.slice(1)])],
    ['something after the end', concat(good, new Uint8Array(8).fill(0xff), zeros(4))],
    ['a first event of 8 KiB', at(29, 0x20)],
    ['rubbish', utf8('this is no log, though it has some bytes in it')],
  ])('%s', (_, changed) => {
    expect(code(changed)).toBe('log-malformed');
    expect(code(good)).toBe(null);
  });

  function zeros(length: number): Bytes {
    return new Uint8Array(length);
  }

  test('more than 16 MiB', () => {
    expect(code(new Uint8Array(16 * 1024 * 1024 + 1))).toBe('too-large');
  });

  test('more than 65536 events', () => {
    const one = encodeEventLog(makeLog([separator(1)], ['sha1'], 'sha1'));
    const many = (count: number) => {
      const bytes = new Uint8Array(count * one.length);
      for (let i = 0; i < count; i++) bytes.set(one, i * one.length);
      return bytes;
    };
    expect(parseEventLog(many(65536)).events).toHaveLength(65536);
    expect(code(many(65537))).toBe('log-malformed');
  });
});

test('an event that is not extended may stand in no register', () => {
  const nowhere = { register: 0xffffffff, type: 3, data: utf8('Made Up Event') };
  expect(parseEventLog(bytesOf([nowhere, ...boot])).events[0]?.register).toBe(0xffffffff);
});

test('registers are those of a TD when they can be no others', () => {
  expect(registerKind(parseEventLog(bytesOf(tdBoot, ['sha384'])))).toBe('rtmr');
  expect(registerKind(parseEventLog(bytesOf(tdBoot, ['sha256'])))).toBe('pcr');
  expect(registerKind(parseEventLog(bytesOf(boot, ['sha384'])))).toBe('pcr');
  expect(registerKind(parseEventLog(bytesOf([], ['sha384'])))).toBe('pcr');
});

describe('16 MiB of anything end with a refusal, and soon', () => {
  const size = 16 * 1024 * 1024;
  const filled = (value: number, ...parts: Bytes[]) => {
    const bytes = new Uint8Array(size).fill(value);
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  };
  const spoilt = (bytes: Bytes) => bytes.with(size - 1, 7);
  const head = bytesOf([]);
  test.each<[string, Bytes]>([
    ['zeros', filled(0)],
    ['zeros, and one other byte at the end', spoilt(filled(0))],
    ['ones', filled(0xff)],
    ['a good head and zeros', spoilt(filled(0, head))],
    ['a good head and ones', spoilt(filled(0xff, head))],
    ['a good log and zeros', spoilt(filled(0, bytesOf(boot)))],
    ['opening brackets', filled(0x5b)],
    ['spaces', filled(0x20)],
    ['a JSON list', filled(0x20, utf8('[{"imr":0}]'))],
    ['sevens', filled(7, head)],
  ])('%s', (_, bytes) => {
    const before = process.threadCpuUsage();
    expect(code(bytes)).toBe('log-malformed');
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});
