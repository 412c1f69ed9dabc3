import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bytes, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { context, DerReader, derTag } from '#verifier/chain/der.ts';
import { codeOf } from '../code-of.ts';

const reader = (hex: string) => new DerReader(fromHex(hex, 'DER'), 'test');
/** What `read` makes of the DER, or the code of its refusal. */
const outcome = <T>(hex: string, read: (from: DerReader) => T): T | { refused: unknown } => {
  let value: T | undefined;
  const code = codeOf(() => {
    value = read(reader(hex));
  });
  return code === null ? (value as T) : { refused: code };
};
const malformed = { refused: 'der-malformed' };

describe('lengths', () => {
  const octets = (hex: string) =>
    outcome(hex, (from) => {
      const { content } = from.expect(derTag.octetString, 'value');
      from.end('value');
      return content.length;
    });
  const zeros = (count: number) => '00'.repeat(count);

  test.for([
    ['empty', '0400', 0],
    ['short form at its end', `047f${zeros(127)}`, 127],
    ['one octet at its start', `048180${zeros(128)}`, 128],
    ['one octet at its end', `0481ff${zeros(255)}`, 255],
    ['two octets at their start', `04820100${zeros(256)}`, 256],
    ['three octets at their start', `0483010000${zeros(65536)}`, 65536],
  ] as const)('accepted: %s', ([, hex, length]) => {
    expect(octets(hex)).toBe(length);
  });

  test.for([
    ['indefinite', '0480000000'],
    ['one octet for what the short form holds', `04817f${zeros(127)}`],
    ['one octet for nothing', '048100'],
    ['two octets for what one holds', `048200ff${zeros(255)}`],
    ['three octets for what two hold', `048300ffff${zeros(65535)}`],
    ['four octets', `0484${'00010000'}${zeros(65536)}`],
    ['reserved length octet', `04ff${zeros(255)}`],
    ['content one byte short', '040200'],
    ['no length at all', '04'],
    ['length octets cut off', '048201'],
    ['nothing', ''],
    ['one byte after the end', '04010000'],
  ] as const)('refused: %s', ([, hex]) => {
    expect(octets(hex)).toEqual(malformed);
  });
});

describe('tags', () => {
  test('the highest low tag number is read, a high tag number is refused', () => {
    expect(outcome('5e0100', (from) => from.element('value').tag)).toBe(0x5e);
    expect(outcome('5f1f0100', (from) => from.element('value').tag)).toEqual(malformed);
    expect(outcome('1f1f0100', (from) => from.element('value').tag)).toEqual(malformed);
    expect(outcome('bf200100', (from) => from.element('value').tag)).toEqual(malformed);
  });

  test('expect takes its own tag alone, and says the end when there is none', () => {
    expect(outcome('3000', (from) => from.expect(derTag.sequence, 'list').raw.length)).toBe(2);
    expect(outcome('3100', (from) => from.expect(derTag.sequence, 'list'))).toEqual(malformed);
    expect(() => reader('').expect(derTag.sequence, 'list')).toThrow(/got the end/);
    expect(outcome('a303020105', (from) => from.enter(context(3), 'three').u8('five'))).toBe(5);
    expect(outcome('a203020105', (from) => from.enter(context(3), 'three'))).toEqual(malformed);
  });

  test('end refuses what is left, in the whole and in an inner value', () => {
    const inner = (hex: string) =>
      outcome(hex, (from) => {
        const list = from.enter(derTag.sequence, 'list');
        list.unsigned('number');
        list.end('number');
        return 'read';
      });
    expect(inner('3003020101')).toBe('read');
    expect(inner('30050201010500')).toEqual(malformed);
  });
});

describe('integers', () => {
  const unsigned = (hex: string) => outcome(hex, (from) => toHex(from.unsigned('number')));

  test.for([
    ['zero', '020100', '00'],
    ['127', '02017f', '7f'],
    ['128, whose sign octet is dropped', '02020080', '80'],
    ['256', '02020100', '0100'],
    ['65535', '020300ffff', 'ffff'],
  ] as const)('accepted: %s', ([, hex, value]) => {
    expect(unsigned(hex)).toBe(value);
  });

  test.for([
    ['empty', '0200'],
    ['negative', '020180'],
    ['minus one', '0201ff'],
    ['a zero octet too many', '0202007f'],
    ['zero in two octets', '02020000'],
    ['another type', '0a0101'],
  ] as const)('refused: %s', ([, hex]) => {
    expect(unsigned(hex)).toEqual(malformed);
  });

  test('u8 takes 0 to 255', () => {
    const u8 = (hex: string) => outcome(hex, (from) => from.u8('number'));
    expect(u8('020100')).toBe(0);
    expect(u8('020200ff')).toBe(255);
    expect(u8('02020100')).toEqual(malformed);
  });
});

test('booleans are 00 or ff, one octet', () => {
  const bool = (hex: string) => outcome(hex, (from) => from.boolean('flag'));
  expect(bool('0101ff')).toBe(true);
  expect(bool('010100')).toBe(false);
  for (const wrong of ['010101', '01017f', '0100', '0102ffff', '0201ff']) {
    expect(bool(wrong), wrong).toEqual(malformed);
  }
});

