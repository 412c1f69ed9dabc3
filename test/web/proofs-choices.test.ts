import { describe, expect, test } from 'vitest';
import { firstPoints, pointLength } from '#prover/ceremony.ts';
import { type CircuitName, circuitNames } from '#prover/circuit-names.ts';
import { ProverError } from '#prover/errors.ts';
import { parseRanges } from '#prover/linked/alice-show.ts';
import { parseDemands } from '#prover/linked/demands.ts';
import { concat, utf8 } from '#verifier/bytes.ts';
import { type CircuitFiles, copyOf, lackingText } from '#web/circuits-plugin.ts';
import type { CircuitsCopy } from '#web/proofs/copy.ts';
import {
  choiceName,
  type DemandForm,
  demandsOf,
  missingIn,
  setsIn,
  without,
} from '#web/proofs/demand-choice.ts';
import { pointsPath, sourceOf } from '#web/proofs/page-source.ts';
import { rangeOf, textOf, withRange } from '#web/proofs/ranges.ts';
import { sortWords, toldOf } from '#web/proofs/told.ts';

const root = (digit: string) => `0${digit.repeat(63)}`;
const form: DemandForm = {
  name: 'made in the page',
  sets: [
    { kind: 'accepted', root: root('1') },
    { kind: 'accepted', root: root('2') },
    { kind: 'levels', root: root('3') },
    { kind: 'revoked', root: root('4') },
    { kind: 'veks', root: root('5') },
  ],
  until: 1_800_000_000,
  pckCa: true,
  amd: true,
  vlek: false,
  shown: false,
  maxAge: 3600,
  attestationNonce: null,
  services: [],
};

describe('demands', () => {
  test('that are made of choices are read as a file of them is', () => {
    const made = demandsOf(form);
    const read = parseDemands(utf8(JSON.stringify(made)));
    expect(read).toEqual(made);
    expect(read.key.map(({ kind }) => kind)).toEqual(['pck-ca', 'amd', 'veks']);
    expect(read.services).toBe('any');
    expect(missingIn(form)).toEqual([]);
  });

  test('need a set of each kind, and a way of vouching for the key', () => {
    const bare = { ...form, sets: [], pckCa: false, amd: false };
    expect(missingIn(bare)).toEqual(['accepted', 'levels', 'revoked', 'key']);
  });

  test('lose what is left out, and the kind of key with its last set', () => {
    const made = demandsOf(form);
    const veks = choiceName({ kind: 'veks', root: root('5') });
    const second = choiceName({ kind: 'accepted', root: root('2') });
    const narrowed = without(made, new Set([veks, second]));
    expect(narrowed?.accepted.map((set) => set.root)).toEqual([root('1')]);
    expect(narrowed?.key.map(({ kind }) => kind)).toEqual(['pck-ca', 'amd']);
    expect(setsIn(made)).toHaveLength(5);
  });

  test('are none once a kind has no set left', () => {
    const levels = choiceName({ kind: 'levels', root: root('3') });
    expect(without(demandsOf(form), new Set([levels]))).toBeNull();
  });
});

describe('ranges', () => {
  test('count bytes where a selection counts characters', () => {
    const text = 'aé€😀b';
    expect(rangeOf(text, 1, 2)).toEqual({ first: 1, last: 2 });
    expect(rangeOf(text, 2, 3)).toEqual({ first: 3, last: 5 });
    expect(rangeOf(text, 3, 6)).toEqual({ first: 6, last: 10 });
    expect(rangeOf(text, 2, 2)).toBeNull();
  });

  test('are in order and apart, whatever is added', () => {
    expect(withRange('', { first: 5, last: 5 })).toBe('5');
    expect(withRange('20-29', { first: 0, last: 9 })).toBe('0-9,20-29');
    expect(withRange('0-9,20-29', { first: 5, last: 19 })).toBe('0-29');
    expect(parseRanges(withRange('no ranges', { first: 3, last: 4 }))).toEqual([
      { first: 3, last: 4 },
    ]);
  });

  test('are chosen from text alone', () => {
    expect(textOf(utf8('two\nlines'))).toBe('two\nlines');
    for (const hidden of ['a\r\nb', 'a\u202eb', 'a\u0000b'])
      expect(textOf(utf8(hidden))).toBeNull();
    expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeNull();
  });
});

