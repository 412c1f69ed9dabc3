/** A policy in YAML is the same policy as in JSON, or is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, parsePolicy, policyDigest } from '#verifier/appraise/policy.ts';
import { parseYamlPolicy } from '#verifier/appraise/policy-yaml.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { strictPolicy } from '../scene.ts';

const fromYaml = (text: string) => parseYamlPolicy(utf8(text));
const digestOf = (policy: Policy) => toHex(policyDigest(policy));
const genuineYaml = stringify(genuinePolicy, { aliasDuplicateObjects: false });

/** The genuine policy with one line changed. */
function edited(from: string, to: string): string {
  expect(genuineYaml).toContain(from);
  return genuineYaml.replace(from, to);
}

describe('the same policy', () => {
  test.each(['genuine', 'strict'])('%s has one digest in JSON and YAML', async (name) => {
    const policy = name === 'genuine' ? genuinePolicy : await strictPolicy();
    const json = JSON.stringify(policy);
    const expected = digestOf(parsePolicy(utf8(json)));
    const yaml = stringify(policy, { aliasDuplicateObjects: false });
    expect(digestOf(fromYaml(yaml))).toBe(expected);
    // JSON is YAML.
    expect(digestOf(fromYaml(json))).toBe(expected);
  });

  test('comments, blank lines and quotes change nothing', () => {
    const commented = edited('name: genuine', '# what we accept\n\nname: "genuine" # mine');
    expect(digestOf(fromYaml(commented))).toBe(digestOf(genuinePolicy));
    expect(digestOf(fromYaml(`%YAML 1.2\n---\n${genuineYaml}`))).toBe(digestOf(genuinePolicy));
  });

  test('quoted hex of digits alone is text', () => {
    const hex = '12'.repeat(32);
    const policy = fromYaml(edited('\nclosureDigest: any', `\nclosureDigest: ["${hex}"]`));
    expect(policy.closureDigest).toEqual([hex]);
  });
});

describe('refused', () => {
  const hexDigits = '12'.repeat(32);
  test.each([
    ['anchor', edited('name: genuine', 'name: &a genuine'), 'json-malformed'],
    ['anchor on a map', edited('guestPolicy:', 'guestPolicy: &a'), 'json-malformed'],
    ['alias', edited('name: genuine', 'name: *a'), 'json-malformed'],
    [
      'anchor and alias',
      edited('closureDigest: any\ntreeRoot: any', 'closureDigest: &a any\ntreeRoot: *a'),
      'json-malformed',
    ],
    ['tag', edited('name: genuine', 'name: !!str genuine'), 'json-malformed'],
    ['own tag', edited('name: genuine', 'name: !mine genuine'), 'json-malformed'],
    ['tag on a map', edited('guestPolicy:', 'guestPolicy: !!map'), 'json-malformed'],
    ['non-specific tag', edited('name: genuine', 'name: ! genuine'), 'json-malformed'],
    ['merge key', `${genuineYaml}<<: {name: other}\n`, 'json-shape'],
    ['merge key by alias', `x: &x {name: y}\n${genuineYaml}<<: *x\n`, 'json-malformed'],
    ['key twice', `${genuineYaml}name: other\n`, 'json-malformed'],
    ['key twice, quoted', `${genuineYaml}"name": other\n`, 'json-malformed'],
    ['inner key twice', edited('product:', 'reportData: any\n  product:'), 'json-malformed'],
    ['two documents', `${genuineYaml}---\n${genuineYaml}`, 'json-malformed'],
    ['a second, empty document', `${genuineYaml}---\n`, 'json-malformed'],
    ['keys that are no text', '1: a\n', 'json-shape'],
    ['a map as key', '? {a: b}\n: c\n', 'json-malformed'],
    ['tabs as indentation', 'a:\n\t- b\n', 'json-malformed'],
    ['unknown member', `${genuineYaml}extra: any\n`, 'json-shape'],
    ['member missing', edited('\ntreeRoot: any', ''), 'json-shape'],
    ['__proto__', `${genuineYaml}__proto__: {}\n`, 'json-shape'],
    ['YAML 1.1 words', edited('smt: allowed', 'smt: yes'), 'json-shape'],
    ['YAML 1.1 by directive', `%YAML 1.1\n---\n${edited('smt: allowed', 'smt: on')}`, 'json-shape'],
    ['empty member', edited('\ntreeRoot: any', '\ntreeRoot:'), 'json-shape'],
    ['nothing', '', 'json-shape'],
    ['a comment alone', '# nothing\n', 'json-shape'],
    ['unknown version', edited('version: 1', 'version: 2'), 'version-unknown'],
    ['version as text', edited('version: 1', 'version: "1"'), 'version-unknown'],
    [
      'hex of digits, unquoted',
      edited('\nclosureDigest: any', `\nclosureDigest: [${hexDigits}]`),
      'json-shape',
    ],
    [
      'hex that reads as an exponent, unquoted',
      edited('\nclosureDigest: any', `\nclosureDigest: [${'1'.repeat(61)}e12]`),
      'json-shape',
    ],
    ['16,385 bytes', genuineYaml + '#'.repeat(16_385 - genuineYaml.length), 'too-large'],
  ] as const)('%s', (_, text, code) => {
    expect(codeOf(() => fromYaml(text))).toBe(code);
  });

  test('16,384 bytes are read', () => {
    const full = genuineYaml + '#'.repeat(16_384 - genuineYaml.length);
    expect(digestOf(fromYaml(full))).toBe(digestOf(genuinePolicy));
  });

  test('bytes that are not UTF-8', () => {
    expect(codeOf(() => parseYamlPolicy(Uint8Array.of(0x61, 0xff)))).toBe('utf8-malformed');
  });

  test.each(['[', '{a: ', '- ', '? ', 'a:\n '])('deep nesting of %j', (piece) => {
    expect(codeOf(() => fromYaml(piece.repeat(10_000)))).not.toBeNull();
  });
});

describe('hostile text throws AttestationError and nothing else', () => {
  const refuse = (text: string) => {
    codeOf(() => fromYaml(text));
  };

  test('random text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), refuse), {
      numRuns: 1000,
    });
  });

  test('random YAML tokens', () => {
    const token = fc.constantFrom(
      ...['a', ': ', '- ', '\n', '  ', '[', ']', '{', '}', ',', '&a ', '*a', '!!int ', '!<x> '],
      ...[
        '? ',
        '<<: ',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '|',
        '>',
        '"',
        "'",
        '#',
        '\t',
        '0x1',
        '\0',
      ],
      ...['__proto__', '1e999', '.nan', '~', '@', '`', '\u{feff}', '\u2028', '\ud800'],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => refuse(tokens.join(''))),
      { numRuns: 2000 },
    );
  });

  test('the genuine policy with a piece cut out or put in', () => {
    const at = fc.nat(genuineYaml.length);
    fc.assert(
      fc.property(at, fc.nat(9), fc.string({ maxLength: 5 }), (start, length, more) =>
        refuse(genuineYaml.slice(0, start) + more + genuineYaml.slice(start + length)),
      ),
      { numRuns: 500 },
    );
  });
});
