/** From the cache, from the vendor, or not at all: against a simulated AMD and a simulated Intel. */
import { describe, expect, test } from 'vitest';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { authorityKeyIdentifier, crlNumber } from '#test/fake/extensions.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import { amdReplies, intelReplies, portalReplies, type Replies } from '#test/fake/vendor-server.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { encodeTcb } from '#verifier/abi/snp-tcb.ts';
import { toHex } from '#verifier/bytes.ts';
import { CollateralError } from '#verifier/collateral/collateral-error.ts';
import { collect, isDue, refresh } from '#verifier/collateral/collect.ts';
import type { Store } from '#verifier/collateral/ports.ts';
import { objectName, type VendorObject } from '#verifier/collateral/vendor-object.ts';
import { deadReplies, problems, scene, states } from './collecting.ts';

const day = 86_400;
const milan = await hierarchyOf('Milan');
const intel = intelOf('tdx');

const vcekOf = ({ product, hardwareId, tcb }: AmdHierarchy): VendorObject => ({
  kind: 'vcek',
  product,
  hardwareId,
  tcb: encodeTcb(product, tcb),
});
const vcek = vcekOf(milan);
const chain: VendorObject = { kind: 'amd-chain', product: 'Milan', key: 'vcek' };
const crl: VendorObject = { kind: 'amd-crl', product: 'Milan', key: 'vcek' };
const forReport = [vcek, chain, crl];
const forQuote: readonly VendorObject[] = [
  { kind: 'tcb-info', tee: 'tdx', fmspc: intel.machine.fmspc, update: 'standard' },
  { kind: 'qe-identity', tee: 'tdx', update: 'standard' },
  { kind: 'pck-crl', ca: 'platform' },
  { kind: 'intel-root-crl' },
];
const both: Replies = (path) => amdReplies(milan)(path) ?? intelReplies(intel)(path);
const otherChip = await testHierarchy({ product: 'Milan', hardwareId: new Uint8Array(64).fill(7) });
const otherRoot = await testHierarchy({
  product: 'Milan',
  keys: exchangeKeys(await testKeys()),
});
const ahead = await testHierarchy({ product: 'Milan', now: fakeNow + 3 * day });
const expired = await testHierarchy({ product: 'Milan', now: fakeNow - 500 * day });
const onlyCrl =
  (other: AmdHierarchy): Replies =>
  (path) =>
    path.endsWith('/crl') ? amdReplies(other)(path) : both(path);
const start = (replies: Replies = both) => scene(replies, [milan.ark.der, intel.root.der], fakeNow);
const all = (state: string, objects: readonly VendorObject[] = forReport) =>
  Object.fromEntries(objects.map((object) => [objectName(object), state]));

describe('what is not in the cache', () => {
  test('is asked for once, each after what it is verified by, and kept', async () => {
    const { tools, requests, revalidated } = start();
    const { items, found } = await collect(forReport, tools);
    expect(states(found)).toEqual(all('fetched'));
    expect(requests.map((path) => path.split('?')[0])).toEqual([
      '/vcek/v1/Milan/cert_chain',
      expect.stringMatching('/vcek/v1/Milan/'),
      expect.stringMatching('/vcek/v1/Milan/'),
    ]);
    expect(items.map(({ kind }) => kind).toSorted()).toEqual(['ark', 'ark-crl', 'ask', 'vek']);
    expect(await tools.store.names()).toEqual(Object.keys(all('')).toSorted());
    expect(found.at(-1)).toMatchObject({ fetched: fakeNow, problem: null });
    expect(revalidated).toEqual([]);
  });

  test('comes with what it depends on, named or not', async () => {
    const { tools } = start();
    const { found } = await collect([vcek], tools);
    expect(found.map(({ name }) => name)).toEqual([objectName(chain), objectName(vcek)]);
  });

  test('of Intel: documents with their signers, lists, and the root once', async () => {
    const { tools, requests } = start();
    const { items, found } = await collect(forQuote, tools);
    expect(states(found)).toEqual(all('fetched', forQuote));
    expect(items.map(({ kind }) => kind).toSorted()).toEqual([
      'intel-root',
      'intel-root-crl',
      'pck-crl',
      'qe-identity',
      'qe-identity-signing',
      'tcb-info',
      'tcb-signing',
    ]);
    expect(requests).toHaveLength(4);
  });

  test('offline is absent, and nobody is asked', async () => {
    const { tools, requests } = start();
    const { items, found } = await collect(forReport, { ...tools, source: null });
    expect([items, states(found), problems(found)]).toEqual([
      [],
      all('absent'),
      ['not-cached', 'not-cached', 'not-cached'],
    ]);
    expect(requests).toEqual([]);
  });

  test('and is being asked for: everybody waits for the one', async () => {
    const { tools, requests } = start();
    const many = await Promise.all(Array.from({ length: 20 }, () => collect(forReport, tools)));
    expect(requests).toHaveLength(3);
    expect(new Set(many.map(({ items }) => items.length))).toEqual(new Set([4]));
  });
});

