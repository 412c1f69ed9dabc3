/** The published schema: exact at its edges, and written from the decoders. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import { waivableChecks } from '#verifier/checks.ts';
import { base64Bytes, type Decoder, described, schemaOf, text } from '#verifier/json.ts';
import { codeOf } from '../code-of.ts';
import { strictIntelPolicy } from '../intel-scene.ts';
import { strictPolicy } from '../scene.ts';
import { isValid } from './json-schema.ts';

const schema = policySchema();

test('takes the policies of this repository, and no other version', async () => {
  for (const policy of [genuinePolicy, strictIntelPolicy(), await strictPolicy()]) {
    expect(isValid(schema, policy)).toBe(true);
    expect(isValid(schema, { ...policy, version: 2 })).toBe(false);
    expect(isValid(schema, { ...policy, comment: '' })).toBe(false);
  }
});

test('rules between members are in it', () => {
  const { tdx, ...rest } = strictIntelPolicy();
  const withTcb = (change: object) => ({
    ...rest,
    tdx: { ...tdx, tcb: { ...tdx?.tcb, ...change } },
  });
  expect(isValid(schema, withTcb({}))).toBe(true);
  expect(isValid(schema, withTcb({ collateralGracePeriod: 1 }))).toBe(false);
  const one = { minimumEvaluationNumber: 'any', collateralGracePeriod: 1 };
  expect(isValid(schema, withTcb(one))).toBe(true);
  expect(isValid(schema, withTcb({ ...one, platformGracePeriod: 1 }))).toBe(false);

  const withKeys = (trustedIdKeys: string[]) => ({
    ...genuinePolicy,
    sevSnp: {
      ...genuinePolicy.sevSnp,
      idBlock: { authorKey: 'any', trustedAuthorKeys: [], trustedIdKeys },
    },
  });
  expect(isValid(schema, withKeys(['aa'.repeat(48)]))).toBe(true);
  expect(isValid(schema, withKeys([]))).toBe(false);
  expect(isValid(schema, withKeys(['00'.repeat(48)]))).toBe(false);

  const waivers = waivableChecks.map((check) => ({ check, reason: 'x', expires: null }));
  expect(isValid(schema, { ...genuinePolicy, waivers })).toBe(true);
  const again = { ...waivers[0], reason: 'again' };
  expect(isValid(schema, { ...genuinePolicy, waivers: [waivers[0], again] })).toBe(false);
});

test('lengths and ranges end where those of the parser do', () => {
  const { sevSnp } = genuinePolicy;
  const waiver = { check: 'policy.channel', reason: 'x', expires: null };
  const withWaiver = (change: object) => ({ waivers: [{ ...waiver, ...change }] });
  const reasons = [0, 1, 200, 201].flatMap((n) => ['x'.repeat(n), '😀'.repeat(n)]);
  const times = [-1, 0, 0.5, 2 ** 53 - 1, 2 ** 53];
  const changes = [
    ...reasons.map((reason) => withWaiver({ reason })),
    ...times.map((expires) => withWaiver({ expires })),
    ...[-1, 0, 3, 4, 1.5].map((level) => ({ sevSnp: { ...sevSnp, vmpl: [level] } })),
    ...[0, 1, 100, 101].map((n) => ({ name: 'x'.repeat(n) })),
  ];
  const taken = changes.map((change) => isValid(schema, { ...genuinePolicy, ...change }));
  expect(taken).toEqual(
    changes.map((change) => codeOf(() => toPolicy({ ...genuinePolicy, ...change })) === null),
  );
  expect(taken.filter((one) => one)).toHaveLength(4 + 2 + 2 + 2);
});

test('half a surrogate pair, which has no UTF-8, is no reason', () => {
  const withReason = (reason: string) =>
    toPolicy({ ...genuinePolicy, waivers: [{ check: 'policy.channel', reason, expires: null }] });
  expect(codeOf(() => withReason('\ud83d'))).toBe('json-shape');
  expect(codeOf(() => withReason('\ud83d\ude00'))).toBe(null);
});

test('base64: exactly the canonical text', () => {
  const base64 = schemaOf(base64Bytes);
  const letters = fc.string({ unit: fc.constantFrom(...'AQgwBE048+/=-'), maxLength: 9 });
  fc.assert(
    fc.property(letters, (value) => {
      expect(isValid(base64, value)).toBe(codeOf(() => base64Bytes(value, 'x')) === null);
    }),
    { numRuns: 2000 },
  );
});

test('a decoder that was written by hand has a schema only if it says so', () => {
  const even: Decoder<number> = (value) => Number(value);
  expect(() => schemaOf(even)).toThrow(RangeError);
  expect(schemaOf(described(even, () => ({ multipleOf: 2 })))).toEqual({ multipleOf: 2 });
  expect(() => schemaOf(text(/a/i, 'either case'))).toThrow(RangeError);
});

test('the validator of these tests refuses a keyword that it does not know', () => {
  expect(() => isValid({ multipleOf: 2 }, 4)).toThrow(RangeError);
});
