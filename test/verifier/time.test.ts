import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTime, parseTime } from '#verifier/time.ts';

const lastTime = 253402300799;

const iso = (time: number) => new Date(time * 1000).toISOString().replace('.000Z', 'Z');

test('format and parse are inverse over every time that RFC 3339 can write', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: lastTime }), (time) => {
      expect(parseTime(formatTime(time))).toBe(time);
    }),
    { numRuns: 1000 },
  );
});

describe('formatTime', () => {
  test.each([
    [0, '1970-01-01T00:00:00Z'],
    [1700000000, '2023-11-14T22:13:20Z'],
    [lastTime, '9999-12-31T23:59:59Z'],
    [-1, '1969-12-31T23:59:59Z'],
  ])('%d is %s', (time, text) => {
    expect(formatTime(time)).toBe(text);
  });

  test('a text asked for again, beyond as many as are kept, is the same', () => {
    const times = Array.from({ length: 1000 }, (_, i) => i * 86_400);
    for (let round = 0; round < 2; round++)
      for (const time of times) expect(formatTime(time)).toBe(iso(time));
  });

  test.each([lastTime + 1, Number.MAX_SAFE_INTEGER, -1e20, Number.NaN])(
    '%d has no date and is shown as seconds',
    (time) => {
      expect(formatTime(time)).toBe(`${time} s`);
    },
  );
});

describe('parseTime', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2023-11-14T22:13:20Z', 1700000000],
    ['2023-11-14t22:13:20z', 1700000000],
    ['2023-11-14T22:13:20.999Z', 1700000000],
    ['2023-11-14T22:13:20.9999999999999999999999Z', 1700000000],
    ['2023-11-14T22:13:20+00:00', 1700000000],
    ['2023-11-14T22:13:20-00:00', 1700000000],
    ['2023-11-15T00:13:20+02:00', 1700000000],
    ['2023-11-14T16:43:20-05:30', 1700000000],
    ['2023-11-15T22:12:20+23:59', 1700000000],
    ['2024-02-29T00:00:00Z', 1709164800],
    ['2000-02-29T00:00:00Z', 951782400],
    ['2024-12-31T23:59:59Z', 1735689599],
  ])('%s is %d', (text, time) => {
    expect(parseTime(text)).toBe(time);
  });

  test.each([
    ['no zone', '2023-11-14T22:13:20'],
    ['no time', '2023-11-14'],
    ['no seconds', '2023-11-14T22:13Z'],
    ['a space for T', '2023-11-14 22:13:20Z'],
    ['a zone without colon', '2023-11-14T22:13:20+0200'],
    ['a zone of hours alone', '2023-11-14T22:13:20+02'],
    ['a named zone', '2023-11-14T22:13:20 UTC'],
    ['offset hour 24', '2023-11-14T22:13:20+24:00'],
    ['offset minute 60', '2023-11-14T22:13:20+00:60'],
    ['31 February', '2023-02-31T00:00:00Z'],
    ['29 February outside a leap year', '2023-02-29T00:00:00Z'],
    ['29 February 2100', '2100-02-29T00:00:00Z'],
    ['31 April', '2023-04-31T00:00:00Z'],
    ['day 0', '2023-01-00T00:00:00Z'],
    ['day 32', '2023-01-32T00:00:00Z'],
    ['month 0', '2023-00-01T00:00:00Z'],
    ['month 13', '2023-13-01T00:00:00Z'],
    ['hour 24', '2023-11-14T24:00:00Z'],
    ['minute 60', '2023-11-14T22:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['a comma before the fraction', '2023-11-14T22:13:20,5Z'],
    ['an empty fraction', '2023-11-14T22:13:20.Z'],
    ['a year of five digits', '12023-11-14T22:13:20Z'],
    ['a signed year', '+002023-11-14T22:13:20Z'],
    ['digits that are not ASCII', '２023-11-14T22:13:20Z'],
    ['text before', ' 2023-11-14T22:13:20Z'],
    ['text after', '2023-11-14T22:13:20Z\n'],
    ['Unix seconds', '1700000000'],
    ['nothing', ''],
    ['the second before 1970', '1969-12-31T23:59:59Z'],
    ['an offset that leads before 1970', '1970-01-01T00:00:00+00:01'],
    ['a fraction before 1970', '1969-12-31T23:59:59.9Z'],
  ])('refuses %s', (_, text) => {
    expect(parseTime(text)).toBe(null);
  });

  test('never throws', () => {
    const unit = fc.constantFrom(...'0123456789-:+.TZtz ');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        const time = parseTime(text);
        expect(time === null || Number.isSafeInteger(time)).toBe(true);
      }),
    );
  });
});