test('what its vendor dates when it is asked for is not from the future, once that time has come', async () => {
  const { tools, reply, at } = start();
  let clock = fakeNow;
  reply((path) => {
    clock += 5;
    // Issued the day before.
    return intelReplies(intelOf('tdx', { now: clock + day }))(path);
  });
  const documents = forQuote.slice(0, 1);
  const stopped = await collect(documents, tools);
  expect(problems(stopped.found)).toEqual(['answer-future']);
  const { found } = await collect(documents, { ...tools, clock: () => clock });
  expect(found.map(({ state, fetched }) => [state, fetched])).toEqual([['fetched', fakeNow + 10]]);
  // And for whoever began before it was fetched by another.
  const waited = await collect(documents, { ...at(fakeNow), clock: () => clock, source: null });
  expect(waited.found.map(({ state }) => state)).toEqual(['cached']);
});

describe('what is in the cache', () => {
  test('is used without asking anybody, with the vendor dead or not', async () => {
    const { tools, requests, reply, revalidated } = start();
    const fetched = await collect(forReport, tools);
    requests.length = 0;
    reply(deadReplies);
    const again = await collect(forReport, tools);
    expect(states(again.found)).toEqual(all('cached'));
    expect(again.items).toEqual(fetched.items);
    expect([requests, revalidated]).toEqual([[], []]);
  });

  test('is handed to be asked for anew after a day, but a chip’s certificate', async () => {
    const { tools, requests, revalidated, at } = start();
    await collect(forReport, tools);
    requests.length = 0;
    await collect(forReport, at(fakeNow + day));
    expect(revalidated).toEqual([]);
    const { found } = await collect(forReport, at(fakeNow + day + 1));
    expect(states(found)).toEqual(all('cached'));
    expect(revalidated).toEqual([[objectName(chain), objectName(crl)]]);
    // Offline nobody would do it.
    await collect(forReport, { ...at(fakeNow + day + 1), source: null });
    expect(revalidated).toHaveLength(1);
    expect(requests).toEqual([]);
  });

  test('past its end is asked for, and replaced', async () => {
    const { tools, requests, at, reply } = start();
    await collect(forQuote, tools);
    requests.length = 0;
    const later = fakeNow + 40 * day;
    reply(intelReplies(intelOf('tdx', { now: later })));
    const { found } = await collect(forQuote, at(later));
    expect(states(found)).toEqual({
      ...all('fetched', forQuote),
      'intel/root-crl': 'cached',
    });
    expect(requests).toHaveLength(3);
    expect(
      (await collect(forQuote, { ...at(later), source: null })).found.map((one) => one.state),
    ).toEqual(['cached', 'cached', 'cached', 'cached']);
  });

  test('past its end, with nothing newer to be had, is handed out and says so', async () => {
    const { tools, at, reply } = start();
    await collect(forReport, tools);
    reply(deadReplies);
    const { items, found } = await collect(forReport, at(fakeNow + 400 * day));
    expect(states(found)).toEqual({ ...all('cached'), [objectName(crl)]: 'stale' });
    expect(items).toHaveLength(4);
    expect(found.find(({ state }) => state === 'stale')?.problem?.code).toBe('vendor-unreachable');
    const offline = await collect([crl], { ...at(fakeNow + 400 * day), source: null });
    expect(problems(offline.found)).toEqual([null, 'not-cached']);
  });

  test.each([
    ['another root', otherRoot],
    ['another chip', otherChip],
  ])('but is of %s costs a request, and is never used', async (_, other) => {
    const { tools, requests, reply } = start(amdReplies(other));
    const { roots } = scene(both, [other.ark.der], fakeNow).tools;
    const { found } = await collect([vcekOf(other), crl], { ...tools, roots });
    expect(states(found)).toMatchObject({ [objectName(chain)]: 'fetched' });
    const stored = found.find(({ object }) => object.kind === 'vcek')?.stored;
    if (!stored) throw new Error('not fetched');
    await tools.store.write(objectName(vcek), stored);
    reply(both);
    requests.length = 0;
    const { items } = await collect(forReport, tools);
    const certificate = items.find(({ kind }) => kind === 'vek');
    expect(toHex(certificate?.data ?? new Uint8Array())).toBe(toHex(milan.vcek.der));
    expect([items.length, requests.length]).toEqual([4, other === otherRoot ? 3 : 1]);
  });
});

