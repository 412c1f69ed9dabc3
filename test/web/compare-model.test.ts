/** What the compare view says of two pieces of evidence. */
import { describe, expect, test } from 'vitest';
import { quoteScene } from '#test/verifier/intel-scene.ts';
import {
  bundleScene,
  reportScene,
  type Scene,
  treeEntry,
  verdictOf,
  verifyScene,
} from '#test/verifier/scene.ts';
import { utf8 } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { ShowSection } from '#verifier/show/document.ts';
import type { Verified } from '#verifier/verified.ts';
import {
  compareChecks,
  compareLogs,
  compareSections,
  glanceOf,
  sectionKey,
} from '#web/compare/compare-model.ts';
import { runsOf } from '#web/compare/runs.ts';
import { sectionsOf } from '#web/compare/sections.ts';
import { sortFiles } from '#web/model/sort-files.ts';

const other48 = new Uint8Array(48).fill(0xee);

async function verified(scene: Scene | Promise<Scene>): Promise<Verified> {
  return verifyScene(await scene);
}

function answers(left: Verified, right: Verified) {
  return Object.fromEntries(
    glanceOf(left, right).map(({ question, likeness }) => [question, likeness]),
  );
}

function sections({ evidence, collateral }: Scene): ShowSection[] {
  return sectionsOf({ evidence, collateral, files: [] });
}

describe('at a glance', () => {
  test('a report and itself: the same in all that can be asked', async () => {
    const one = await verified(reportScene());
    expect(new Set(Object.values(answers(one, one)))).toEqual(new Set(['same']));
  });

  test('another measurement is other software on the same machine', async () => {
    const one = await verified(reportScene());
    const other = await verified(reportScene({ fields: { measurement: other48 } }));
    expect(answers(one, other)).toMatchObject({
      software: 'differs',
      machine: 'same',
      firmware: 'same',
    });
    const [line] =
      glanceOf(one, other).find(({ question }) => question === 'software')?.lines ?? [];
    expect(line).toMatchObject({
      member: 'sevSnp.measurement',
      likeness: 'differs',
      right: 'eeeeeeee…eeeeeeee, 48 bytes',
    });
  });

  test('different platforms cannot be compared', async () => {
    const found = answers(await verified(reportScene()), await verified(quoteScene()));
    expect([found['software'], found['firmware'], found['machine']]).toEqual([
      'only',
      'only',
      'only',
    ]);
  });

  test('closure and services of bundles; a raw report has none', async () => {
    const one = await verified(bundleScene());
    const other = await verified(
      bundleScene({ bound: { closureDigest: new Uint8Array(32).fill(9) } }),
    );
    expect(answers(one, other)).toMatchObject({
      closure: 'differs',
      services: 'same',
      channel: 'same',
    });
    expect(answers(one, await verified(reportScene()))).toMatchObject({
      closure: 'only',
      software: 'same',
    });
  });

  test('logs: how many entries both begin with, and what each has after them', async () => {
    const boot = treeEntry(0x7265n);
    const one = await verified(bundleScene({ log: [boot] }));
    const longer = await verified(bundleScene({ log: [boot, treeEntry(0x7265n, 'refresh')] }));
    expect(compareLogs(one, one)).toEqual({ common: 1, left: 0, right: 0, likeness: 'same' });
    expect(compareLogs(one, longer)).toEqual({ common: 1, left: 0, right: 1, likeness: 'differs' });
    expect(compareLogs(one, await verified(reportScene()))).toBeNull();
  });
});

describe('checks', () => {
  test('that end otherwise are news, values that differ are not', async () => {
    const one = await verdictOf(await reportScene());
    const other = await verdictOf(await reportScene({ fields: { measurement: other48 } }));
    const pairs = compareChecks(one, other);
    expect(pairs.map(({ id }) => id)).toEqual(one.checks.map(({ id }) => id));
    expect(pairs.find(({ id }) => id === 'policy.measurement')).toMatchObject({
      likeness: 'differs',
      isNews: false,
    });
    expect(compareChecks(one, one).every(({ likeness }) => likeness === 'same')).toBe(true);
  });

  test('a status that differs is news, whatever the values', async () => {
    const verdict = await verdictOf(await reportScene());
    const checks = verdict.checks.map(
      (check): CheckResult =>
        check.id === 'policy.debug' ? { ...check, status: 'fail', reason: 'on' } : check,
    );
    const news = compareChecks(verdict, { ...verdict, checks }).filter(({ isNews }) => isNews);
    expect(news.map(({ id }) => id)).toEqual(['policy.debug']);
  });

  test('that one side alone has are named so', async () => {
    const pairs = compareChecks(
      await verdictOf(await reportScene()),
      await verdictOf(quoteScene()),
    );
    const only = pairs.filter(({ likeness }) => likeness === 'only');
    expect(only.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['policy.measurement', 'policy.mrtd']),
    );
    expect(new Set(pairs.map(({ id }) => id)).size).toBe(pairs.length);
  });

  test('another nonce, and a later time, are no difference', async () => {
    const scene = await bundleScene();
    const one = await verdictOf(scene);
    const later = await verdictOf({ ...scene, now: scene.now + 60 });
    expect(later.at).toBe(one.at + 60);
    const checks = one.checks.map(
      (check): CheckResult =>
        check.id === 'binding.nonce' ? { ...check, actual: 'another' } : check,
    );
    const found = compareChecks(one, { ...one, checks });
    expect(found.map(({ id }) => id)).toContain('binding.nonce');
    expect(found.every(({ likeness }) => likeness === 'same')).toBe(true);
    expect(compareChecks(one, later).every(({ likeness }) => likeness === 'same')).toBe(true);
  });
});

