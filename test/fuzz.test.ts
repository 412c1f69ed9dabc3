/** A short run of `npm run fuzz`, and proof that the runner finds what it looks for. */
import { describe, expect, test } from 'vitest';
import { testKeys } from '#test/fake/test-keys.ts';
import { fuzzTargets, renderFuzz } from '#test/tools/fuzz.ts';
import { mutate, seededRandom } from '#test/tools/fuzz-mutate.ts';
import { fuzz, maxCallMs, type Parser } from '#test/tools/fuzz-run.ts';
import { snpParsers } from '#test/tools/fuzz-snp.ts';
import { tdxParsers } from '#test/tools/fuzz-tdx.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';

test.each<[string, number, () => Promise<Parser[]>]>([
  ['SEV-SNP', 20_000, async () => snpParsers(await testKeys())],
  ['TDX and SGX', 20_000, tdxParsers],
  ['device', 10_000, async () => (await fuzzTargets['devices']?.()) ?? []],
])(
  'inputs into the %s parsers (%i): typed errors only, quick, no leak',
  async (_, runs, parsers) => {
    const result = fuzz(await parsers(), { runs, seed: 4 });
    expect(result.findings).toEqual([]);
    expect(result.memoryFlat).toBe(true);
    for (const { name, accepted, refused } of result.parsers) {
      expect(refused, name).toBeGreaterThan(20);
      expect(accepted, name).toBeGreaterThan(0);
    }
    expect(renderFuzz(result)).toMatch(/runs\/s/);
  },
  60_000,
);

describe('the runner', () => {
  const seeds = [utf8('{"a":[1,2,3]}'), utf8('{"b":"text"}')];
  const parser = (parse: Parser['parse']): Parser => ({ name: 'sample', parse, seeds });
  const options = { runs: 2000, seed: 1 };

  test('takes acceptance and typed refusals', () => {
    const result = fuzz(
      [
        parser((bytes) => {
          if (bytes[0] !== 0x7b) throw new AttestationError('json-malformed', 'no object');
        }),
      ],
      options,
    );
    expect(result.findings).toEqual([]);
    const [{ accepted, refused, codes }] = result.parsers as [FuzzCounts];
    expect(accepted + refused).toBe(2000);
    expect(codes.get('json-malformed')).toBe(refused);
  });

  test('finds every other exception, with the input that did it', () => {
    const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
    const { findings } = fuzz([parser(parse)], options);
    expect(findings.length).toBeGreaterThan(0);
    const [{ kind, input, problem }] = findings as [(typeof findings)[number]];
    expect({ kind, problem }).toEqual({
      kind: 'exception',
      problem: expect.stringMatching(/JSON/),
    });
    expect(() => parse(input)).toThrow(SyntaxError);
  });

  test('finds a slow call', () => {
    const spin = (bytes: Uint8Array) => {
      const start = process.threadCpuUsage();
      const limit = bytes.length > 60 ? 1.2 * maxCallMs : 0;
      while (process.threadCpuUsage(start).user / 1000 < limit);
    };
    const { findings } = fuzz([parser(spin)], { runs: 60, seed: 1 });
    expect(findings[0]?.kind).toBe('slow');
  });

  test('finds memory that grows', () => {
    const kept: Uint8Array[] = [];
    const leak = () => kept.push(new Uint8Array(20_000));
    expect(fuzz([parser(leak)], options).memoryFlat).toBe(false);
    expect(fuzz([parser(() => {})], options).memoryFlat).toBe(true);
  });

  test('refuses seeds that no parser accepts', () => {
    const refuse = () => {
      throw new AttestationError('json-malformed', 'never');
    };
    expect(() => fuzz([parser(refuse)], options)).toThrow(RangeError);
  });

  test('makes the same inputs of the same seed, others of another', () => {
    const inputs = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 200 }, () => toHex(mutate(seeds, random).subarray(0, 100)));
    };
    expect(inputs(7)).toEqual(inputs(7));
    expect(inputs(7)).not.toEqual(inputs(8));
    expect(new Set(inputs(7)).size).toBeGreaterThan(150);
  });
});

type FuzzCounts = ReturnType<typeof fuzz>['parsers'][number];
