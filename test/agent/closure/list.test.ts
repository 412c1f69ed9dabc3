import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ListedPath, parsePathInfo } from '#agent/closure/list.ts';
import { parseRegistration } from '#agent/registration.ts';
import { utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { codeOf } from '../helpers.ts';
import { pathInfoOf, registrationOf, storePath } from './fake-store.ts';

const [a, b] = ['0', '1'].map((digit) => storePath(digit)) as [string, string];
const list: ListedPath[] = [
  { path: b, narHash: new Uint8Array(32).fill(2), narSize: 120, references: [a, b] },
  { path: a, narHash: new Uint8Array(32).fill(1), narSize: 3_000_000_112, references: [] },
];

test.each(['2.8', '2.26'] as const)('path info of Nix %s is read', (release) => {
  expect(parsePathInfo(utf8(pathInfoOf(list, release)))).toEqual(list);
});

test('a registration says the same', () => {
  expect(parseRegistration(utf8(registrationOf(list)))).toEqual(list);
});

describe('path info is refused for', () => {
  type Info = Record<string, unknown>;
  const refused = (json: unknown) => codeOf(() => parsePathInfo(utf8(JSON.stringify(json))));
  const keyed = () => JSON.parse(pathInfoOf(list, '2.26')) as Record<string, Info | null>;
  const array = () => JSON.parse(pathInfoOf(list, '2.8')) as Info[];
  const changed = (member: string, value: unknown) => {
    const json = keyed();
    Object.assign(json[a] as Info, { [member]: value });
    return json;
  };

  test('nothing: the twin of all that follow', async () => {
    expect(await refused(keyed())).toBe('accepted');
    expect(await refused(array())).toBe('accepted');
    expect(await refused(changed('narHash', `sha256:${'11'.repeat(32)}`))).toBe('accepted');
    expect(await refused(changed('unknown', {}))).toBe('accepted');
  });

  test.each<[string, unknown, string]>([
    ['no path', [], 'closure-malformed'],
    ['no path, keyed', {}, 'closure-malformed'],
    ['another JSON', 'x', 'json-shape'],
    ['a path that is none', { '/nix/store/x': {} }, 'closure-malformed'],
    ['a path twice', [...array(), ...array()], 'closure-malformed'],
    ['a missing path', { ...keyed(), [storePath('2')]: null }, 'closure-malformed'],
    ['a missing path, as 2.8 has it', [{ path: a, valid: false }], 'closure-malformed'],
    ['another format', { version: 2, info: {} }, 'closure-malformed'],
    ['no recursion', array().slice(0, 1), 'closure-malformed'],
    ['a reference that is none', changed('references', ['x']), 'closure-malformed'],
    ['no references', changed('references', null), 'json-shape'],
    ['another hash', changed('narHash', 'sha1-x'), 'closure-malformed'],
    ['no hash', changed('narHash', undefined), 'json-shape'],
    ['a size that is none', changed('narSize', -1), 'json-shape'],
    ['an element that is none', [null], 'json-shape'],
  ])('%s', async (_, json, code) => {
    expect(await refused(json)).toBe(code);
  });

  test('no JSON', async () => {
    expect(await codeOf(() => parsePathInfo(utf8('<html>')))).toBe('json-malformed');
  });
});

test('a list that lacks a reference is refused in both forms', async () => {
  const part = list.slice(0, 1);
  for (const parse of [
    () => parsePathInfo(utf8(pathInfoOf(part, '2.8'))),
    () => parseRegistration(utf8(registrationOf(part))),
  ]) {
    expect(await codeOf(parse)).toBe('closure-malformed');
    expect(parse).toThrow(`${b} refers to ${a}, which is not listed`);
  }
});

test('nothing but AttestationError comes of any JSON', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(a, b, 'version'), fc.jsonValue()),
    fc.array(fc.record({ path: fc.constantFrom(a, b), narHash: fc.jsonValue() })),
  );
  fc.assert(
    fc.property(anything, (json) => {
      try {
        parsePathInfo(utf8(JSON.stringify(json)));
      } catch (error) {
        expect(error).toBeInstanceOf(AttestationError);
      }
    }),
  );
});
