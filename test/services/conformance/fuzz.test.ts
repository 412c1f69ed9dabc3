import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { expectedOf } from './fuzz.ts';
import { fuzzSamples } from './fuzz-samples.ts';
import { badLines, goodLines } from './lines.ts';

describe('the model', () => {
  test.each(goodLines)('takes $what', ({ line, nonce, request }) => {
    const { asked, bad } = expectedOf(Buffer.concat([line, utf8('\n')]));
    expect(bad).toBe(false);
    expect(asked.map((one) => [one.nonce, Buffer.from(one.request)])).toEqual([
      [nonce, Buffer.from(request)],
    ]);
  });

  test.each(badLines)('refuses $what', ({ line }) => {
    expect(expectedOf(Buffer.concat([line, utf8('\nnever\n')]))).toEqual({ asked: [], bad: true });
  });

  test('waits for the LF of a line that may yet be good', () => {
    expect(expectedOf(utf8('@bad'))).toEqual({ asked: [], bad: false });
    expect(expectedOf(new Uint8Array(4097))).toEqual({ asked: [], bad: true });
  });
});

fuzzSamples(1, 10);
