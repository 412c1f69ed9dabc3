/** The evidence laid out: fields, bytes and zones of each form, and the bytes of the hex view. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { corpusQuotes, quoteShapes, sampleQuote } from '#test/verifier/abi/quote-samples.ts';
import { bundleScene, reportScene } from '#test/verifier/scene.ts';
import { encodeQuote, parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { checkIds, entryOf } from '#verifier/checks.ts';
import type { Evidence } from '#verifier/evidence.ts';
import {
  asciiText,
  columnOf,
  fieldAt,
  hexText,
  movedBy,
  placeAt,
  rowsOf,
  runsOf,
  segmentsOf,
} from '#web/fields/byte-map.ts';
import { checksNamed, sectionKinds } from '#web/fields/field-checks.ts';
import { endsOf, layoutOf, type Part, zeroBytes } from '#web/fields/layout.ts';
import { codeOf } from '../verifier/code-of.ts';

const every = new Set(checkIds);
const laid = (evidence: Evidence) => layoutOf({ evidence, product: 'Milan', made: every });
const fieldsOf = ({ sections }: Part) => sections.flatMap(({ fields }) => fields);
const named = (part: Part, name: string) => fieldsOf(part).find((field) => field.name === name);

/** Runs and zones each cover the bytes, none twice. */
function expectWhole({ bytes, runs, zones }: Part): void {
  const { length } = bytes as Bytes;
  for (const ranges of [runs, zones]) {
    let at = 0;
    for (const { start, end } of ranges) {
      expect(start).toBe(at);
      expect(end).toBeGreaterThan(start);
      at = end;
    }
    expect(at).toBe(length);
  }
}

describe('a report', async () => {
  const { evidence } = await reportScene();
  const [part, ...others] = laid(evidence) as [Part];

  test('is one part in the groups of AMD’s table, every byte in a field', () => {
    expect(others).toEqual([]);
    expect(part.sections.map(({ open }) => open)).toEqual([true, true, true, false]);
    expectWhole(part);
    expect(part.runs.every(({ field }) => field >= 0)).toBe(true);
    expect(fieldsOf(part).map(({ place }) => place)).toEqual(fieldsOf(part).map((_, i) => i));
  });

  test('the signature is over all but itself and what follows', () => {
    expect(part.zones.map(({ start, end }) => [start, end])).toEqual([
      [0, 0x2a0],
      [0x2a0, 0x4a0],
    ]);
    expect(named(part, 'SIGNATURE.R')?.at?.start).toBe(0x2a0);
  });

  test('MEASUREMENT has its bytes, its meaning and its check', () => {
    const field = named(part, 'MEASUREMENT');
    expect(field?.at).toEqual({ start: 0x90, end: 0xc0 });
    expect(field?.meaning).toMatch(/software/);
    expect(field?.checks).toEqual(['policy.measurement']);
    expect(field?.value).toBe(toHex((part.bytes as Bytes).subarray(0x90, 0xc0)));
    expect(fieldAt(part.runs, 0x91)).toBe(field?.place);
    expect(fieldAt(part.runs, 0xc0)).not.toBe(field?.place);
  });

  test('a check that the verdict does not have is not named', () => {
    const [bare] = layoutOf({ evidence, product: 'Milan', made: new Set() }) as [Part];
    expect(fieldsOf(bare).flatMap(({ checks }) => checks)).toEqual([]);
  });

  test('one that cannot be read says why beside its bytes', () => {
    const [cut] = laid({ form: 'report', bytes: utf8('no report') }) as [Part];
    expect(fieldsOf(cut)).toHaveLength(1);
    expect(fieldsOf(cut)[0]?.value).toMatch(/1184/);
    expectWhole(cut);
  });
});

describe('a bundle', async () => {
  const { evidence } = await bundleScene();

  test('is its members, which have no bytes of their own, and its report', () => {
    const [members, report, ...others] = laid(evidence) as [Part, Part];
    expect(others).toEqual([]);
    expect(members.bytes).toBe(null);
    expect(named(members, 'bound.closureDigest')?.checks).toContain('policy.closure-digest');
    expect(members.sections.map(({ title }) => title)).toEqual(['Evidence bundle', 'Log']);
    expectWhole(report);
    expect(named(report, 'REPORT_DATA')?.checks).toContain('binding.report-data');
  });

  test('one that cannot be read says why', () => {
    const bytes = utf8('{"version":1}');
    const [part] = laid({ form: 'bundle', bytes, nonce: null, connection: null }) as [Part];
    expect(fieldsOf(part)[0]?.value).toMatch(/bundle/);
  });
});