describe('what a proof says', () => {
  const linked = { linkage: 'linked', vendor: 'intel', shown: null } as const;

  test('hides the chip unless the certificate is shown', () => {
    const hides = (key: 'pck' | 'member' | 'shown') =>
      toldOf({ ...linked, key }).hidden.some((line) => line.includes('chip'));
    expect([hides('pck'), hides('member'), hides('shown')]).toEqual([true, true, false]);
  });

  test('beside a bundle hides the key only where it is not disclosed', () => {
    const seen = (showsKey: boolean) => toldOf({ linkage: 'open', showsKey }).seen.length;
    expect(seen(true)).toBe(seen(false) + 1);
  });

  test('is told in the verifier’s words, each in its column', () => {
    expect(sortWords(['Proved: a. Hidden: b.', 'Hidden: c.', 'Proved: d.', 'INSECURE: e'])).toEqual(
      {
        proved: ['a.', 'd.'],
        hidden: ['b.', 'c.'],
        rest: ['INSECURE: e'],
      },
    );
  });
});

describe('a copy of the page', () => {
  const pins = Object.fromEntries(
    circuitNames.map((name) => [name, { artifactHash: '00', points: 9 }]),
  ) as CircuitsCopy['pins'];
  const files: CircuitFiles = {
    pins,
    artifacts: new Map([
      [
        'response',
        { bytecode: 'AA==', abi: { parameters: [], return_type: null, error_types: {} } },
      ],
    ]),
    keys: new Map<CircuitName, Uint8Array>([['response', utf8('a key')]]),
  };
  const copy = copyOf(files);
  const places = { page: 'https://page.example/affidavit/index.html', points: null };
  const serving = (served: Readonly<Record<string, string | Blob>>) => async (address: URL) => {
    const body = served[address.href.replace('https://page.example/affidavit/', '')];
    return body === undefined ? new Response('', { status: 404 }) : new Response(body);
  };
  const refusal = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => null,
      (cause: unknown) => cause,
    );
    return error instanceof ProverError ? error.code : error;
  };

  test('says what it came without', () => {
    expect(copy.artifacts).toEqual(['response']);
    expect(lackingText(files)).toMatch(/without circuits response-open, .*; verification keys of /);
    const all = new Map(circuitNames.map((name) => [name, utf8('')]));
    expect(lackingText({ artifacts: all as never, keys: all })).toBeNull();
  });

  test('takes the key that it was built with, and no other', async () => {
    const key = (served: string) =>
      sourceOf(places, copy, serving({ 'circuits/response.vk': served })).key('response');
    expect(await key('a key')).toEqual(utf8('a key'));
    expect(await refusal(key('another'))).toBe('artifact-wrong');
    expect(await sourceOf(places, copy, serving({})).key('tdx-pck')).toBeNull();
  });

  test('refuses a circuit that it lacks, that is not served, and a page of words in its place', async () => {
    const ask = (name: CircuitName, served: Readonly<Record<string, string>>) =>
      refusal(sourceOf(places, copy, serving(served)).artifact(name));
    expect(await ask('tdx-pck', {})).toBe('artifact-wrong');
    expect(await ask('response', {})).toBe('artifact-wrong');
    expect(await ask('response', { 'circuits/response.json': '<!doctype html>' })).toBe(
      'artifact-wrong',
    );
  });

  test('takes points from the file that was dropped, else from beside the page', async () => {
    const g1 = concat(firstPoints, new Uint8Array(7 * pointLength));
    const dropped = sourceOf({ ...places, points: new Blob([g1]) }, copy, serving({}));
    expect(await dropped.points(5)).toEqual(g1.slice(0, 5 * pointLength));
    expect(await refusal(dropped.points(10))).toBe('points-missing');
    const beside = sourceOf(places, copy, serving({ [pointsPath]: new Blob([g1]) }));
    expect(await beside.points(9)).toEqual(g1);
    expect(await refusal(beside.points(17))).toBe('points-missing');
    for (const served of [{}, { [pointsPath]: 'x'.repeat(4096) }]) {
      expect(await refusal(sourceOf(places, copy, serving(served)).points(5))).toBe(
        'points-missing',
      );
    }
  });
});
