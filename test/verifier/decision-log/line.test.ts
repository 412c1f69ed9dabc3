import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf } from '#test/verifier/code-of.ts';
import { bundleScene, strictPolicy, verdictOf } from '#test/verifier/scene.ts';
import { toHex } from '#verifier/bytes.ts';
import { checkIds } from '#verifier/checks.ts';
import {
  anEntry,
  type DecisionLine,
  looksTorn,
  maxLineLength,
  noDigest,
  parseLine,
  sealLine,
  toDecisionEntry,
} from '#verifier/decision-log/line.ts';
import { canonicalJson } from '#verifier/json.ts';
import { entry } from './log-samples.ts';

const tail = { seq: 7, digest: '11'.repeat(32) };
const decision = { kind: 'decision' as const, ...entry(1) };

test('a line is what was sealed, with its place, its time and its digest', () => {
  const { line, tail: next } = sealLine(decision, tail, 1_795_000_100);
  const parsed = parseLine(line);
  expect(parsed).toEqual({
    ...decision,
    version: 1,
    seq: 7,
    time: 1_795_000_100,
    previous: tail.digest,
    digest: next.digest,
  });
  expect(canonicalJson(parsed)).toBe(line);
  expect(next.seq).toBe(8);
});

test('the digest is SHA-256(tag(decision) ‖ the line as RFC 8785 JSON without it)', async () => {
  const { createHash } = await import('node:crypto');
  const { line } = sealLine(decision, tail, 1_795_000_100);
  const { digest, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const text = `{${Object.keys(rest)
    .sort()
    .map((name) => `"${name}":${JSON.stringify(rest[name])}`)
    .join(',')}}`;
  const hash = createHash('sha256').update('affidavit/decision/v1\0').update(text);
  expect(digest).toBe(hash.digest('hex'));
});

test('a verdict becomes an entry, whatever its checks', async () => {
  const scene = await bundleScene({ fields: { measurement: new Uint8Array(48) } });
  const verdict = await verdictOf(scene, await strictPolicy());
  const made = toDecisionEntry(scene.evidence.bytes, verdict, 'strict', 'observe');
  expect(made).toMatchObject({ decision: 'rejected', failed: ['policy.measurement'] });
  expect(made.evidence).toMatch(/^[0-9a-f]{64}$/);
  const line = parseLine(sealLine({ kind: 'decision', ...made }, tail, 1).line) as DecisionLine;
  expect(line.mode).toBe('observe');
  expect(line.policy).toBe(verdict.policy);
});

test('every check has an id that a line can hold', () => {
  const all = { ...decision, failed: checkIds, skipped: checkIds, waived: checkIds };
  const { line } = sealLine(all, tail, 1);
  expect(line.length).toBeLessThan(maxLineLength);
});

describe('what would not be read again is not written', () => {
  test.each([
    ['a name with a line feed', { policyName: 'a\nb' }],
    ['a short digest', { evidence: 'ab' }],
    ['an id that is none', { failed: ['no id'] }],
    ['a time that is none', { at: Number.NaN }],
    ['an unknown member', { note: 'x' }],
  ])('%s', (_, more) => {
    expect(() => anEntry({ ...entry(1), ...more })).toThrow(RangeError);
    expect(anEntry(entry(1))).toEqual(entry(1));
  });
});

describe('a line is refused', () => {
  const { line } = sealLine(decision, tail, 1_795_000_100);
  const wrongDigest = line.replace(/"digest":"../, '"digest":"zz'.replace('zz', '00'));
  test.each<[string, string, string]>([
    ['with a digest of another', wrongDigest, 'json-shape'],
    ['with a space', line.replace(':', ': '), 'json-malformed'],
    ['with a member twice', line.replace('{', '{"seq":7,'), 'json-malformed'],
    ['with a member more', line.replace('{', '{"aa":7,'), 'json-shape'],
    ['of another version', line.replace('"version":1', '"version":2'), 'version-unknown'],
    ['of another kind', line.replace('"kind":"decision"', '"kind":"note"'), 'json-shape'],
    ['that is empty', '', 'json-malformed'],
    ['that is null', 'null', 'json-shape'],
    ['that is too long', `${' '.repeat(maxLineLength)}{}`, 'too-large'],
  ])('%s', (_, text, code) => {
    expect(codeOf(() => parseLine(text))).toBe(code);
    expect(codeOf(() => parseLine(line))).toBeNull();
  });

  test('when any one character changes', () => {
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.constantFrom(...'09afz"{},: '), (at, character) => {
        fc.pre(line[at] !== character);
        const changed = line.slice(0, at) + character + line.slice(at + 1);
        expect(codeOf(() => parseLine(changed))).not.toBeNull();
      }),
    );
  });

  test('of any text, with an error of the catalogue', () => {
    fc.assert(fc.property(fc.string(), (text) => void codeOf(() => parseLine(text))));
    fc.assert(fc.property(fc.json(), (text) => void codeOf(() => parseLine(text))));
  });
});

test('any entry comes back as it was', () => {
  const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
  const ids = fc.subarray([...checkIds]);
  const entries = fc.record({
    at: fc.maxSafeNat(),
    evidence: hex,
    policy: hex,
    policyName: fc.stringMatching(/^[\x20-\x7e]{1,200}$/),
    decision: fc.constantFrom('accepted', 'rejected', 'invalid', 'undecided'),
    failed: ids,
    skipped: ids,
    waived: ids,
    expires: fc.option(fc.maxSafeInteger().map((n) => n + 0)),
  });
  fc.assert(
    fc.property(entries, hex, fc.maxSafeNat(), (one, digest, time) => {
      const { line } = sealLine({ kind: 'decision', ...one }, { seq: 3, digest }, time);
      expect(parseLine(line)).toMatchObject({ ...one, previous: digest, seq: 3, time });
    }),
  );
});

test('what a crash leaves of a first line is known from what is no log', () => {
  const { line } = sealLine(decision, { seq: 0, digest: noDigest }, 1);
  for (let length = 1; length <= line.length; length++)
    expect(looksTorn(line.slice(0, length))).toBe(true);
  for (const other of ['hello', '{"version":1}', '-----BEGIN', '{}', '\0\0'])
    expect(looksTorn(other)).toBe(false);
});
