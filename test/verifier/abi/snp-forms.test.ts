import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { encodeMessage } from '#verifier/abi/protobuf.ts';
import { encodeCertificateTable, snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import {
  encodeSnpEvidence,
  encodeTsmEvidence,
  maxSnpEvidenceLength,
  readSnpEvidence,
  readSnpTable,
  readTsmEvidence,
  type SnpContent,
  type SnpForm,
  snpForms,
} from '#verifier/abi/snp-forms.ts';
import { type Bytes, concat, fromHex, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import {
  corpusCollateral,
  corpusReports,
  sampleExtras,
  simulatedCollateral,
  simulatedReports,
  unknownGuid,
} from './snp-samples.ts';

let report: Bytes;
let full: SnpContent;
let reports: { id: string; report: Bytes }[];

beforeAll(async () => {
  reports = [...corpusReports(), ...(await simulatedReports())];
  report = reports.at(-1)?.report as Bytes;
  full = { report, collateral: await simulatedCollateral(), extras: sampleExtras };
});

const roundTrip = (form: SnpForm, content: SnpContent) =>
  readSnpEvidence(encodeSnpEvidence(form, content));

describe('each form', () => {
  test.each(snpForms)('%s gives every report back byte by byte', (form) => {
    for (const { id, report } of reports) {
      const content = { report, collateral: [], extras: [] };
      expect(roundTrip(form, content), id).toEqual({ form, ...content });
    }
  });

  test('with certificates gives those back too, VCEK and VLEK both as vek', () => {
    expect(roundTrip('extended-report', full)).toEqual({ form: 'extended-report', ...full });
    const { collateral, ...rest } = roundTrip('protobuf', full);
    expect(rest).toEqual({ form: 'protobuf', report, extras: full.extras });
    // The message has its own order.
    expect(new Set(collateral)).toEqual(new Set(full.collateral));
    expect(collateral.filter(({ kind }) => kind === 'vek')).toHaveLength(2);
  });

  test('with AMD’s own certificates too', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    const content = { report, collateral: corpusCollateral(), extras: [] };
    for (const form of ['extended-report', 'protobuf'] as const) {
      expect(new Set(roundTrip(form, content).collateral)).toEqual(new Set(content.collateral));
    }
  });

  test('survives a round trip with any choice of certificates and extras', () => {
    const guid = fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .map((bytes) => toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
      .filter((text) => /[1-9a-f]/.test(text));
    const extras = fc.uniqueArray(
      fc.record({ guid, data: fc.uint8Array({ minLength: 1, maxLength: 50 }) }),
      { maxLength: 4, selector: ({ guid }) => guid },
    );
    const form = fc.constantFrom('extended-report' as const, 'protobuf' as const);
    fc.assert(
      fc.property(form, fc.nat(31), extras, fc.nat(), (form, chosen, more, i) => {
        const content = {
          report: reports[i % reports.length]?.report as Bytes,
          collateral: full.collateral.filter((_, at) => chosen & (1 << at)),
          extras: more,
        };
        const found = roundTrip(form, content);
        expect(found.report).toEqual(content.report);
        expect(new Set(found.collateral)).toEqual(new Set(content.collateral));
        expect(new Set(found.extras)).toEqual(new Set(more));
      }),
      { numRuns: 60 },
    );
  });

  test('that holds no certificates refuses to be given some', () => {
    expect(() => encodeSnpEvidence('report', full)).toThrow(RangeError);
    expect(() => encodeSnpEvidence('report-text', full)).toThrow(RangeError);
    const short = { ...full, report: report.slice(1) };
    for (const form of snpForms) expect(() => encodeSnpEvidence(form, short)).toThrow(RangeError);
  });
});

describe('an extended report', () => {
  test('takes DER and PEM, and hands DER on', async () => {
    const { vcek, ask, crl } = await testHierarchy({ product: 'Milan' });
    const table = (crlText: string) =>
      encodeCertificateTable([
        { guid: snpCertificateGuids.vcek, data: utf8(vcek.pem) },
        { guid: snpCertificateGuids.ask, data: ask.der },
        { guid: snpCertificateGuids.crl, data: utf8(crlText) },
      ]);
    const pem = `-----BEGIN X509 CRL-----\n${toBase64(crl.der)}\n-----END X509 CRL-----\n`;
    const { collateral } = readSnpEvidence(concat(report, table(pem)));
    expect(collateral.map(({ data }) => toHex(data))).toEqual(
      [vcek.der, ask.der, crl.der].map(toHex),
    );
    // A certificate where the list should be.
    expect(codeOf(() => readSnpEvidence(concat(report, table(vcek.pem))))).toBe('pem-malformed');
  });

  const extended = (...after: Bytes[]) =>
    concat(encodeSnpEvidence('extended-report', full), ...after);

  test('may end in the zeros of whole pages, and in nothing else', () => {
    expect(readSnpEvidence(extended(new Uint8Array(5000)))).toEqual({
      form: 'extended-report',
      ...full,
    });
    const stray = extended(new Uint8Array(7), Uint8Array.of(1));
    expect(codeOf(() => readSnpEvidence(stray))).toBe('reserved-not-zero');
  });

  test('without certificates is a report and an empty table', () => {
    expect(readSnpEvidence(concat(report, new Uint8Array(24)))).toEqual({
      form: 'extended-report',
      report,
      collateral: [],
      extras: [],
    });
    expect(codeOf(() => readSnpEvidence(concat(report, new Uint8Array(23))))).toBe('length-wrong');
  });

  test('refuses what is no certificate under AMD’s GUIDs, and keeps it under others', () => {
    const with_ = (guid: string) =>
      concat(report, encodeCertificateTable([{ guid, data: utf8('junk') }]));
    expect(codeOf(() => readSnpEvidence(with_(snpCertificateGuids.ark)))).toBe('der-malformed');
    expect(readSnpEvidence(with_(unknownGuid)).extras).toEqual([
      { guid: unknownGuid, data: utf8('junk') },
    ]);
  });

  test('has a table that can be read alone', () => {
    const { collateral, extras } = full;
    expect(readSnpTable(extended().subarray(report.length))).toEqual({ collateral, extras });
    expect(readSnpTable(encodeCertificateTable(sampleExtras))?.extras).toEqual(sampleExtras);
    for (const form of snpForms) {
      const content = { report, collateral: [], extras: [] };
      expect(readSnpTable(encodeSnpEvidence(form, content)), form).toBe(null);
    }
  });
});

describe('configfs-tsm', () => {
  test('gives outblob and auxblob', () => {
    const { outblob, auxblob } = encodeTsmEvidence(full);
    expect(outblob).toEqual(report);
    expect(readTsmEvidence({ outblob, auxblob })).toEqual({ form: 'extended-report', ...full });
    const padded = concat(auxblob as Bytes, new Uint8Array(100));
    expect(readTsmEvidence({ outblob, auxblob: padded }).collateral).toEqual(full.collateral);
  });

  test('gives outblob alone when the host has no certificates', () => {
    const bare = { report, collateral: [], extras: [] };
    expect(encodeTsmEvidence(bare)).toEqual({ outblob: report, auxblob: null });
    for (const auxblob of [null, new Uint8Array()]) {
      expect(readTsmEvidence({ outblob: report, auxblob })).toEqual({ form: 'report', ...bare });
    }
  });

  test('is refused when a blob is cut or is the other one', () => {
    const { outblob, auxblob } = encodeTsmEvidence(full);
    const code = (out: Bytes, aux: Bytes | null) =>
      codeOf(() => readTsmEvidence({ outblob: out, auxblob: aux }));
    expect(code(outblob, auxblob)).toBe(null);
    expect(code(outblob.slice(1), auxblob)).toBe('length-wrong');
    expect(code(concat(outblob, auxblob as Bytes), auxblob)).toBe('length-wrong');
    expect(code(outblob, outblob)).not.toBe(null);
  });
});

test('evidence of more than 1 MiB is refused unread', () => {
  const padding = new Uint8Array(maxSnpEvidenceLength - report.length);
  expect(codeOf(() => readSnpEvidence(concat(report, padding)))).toBe(null);
  const more = concat(report, padding, new Uint8Array(1));
  expect(codeOf(() => readSnpEvidence(more))).toBe('too-large');
});

describe('a report as text', () => {
  test('is hex or base64, in lines or not', () => {
    const bare = { form: 'report-text', report, collateral: [], extras: [] };
    const base64 = toBase64(report);
    for (const text of [
      toHex(report),
      `${toHex(report)}\n`,
      base64,
      base64.replace(/(.{64})/g, '$1\r\n'),
    ]) {
      expect(readSnpEvidence(utf8(text))).toEqual(bare);
    }
  });

  test.each<[string, (hex: string, base64: string) => string, ErrorCode]>([
    ['upper-case hex', (hex) => hex.toUpperCase(), 'hex-malformed'],
    ['hex cut short', (hex) => hex.slice(2), 'hex-malformed'],
    ['base64 cut short', (_, base64) => base64.slice(4), 'length-wrong'],
    ['base64 without padding', (_, base64) => base64.replace(/=+$/, ''), 'base64-malformed'],
    ['URL-safe base64', (_, base64) => `-_${base64.slice(2)}`, 'form-unknown'],
    ['other text', () => '{"version":1}', 'form-unknown'],
    ['nothing', () => '', 'form-unknown'],
    ['endless text', () => 'a'.repeat(10_000), 'form-unknown'],
  ])('refuses %s', (_, change, code) => {
    const text = change(toHex(report), toBase64(report));
    expect(codeOf(() => readSnpEvidence(utf8(text)))).toBe(code);
  });
});

describe('a raw report', () => {
  test.each([1183, 1000, 4])('of %i bytes is refused for its length', (length) => {
    expect(codeOf(() => readSnpEvidence(report.subarray(0, length)))).toBe('length-wrong');
  });

  test('of a version to come is still cut out: who reads it says why not', () => {
    const future = report.slice();
    future[0] = 6;
    expect(readSnpEvidence(future)).toMatchObject({ form: 'report', report: future });
  });
});

describe('go-sev-guest’s protobuf', () => {
  const part = (number: number, ...value: Bytes[]) => {
    const bytes = concat(...value);
    return encodeMessage({ part: [number, 'bytes'] }, { part: bytes });
  };
  const number = (at: number, value: number) =>
    encodeMessage({ number: [at, 'uint32'] }, { number: value });
  /** The message of the report alone, as field 1. */
  const field1 = () => encodeSnpEvidence('protobuf', { report, collateral: [], extras: [] });
  /** The same with its inner message changed. */
  const changed = (change: (inner: Bytes) => Bytes) => {
    const outer = field1();
    return part(1, change(outer.subarray(3)));
  };
  const code = (...parts: Bytes[]) => codeOf(() => readSnpEvidence(concat(...parts)));

  test('has the wire form of proto/sevsnp.proto', () => {
    const hex = toHex(field1());
    // report (1), 2 bytes of length; version (1) = 5; no guest_svn; policy (3) = 0x30000;
    // family_id (4), 16 bytes.
    expect(hex).toMatch(/^0a....08051880800c2210(00){16}2a10/);
    // signature (28), 512 bytes; cpuid1eax_fms (29) of Turin 1a/02/1: 0x00b00f21.
    expect(hex).toContain('e2018004');
    expect(hex).toContain('e801a19ec005');
  });

  test('may carry a product message of the right shape', () => {
    expect(code(field1(), part(3, number(1, 3), part(3, number(1, 1))))).toBe(null);
    expect(code(field1(), part(3))).toBe(null);
    expect(code(part(3, number(1, 1)), field1())).toBe(null);
    expect(code(field1(), part(3, number(1, 4)))).toBe('value-out-of-range');
    expect(code(field1(), part(3, number(4, 1)))).toBe('protobuf-malformed');
    expect(code(field1(), part(3, part(3, number(2, 1))))).toBe('protobuf-malformed');
  });

  test('keeps the deprecated firmware certificate among the extras', () => {
    const found = readSnpEvidence(concat(field1(), part(2, part(4, utf8('fw')))));
    expect(found.extras).toEqual([{ guid: 'firmware_cert', data: utf8('fw') }]);
    expect(roundTrip('protobuf', found)).toEqual(found);
  });

  test('takes an empty certificate for none, as proto3 does', () => {
    expect(readSnpEvidence(concat(field1(), part(2, part(1)))).collateral).toEqual([]);
  });

  test('needs every field of the report at its length', () => {
    const without = (at: number) =>
      changed((inner) => {
        // Both are bytes of a known length: key, length, value.
        const key = at === 4 ? '2210' : '2a10';
        const start = toHex(inner).indexOf(key) / 2;
        return concat(inner.subarray(0, start), inner.subarray(start + 18));
      });
    expect(code(changed((inner) => inner))).toBe(null);
    expect(code(without(4))).toBe('length-wrong');
    expect(code(without(5))).toBe('length-wrong');
    expect(code(part(1, number(1, 5)))).toBe('length-wrong');
    expect(code(part(3))).not.toBe(null);
    expect(code(part(2))).not.toBe(null);
  });

  test.each<[string, string, ErrorCode]>([
    ['a field of the report twice', '0805', 'protobuf-malformed'],
    ['an unknown field', '800201', 'protobuf-malformed'],
    ['a guest_svn over 32 bits', '108080808010', 'value-out-of-range'],
    ['a fixed-length number', '1500000000', 'protobuf-malformed'],
  ])('refuses %s', (_, hex, expected) => {
    expect(code(changed((inner) => concat(inner, fromHex(hex, 'test'))))).toBe(expected);
  });

  test.each<[string, number, ErrorCode | null]>([
    ['family 0x19, model 0x11, stepping 1', 0x00a10f11, null],
    ['reserved bit 12', 0x00a11f11, 'reserved-not-zero'],
    ['reserved bit 31', 0x80a10f11, 'reserved-not-zero'],
    ['an extended family beside family 5', 0x01410511, 'value-out-of-range'],
    ['a family over 255', 0x0ff10f11, 'value-out-of-range'],
  ])('CPUID: %s', (_, eax, expected) => {
    const bytes = changed((inner) => {
      const start = toHex(inner).indexOf('e801a19ec005') / 2;
      return concat(inner.subarray(0, start), inner.subarray(start + 6), number(29, eax >>> 0));
    });
    expect(code(bytes)).toBe(expected);
    if (expected !== null) return;
    expect(toHex(readSnpEvidence(bytes).report.subarray(0x188, 0x18b))).toBe('191101');
  });

  test('a build number is one byte', () => {
    const bytes = changed((inner) => {
      // current_build (21), key a8 01.
      const start = toHex(inner).indexOf('a8013d') / 2;
      return concat(inner.subarray(0, start), inner.subarray(start + 3), number(21, 256));
    });
    expect(code(bytes)).toBe('value-out-of-range');
  });

  test('extras are a map from GUIDs: no key twice, none that has its own field', () => {
    const entry = (key: string, value = 'x') => part(7, part(1, utf8(key)), part(2, utf8(value)));
    const chain = (...entries: Bytes[]) => code(field1(), part(2, ...entries));
    expect(chain(entry(unknownGuid))).toBe(null);
    expect(chain(entry(unknownGuid), entry(unknownGuid))).toBe('protobuf-malformed');
    expect(chain(entry(snpCertificateGuids.vcek))).toBe('protobuf-malformed');
    expect(chain(entry('firmware_cert'))).toBe('value-out-of-range');
    expect(chain(entry(unknownGuid.toUpperCase()))).toBe('value-out-of-range');
    expect(chain(entry('00000000-0000-0000-0000-000000000000'))).toBe('value-out-of-range');
    expect(chain(entry(unknownGuid, ''))).toBe('protobuf-malformed');
    expect(chain(part(7, part(1, Uint8Array.of(0xff))))).toBe('utf8-malformed');
  });

  test('refuses to be given what it has no place for', () => {
    const reserved = report.slice();
    reserved[0x4c] = 1;
    const stepping = report.slice();
    stepping[0x18a] = 16;
    for (const bad of [reserved, stepping]) {
      const content = { report: bad, collateral: [], extras: [] };
      expect(() => encodeSnpEvidence('protobuf', content)).toThrow(RangeError);
    }
    const data = utf8('x');
    const extras = [
      [{ guid: 'no GUID', data }],
      [{ guid: unknownGuid, data: new Uint8Array() }],
      [
        { guid: unknownGuid, data },
        { guid: unknownGuid, data },
      ],
    ];
    for (const bad of extras) {
      const content = { report, collateral: [], extras: bad };
      expect(() => encodeSnpEvidence('protobuf', content)).toThrow(RangeError);
    }
  });

  test('one changed byte never gives the same evidence, but for where the sender guesses', () => {
    const bytes = encodeSnpEvidence('protobuf', { report, collateral: [], extras: sampleExtras });
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice();
      flipped[i] = (flipped[i] as number) ^ 1;
      let found: SnpContent | null = null;
      if (codeOf(() => (found = readSnpEvidence(flipped))) !== null) continue;
      expect(found, `byte ${i}`).not.toMatchObject({ report, extras: sampleExtras });
    }
  });
});

test('any bytes are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      codeOf(() => readSnpEvidence(bytes));
      codeOf(() => readSnpTable(bytes));
    }),
  );
});
