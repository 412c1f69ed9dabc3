/** Intel's quotes of every version and body, from bytes and to bytes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeQuote,
  encodeSignedPart,
  maxQuoteLength,
  parseQuote,
  type QuoteContent,
} from '#verifier/abi/quote.ts';
import { type Bytes, concat, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';
import { type QuoteShape, quoteShapes, quotes, sampleQuote } from './quote-samples.ts';

const shapeOf = (name: string) => quoteShapes.find((shape) => shape.name === name) as QuoteShape;
const codeOfBytes = (input: Bytes) => codeOf(() => parseQuote(input));

function changed(base: Bytes, offset: number, ...values: number[]): Bytes {
  const out = base.slice();
  out.set(values, offset);
  return out;
}

function messageOf(input: Bytes): string {
  try {
    parseQuote(input);
  } catch (error) {
    if (error instanceof AttestationError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

/** Where things stand, from the lengths in the specification and not from the encoder. */
function places({ version, start, length }: QuoteShape) {
  const signatureLength = start + length;
  const signature = signatureLength + 4;
  const wrapper = signature + 128;
  const qeReport = version === 3 ? wrapper : wrapper + 6;
  const authLength = qeReport + 384 + 64;
  const certification = authLength + 2 + 32;
  return { signatureLength, signature, wrapper, qeReport, authLength, certification };
}

/** Of an enclave report. */
const reserved: readonly [first: number, end: number][] = [
  [20, 32],
  [96, 128],
  [160, 192],
  [262, 304],
];

