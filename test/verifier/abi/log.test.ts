import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeLogEntry,
  type LogEntry,
  logDigest,
  maxLogEntries,
  parseLog,
  parseLogEntry,
} from '#verifier/abi/log.ts';
import { type Bytes, bigEndian, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { fieldOrder, fieldToBytes } from '#verifier/field.ts';
import { codeOf } from '../code-of.ts';

const r3 = 0x1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3en;
const boot: LogEntry = { kind: 'tree', time: 1700000000, treeRoot: r3, reason: 'boot' };
const event: LogEntry = {
  kind: 'event',
  time: 1700000001,
  name: 'configuration',
  digest: new Uint8Array(32).fill(7),
};
const last = Number.MAX_SAFE_INTEGER;

const times = fc.oneof(fc.constantFrom(0, last), fc.integer({ min: 0, max: last }));
// Any code point but the surrogates.
const character = fc.nat(0x10f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
const texts = fc.string({ unit: character, maxLength: 30 });
const entries: fc.Arbitrary<LogEntry> = fc.oneof(
  fc.record({
    kind: fc.constant('tree' as const),
    time: times,
    treeRoot: fc.bigInt({ min: 0n, max: fieldOrder - 1n }),
    reason: texts,
  }),
  fc.record({
    kind: fc.constant('event' as const),
    time: times,
    name: texts,
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
);
const codeOfEntry = (bytes: Bytes) => codeOf(() => parseLogEntry(bytes));

describe('one entry', () => {
  test('a tree is u8 1 ‖ time ‖ tree root ‖ u16 length ‖ reason', () => {
    const bytes = `01${'000000006553f100'}${toHex(fieldToBytes(r3))}0004${toHex(utf8('boot'))}`;
    expect(toHex(encodeLogEntry(boot))).toBe(bytes);
    expect(parseLogEntry(fromHex(bytes, 'test'))).toEqual(boot);
  });

  test('an event is u8 2 ‖ time ‖ u16 length ‖ name ‖ digest', () => {
    const bytes = `02000000006553f101000d${toHex(utf8('configuration'))}${'07'.repeat(32)}`;
    expect(toHex(encodeLogEntry(event))).toBe(bytes);
    expect(parseLogEntry(fromHex(bytes, 'test'))).toEqual(event);
  });

  test('round trip', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(parseLogEntry(encodeLogEntry(entry))).toEqual(entry);
      }),
      { numRuns: 300 },
    );
  });

  test('every other byte string is refused with a typed error, or is its own encoding', () => {
    const codes = [
      null,
      'log-malformed',
      'length-wrong',
      'utf8-malformed',
      'field-not-canonical',
    ] as const;
    fc.assert(
      fc.property(entries, fc.nat(1000), fc.nat(255), (entry, at, value) => {
        const changed = encodeLogEntry(entry);
        changed[at % changed.length] = value;
        expect(codes).toContain(codeOfEntry(changed));
        if (codeOfEntry(changed) === null) {
          expect(encodeLogEntry(parseLogEntry(changed))).toEqual(changed);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each([boot, event])(
    'a $kind entry cut at any byte, or with one more, is refused',
    (entry) => {
      const bytes = encodeLogEntry(entry);
      for (let length = 0; length < bytes.length; length++) {
        expect(codeOfEntry(bytes.subarray(0, length)), `${length}`).toBe('length-wrong');
      }
      expect(codeOfEntry(bytes)).toBe(null);
      expect(codeOfEntry(concat(bytes, Uint8Array.of(0)))).toBe('length-wrong');
    },
  );

  test('a kind other than 1 and 2 is refused', () => {
    for (const kind of [0, 3, 0x81, 255]) {
      const bytes = encodeLogEntry(boot);
      bytes[0] = kind;
      expect(codeOfEntry(bytes)).toBe('log-malformed');
    }
  });

  test('a time of 2^53 or more is refused', () => {
    const at = (time: bigint) => {
      const bytes = encodeLogEntry(boot);
      bytes.set(bigEndian(time, 8), 1);
      return bytes;
    };
    expect(parseLogEntry(at(2n ** 53n - 1n)).time).toBe(last);
    expect(codeOfEntry(at(2n ** 53n))).toBe('log-malformed');
    expect(codeOfEntry(at(2n ** 64n - 1n))).toBe('log-malformed');
  });

  test('a tree root of q or more is refused, never reduced', () => {
    const withRoot = (root: bigint) => {
      const bytes = encodeLogEntry(boot);
      bytes.set(bigEndian(root, 32), 9);
      return bytes;
    };
    expect(codeOfEntry(withRoot(fieldOrder - 1n))).toBe(null);
    expect(codeOfEntry(withRoot(fieldOrder))).toBe('field-not-canonical');
    expect(codeOfEntry(withRoot(2n ** 256n - 1n))).toBe('field-not-canonical');
  });

  test('texts are UTF-8', () => {
    for (const [entry, firstOfText] of [
      [boot, 43],
      [event, 11],
    ] as const) {
      const bytes = encodeLogEntry(entry);
      bytes[firstOfText] = 0xff;
      expect(codeOfEntry(bytes)).toBe('utf8-malformed');
    }
  });

  test('a text has at most 65,535 bytes; a longer one is the caller’s mistake', () => {
    const named = (length: number) => encodeLogEntry({ ...event, name: 'n'.repeat(length) });
    expect(parseLogEntry(named(65535))).toEqual({ ...event, name: 'n'.repeat(65535) });
    expect(() => named(65536)).toThrow(RangeError);
    expect(() => encodeLogEntry({ ...boot, time: -1 })).toThrow(RangeError);
    expect(() => encodeLogEntry({ ...boot, treeRoot: fieldOrder })).toThrow(RangeError);
    expect(() => encodeLogEntry({ ...event, digest: new Uint8Array(31) })).toThrow(RangeError);
  });
});

describe('the log', () => {
  const tree = (treeRoot: bigint) => encodeLogEntry({ ...boot, treeRoot });
  const aboutEvent = encodeLogEntry(event);
  const codeOfLog = (log: Bytes[]) => codeOf(() => parseLog(log));

  test('the tree root is that of the last tree entry', () => {
    expect(parseLog([tree(1n)]).treeRoot).toBe(1n);
    expect(parseLog([tree(1n), tree(2n), aboutEvent]).treeRoot).toBe(2n);
    expect(parseLog([tree(2n), aboutEvent, tree(1n)]).treeRoot).toBe(1n);
    expect(parseLog([tree(1n), aboutEvent]).entries).toEqual([{ ...boot, treeRoot: 1n }, event]);
  });

  test('entry 1 is a tree', () => {
    expect(codeOfLog([tree(1n), aboutEvent])).toBe(null);
    expect(codeOfLog([])).toBe('log-malformed');
    expect(codeOfLog([aboutEvent])).toBe('log-malformed');
    expect(codeOfLog([aboutEvent, tree(1n)])).toBe('log-malformed');
  });

  test('one bad entry anywhere refuses the log', () => {
    expect(codeOfLog([tree(1n), aboutEvent, new Uint8Array(0)])).toBe('length-wrong');
    expect(codeOfLog([tree(1n), Uint8Array.of(9), tree(1n)])).toBe('log-malformed');
  });

  test('4,096 entries at most', () => {
    const log = Array.from({ length: maxLogEntries }, (_, i) => (i === 0 ? tree(1n) : aboutEvent));
    expect(maxLogEntries).toBe(4096);
    expect(parseLog(log).entries.length).toBe(4096);
    expect(codeOfLog([...log, aboutEvent])).toBe('log-malformed');
  });
});

describe('log digest', () => {
  test('the protocol’s vector', () => {
    expect(toHex(logDigest([encodeLogEntry(boot)]))).toBe(
      '8616b1be0ee29192fac6edf26390288140dd241529b87405f850693e91545051',
    );
  });

  test('of no entry is 32 zero bytes', () => {
    expect(logDigest([])).toEqual(new Uint8Array(32));
  });

  test('order, number and content of the entries count', () => {
    const [one, two] = [encodeLogEntry(boot), encodeLogEntry(event)];
    const logs = [[one], [two], [one, two], [two, one], [one, one], [one, two, two]];
    expect(new Set(logs.map((log) => toHex(logDigest(log)))).size).toBe(logs.length);
    expect(logDigest([one, two])).toEqual(logDigest([one.slice(), two.slice()]));
  });
});
