/** Policies as JSON: the outer document (sevSnp is in snp-policy.test.ts), and the digest that names one. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { parsePolicy, policyDigest, toPolicy } from '#verifier/appraise/policy.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { checkIds } from '#verifier/checks.ts';
import { codeOf } from '../code-of.ts';

type Json = Record<string, unknown>;
const base = structuredClone(genuinePolicy) as Json;
const hex32 = (digits: string) => digits.repeat(64).slice(0, 64);
const parse = (document: unknown) => parsePolicy(utf8(JSON.stringify(document)));
const code = (change: Json) => codeOf(() => parse({ ...base, ...change }));
const text = (found: string) => codeOf(() => parsePolicy(utf8(found)));
const waiver = (change: Json = {}) => ({
  waivers: [{ check: 'collateral.revocation', reason: 'why', expires: null, ...change }],
});

describe('the document', () => {
  test('the built-in policy survives the way through JSON', () => {
    expect(parse(base)).toEqual(genuinePolicy);
  });

  test.for(Object.keys(base))('%s: left out, and twice', (member) => {
    const { [member]: value, ...rest } = base;
    const without = codeOf(() => parse(rest));
    // Left out, a machine's member is a refusal of that machine; every other member is written out.
    const mayBeLeftOut = ['sevSnp', 'tdx', 'sgx', 'tpm', 'nitro'];
    expect(without).toBe(mayBeLeftOut.includes(member) ? null : 'json-shape');
    const whole = JSON.stringify(base);
    expect(text(whole)).toBe(null);
    expect(text(`{${JSON.stringify(member)}:${JSON.stringify(value)},${whole.slice(1)}`)).toBe(
      'json-malformed',
    );
  });

  test('unknown members are refused wherever they are', () => {
    expect(code({ comment: 'x' })).toBe('json-shape');
    expect(code({ __proto__: null, constructor: 1 })).toBe('json-shape');
    expect(text('{"__proto__":1}')).toBe('json-shape');
    expect(code(waiver({ by: 'me' }))).toBe('json-shape');
    expect(code(waiver())).toBe(null);
  });

  test('only version 1', () => {
    expect(code({ version: 1 })).toBe(null);
    for (const version of [0, 2, '1', null]) expect(code({ version })).toBe('version-unknown');
  });

  test('what is no JSON object', () => {
    for (const found of ['', '{', '[]', 'null', '"any"', `${JSON.stringify(base)}x`]) {
      expect(text(found), found).toMatch(/^json-(?:malformed|shape)$/);
    }
    expect(codeOf(() => parsePolicy(Uint8Array.of(0xff)))).toBe('utf8-malformed');
  });
});

describe('members', () => {
  type Case = [member: string, accepted: unknown[], refused: unknown[]];
  const cases: Case[] = [
    ['name', ['a', 'x'.repeat(100), '~ !'], ['', 'x'.repeat(101), 'é', 'a\n', 1, null]],
    ['devices', ['none', 'any'], ['None', '', null, ['none'], true]],
    ['freshness', ['verifier-nonce', 'any'], ['agent', null, true]],
    [
      'channel',
      ['any', ['tls-key'], ['noise', 'tls-exporter']],
      ['tls-key', [], ['any'], ['noise', 'noise'], null],
    ],
    ['waivers', [[]], [null, {}, 'any']],
  ];
  test.for(cases)('%s', ([member, accepted, refused]) => {
    for (const value of accepted) expect(code({ [member]: value })).toBe(null);
    for (const value of refused)
      expect(code({ [member]: value }), String(value)).toBe('json-shape');
  });

  test.for(['closureDigest', 'treeRoot'])('%s: a set of digests, or "any"', (member) => {
    expect(code({ [member]: 'any' })).toBe(null);
    expect(code({ [member]: [hex32('a')] })).toBe(null);
    expect(code({ [member]: [hex32('a'), hex32('b')] })).toBe(null);
    for (const wrong of [
      hex32('A'),
      hex32('g'),
      `0x${'a'.repeat(62)}`,
      'aa',
      `${hex32('a')}aa`,
      '',
    ]) {
      expect(code({ [member]: [wrong] }), wrong).toBe('hex-malformed');
    }
    for (const wrong of [[], hex32('a'), 'ANY', null, [1], [hex32('a'), hex32('a')], [['any']]]) {
      expect(code({ [member]: wrong }), String(wrong)).toBe('json-shape');
    }
  });
});

describe('waivers', () => {
  test('of checks that exist, each once, with a reason', () => {
    for (const check of checkIds) {
      const vouches = /^collateral\.(tcb-info|qe-identity)-/.test(check);
      const waivable = /^(collateral|policy)\./.test(check) && !vouches;
      const expected = waivable ? null : 'json-shape';
      expect(code(waiver({ check })), check).toBe(expected);
    }
    expect(code(waiver({ check: 'chain.nothing' }))).toBe('json-shape');
    expect(code(waiver({ check: 'toString' }))).toBe('json-shape');
    expect(code(waiver({ reason: '' }))).toBe('json-shape');
    expect(code(waiver({ reason: 'x'.repeat(200) }))).toBe(null);
    expect(code(waiver({ reason: 'x'.repeat(201) }))).toBe('json-shape');
    const [one] = waiver().waivers;
    expect(code({ waivers: [one, { ...one, check: 'policy.freshness' }] })).toBe(null);
    expect(code({ waivers: [one, { ...one, reason: 'again' }] })).toBe('json-shape');
  });

  test('expire at a time, or never', () => {
    for (const expires of [null, 0, 1_800_000_000]) expect(code(waiver({ expires }))).toBe(null);
    for (const expires of [-1, 1.5, '2026-01-01', 2 ** 53, undefined]) {
      expect(code(waiver({ expires })), String(expires)).toBe('json-shape');
    }
  });
});

describe('the digest', () => {
  /** RFC 8785 once more, for what policies hold: members by name, no blanks. */
  function canonical(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
  }
  const independent = (document: unknown) =>
    createHash('sha256')
      .update(`affidavit/policy/v1\0${canonical(document)}`)
      .digest('hex');

  /** The same document, members the other way round, all the way down. */
  function reversed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).toReversed();
    return Object.fromEntries(members.map(([name, inner]) => [name, reversed(inner)]));
  }

  test('is SHA-256(tag(policy) ‖ RFC 8785 JSON)', () => {
    expect(toHex(policyDigest(genuinePolicy))).toBe(independent(base));
    const other = { ...base, name: 'quote " and backslash \\', ...waiver({ reason: 'ü\n€😀' }) };
    expect(toHex(policyDigest(parse(other)))).toBe(independent(other));
  });

  test('does not depend on the order of members or on blanks, but on everything else', () => {
    const digest = (found: string) => toHex(policyDigest(parsePolicy(utf8(found))));
    const known = digest(JSON.stringify(base));
    expect(digest(JSON.stringify(reversed(base)))).toBe(known);
    expect(digest(JSON.stringify(base, null, 3))).toBe(known);
    const changes: Json[] = [
      { name: 'other' },
      { devices: 'none' },
      { waivers: [] },
      { closureDigest: [hex32('a')] },
      { closureDigest: [hex32('b')] },
      { waivers: (base['waivers'] as Json[]).toReversed() },
    ];
    const digests = changes.map((change) => digest(JSON.stringify({ ...base, ...change })));
    expect(new Set([known, ...digests]).size).toBe(1 + changes.length);
  });

  test('is of the policy as it is: a parsed one cannot be changed, a copy has its own', () => {
    const policy = parse(base);
    expect(() => Object.assign(policy, { name: 'x' })).toThrow(TypeError);
    expect(Object.isFrozen(policy.sevSnp?.vmpl)).toBe(true);
    const copy = { ...policy, name: 'copy' };
    expect(toHex(policyDigest(copy))).toBe(independent({ ...base, name: 'copy' }));
    expect(toHex(policyDigest(toPolicy({ ...base })))).toBe(independent(base));
  });
});