test('bit strings hold whole octets', () => {
  const bits = (hex: string) => outcome(hex, (from) => toHex(from.bitString('key')));
  expect(bits('03020080')).toBe('80');
  expect(bits('030100')).toBe('');
  expect(bits('03020780')).toEqual(malformed);
  expect(bits('0300')).toEqual(malformed);
});

describe('object identifiers', () => {
  const oid = (hex: string) => outcome(hex, (from) => from.oid('id'));

  test.for([
    ['0603550403', '2.5.4.3'],
    ['06032a8648', '1.2.840'],
    ['060100', '0.0'],
    ['060127', '0.39'],
    ['060128', '1.0'],
    ['060150', '2.0'],
    ['0603883703', '2.999.3'],
    ['06062a8fffffff7f', '1.2.4294967295'],
  ] as const)('%s is %s', ([hex, dotted]) => {
    expect(oid(hex)).toBe(dotted);
  });

  test.for([
    ['empty', '0600'],
    ['ends inside an arc', '06025584'],
    ['first arc begins with 80', '06028055'],
    ['later arc begins with 80', '06042a800102'],
    ['arc over 32 bits', '06062a9080808000'],
  ] as const)('refused: %s', ([, hex]) => {
    expect(oid(hex)).toEqual(malformed);
  });

  test('80 inside an arc is a digit like others', () => {
    expect(oid('06042a818000')).toBe('1.2.16384');
  });
});

describe('times', () => {
  const written = (tag: number, text: string) =>
    toHex(concat(Uint8Array.of(tag, text.length), utf8(text)));
  const utc = (text: string) =>
    outcome(written(derTag.utcTime, text), (from) => from.time('notBefore'));
  const generalized = (text: string) =>
    outcome(written(derTag.generalizedTime, text), (from) => from.time('notBefore'));
  const at = (iso: string) => Date.parse(iso) / 1000;

  test('a UTCTime below 50 is 20yy, from 50 on 19yy', () => {
    expect(utc('491231235959Z')).toBe(at('2049-12-31T23:59:59Z'));
    expect(utc('500101000000Z')).toBe(at('1950-01-01T00:00:00Z'));
    expect(utc('000101000000Z')).toBe(at('2000-01-01T00:00:00Z'));
    expect(utc('991231235959Z')).toBe(at('1999-12-31T23:59:59Z'));
  });

  test('a GeneralizedTime is for 2050 and later, where UTCTime ends', () => {
    expect(generalized('20500101000000Z')).toBe(at('2050-01-01T00:00:00Z'));
    expect(generalized('99991231235959Z')).toBe(at('9999-12-31T23:59:59Z'));
    expect(generalized('20491231235959Z')).toEqual(malformed);
    expect(generalized('00500101000000Z')).toEqual(malformed);
  });

  test('29 February is a day of leap years alone', () => {
    expect(utc('240229000000Z')).toBe(at('2024-02-29T00:00:00Z'));
    expect(utc('230229000000Z')).toEqual(malformed);
    expect(generalized('24000229000000Z')).toBe(at('2400-02-29T00:00:00Z'));
    expect(generalized('21000229000000Z')).toEqual(malformed);
  });

  test.for([
    '260231000000Z',
    '260431000000Z',
    '260100000000Z',
    '260132000000Z',
    '260001000000Z',
    '261301000000Z',
    '260101240000Z',
    '260101006000Z',
    '260101000060Z',
    '2601010000Z',
    '260101000000',
    '260101000000+0000',
    '260101000000z',
    '260101000000.0Z',
    ' 60101000000Z',
    '20260101000000Z',
    '260101000000Z\0',
    '',
  ])('refused as UTCTime: %j', (text) => {
    expect(utc('260131235959Z')).toBe(at('2026-01-31T23:59:59Z'));
    expect(utc(text)).toEqual(malformed);
  });

  test.for([
    '20600231000000Z',
    '206001010000Z',
    '20600101000000',
    '20600101000000.5Z',
    '20600101000000+0100',
    '600101000000Z',
  ])('refused as GeneralizedTime: %j', (text) => {
    expect(generalized('20600131235959Z')).toBe(at('2060-01-31T23:59:59Z'));
    expect(generalized(text)).toEqual(malformed);
  });

  test('another type is refused', () => {
    expect(outcome(written(derTag.utf8String, '260131235959Z'), (from) => from.time('t'))).toEqual(
      malformed,
    );
  });
});

test('whatever the bytes, an element is read whole or refused as malformed', () => {
  const readAll = (bytes: Bytes) => {
    const from = new DerReader(bytes, 'test');
    const raws: Bytes[] = [];
    while (!from.done) raws.push(from.element('value').raw);
    return raws;
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const code = codeOf(() => readAll(bytes));
      if (code === null) expect(toHex(concat(...readAll(bytes)))).toBe(toHex(bytes));
      else expect(code).toBe('der-malformed');
    }),
    { numRuns: 2000 },
  );
});
