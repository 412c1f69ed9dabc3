import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { maxSignedJsonLength, openSignedJson } from '#verifier/abi/intel-json.ts';
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { encodeTcbInfo, parseTcbInfo } from '#verifier/abi/tcb-info.ts';
import { type Bytes, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { realDocuments, seal, tdxInfo } from './intel-samples.ts';

describe.skipIf(!hasShared)(`Intel's own (${hasShared ? 'corpus' : sharedMissing})`, () => {
  test('are signed over exactly the bytes that are handed back', () => {
    const opened = [
      ...realDocuments(/^tcbinfo-/).map(({ bytes }) => parseTcbInfo(bytes)),
      ...realDocuments(/-identity-/).map(({ bytes }) => parseQeIdentity(bytes)),
    ];
    const keys = ['2018-05-21', '2025-05-06'].map((date) => {
      const pem = sharedFile(`corpus/collateral/intel/tcb-signing-${date}.pem`);
      return createPublicKey(fromUtf8(pem, date));
    });
    const isSigned = (signed: Bytes, signature: Bytes) =>
      keys.some((key) => verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature));
    expect(opened.length).toBeGreaterThanOrEqual(72);
    for (const { signed, signature } of opened) {
      expect(isSigned(signed, signature)).toBe(true);
      expect(isSigned(signed.with(0, 0), signature)).toBe(false);
    }
  });
});

describe('the envelope', () => {
  const inner = encodeTcbInfo(tdxInfo());
  const text = fromUtf8(seal('tcbInfo', inner), 'envelope');
  const open = (file: string) => openSignedJson(utf8(file), 'tcbInfo', 'TCB info');

  test('hands back the bytes of the inner object and the signature', () => {
    const { value, signed, signature } = open(text);
    expect(fromUtf8(signed, 'inner')).toBe(inner);
    expect(value).toEqual(JSON.parse(inner));
    expect(signature).toEqual(new Uint8Array(64).fill(0xab));
  });

  test('takes white space around the outer tokens, and never into the signed bytes', () => {
    const signature = `"${'aB'.repeat(64)}"`;
    const spaced = ['', '{', '"tcbInfo"', ':', inner, ',', '"signature"', ':', signature, '}', ''];
    const { signed, signature: bytes } = open(spaced.join(' \t\r\n'));
    expect(fromUtf8(signed, 'inner')).toBe(inner);
    expect(bytes).toEqual(new Uint8Array(64).fill(0xab));
  });

  test('keeps white space inside, which is signed too', () => {
    const wide = inner.replaceAll(',', ', ');
    expect(fromUtf8(open(text.replace(inner, wide)).signed, 'inner')).toBe(wide);
  });

  const signature = /,"signature":"\w+"/;
  test.each([
    ['text before it', `x${text}`, 'json-malformed'],
    ['text after it', `${text}x`, 'json-malformed'],
    ['a second document', text + text, 'json-malformed'],
    ['a byte order mark', `\ufeff${text}`, 'json-malformed'],
    [
      'another order',
      text.replace(signature, '').replace('{', `{"signature":"${'ab'.repeat(64)}",`),
      'json-malformed',
    ],
    ['another member', text.replace('tcbInfo', 'enclaveIdentity'), 'json-malformed'],
    ['an escaped name', text.replace('tcbInfo', 'tcb\\u0049nfo'), 'json-malformed'],
    ['a third member', text.replace(',"signature"', ',"x":1,"signature"'), 'json-malformed'],
    ['two inner objects', text.replace(inner, `${inner},"tcbInfo":${inner}`), 'json-malformed'],
    ['two signatures', text.replace(signature, (one) => one + one), 'json-malformed'],
    ['no signature', text.replace(signature, ''), 'json-malformed'],
    ['an unfinished file', text.slice(0, -1), 'json-malformed'],
    ['nothing', '', 'json-malformed'],
    ['white space alone', ' \n', 'json-malformed'],
    ['one brace', '{', 'json-malformed'],
    ['braces alone', '{}', 'json-malformed'],
    ['no inner object', '{"tcbInfo":,"signature":""}', 'json-malformed'],
    ['a signature too short', text.replace('abab', 'ab'), 'hex-malformed'],
    ['a signature too long', text.replace('abab', 'ababab'), 'hex-malformed'],
    ['a signature that is no hex', text.replace('abab', 'abag'), 'hex-malformed'],
    ['an escape in the signature', text.replace('abab', '\\u0061bab'), 'hex-malformed'],
  ] as const)('refuses %s', (_, file, code) => {
    expect(codeOf(() => open(file))).toBe(code);
  });

  test('refuses bytes that are not UTF-8', () => {
    const bytes = utf8(text.replace('TDX_01', 'TDX\u00a701'));
    expect(codeOf(() => parseTcbInfo(bytes))).toBe('json-shape');
    expect(codeOf(() => parseTcbInfo(bytes.with(bytes.indexOf(0xc2), 0xff)))).toBe(
      'utf8-malformed',
    );
  });

  test('refuses more than 1 MiB and takes as much', () => {
    const padded = text.padEnd(maxSignedJsonLength);
    expect(codeOf(() => open(padded))).toBe(null);
    expect(codeOf(() => open(`${padded} `))).toBe('too-large');
  });

  test.each(['{', '"', ' ', '[', '\\', '{"":', '\\"', '"",', '[],', 'a', '0', '{}'])(
    'refuses a megabyte of %j in the time of one pass',
    (unit) => {
      const mass = unit.repeat(Math.floor((maxSignedJsonLength - 200) / unit.length));
      const started = performance.now();
      expect(codeOf(() => open(mass))).toBe('json-malformed');
      const tooMany = mass.split(',').length > 200_000;
      expect(codeOf(() => open(text.replace(inner, mass)))).toBe(
        tooMany ? 'too-large' : 'json-malformed',
      );
      expect(codeOf(() => open(text.replace('abab', mass)))).not.toBe(null);
      expect(codeOf(() => open(text.replace('"id"', mass)))).not.toBe(null);
      // Quadratic work on this length takes minutes.
      expect(performance.now() - started).toBeLessThan(5000);
    },
  );

  test('throws nothing but a typed error, and hands back every change that it accepts', () => {
    const bytes = seal('tcbInfo', inner);
    const edit = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(edit, ({ at, byte }) => {
        const bent = bytes.with(at, byte);
        const code = codeOf(() => parseTcbInfo(bent));
        const start = bytes.length - 132 - 1;
        // Another letter in a string, or another digit, can be a sound document: then it is what is handed back.
        if (code === null && at < start) {
          expect(seal('tcbInfo', fromUtf8(parseTcbInfo(bent).signed, 'inner'))).toEqual(bent);
        }
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(codeOf(() => parseTcbInfo(random))).not.toBe(null);
        expect(codeOf(() => parseTcbInfo(seal('tcbInfo', fromLatin1(random))))).not.toBe(null);
      }),
      { numRuns: 300 },
    );
  });
});

function fromLatin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
