/** A little of `npm run fuzz -- tpm`, so that its parsers and seeds stay whole. */
import { expect, test } from 'vitest';
import { fuzz } from '#test/tools/fuzz-run.ts';
import { tpmParsers } from '#test/tools/fuzz-tpm.ts';

test('mutated input is accepted or refused with a code, and nothing else', async () => {
  const { findings, parsers } = fuzz(await tpmParsers(), { runs: 600, seed: 7 });
  expect(findings.map(({ parser, problem }) => `${parser}: ${problem}`)).toEqual([]);
  expect(parsers.every(({ refused }) => refused > 0)).toBe(true);
});
