import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, concat, fromHex, fromUtf8, toHex } from '#verifier/bytes.ts';
import { replay, sha384 } from '#verifier/measure/tdx/digest.ts';
import {
  eventTypeName,
  eventTypes,
  type LogEvent,
  parseEventLog,
  type Register,
  registers,
  replayLog,
} from '#verifier/measure/tdx/event-log.ts';
import { codeOf } from '../../code-of.ts';
import { encodeLog } from './images.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const events: fc.Arbitrary<LogEvent> = fc.oneof(
  fc.record({
    register: fc.constantFrom<Register>(...registers),
    type: fc.nat(0xffffffff).filter((type) => type !== eventTypes.noAction),
    digest: bytes(48),
    data: fc.uint8Array({ maxLength: 40 }),
  }),
  fc.record({
    register: fc.constant(null),
    type: fc.constant(eventTypes.noAction),
    digest: bytes(48),
    data: fc.uint8Array({ maxLength: 40 }),
  }),
);
const one: LogEvent = {
  register: 1,
  type: 4,
  digest: new Uint8Array(48).fill(7),
  data: fromHex('00000000', 'x'),
};
const code = (log: Bytes) => codeOf(() => parseEventLog(log));

describe('an event log', () => {
  test('round trip, with whatever fills the rest', () => {
    fc.assert(
      fc.property(
        fc.array(events, { maxLength: 8 }),
        fc.constantFrom(0, 0xff),
        fc.nat(50),
        (list, value, rest) => {
          const log = encodeLog(list, new Uint8Array(rest).fill(value));
          expect(parseEventLog(log).events).toEqual(list);
        },
      ),
    );
  });

  test('is replayed register by register, without what extends nothing', () => {
    const other = { ...one, register: 3, digest: new Uint8Array(48).fill(9) } as const;
    const silent = { ...one, register: null, type: eventTypes.noAction } as const;
    const values = replayLog(parseEventLog(encodeLog([one, other, silent, one])));
    const once = sha384(concat(new Uint8Array(48), one.digest));
    expect(values[0]).toEqual(new Uint8Array(48));
    expect(values[1]).toEqual(sha384(concat(once, one.digest)));
    expect(values[3]).toEqual(sha384(concat(new Uint8Array(48), other.digest)));
  });

  test('types have the TCG’s names', () => {
    expect(eventTypeName(eventTypes.efiAction)).toBe('EV_EFI_ACTION');
    expect(eventTypeName(0x08000001)).toBe('0x8000001');
  });
});

describe('refuses', () => {
  const log = encodeLog([one]);
  const at = (offset: number, value: number) => {
    const changed = log.slice();
    changed[offset] = value;
    return changed;
  };
  test.each<[string, Bytes]>([
    ['an empty file', new Uint8Array()],
    ['a first event of another type', at(4, 4)],
    ['a first event with a digest', at(8, 1)],
    ['another format', at(32, 0x54)],
    ['another version', at(32 + 21, 1)],
    ['two algorithms', at(32 + 24, 2)],
    ['another algorithm', at(32 + 28, 0x0b)],
    ['vendor data beyond the first event', at(32 + 32, 1)],
    ['register 5', at(65, 5)],
    ['register 0, which is MRTD', at(65, 0)],
    ['two digests', at(65 + 8, 2)],
    ['a SHA-256', at(65 + 12, 0x0b)],
    ['an event that is cut', log.subarray(0, log.length - 1)],
    ['something after the end', concat(log, new Uint8Array(4).fill(0xff), new Uint8Array(4))],
  ])('%s', (_, changed) => {
    expect(code(changed)).toBe('log-malformed');
    expect(code(log)).toBe(null);
  });

  test('a log of more than 16 MiB', () => {
    expect(code(new Uint8Array(16 * 1024 * 1024 + 1))).toBe('too-large');
  });

  test('random bytes, and any change, give a refusal or events', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (data) => code(data) !== null));
    fc.assert(
      fc.property(fc.nat(log.length - 1), fc.nat(255), (offset, value) => {
        code(at(offset, value));
      }),
    );
  });
});

const real = (name: string, file: string) => sharedFile(`corpus/tdx-ccel/${name}/${file}`);
const quoted = (name: string) => {
  const { body } = parseQuote(real(name, 'quote.bin'));
  return body.kind === 'tdx' ? body.report.rtmr.map(toHex) : [];
};

describe('logs of real machines', () => {
  test.for([
    'attestation-rs-tdx-ccel-live-bin',
    'dstack-ccel',
    'gcp-cos113',
    'trustee-ccel-aael-alibabacloud',
    'trustee-ccel-data',
    'trustee-ccel-data-gcp',
    'trustee-ccel-data-grub-gke',
    'trustee-ccel-data-ovmf',
  ])('%s: the registers that the corpus names', (name, { skip }) => {
    if (!hasShared) skip(sharedMissing);
    const replayed = replayLog(parseEventLog(real(name, 'ccel.bin'))).map(toHex);
    const text = fromUtf8(real(name, 'replayed-rtmrs.json'), 'JSON');
    const expected: Record<string, string> = JSON.parse(text).sha384;
    expect(Object.keys(expected).length).toBeGreaterThan(1);
    for (const [register, value] of Object.entries(expected)) {
      expect(replayed[Number(register) - 1]).toBe(value);
    }
  });

  test('gcp-cos113: all four registers are those of its quote', ({ skip }) => {
    if (!hasShared) skip(sharedMissing);
    const log = parseEventLog(real('gcp-cos113', 'ccel.bin'));
    expect(replayLog(log).map(toHex)).toEqual(quoted('gcp-cos113'));
  });

  test('attestation-rs: all but RTMR2, which its log does not explain', ({ skip }) => {
    if (!hasShared) skip(sharedMissing);
    const name = 'attestation-rs-tdx-ccel-live-bin';
    const replayed = replayLog(parseEventLog(real(name, 'ccel.bin'))).map(toHex);
    expect(replayed.map((value, i) => value === quoted(name)[i])).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test('dstack: digests of its own format replay to its quote', ({ skip }) => {
    if (!hasShared) skip(sharedMissing);
    const name = 'dstack-quote-report';
    const text = fromUtf8(real(name, 'event-log.json'), 'JSON');
    const list: { imr: number; digest: string }[] = JSON.parse(text);
    const values = registers.map((register) =>
      toHex(
        replay(
          list
            .filter(({ imr }) => imr === register)
            .map(({ digest }) => fromHex(digest, 'digest', 48)),
        ),
      ),
    );
    expect(values).toEqual(quoted(name));
  });
});