describe('what a vendor’s server should not answer is not kept and not used', () => {
  const swapped: Replies = (path) =>
    path.includes('?') ? { body: otherChip.vcek.der } : both(path);

  test.each([
    ['a portal', portalReplies, vcek, 'answer-wrong'],
    ['another chip’s certificate', swapped, vcek, 'answer-other'],
    ['a list from the future', onlyCrl(ahead), crl, 'answer-future'],
    ['a list that ended', onlyCrl(expired), crl, 'answer-expired'],
    ['nothing', () => null, vcek, 'vendor-unknown'],
  ] satisfies [string, Replies, VendorObject, string][])('%s', async (_, replies, object, code) => {
    const { tools, reply } = start(replies);
    const { found, items } = await collect([object], tools);
    expect(found.at(-1)).toMatchObject({ state: 'absent', problem: { code } });
    expect(items.some(({ kind }) => kind === 'vek' || kind === 'ark-crl')).toBe(false);
    expect(await tools.store.names()).not.toContain(objectName(object));
    reply(both);
    expect((await collect([object], tools)).found.at(-1)?.state).toBe('fetched');
  });

  test('an older list than the one before: the newer stays', async () => {
    const numbered = (number: number, now: number) =>
      testHierarchy({
        product: 'Milan',
        now,
        overrides: {
          crl: {
            extensions: [authorityKeyIdentifier(milan.keys.ark.publicKey), crlNumber(number)],
          },
        },
      });
    const [older, newer] = [await numbered(6, fakeNow - 9 * day), await numbered(7, fakeNow)];
    const { tools, reply, at } = start(onlyCrl(newer));
    await collect(forReport, tools);
    reply(onlyCrl(older));
    const later = at(fakeNow + 2 * day);
    const { found } = await refresh([crl], later);
    const list = found.at(-1);
    expect([list?.state, list?.problem?.code, list?.facts?.number]).toEqual([
      'cached',
      'answer-older',
      7n,
    ]);
    expect((await tools.store.read(objectName(crl)))?.items[0]?.data).toEqual(newer.crl.der);
    reply(onlyCrl(newer));
    expect((await refresh([crl], later)).found.at(-1)?.state).toBe('fetched');
  });

  test('what depends on it shares its problem', async () => {
    const { tools, requests } = start(deadReplies);
    const { found } = await collect(forReport, tools);
    expect(problems(found)).toEqual(Array.from({ length: 3 }, () => 'vendor-unreachable'));
    expect(requests).toHaveLength(1);
  });
});

describe('a refresh', () => {
  test('asks for what is due and nothing else', async () => {
    const { tools, requests, at, revalidated } = start();
    await collect(forReport, tools);
    requests.length = 0;
    await refresh(forReport, at(fakeNow + day));
    expect(requests).toEqual([]);
    const later = at(fakeNow + day + 1);
    const { found } = await refresh(forReport, later);
    expect(states(found)).toEqual({ ...all('fetched'), [objectName(vcek)]: 'cached' });
    expect(requests).toHaveLength(2);
    // Whoever was started at the same time finds it done.
    await refresh(forReport, later);
    expect([requests.length, revalidated]).toEqual([2, []]);
  });

  test('that fails leaves what is current in use', async () => {
    const { tools, at, reply } = start();
    await collect(forReport, tools);
    reply(deadReplies);
    const { found } = await refresh([crl], at(fakeNow + 2 * day));
    expect(states(found)).toEqual({ [objectName(chain)]: 'cached', [objectName(crl)]: 'cached' });
    expect(problems(found)).toEqual(['vendor-unreachable', 'vendor-unreachable']);
  });
});

describe('when an object is due', () => {
  const held = (object: VendorObject, age: number, left: number) => ({
    object,
    facts: { issued: 0, expires: 300 * day, number: null },
    stored: { items: [], signers: [], fetched: 300 * day - left - age, source: '' },
  });
  test.each([
    [crl, day, 250 * day, false],
    [crl, day + 1, 250 * day, true],
    [vcek, 50 * day, 150 * day, false],
    [vcek, 50 * day, 99 * day, true],
    // In the last third, but asked for within the hour.
    [vcek, 3600, 99 * day, false],
    [crl, 3601, 99 * day, true],
  ] as const)('%#', (object, age, left, due) => {
    expect(isDue(held(object, age, left), 300 * day - left)).toBe(due);
  });
});

describe('a cache that cannot be used', () => {
  const unusable = new CollateralError('cache-unusable', 'the cache /x cannot be used');
  const broken: Store = {
    read: () => Promise.reject(unusable),
    write: () => Promise.reject(unusable),
    names: () => Promise.reject(unusable),
    remove: () => Promise.reject(unusable),
    alone: () => Promise.reject(unusable),
  };

  test('costs the cache and nothing else', async () => {
    const { tools } = start();
    const { items, found } = await collect(forReport, { ...tools, store: broken });
    expect(states(found)).toEqual(all('fetched'));
    expect(problems(found)).toEqual(Array.from({ length: 3 }, () => 'cache-unusable'));
    expect(items).toHaveLength(4);
  });

  test('offline is the reason', async () => {
    const { tools } = start();
    const { found } = await collect([chain], { ...tools, store: broken, source: null });
    expect(problems(found)).toEqual(['cache-unusable']);
  });
});
