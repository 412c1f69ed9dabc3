import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { factsOf } from '#verifier/collateral/facts.ts';
import { code, messageOf } from './accepting.ts';
import { amdCrlSample, amdSamples, intelSamples, pckCrlSample, tcbInfoSample } from './samples.ts';

const day = 86_400;
const plainIntel = intelOf('tdx');

describe('answer-older: what the cache has is newer', () => {
  const listAt = async (thisUpdate: number, number: number | null) => {
    const amd = await hierarchyOf('Milan', {
      crl: ({ extensions }) => ({
        thisUpdate,
        extensions: [
          ...extensions.filter(({ oid }) => oid !== '2.5.29.20'),
          ...(number === null
            ? []
            : [{ oid: '2.5.29.20', critical: false, value: Uint8Array.of(2, 1, number) }]),
        ],
      }),
    });
    return amdCrlSample(amd);
  };

  test('a list with a lower number, an earlier date, or without its number', async () => {
    const held = await listAt(fakeNow - 5 * day, 7);
    const previous = factsOf(held.object, held.stored);
    expect(previous.number).toBe(7n);
    const replayed = [
      await listAt(fakeNow - 2 * day, 6),
      await listAt(fakeNow - 9 * day, 7),
      await listAt(fakeNow - 9 * day, 8),
      await listAt(fakeNow - 2 * day, null),
    ];
    for (const one of replayed) expect(await code(one, { previous })).toBe('answer-older');
    for (const one of replayed) expect(await code(one)).toBeNull();
    const newer = [held, await listAt(fakeNow - 2 * day, 7), await listAt(fakeNow - 2 * day, 8)];
    for (const one of newer) expect(await code(one, { previous })).toBeNull();
  });

  test('an old list that has also ended is called old', async () => {
    const amd = await hierarchyOf('Milan', {
      crl: { thisUpdate: fakeNow - 90 * day, nextUpdate: fakeNow - 60 * day },
    });
    const current = amdCrlSample(await hierarchyOf('Milan'));
    const previous = factsOf(current.object, current.stored);
    expect(await code(amdCrlSample(amd), { previous })).toBe('answer-older');
    expect(await code(amdCrlSample(amd))).toBe('answer-expired');
    expect(await code(current, { previous })).toBeNull();
  });

  test('Intel numbers all lists 1: the date decides', async () => {
    const at = (thisUpdate: number) =>
      pckCrlSample(intelOf('tdx', { overrides: { platformCrl: { thisUpdate } } }));
    const [old, held] = [at(fakeNow - 9 * day), at(fakeNow - 2 * day)];
    const previous = factsOf(held.object, held.stored);
    expect(await code(old, { previous })).toBe('answer-older');
    expect(await code(held, { previous })).toBeNull();
  });

  test('early and standard releases are two objects; mixed in one place, the lower number is refused', async () => {
    const at = (tcbEvaluationDataNumber: number, update: 'standard' | 'early') =>
      tcbInfoSample(
        intelOf('tdx', { overrides: { tcbInfo: { tcbEvaluationDataNumber } } }),
        update,
      );
    const [standard, early] = [at(17, 'standard'), at(19, 'early')];
    expect(await code(standard, { previous: factsOf(early.object, early.stored) })).toBe(
      'answer-older',
    );
    expect(
      await code(standard, { previous: factsOf(standard.object, standard.stored) }),
    ).toBeNull();
    expect(await code(early, { previous: factsOf(early.object, early.stored) })).toBeNull();
  });
});

describe('answer-future and answer-expired: out of its time at this machine’s clock', () => {
  test('each object before its beginning and after its end', async () => {
    const samples = [...amdSamples(await hierarchyOf('Genoa')), ...intelSamples(plainIntel)];
    for (const sample of samples) {
      const { issued, expires } = factsOf(sample.object, sample.stored);
      expect(await code(sample, { now: issued - 1 })).toBe('answer-future');
      expect(await code(sample, { now: issued })).toBeNull();
      expect(await code(sample, { now: expires })).toBeNull();
      expect(await code(sample, { now: expires + 1 })).toBe('answer-expired');
    }
  });

  test('a part that has ended, or not begun', async () => {
    const signed = (change: { notBefore?: number; notAfter?: number }) =>
      tcbInfoSample(intelOf('tdx', { overrides: { tcbSigning: change } }));
    expect(await code(signed({ notAfter: fakeNow - 1 }))).toBe('answer-expired');
    expect(await code(signed({ notBefore: fakeNow + 1 }))).toBe('answer-future');
    expect(await code(signed({ notBefore: fakeNow, notAfter: fakeNow }))).toBeNull();
  });

  test('the server’s clock stands beside ours when the two differ', async () => {
    const sample = tcbInfoSample(plainIntel);
    const early = fakeNow - 10 * day;
    expect(await messageOf(sample, { now: early, date: fakeNow })).toMatch(
      /valid from 2026-01-14T00:00:00Z on; this machine's clock says 2026-01-05T00:00:00Z, the server's 2026-01-15T00:00:00Z/,
    );
    for (const date of [early + 30, null]) {
      expect(await messageOf(sample, { now: early, date })).toMatch(/says 2026-01-05T00:00:00Z$/);
    }
    expect(await messageOf(sample, { now: fakeNow + 60 * day, date: fakeNow })).toMatch(
      /the document ended .*the server's 2026-01-15T00:00:00Z/,
    );
  });
});
