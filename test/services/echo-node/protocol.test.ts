import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerLine,
  createLineReader,
  maxLineLength,
  parseLine,
} from '#services/echo-node/protocol.ts';
import { parseResponse, verifyResponse } from '#verifier/abi/response.ts';
import { bigEndian, concat, fromHex, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';

const privateKey = bigEndian(1, 32);
const publicKey = secp256k1.Point.BASE.toBytes(false).slice(1);
const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
const zero = new Uint8Array(32);
const hex = toHex(nonce);

describe('parseLine', () => {
  test.each([
    ['plain text', 'hello', zero, 'hello'],
    ['an empty line', '', zero, ''],
    ['a CR, which belongs to the request', 'hello\r', zero, 'hello\r'],
    ['an @ further on', 'a@b', zero, 'a@b'],
    ['a nonce', `@${hex} hello`, nonce, 'hello'],
    ['a nonce and an empty request', `@${hex} `, nonce, ''],
    ['a request that looks like another nonce', `@${hex} @${hex} x`, nonce, `@${hex} x`],
    ['a nonce of zeros', `@${'0'.repeat(64)} hello`, zero, 'hello'],
  ])('takes %s', (_, line, wantedNonce, request) => {
    expect(parseLine(utf8(line))).toEqual({ nonce: wantedNonce, request: utf8(request) });
  });

  test.each([
    ['@ alone', '@'],
    ['no space after the nonce', `@${hex}`],
    ['something else than a space', `@${hex}\thello`],
    ['a short nonce', `@${hex.slice(2)} hello`],
    ['a long nonce', `@${hex}00 hello`],
    ['upper-case hex', `@${'AB'.repeat(32)} hello`],
    ['no hex', `@${'g'.repeat(64)} hello`],
    ['a nonce in wide characters', `@${'١'.repeat(32)} hello`],
  ])('refuses %s', (_, line) => {
    expect(parseLine(utf8(line))).toBe(null);
  });

  test('takes bytes that are no UTF-8', () => {
    const line = Uint8Array.of(0xff, 0xc0, 0x00, 0x80);
    expect(parseLine(line)).toEqual({ nonce: zero, request: line });
  });

  test('takes 4,096 bytes with the nonce, refuses 4,097', () => {
    const prefix = utf8(`@${hex} `);
    const line = (length: number) =>
      concat(prefix, new Uint8Array(length - prefix.length).fill(0x61));
    expect(parseLine(line(4096))?.request).toHaveLength(4096 - 66);
    expect(parseLine(line(4097))).toBe(null);
    expect(parseLine(new Uint8Array(4096))?.request).toHaveLength(4096);
    expect(parseLine(new Uint8Array(4097))).toBe(null);
  });
});

describe('answerLine', () => {
  // The protocol's vector: echo-node, N, 1700000002, hello, hello, private key 1.
  test('is the protocol’s text, and the same each time (RFC 6979)', () => {
    const request = { nonce, request: utf8('hello') };
    const answer = answerLine(request, 'echo-node', privateKey, 1700000002);
    const signature =
      '5c7743b586ad0bd470658e00b82e604a7daf5556092a42eae0fbee60b06659b5' +
      '1a5b83a099277a6f412c4e8d060f8ab439cc3a948959ed8f33accd35764a00a1';
    expect(fromUtf8(answer, 'answer')).toBe(
      `{"version":1,"service":"echo-node","nonce":"${hex}","time":1700000002,` +
        `"request":"aGVsbG8=","body":"aGVsbG8=","signature":"${signature}"}\n`,
    );
    expect(answerLine(request, 'echo-node', privateKey, 1700000002)).toEqual(answer);
  });

  test('verifies, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.maxSafeNat(), (request, time) => {
        const answer = answerLine({ nonce, request }, 'echo-node', privateKey, time);
        const response = parseResponse(fromUtf8(answer, 'answer').slice(0, -1));
        expect(response).toMatchObject({ service: 'echo-node', nonce, time, request });
        expect(response.body).toEqual(request);
        expect(verifyResponse(response, publicKey)).toBe(true);
        const changed = { ...response, nonce: zero };
        expect(verifyResponse(changed, publicKey)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  test('refuses a name and a key that cannot be', () => {
    const request = { nonce, request: utf8('hello') };
    expect(() => answerLine(request, 'Echo', privateKey, 0)).toThrow(
      expect.objectContaining({ code: 'value-out-of-range' }),
    );
    expect(() => answerLine(request, 'echo', zero, 0)).toThrow(RangeError);
  });
});

describe('createLineReader', () => {
  const lines = (chunks: readonly Uint8Array[]) => {
    const reader = createLineReader();
    return chunks.flatMap((chunk) => reader.push(chunk));
  };

  test('gives the same lines however the stream is cut', () => {
    const line = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.filter((b) => b !== 0x0a));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(400)), (wanted, cuts) => {
        const stream = concat(...wanted.flatMap((one) => [one, utf8('\n')]), utf8('rest'));
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const chunks = at.slice(1).map((end, i) => stream.subarray(at[i], end));
        expect(lines(chunks).map((one) => one && toHex(one))).toEqual(wanted.map(toHex));
      }),
    );
  });

  test('keeps 4,096 bytes, and gives up at the next one, LF or not', () => {
    const long = new Uint8Array(maxLineLength);
    expect(lines([long, utf8('\n')])).toEqual([long]);
    expect(lines([long])).toEqual([]);
    expect(lines([long, utf8('x')])).toEqual([null]);
    expect(lines([concat(utf8('a\n'), long, utf8('x\nb\n'))])).toEqual([utf8('a'), null]);
    expect(lines([concat(utf8('a\n'), long, utf8('\nb\n'))])).toEqual([utf8('a'), long, utf8('b')]);
  });

  test('keeps a copy: the caller’s buffer may change', () => {
    const reader = createLineReader();
    const chunk = utf8('ab');
    reader.push(chunk);
    chunk.fill(0);
    expect(reader.push(utf8('\n'))).toEqual([utf8('ab')]);
  });
});

test('fromHex and parseLine agree about what a nonce is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(parseLine(utf8(`@${toHex(bytes)} `))?.nonce).toEqual(fromHex(toHex(bytes), 'n', 32));
    }),
  );
});