describe('fields', () => {
  test('by section and name, those that are the same counted', async () => {
    const one = sections(await reportScene());
    const other = sections(await reportScene({ fields: { measurement: other48 } }));
    const [report, ...beside] = compareSections(one, other);
    const differing = report?.fields
      .filter(({ likeness }) => likeness === 'differs')
      .map(({ name }) => name);
    expect(differing).toEqual(['MEASUREMENT', 'SIGNATURE.R', 'SIGNATURE.S']);
    expect(report).toMatchObject({ title: 'SEV-SNP report', likeness: 'differs' });
    expect(report?.same).toBe((report?.fields.length ?? 0) - 3);
    expect(beside.length).toBeGreaterThan(2);
    expect(beside.every(({ likeness }) => likeness === 'same')).toBe(true);
  });

  test('parts of a field say which bit differs', async () => {
    const plain = { title: 'T', offsetsFrom: null };
    const field = (value: string, debug: string) => ({
      name: 'POLICY',
      value,
      parts: [
        { name: 'smt', value: '1' },
        { name: 'debug', value: debug },
      ],
    });
    const [section] = compareSections(
      [{ ...plain, fields: [field('01', '0')] }],
      [{ ...plain, fields: [field('03', '1')] }],
    );
    expect(section?.fields[0]?.parts).toEqual([{ name: 'debug', left: '0', right: '1' }]);
  });

  test('fields of one name are paired in their order; what one side lacks is there as such', () => {
    const section = (values: string[]) => [
      {
        title: 'T',
        offsetsFrom: null,
        fields: values.map((value) => ({ name: 'reserved', value })),
      },
    ];
    const [found] = compareSections(section(['00', '11']), section(['00', '22', '33']));
    expect(
      found?.fields.map(({ likeness, left, right }) => [likeness, left?.value, right?.value]),
    ).toEqual([
      ['same', '00', '00'],
      ['differs', '11', '22'],
      ['only', undefined, '33'],
    ]);
  });

  test('a list is compared by what it holds, in any order', () => {
    const section = (values: string[]) => [
      {
        title: 'T',
        offsetsFrom: null,
        fields: values.map((value) => ({ name: 'revoked', value })),
      },
    ];
    const [found] = compareSections(
      section(['a', 'b', 'c', 'd', 'e']),
      section(['e', 'd', 'x', 'b', 'a']),
    );
    expect(found?.same).toBe(4);
    const rest = found?.fields.filter(({ likeness }) => likeness !== 'same') ?? [];
    expect(rest.map(({ left, right }) => [left?.value, right?.value])).toEqual([
      ['c', undefined],
      [undefined, 'x'],
    ]);
  });

  test('sections of other platforms are named and not compared', async () => {
    const found = compareSections(sections(await reportScene()), sections(quoteScene()));
    expect(found.filter(({ likeness }) => likeness === 'differs')).toEqual([]);
    expect(found.find(({ title }) => title === 'SEV-SNP report')?.side).toBe('left');
    expect(found.some(({ side }) => side === 'right')).toBe(true);
  });

  test('a title’s own length, time and source keep nothing apart', () => {
    const key = (title: string) => sectionKey({ title });
    expect(key('PCK chain 1: certificate, 1200 bytes')).toBe('PCK chain 1');
    expect(key('TD report')).toBe('TD report');
  });

  test('evidence that cannot be described says why in place of its fields', async () => {
    const { collateral } = await reportScene();
    const found = sections({
      evidence: { form: 'quote', bytes: utf8('no quote') },
      collateral,
      roots: [],
      now: 0,
    });
    expect(found[0]?.fields[0]?.name).toBe('cannot be read');
    expect(found.length).toBeGreaterThan(1);
  });

  test('of dropped files, as the page sorts them', async () => {
    const { evidence } = await bundleScene();
    if (evidence.form !== 'bundle') throw new Error('no bundle');
    const sorted = sortFiles([{ name: 'b.json', bytes: evidence.bytes }], { kind: 'files' });
    const titles = sectionsOf(sorted).map((one) => sectionKey(one));
    expect(titles).toEqual(
      expect.arrayContaining(['Evidence bundle', 'Log', 'SEV-SNP report', 'AMD revocation list']),
    );
  });
});

describe('bytes', () => {
  test('equal and differing ones in runs that make the whole value', () => {
    const [a, b] = ['aabbccddee', 'aabbffddee'];
    expect(runsOf(a, b)).toEqual([
      { text: 'aabb', differs: false },
      { text: 'cc', differs: true },
      { text: 'ddee', differs: false },
    ]);
    expect(
      runsOf(a, b)
        .map(({ text }) => text)
        .join(''),
    ).toBe(a);
  });

  test.each([
    ['text', 'hello', 'help!'],
    ['another length', 'aabb', 'aabbcc'],
    ['another value altogether', '00'.repeat(32), 'ff'.repeat(32)],
  ])('%s is one run', (_, a, b) => {
    expect(runsOf(a, b)).toEqual([{ text: a, differs: true }]);
  });

  test('with nothing to compare with, or the same, nothing is marked', () => {
    expect([runsOf('aabb', null), runsOf('aabb', 'aabb')]).toEqual([
      [{ text: 'aabb', differs: false }],
      [{ text: 'aabb', differs: false }],
    ]);
  });
});
