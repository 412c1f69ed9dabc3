import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '#test/fake/certificates.ts';
import { type PemLabel, readDerObjects } from '#verifier/abi/pem.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { hierarchyOf } from '../scene.ts';

let ark: Bytes;
let ask: Bytes;
let crl: Bytes;
beforeAll(async () => {
  const hierarchy = await hierarchyOf('Milan');
  [ark, ask, crl] = [hierarchy.ark.der, hierarchy.ask.der, hierarchy.crl.der];
});

/** The objects as hex, or the code of the refusal. */
function read(bytes: Bytes | string, label: PemLabel = 'CERTIFICATE'): string[] | unknown {
  let found: string[] = [];
  const code = codeOf(() => {
    const input = typeof bytes === 'string' ? utf8(bytes) : bytes;
    found = readDerObjects(input, label, 'file').map(toHex);
  });
  return code ?? found;
}
const pem = (der: Bytes) => toPem('CERTIFICATE', der);

describe('PEM', () => {
  test('one block, and two in their order', () => {
    expect(read(pem(ark))).toEqual([toHex(ark)]);
    expect(read(pem(ask) + pem(ark))).toEqual([toHex(ask), toHex(ark)]);
  });

  test('CRLF, blanks after the label and no line breaks inside', () => {
    expect(read(pem(ark).replaceAll('\n', '\r\n'))).toEqual([toHex(ark)]);
    expect(read(pem(ark).replace('-----\n', '----- \t\n'))).toEqual([toHex(ark)]);
    const [begin = '', ...rest] = pem(ark).trimEnd().split('\n');
    const oneLine = `${begin}\n${rest.slice(0, -1).join('')}\n${rest.at(-1)}`;
    expect(read(oneLine)).toEqual([toHex(ark)]);
  });

  test('text around the blocks is a comment', () => {
    const text = `subject: ARK\n\n${pem(ark)}\nissuer: ARK é\n${pem(ask)}the end`;
    expect(read(text)).toEqual([toHex(ark), toHex(ask)]);
  });

  test('the label is the one asked for, in every block', () => {
    const list = toPem('X509 CRL', crl);
    expect(read(list, 'X509 CRL')).toEqual([toHex(crl)]);
    expect(read(list, 'CERTIFICATE')).toBe('pem-malformed');
    expect(read(pem(ark), 'X509 CRL')).toBe('pem-malformed');
    expect(read(pem(ark) + list)).toBe('pem-malformed');
    expect(read(toPem('PRIVATE KEY', ark))).toBe('pem-malformed');
  });

  test('a block that is cut off is refused, also beside a whole one', () => {
    const whole = pem(ark);
    for (const cut of [whole.length - 10, 200, 30]) {
      expect(read(whole.slice(0, cut)), `${cut}`).toBe('pem-malformed');
      expect(read(pem(ask) + whole.slice(0, cut)), `${cut}`).toBe('pem-malformed');
      expect(read(whole.slice(0, cut) + pem(ask)), `${cut}`).toBe('pem-malformed');
    }
  });

  test('an end of another label, and a block without its line break, are refused', () => {
    expect(read(pem(ark).replace('END CERTIFICATE', 'END X509 CRL'))).toBe('pem-malformed');
    expect(read(pem(ark).replace('-----\n', '-----'))).toBe('pem-malformed');
  });

  test('bad base64 is refused', () => {
    const lines = pem(ark).split('\n');
    const broken = (edit: (line: string) => string) =>
      read(lines.with(3, edit(lines[3] as string)).join('\n'));
    expect(broken((line) => line)).toEqual([toHex(ark)]);
    expect(broken((line) => line.slice(1))).toBe('base64-malformed');
    expect(broken((line) => line.replace(/.$/, '='))).toBe('base64-malformed');
    expect(broken((line) => line.replace(/.$/, '_'))).toBe('pem-malformed');
  });
});

describe('DER', () => {
  test('one object, and several one after the other', () => {
    expect(read(ark)).toEqual([toHex(ark)]);
    expect(read(concat(ask, ark))).toEqual([toHex(ask), toHex(ark)]);
    expect(read(concat(crl), 'X509 CRL')).toEqual([toHex(crl)]);
  });

  test('lengths of one, two and three octets', () => {
    for (const length of [0, 127, 128, 255, 256, 65535]) {
      const header =
        length < 0x80
          ? [length]
          : length < 0x100
            ? [0x81, length]
            : [0x82, length >> 8, length & 0xff];
      const object = concat(Uint8Array.of(0x30, ...header), new Uint8Array(length));
      expect(read(object), `${length}`).toEqual([toHex(object)]);
      expect(read(object.subarray(0, -1)), `${length}`).toBe('der-malformed');
    }
  });

  test.for([
    ['rubbish after the object', (der: Bytes) => concat(der, Uint8Array.of(0))],
    ['a line feed after it', (der: Bytes) => concat(der, utf8('\n'))],
    ['rubbish before it', (der: Bytes) => concat(Uint8Array.of(0), der)],
    ['the last byte missing', (der: Bytes) => der.subarray(0, -1)],
    ['its first byte alone', (der: Bytes) => der.subarray(0, 1)],
    ['an indefinite length', () => Uint8Array.of(0x30, 0x80, 0, 0)],
    ['a length of three octets', () => Uint8Array.of(0x30, 0x83, 0, 0, 0)],
    ['another type', () => Uint8Array.of(0x04, 0)],
    ['HTML', () => utf8('<!doctype html>')],
    ['white space', () => utf8('\n')],
  ] as const)('refused: %s', ([, edit]) => {
    expect(read(edit(ark))).toBe('der-malformed');
  });

  test('an empty file is refused as such', () => {
    expect(read(new Uint8Array(0))).toBe('pem-malformed');
    expect(() => readDerObjects(new Uint8Array(0), 'CERTIFICATE', 'chain')).toThrow(/empty/);
  });
});

test('whatever the bytes, they are cut without loss or refused', () => {
  const object = fc
    .uint8Array({ maxLength: 40 })
    .map((content) => concat(Uint8Array.of(0x30, content.length), content));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), object), (bytes) => {
      const found = read(bytes);
      if (Array.isArray(found)) expect(found.join('')).toBe(toHex(bytes));
      else expect(found).toMatch(/^(?:der|pem)-malformed$/);
    }),
    { numRuns: 1000 },
  );
});
