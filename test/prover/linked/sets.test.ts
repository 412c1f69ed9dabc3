/** The format of set files, what they refuse, and what their trees prove. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LevelTdx } from '#prover/linked/formulas.ts';
import {
  type AcceptedEntry,
  acceptedSet,
  elementOf,
  encodeSet,
  findLevel,
  levelSet,
  makeSet,
  maxSetEntries,
  maxSetLength,
  memberSiblings,
  parseSet,
  provenAbsence,
  type RevokedEntry,
  revokedSet,
  type SetKind,
} from '#prover/linked/sets.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, fromHex, utf8 } from '#verifier/bytes.ts';
import { verifyProof } from '#verifier/smt/proof.ts';
import { anySetOf } from './set-arbitraries.ts';

const origin = { made: 1_760_000_000, source: 'a test' };
const bytes = (value: number, length: number): Bytes => new Uint8Array(length).fill(value);
const chips = (...values: number[]): RevokedEntry[] =>
  values.map((value) => ({ chip: bytes(value, 16) }));

describe('a set file', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(anySetOf(origin), (set) => {
        const text = encodeSet(set);
        const read = parseSet(utf8(text));
        expect(encodeSet(read)).toBe(text);
        expect({ ...read, tree: null }).toEqual({ ...set, tree: null });
        expect(read.tree.root).toBe(set.root);
      }),
      { numRuns: 25 },
    );
  });

  test('with any bytes for its own is refused by code', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (found) => {
        expect(codeOf(() => parseSet(new Uint8Array(found)))).not.toBeNull();
      }),
    );
  });

  test('with any one character changed is refused by code', () => {
    const text = encodeSet(
      revokedSet([...chips(1, 2), { issuer: 5n, serialNumber: bytes(9, 3) }], origin),
    );
    // Who made it and when are words for people: the root covers the entries.
    const start = text.indexOf('"root"');
    fc.assert(
      fc.property(
        fc.integer({ min: start, max: text.length - 1 }),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, put) => {
          const changed = text.slice(0, at) + put + text.slice(at + 1);
          if (changed !== text) expect(codeOf(() => parseSet(utf8(changed)))).not.toBeNull();
        },
      ),
      { numRuns: 60 },
    );
    expect(codeOf(() => parseSet(utf8(text)))).toBeNull();
  });

  test('has one entry a line, in one order whatever the order given', () => {
    const text = encodeSet(revokedSet(chips(1, 2), origin));
    expect(text).toBe(encodeSet(revokedSet(chips(2, 1, 2), origin)));
    expect(text.split('\n').slice(1)).toEqual([
      `{"chip":"${'01'.repeat(16)}"},`,
      `{"chip":"${'02'.repeat(16)}"}]}`,
      '',
    ]);
  });
});

describe('what is refused, beside what is not', () => {
  const good = encodeSet(revokedSet(chips(1, 2), origin));
  const first = `{"chip":"${'01'.repeat(16)}"}`;
  const second = `{"chip":"${'02'.repeat(16)}"}`;
  const root = /"root":"([0-9a-f]{64})"/.exec(good)?.[1] as string;

  test('the twin is accepted', () => {
    expect(codeOf(() => parseSet(utf8(good)))).toBeNull();
    expect(good).toContain(`${first},\n${second}`);
  });

  test.each([
    ['no JSON', good.slice(0, -3), 'json-malformed'],
    ['another version', good.replace('"version":1', '"version":2'), 'version-unknown'],
    ['another kind', good.replace('"revoked"', '"accepted"'), 'json-shape'],
    ['an unknown kind', good.replace('"revoked"', '"refused"'), 'json-shape'],
    ['an unknown member', good.replace('"made"', '"extra":1,"made"'), 'json-shape'],
    ['a missing member', good.replace('"source":"a test",', ''), 'json-shape'],
    ['a member twice', good.replace('"made"', '"made":1,"made"'), 'json-malformed'],
    ['a space', good.replace('"made":', '"made": '), 'json-malformed'],
    ['an escape', good.replace('a test', 'a t\\u0065st'), 'json-malformed'],
    ['no line break at its end', good.trimEnd(), 'json-malformed'],
    ['a source of two lines', good.replace('a test', 'a\\ntest'), 'json-shape'],
    ['a time below zero', good.replace('1760000000', '-1'), 'json-shape'],
    ['another root', good.replace(root, '0'.repeat(64)), 'value-out-of-range'],
    ['a root above the field', good.replace(root, 'f'.repeat(64)), 'field-not-canonical'],
    ['an entry less', good.replace(`${first},\n`, ''), 'value-out-of-range'],
    ['an entry twice', good.replace(first, `${first},\n${first}`), 'json-shape'],
    ['another order', good.replace(`${first},\n${second}`, `${second},\n${first}`), 'json-shape'],
    ['upper case', good.replace('02'.repeat(16), 'AB'.repeat(16)), 'hex-malformed'],
    ['a short chip', good.replace('02'.repeat(16), '02'.repeat(15)), 'hex-malformed'],
    [
      'a chip with a serial',
      good.replace(second, `${second.slice(0, -1)},"serialNumber":"01"}`),
      'json-shape',
    ],
    ['a number for an entry', good.replace(second, '2'), 'json-shape'],
  ])('%s', (_, text, code) => {
    expect(text).not.toBe(good);
    expect(codeOf(() => parseSet(utf8(text)))).toBe(code);
  });

  test('bytes that are no text, or too many', () => {
    expect(codeOf(() => parseSet(bytes(0xff, 4)))).toBe('utf8-malformed');
    expect(codeOf(() => parseSet(bytes(0x20, maxSetLength + 1)))).toBe('too-large');
    expect(codeOf(() => parseSet(bytes(0x20, 4)))).toBe('json-malformed');
  });

  test('a second spelling of a serial number', () => {
    const revoked = (hex: string) =>
      codeOf(() => revokedSet([{ issuer: 1n, serialNumber: fromHex(hex, 'serial') }], origin));
    expect(['01', '00', 'ff'.repeat(20)].map(revoked)).toEqual([null, null, null]);
    expect(['0001', '', 'ff'.repeat(21)].map(revoked)).toEqual([
      'json-shape',
      'json-shape',
      'json-shape',
    ]);
  });

  test('an empty set, unless of what is revoked', () => {
    const empty = revokedSet([], origin);
    expect(empty.root).toBe(0n);
    expect(parseSet(utf8(encodeSet(empty))).entries).toEqual([]);
    const none = encodeSet(empty);
    for (const kind of ['accepted', 'levels', 'veks'] satisfies SetKind[]) {
      expect(codeOf(() => makeSet(kind, [], origin))).toBe('json-shape');
      expect(codeOf(() => parseSet(utf8(none.replace('revoked', kind))))).toBe('json-shape');
    }
  });

  test('more entries than a set holds, before any is hashed', () => {
    function* many() {
      for (let i = 0; i <= maxSetEntries; i++) {
        yield {
          issuer: 1n,
          serialNumber: fromHex((0x100000 + i).toString(16).padStart(8, '1'), 'serial'),
        };
      }
    }
    expect(codeOf(() => revokedSet(many(), origin))).toBe('too-large');
  });

  test('an entry or an origin that no file can hold', () => {
    const entry = { chip: bytes(1, 15) };
    expect(codeOf(() => revokedSet([entry], origin))).toBe('hex-malformed');
    expect(codeOf(() => revokedSet(chips(1), { ...origin, source: '' }))).toBe('json-shape');
    expect(codeOf(() => revokedSet(chips(1), { ...origin, source: 'ü' }))).toBe('json-shape');
    expect(codeOf(() => revokedSet(chips(1), { ...origin, made: 0.5 }))).toBe('json-shape');
    expect(codeOf(() => revokedSet(chips(1), origin))).toBeNull();
  });
});

describe('what a set proves', () => {
  const accepted = (value: number): AcceptedEntry => ({
    mrTd: bytes(value, 48),
    rtmr: [1, 2, 3, 4].map((register) => bytes(register, 48)),
    closureDigest: bytes(0xcd, 32),
  });
  const set = acceptedSet([1, 2, 3].map(accepted), origin);

  test('membership of what it holds, absence of all else, and neither for the other', () => {
    const held = elementOf('accepted', accepted(2));
    const other = elementOf('accepted', accepted(9));
    const siblings = memberSiblings(set, held) ?? [];
    const absence = provenAbsence(set, other);
    expect(verifyProof(set.root, held, { kind: 'present', value: 1n }, { siblings })).toBe(true);
    expect(absence && verifyProof(set.root, other, absence.claim, absence.proof)).toBe(true);
    expect(memberSiblings(set, other)).toBeNull();
    expect(provenAbsence(set, held)).toBeNull();
  });
});

describe('the floor', () => {
  const level: LevelTdx = {
    fmspc: bytes(5, 6),
    cpuSvn: bytes(3, 16),
    pceSvn: 11,
    teeTcbSvn: Uint8Array.of(5, 1, ...bytes(2, 14)),
    qeIsvSvn: 4,
  };
  const lower = { ...level, pceSvn: 5 };
  const set = levelSet([lower, level], origin);
  const withByte = (svns: Bytes, at: number, value: number) => {
    const changed = Uint8Array.from(svns);
    changed[at] = value;
    return changed;
  };
  const found = (machine: LevelTdx) => findLevel(set, machine);

  test('prefers the highest level, and says where it is', () => {
    const { level: highest, siblings = [] } = found(level) ?? {};
    expect(highest).toEqual(level);
    const element = elementOf('levels', level);
    expect(verifyProof(set.root, element, { kind: 'present', value: 1n }, { siblings })).toBe(true);
    expect(found({ ...level, pceSvn: 10 })?.level).toEqual(lower);
    expect(found({ ...level, pceSvn: 12, qeIsvSvn: 9 })?.level).toEqual(level);
  });

  test.each([
    ['CPUSVN, first byte', { cpuSvn: withByte(level.cpuSvn, 0, 2) }],
    ['CPUSVN, last byte', { cpuSvn: withByte(level.cpuSvn, 15, 2) }],
    ['PCESVN', { pceSvn: 4 }],
    ['TEE_TCB_SVN, first byte', { teeTcbSvn: withByte(level.teeTcbSvn, 0, 4) }],
    ['TEE_TCB_SVN, last byte', { teeTcbSvn: withByte(level.teeTcbSvn, 15, 1) }],
    ['the module’s major version above', { teeTcbSvn: withByte(level.teeTcbSvn, 1, 2) }],
    ['the module’s major version below', { teeTcbSvn: withByte(level.teeTcbSvn, 1, 0) }],
    ['ISVSVN of the quoting enclave', { qeIsvSvn: 3 }],
    ['another FMSPC', { fmspc: bytes(6, 6) }],
  ])('is not reached with another %s', (_, change) => {
    expect(found({ ...level, ...change })).toBeNull();
    expect(found(level)).not.toBeNull();
  });

  test('is reached with more of everything else', () => {
    const more = { cpuSvn: bytes(9, 16), pceSvn: 99, qeIsvSvn: 99 };
    const teeTcbSvn = Uint8Array.of(9, 1, ...bytes(9, 14));
    expect(found({ ...level, ...more, teeTcbSvn })?.level).toEqual(level);
  });
});