describe.each(quoteShapes)('$name', (shape) => {
  const sample = sampleQuote(shape);
  const base = encodeQuote(sample);
  const place = places(shape);

  test('encode, then parse, gives the quote again', () => {
    fc.assert(
      fc.property(quotes(shape), fc.uint8Array({ maxLength: 40 }), (quote, rest) => {
        expect(parseQuote(concat(encodeQuote(quote), rest))).toEqual({
          ...quote,
          signedLength: shape.start + shape.length,
          trailing: rest.length,
        });
      }),
    );
  });

  test('every part is read from its place', () => {
    // From inside a larger buffer, as evidence often stands.
    const quote = parseQuote(concat(base, base).subarray(base.length));
    const cut = (first: number, length: number) => base.slice(first, first + length);
    expect(quote).toMatchObject({
      header: {
        version: shape.version,
        tee: shape.body === 'sgx' ? 'sgx' : 'tdx',
        attestationKeyType: 2,
        qeSvn: 0x0708,
        pceSvn: 0x090a,
        qeVendorId: cut(12, 16),
        userData: cut(28, 20),
      },
      signedLength: place.signatureLength,
      signature: cut(place.signature, 64),
      attestationKey: cut(place.signature + 64, 64),
      qeReportBytes: cut(place.qeReport, 384),
      qeReportSignature: cut(place.qeReport + 384, 64),
      qeAuthData: cut(place.authLength + 2, 32),
      certification: { type: 5, data: base.slice(place.certification + 6) },
      trailing: 0,
    });
    expect(toHex(base.subarray(8, 12))).toBe('08070a09');
    expect(toHex(encodeSignedPart(quote))).toBe(toHex(base.subarray(0, quote.signedLength)));
  });

  test('the body is what stands between header and signature data', () => {
    const { body } = parseQuote(base);
    const part = (offset: number, length: number) =>
      base.slice(shape.start + offset, shape.start + offset + length);
    if (body.kind === 'sgx') {
      expect(body.report).toMatchObject({
        cpuSvn: part(0, 16),
        miscSelect: 1,
        isvExtProdId: part(32, 16),
        attributes: part(48, 16),
        mrEnclave: part(64, 32),
        mrSigner: part(128, 32),
        configId: part(192, 64),
        isvProdId: 0x0102,
        isvSvn: 0x0304,
        configSvn: 0x0506,
        isvFamilyId: part(304, 16),
        reportData: part(320, 64),
      });
      return;
    }
    expect(body.report).toEqual({
      teeTcbSvn: part(0, 16),
      mrSeam: part(16, 48),
      mrSignerSeam: part(64, 48),
      seamAttributes: part(112, 8),
      tdAttributes: part(120, 8),
      xfam: part(128, 8),
      mrTd: part(136, 48),
      mrConfigId: part(184, 48),
      mrOwner: part(232, 48),
      mrOwnerConfig: part(280, 48),
      rtmr: [part(328, 48), part(376, 48), part(424, 48), part(472, 48)],
      reportData: part(520, 64),
      teeTcbSvn2: shape.body === 'tdx15' ? part(584, 16) : null,
      mrServiceTd: shape.body === 'tdx15' ? part(600, 48) : null,
    });
  });

  test('cut off anywhere it is refused, whole it is not', () => {
    for (let length = 0; length < base.length; length++) {
      const code = codeOfBytes(base.subarray(0, length));
      if (code !== 'length-wrong') expect.fail(`${length} bytes: ${code}`);
    }
    expect(codeOfBytes(base)).toBe(null);
  });

  test('no length in it may be one more or one less', () => {
    const view = new DataView(base.buffer);
    const lengths: [number, 16 | 32][] = [
      [place.signatureLength, 32],
      [place.authLength, 16],
      [place.certification + 2, 32],
    ];
    if (shape.version !== 3) lengths.push([place.wrapper + 2, 32]);
    for (const [offset, bits] of lengths) {
      for (const difference of [-1, 1]) {
        const bad = concat(base, new Uint8Array(8));
        const bent = new DataView(bad.buffer);
        if (bits === 16) bent.setUint16(offset, view.getUint16(offset, true) + difference, true);
        else bent.setUint32(offset, view.getUint32(offset, true) + difference, true);
        // A wrong auth length moves the certification type, which may be what is refused.
        expect(['length-wrong', 'version-unknown'], `0x${offset.toString(16)}`).toContain(
          codeOfBytes(bad),
        );
      }
    }
    expect(codeOfBytes(concat(base, new Uint8Array(8)))).toBe(null);
  });

  test('reserved bytes of enclave reports are zero', () => {
    const starts = shape.body === 'sgx' ? [shape.start, place.qeReport] : [place.qeReport];
    for (const start of starts) {
      for (const [first, end] of reserved) {
        for (let offset = first; offset < end; offset++) {
          const code = codeOfBytes(changed(base, start + offset, 0x80));
          if (code !== 'reserved-not-zero') expect.fail(`${start} + ${offset}: ${code}`);
        }
      }
    }
  });

  test('any one byte changed: a typed refusal, or a quote that comes back as it stands', () => {
    fc.assert(
      fc.property(fc.nat(base.length - 1), fc.nat(0xff), (offset, value) => {
        const input = changed(base, offset, value);
        if (codeOfBytes(input) === null) {
          const quote = parseQuote(input);
          const end = input.length - quote.trailing;
          expect(toHex(encodeQuote(quote))).toBe(toHex(input.subarray(0, end)));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('refused, with the field and its offset', () => {
  const tdx = shapeOf('version 5 of TDX 1.5');
  const base = encodeQuote(sampleQuote(tdx));
  const { wrapper, certification } = places(tdx);
  const v3 = encodeQuote(sampleQuote(shapeOf('version 3 of SGX')));

  test.each<[string, Bytes, string, RegExp]>([
    ['version 2', changed(base, 0, 2), 'version-unknown', /VERSION 2 at offset 0x0/],
    ['version 6', changed(base, 0, 6), 'version-unknown', /VERSION 6 .*known: 3, 4, 5/],
    ['a version in 16 bits', changed(base, 1, 1), 'version-unknown', /VERSION 261/],
    ['a P-384 key', changed(base, 2, 3), 'version-unknown', /KEY_TYPE 3 \(ECDSA P-384\) at .*0x2/],
    ['an EPID key', changed(base, 2, 0), 'version-unknown', /KEY_TYPE 0 \(EPID\)/],
    ['another key', changed(base, 2, 9), 'version-unknown', /KEY_TYPE 9 at/],
    ['another TEE', changed(base, 4, 0x82), 'version-unknown', /TEE_TYPE 0x82 at offset 0x4/],
    ['TDX in version 3', changed(v3, 4, 0x81), 'value-out-of-range', /TEE_TYPE at offset 0x4/],
    ['body type 0', changed(base, 48, 0), 'version-unknown', /BODY_TYPE 0 at offset 0x30/],
    ['body type 4', changed(base, 48, 4), 'version-unknown', /BODY_TYPE 4 at offset 0x30/],
    ['SGX body, TDX quote', changed(base, 48, 1), 'value-out-of-range', /BODY_TYPE at .*0x30/],
    ['TDX body, SGX quote', changed(base, 4, 0), 'value-out-of-range', /BODY_TYPE at .*0x30/],
    ['the size of another type', changed(base, 48, 2), 'value-out-of-range', /BODY_SIZE.*0x32/],
    ['a size of its own', changed(base, 50, 0x89), 'value-out-of-range', /BODY_SIZE.*0x32/],
    ['outer type 5', changed(base, wrapper, 5), 'value-out-of-range', /^quote: CERTIFICATION_TYPE/],
    ['6 in 6', changed(base, certification, 6), 'value-out-of-range', /QE_CERTIFICATION_TYPE at/],
    ['inner type 0', changed(base, certification, 0), 'version-unknown', /QE_CERTIFICATION_TYPE 0/],
    ['inner type 7', changed(base, certification, 7), 'version-unknown', /QE_CERTIFICATION_TYPE 7/],
    ['no bytes', new Uint8Array(), 'length-wrong', /VERSION: 2 bytes needed at offset 0/],
  ])('%s', (_, input, code, message) => {
    expect(codeOfBytes(input)).toBe(code);
    expect(messageOf(input)).toMatch(message);
  });

  test.each([1, 2, 3, 4, 5])('certification type %d is not', (type) => {
    expect(codeOfBytes(changed(base, certification, type))).toBe(null);
  });

  test('an enclave report names its own place too', () => {
    const { qeReport } = places(tdx);
    expect(messageOf(changed(base, qeReport + 25, 1))).toMatch(
      new RegExp(`^quote: QE_REPORT at offset 0x${qeReport.toString(16)}: reserved bytes 0x14 `),
    );
  });

  test('signature data that the quote does not have', () => {
    const { signatureLength } = places(tdx);
    const huge = changed(base, signatureLength, 0xff, 0xff, 0xff, 0xff);
    expect(codeOfBytes(huge)).toBe('length-wrong');
    expect(messageOf(huge)).toMatch(/SIGNATURE_DATA_LENGTH at offset 0x2be says 4294967295 bytes/);
  });

  test('signature data one byte longer than the quote, though all inside fits', () => {
    const { signatureLength } = places(tdx);
    const length = base.length - signatureLength - 4;
    const more = changed(base, signatureLength, (length + 1) & 0xff, (length + 1) >> 8);
    expect(codeOfBytes(more)).toBe('length-wrong');
    expect(codeOfBytes(changed(base, signatureLength, length & 0xff, length >> 8))).toBe(null);
  });

  test('signature data too short for its parts, though bytes follow', () => {
    const { signatureLength } = places(tdx);
    for (const length of [0, 63, 64, 128, 134, 500]) {
      const short = changed(base, signatureLength, length & 0xff, length >> 8, 0, 0);
      expect(codeOfBytes(short), String(length)).toBe('length-wrong');
    }
  });

  test('over 256 KiB; 256 KiB are not', () => {
    const most = concat(base, new Uint8Array(maxQuoteLength - base.length));
    expect(parseQuote(most).trailing).toBe(maxQuoteLength - base.length);
    expect(codeOfBytes(concat(most, new Uint8Array(1)))).toBe('too-large');
  });
});

test('any vendor of a quoting enclave is read', () => {
  const quote = sampleQuote(shapeOf('version 4 of TDX'));
  const header = { ...quote.header, qeVendorId: new Uint8Array(16).fill(1) };
  expect(parseQuote(encodeQuote({ ...quote, header })).header).toEqual(header);
});

test('parts of nothing are read: no authentication data, no certification data', () => {
  for (const shape of quoteShapes) {
    const none = {
      qeAuthData: new Uint8Array(),
      certification: { type: 1, data: new Uint8Array() },
    };
    const found = parseQuote(encodeQuote({ ...sampleQuote(shape), ...none }));
    expect(found).toMatchObject(none);
  }
});

test('what is read is copied', () => {
  const bytes = encodeQuote(sampleQuote(shapeOf('version 4 of TDX')));
  const quote = parseQuote(bytes);
  const before = toHex(encodeQuote(quote));
  bytes.fill(0xff);
  expect(toHex(encodeQuote(quote))).toBe(before);
});

test('random bytes give only typed refusals', () => {
  const start = fc.constantFrom('03000200', '04000200', '05000200', '81000000', '');
  fc.assert(
    fc.property(start, fc.boolean(), fc.uint8Array({ maxLength: 1500 }), (hex, isTdx, rest) => {
      const tee = Uint8Array.of(isTdx ? 0x81 : 0, 0, 0, 0);
      const input = concat(Uint8Array.from(Buffer.from(hex, 'hex')), tee, rest);
      expect(codeOfBytes(input)).not.toBe(null);
    }),
    { numRuns: 1000 },
  );
});

describe('what cannot be encoded is the caller’s mistake', () => {
  const quote = sampleQuote(shapeOf('version 5 of TDX 1.5'));
  const sgx = sampleQuote(shapeOf('version 3 of SGX'));
  const header = (other: Partial<QuoteContent['header']>) => ({ ...quote.header, ...other });
  test.each<[string, QuoteContent]>([
    ['another TEE than the body is of', { ...quote, header: header({ tee: 'sgx' }) }],
    ['a TDX body in version 3', { ...quote, header: header({ version: 3 }) }],
    ['a TDX 1.5 body in version 4', { ...quote, header: header({ version: 4 }) }],
    ['two QE reports', { ...quote, qeReport: { ...quote.qeReport, isvSvn: 1 } }],
    ['a short signature', { ...quote, signature: new Uint8Array(63) }],
    ['a long key', { ...quote, attestationKey: new Uint8Array(65) }],
    ['too much authentication data', { ...quote, qeAuthData: new Uint8Array(65536) }],
  ])('%s', (_, bad) => {
    expect(() => encodeQuote(bad)).toThrow(RangeError);
    expect(codeOfBytes(encodeQuote(quote))).toBe(null);
    expect(codeOfBytes(encodeQuote(sgx))).toBe(null);
  });

  test('the most authentication data', () => {
    const most = { ...quote, qeAuthData: new Uint8Array(65535) };
    expect(parseQuote(encodeQuote(most)).qeAuthData.length).toBe(65535);
  });
});
