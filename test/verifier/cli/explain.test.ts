/** `affidavit explain CHECK` and `verify --explain CHECK`. */
import { describe, expect, test } from 'vitest';
import { checkIds, entryOf } from '#verifier/checks.ts';
import { codesOfCheck, explainCheck, similarIds } from '#verifier/words/explain.ts';
import { enclaveScene, quoteScene } from '../intel-scene.ts';
import { bundleScene, replaced, reportScene, verdictOf } from '../scene.ts';
import { affidavit } from './run.ts';

const flat = (text: string) => text.replace(/\s+/g, ' ');

test.each(checkIds)('%s is explained within 100 columns', (id) => {
  const page = explainCheck(id, null);
  const { title, protects, remedy, spec } = entryOf(id);
  for (const part of [id, title, protects, remedy, spec]) expect(flat(page)).toContain(part);
  for (const code of codesOfCheck[id] ?? []) expect(page).toContain(code);
  expect(Math.max(...page.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(100);
});

test('says what the check found, and when it found nothing', async () => {
  const verdict = await verdictOf(await reportScene());
  expect(explainCheck('evidence.tcb', verdict)).toMatch(/\nfound {5}pass\n(.|\n)*actual {4}fmc/);
  expect(explainCheck('policy.mrtd', verdict)).toContain('found     does not apply');
});

test('offers the check that a wrong word may have meant', () => {
  expect(similarIds('tcb-status')).toEqual(['policy.tcb-status']);
  expect(similarIds('policy.mrt')).toEqual(['policy.mrtd']);
  expect(similarIds('')).toEqual([]);
});

describe('a check that reads names its error code', () => {
  /** Each with bytes cut off, flipped or exchanged: what reading fails with must be among the codes that are told. */
  const broken = async () => {
    const scenes = [await reportScene(), await bundleScene(), quoteScene(), enclaveScene()];
    const other = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00);
    return scenes.flatMap((scene) => {
      const cutTo = (length: number, flip = -1) => ({
        ...scene,
        evidence: {
          ...scene.evidence,
          bytes: scene.evidence.bytes
            .map((byte, at) => (at === flip ? byte ^ 0xff : byte))
            .slice(0, length),
        },
      });
      const whole = scene.evidence.bytes.length;
      return [
        ...[0, 1, 47, 600, whole - 1].map((length) => cutTo(length)),
        ...[0, 4, 9, 0x40, 0x180, 500].map((at) => cutTo(whole, at)),
        ...scene.collateral.flatMap(({ kind, data }) => [
          replaced(scene, kind, other),
          replaced(scene, kind, data.subarray(0, -1)),
        ]),
      ];
    });
  };

  test('and no other', async () => {
    const told = new Set<string>();
    for (const scene of await broken()) {
      for (const { id, status, actual } of (await verdictOf(scene)).checks) {
        const code = /^unreadable \((.+)\)$/.exec(actual ?? '')?.[1];
        if (status !== 'fail' || code === undefined) continue;
        told.add(id);
        expect([id, codesOfCheck[id]]).toEqual([id, expect.arrayContaining([code])]);
      }
    }
    expect(told.size).toBeGreaterThan(8);
  });
});

describe('affidavit explain', () => {
  test('prints the page', async () => {
    const { code, stdout } = await affidavit(['explain', 'policy.debug']);
    expect([code, stdout]).toEqual([0, explainCheck('policy.debug', null)]);
  });

  test('refuses what is no check, and says what was meant', async () => {
    const { code, stderr } = await affidavit(['explain', 'debug']);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no check "debug". Did you mean policy.debug?');
  });
});
