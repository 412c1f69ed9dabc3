/** The member `references` of policies: what is taken, what is refused, and what may be left out beside it. */
import { describe, expect, test } from 'vitest';
import { policyDigest, toPolicy } from '#verifier/appraise/policy.ts';
import { policySchema } from '#verifier/appraise/policy-schema.ts';
import { parseYamlPolicy } from '#verifier/appraise/policy-yaml.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { strictTdx } from '../intel-scene.ts';
import { isValid } from '../policy-tools/json-schema.ts';
import { strictPolicy } from '../scene.ts';
import { alice, bob, listOf } from './samples.ts';

type Json = Record<string, unknown>;

const strict = (await strictPolicy()) as unknown as Json;
const references = {
  name: ['guest'],
  release: 'any',
  builders: listOf(alice, bob),
  threshold: 2,
};
const schema = policySchema();

/** What the parser says, and whether the schema says the same. */
function judged(policy: Json): [code: string | null, described: boolean] {
  return [codeOf(() => toPolicy(policy)), isValid(schema, policy)];
}
const withReferences = (change: Json): Json => ({
  ...strict,
  references: { ...references, ...change },
});

describe('k and n', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `b${index}`,
      key: index.toString(16).padStart(64, '0'),
    }));

  test.each([
    [1, 1],
    [1, 2],
    [2, 2],
    [32, 32],
  ])('%i of %i', (threshold, count) => {
    expect(judged(withReferences({ threshold, builders: many(count) }))).toEqual([null, true]);
  });

  test.each([
    [0, 2],
    [3, 2],
    [-1, 2],
    [1.5, 2],
    ['2', 2],
    [1, 0],
    [32, 33],
    [33, 32],
  ])('%j of %i is refused', (threshold, count) => {
    const policy = withReferences({ threshold, builders: many(count) });
    expect(judged(policy)).toEqual(['json-shape', false]);
  });
});

test.each<[string, Json]>([
  ['no name', { name: undefined }],
  ['no threshold', { threshold: undefined }],
  ['an unknown member', { until: 5 }],
  ['an empty set of names', { name: [] }],
  ['a builder without a name', { builders: [{ name: '', key: alice.key }] }],
  ['an unknown member of a builder', { builders: [{ ...listOf(alice)[0], since: 5 }] }],
])('%s is refused', (_, change) => {
  const policy = JSON.parse(JSON.stringify(withReferences(change))) as Json;
  expect(judged(policy)).toEqual(['json-shape', false]);
});

test('a key is 32 bytes of hex', () => {
  const policy = withReferences({ builders: [{ name: 'a', key: 'AA'.repeat(32) }], threshold: 1 });
  expect(judged(policy)).toEqual(['hex-malformed', false]);
  expect(judged({ ...strict, references: null })).toEqual(['json-shape', false]);
});

test('one key under two names is refused, and so is one name for two keys', () => {
  const [a, b] = listOf(alice, bob) as [
    { name: string; key: string },
    { name: string; key: string },
  ];
  // No schema can see this; the reader does.
  expect(judged(withReferences({ builders: [a, { ...b, key: a.key }] }))[0]).toBe('json-shape');
  expect(judged(withReferences({ builders: [a, { ...b, name: a.name }] }))[0]).toBe('json-shape');
  expect(judged(withReferences({ builders: [a, a] }))).toEqual(['json-shape', false]);
  expect(judged(withReferences({ builders: [a, b] }))).toEqual([null, true]);
});

describe('what references stand for may be left out', () => {
  const omit = (from: unknown, ...names: string[]): Json => {
    const out = { ...(from as Json) };
    for (const name of names) delete out[name];
    return out;
  };
  const tdx = strictTdx();
  const both = { ...strict, tdx };
  const short = {
    ...omit(both, 'closureDigest'),
    sevSnp: omit(strict['sevSnp'], 'measurement'),
    tdx: omit(tdx, 'mrTd', 'rtmr0', 'rtmr1', 'rtmr2'),
  };

  test('beside references alone', () => {
    expect(judged({ ...short, references })).toEqual([null, true]);
    expect(judged(short)).toEqual(['json-shape', false]);
    for (const policy of [
      omit(both, 'closureDigest'),
      { ...both, sevSnp: short.sevSnp },
      { ...both, tdx: short.tdx },
    ]) {
      expect(judged(policy)).toEqual(['json-shape', false]);
      expect(judged({ ...policy, references })).toEqual([null, true]);
    }
  });

  test('and nothing else: silence is refusal', () => {
    for (const policy of [
      { ...short, tdx: omit(short.tdx, 'rtmr3') },
      { ...short, tdx: omit(short.tdx, 'mrSeam') },
      { ...short, sevSnp: omit(short.sevSnp, 'chipId') },
      omit(short, 'treeRoot'),
      { ...short, sevSnp: [] },
      { ...short, tdx: null },
    ]) {
      expect(judged({ ...policy, references })).toEqual(['json-shape', false]);
    }
  });

  test('left out is "any", written or not: one policy, one digest', () => {
    const any = { mrTd: 'any', rtmr0: 'any', rtmr1: 'any', rtmr2: 'any' };
    const long = {
      ...both,
      closureDigest: 'any',
      sevSnp: { ...(strict['sevSnp'] as Json), measurement: 'any' },
      tdx: { ...tdx, ...any },
      references,
    };
    const [one, other] = [toPolicy({ ...short, references }), toPolicy(long)];
    expect(one).toEqual(other);
    expect(toHex(policyDigest(one))).toBe(toHex(policyDigest(other)));
    expect(toHex(policyDigest(one))).not.toBe(
      toHex(policyDigest(toPolicy({ ...long, references: { ...references, threshold: 1 } }))),
    );
    expect(parseYamlPolicy(utf8(JSON.stringify({ ...short, references })))).toEqual(one);
  });

  test('a member of that name that is inherited or hostile is no such member', () => {
    const hostile = JSON.parse(
      `{"__proto__": {"references": {}}, ${JSON.stringify(short).slice(1)}`,
    ) as Json;
    expect(codeOf(() => toPolicy(hostile))).toBe('json-shape');
  });
});