describe.each(quoteShapes)('a quote of $name', (shape) => {
  const whole = encodeQuote(sampleQuote(shape));
  const [part] = laid({ form: 'quote', bytes: concat(whole, utf8('more')) }) as [Part];

  test('every byte is in a field and in a zone', () => {
    expectWhole(part);
    expect(part.runs.every(({ field }) => field >= 0)).toBe(true);
  });

  test('zones are who signed what', () => {
    const quote = parseQuote(whole);
    const [signed, , qe] = part.zones;
    expect(signed?.end).toBe(quote.signedLength);
    const { start = 0, end = 0 } = qe ?? {};
    expect(toHex((part.bytes as Bytes).subarray(start, end))).toBe(toHex(quote.qeReportBytes));
    const last = part.zones.at(-1);
    expect([last?.start, last?.end]).toEqual([whole.length, whole.length + 4]);
  });

  test('the two reports of an enclave have their own checks', () => {
    const [first, ...more] = fieldsOf(part).filter(({ name }) => name === 'REPORTDATA');
    expect(first?.checks).toContain('policy.report-data');
    expect(more.map(({ checks }) => checks)).toEqual([['evidence.attestation-key']]);
  });
});

test('every quote of the corpus is laid out whole', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  let seen = 0;
  for (const { quote } of corpusQuotes()) {
    const [part] = laid({ form: 'quote', bytes: quote }) as [Part];
    expectWhole(part);
    seen += codeOf(() => parseQuote(quote)) === null ? 1 : 0;
  }
  expect(seen).toBeGreaterThan(50);
});

test('checks are named by fields of stages that read them', () => {
  const named = sectionKinds.flatMap((kind) => checksNamed(kind));
  expect(named.length).toBeGreaterThan(60);
  for (const id of named) expect(entryOf(id).stage, id).not.toBe('proof');
});

describe('bytes and fields', () => {
  test('of fields in each other, the inner one has the byte; between fields is none', () => {
    const runs = runsOf([{ start: 0, end: 6 }, { start: 2, end: 4 }, null], 8);
    expect(runs).toEqual([
      { start: 0, end: 2, field: 0 },
      { start: 2, end: 4, field: 1 },
      { start: 4, end: 6, field: 0 },
      { start: 6, end: 8, field: -1 },
    ]);
    expect([0, 3, 5, 7, 8, -1].map((at) => fieldAt(runs, at))).toEqual([0, 1, 0, -1, -1, -1]);
    expect(runsOf([], 0)).toEqual([]);
  });

  test('segments are the runs of a row, cut to it', () => {
    const runs = runsOf([{ start: 0, end: 6 }], 8);
    expect(segmentsOf({ start: 4, end: 8 }, runs)).toEqual([
      { start: 4, end: 6, field: 0 },
      { start: 6, end: 8, field: -1 },
    ]);
  });

  test('rows begin where their range does; the last is as long as what is left', () => {
    expect(rowsOf({ start: 5, end: 16 }, 8)).toEqual([
      { start: 5, end: 13 },
      { start: 13, end: 16 },
    ]);
    expect(rowsOf({ start: 5, end: 5 }, 8)).toEqual([]);
  });

  test('a byte is found by the character that the pointer is at', () => {
    for (let place = 0; place < 16; place += 1) {
      expect(placeAt(columnOf(place)), String(place)).toBe(place);
      expect(placeAt(columnOf(place) + 1.9), String(place)).toBe(place);
    }
    expect(placeAt(-3)).toBe(0);
    expect(placeAt(24.5)).toBe(7);
  });

  test('the text of a row has a character at each column', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => 0x40 + i);
    const text = hexText(bytes, { start: 0, end: 16 }, 0);
    for (let place = 0; place < 16; place += 1) {
      expect(text.slice(columnOf(place)).slice(0, 2)).toBe((0x40 + place).toString(16));
    }
    expect(asciiText(Uint8Array.of(0x41, 0x0a, 0xff, 0x7e), { start: 0, end: 4 })).toBe('A..~');
  });

  test('keys move the cursor and never out of the bytes', () => {
    const moved = (key: string, at: number) => movedBy(key, at, 100, 16);
    expect(
      ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp'].map((key) => moved(key, 40)),
    ).toEqual([41, 39, 56, 24]);
    expect([moved('Home', 40), moved('End', 40), moved('PageUp', 40)]).toEqual([0, 99, 0]);
    expect([moved('ArrowLeft', 0), moved('ArrowDown', 95)]).toEqual([0, 99]);
    expect([moved('Tab', 4), moved('toString', 4)]).toEqual([null, null]);
    expect(movedBy('End', 0, 0, 16)).toBe(null);
  });
});

test('zeros are counted, and long values have two ends', () => {
  expect([zeroBytes('00'), zeroBytes('0000'), zeroBytes('0001'), zeroBytes('0')]).toEqual([
    1,
    2,
    null,
    null,
  ]);
  expect(endsOf('a'.repeat(192))).toBe(null);
  expect(endsOf(`${'a'.repeat(200)}b`)?.end).toMatch(/^a{31}b$/);
});
