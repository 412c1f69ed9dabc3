/** Collateral on its way to another machine: files and bundles, and the import of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import { amdReplies } from '#test/fake/vendor-server.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { bundleScene, hierarchyOf } from '#test/verifier/scene.ts';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { encodeTcb } from '#verifier/abi/snp-tcb.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { collect } from '#verifier/collateral/collect.ts';
import {
  completeBundle,
  encodeCollateralFile,
  maxCollateralFileLength,
  type NamedObject,
  parseCollateralFile,
} from '#verifier/collateral/export.ts';
import { importObjects } from '#verifier/collateral/import.ts';
import { needsOf } from '#verifier/collateral/needs.ts';
import { objectOfName } from '#verifier/collateral/object-name.ts';
import { objectName, type VendorObject } from '#verifier/collateral/vendor-object.ts';
import { deadReplies, scene } from './collecting.ts';
import { anyObject } from './samples.ts';

const day = 86_400;
const milan = await hierarchyOf('Milan');
const { hardwareId, tcb } = milan;
const vcek: VendorObject = {
  kind: 'vcek',
  product: 'Milan',
  hardwareId,
  tcb: encodeTcb('Milan', tcb),
};
const crl: VendorObject = { kind: 'amd-crl', product: 'Milan', key: 'vcek' };
const chain: VendorObject = { kind: 'amd-chain', product: 'Milan', key: 'vcek' };

async function gathered(hierarchy = milan, objects = [vcek, crl]): Promise<NamedObject[]> {
  const { tools } = scene(
    amdReplies(hierarchy),
    [hierarchy.ark.der],
    hierarchy.crl.plan.thisUpdate + day,
  );
  const { found } = await collect(objects, tools);
  return found.flatMap(({ object, stored }) => (stored === null ? [] : [{ object, stored }]));
}
const empty = () => scene(deadReplies, [milan.ark.der], fakeNow);

test('a name says which object it is of, and nothing else does', () => {
  fc.assert(
    fc.property(anyObject, (object) => {
      const name = objectName(object);
      expect(objectName(objectOfName(name) as VendorObject)).toBe(name);
      expect(objectOfName(name.toUpperCase())).toBe(null);
      expect(objectOfName(`${name}/`)).toBe(null);
      expect(objectOfName(name.slice(0, -1))).toBe(null);
    }),
  );
  expect([objectOfName(''), objectOfName('amd/vcek/milan'), objectOfName('arm/x')]).toEqual([
    null,
    null,
    null,
  ]);
});

describe('a collateral file', async () => {
  const objects = await gathered();
  const text = encodeCollateralFile(objects);

  test('comes back as it was written', () => {
    expect(parseCollateralFile(utf8(text))).toEqual(objects);
    expect(parseCollateralFile(utf8('{"version":1,"objects":[]}'))).toEqual([]);
  });

  test.each([
    ['of another version', text.replace('"version":1', '"version":2'), 'version-unknown'],
    ['with a member more', text.replace('{', '{"more":1,'), 'json-shape'],
    ['with an unknown name', text.replace('amd/crl/milan', 'amd/crl/rome'), 'json-shape'],
    ['with an object twice', encodeCollateralFile([...objects, ...objects]), 'json-shape'],
    ['with an object of nothing', text.replace(/"items":\[.*?\]/, '"items":[]'), 'json-shape'],
    ['that is cut short', text.slice(0, -1), 'json-malformed'],
  ])('%s is refused', (_, changed, code) => {
    expect(changed).not.toBe(text);
    expect(codeOf(() => parseCollateralFile(utf8(changed)))).toBe(code);
  });

  test('that is too long is refused unread', () => {
    const long = new Uint8Array(maxCollateralFileLength + 1);
    expect(codeOf(() => parseCollateralFile(long))).toBe('too-large');
  });

  test('is refused in words, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 4 }), (at, put) => {
        codeOf(() => parseCollateralFile(utf8(text.slice(0, at) + put + text.slice(at + 1))));
      }),
    );
  });
});

describe('an import', () => {
  test('takes what is signed, and works from there without network', async () => {
    const { tools, requests } = empty();
    const taken = await importObjects(await gathered(), tools);
    expect(taken.map(({ name, state }) => [name, state])).toEqual([
      [objectName(chain), 'imported'],
      [objectName(vcek), 'imported'],
      [objectName(crl), 'imported'],
    ]);
    const { items } = await collect([vcek, crl], { ...tools, source: null });
    expect([items.length, requests]).toEqual([4, []]);
    // Again changes nothing.
    const again = await importObjects(await gathered(), tools);
    expect(again.map(({ problem }) => problem)).toEqual([null, null, null]);
  });

  test('does not need an order, nor what the cache has', async () => {
    const { tools } = empty();
    const objects = await gathered();
    await importObjects(objects.slice(0, 1), tools);
    const rest = await importObjects(objects.slice(1).toReversed(), tools);
    expect(rest.map(({ state }) => state)).toEqual(['imported', 'imported']);
  });

  test('refuses what it cannot verify', async () => {
    const { tools } = empty();
    const objects = await gathered();
    const foreign = await gathered(
      await testHierarchy({ product: 'Milan', keys: exchangeKeys(await testKeys()) }),
    );
    const codes = async (some: readonly NamedObject[]) =>
      (await importObjects(some, tools)).map(({ problem }) => problem?.code ?? null);
    expect(await codes(foreign)).toEqual(['answer-unsigned', 'answer-unsigned', 'answer-unsigned']);
    // Alone, without what it is verified by.
    expect(await codes(objects.slice(1, 2))).toEqual(['answer-unsigned']);
    const [held] = objects as [NamedObject];
    expect(await codes([{ ...held, object: { ...chain, key: 'vlek' } }])).toEqual(['answer-other']);
    expect(await tools.store.names()).toEqual([]);
    expect(await codes(objects)).toEqual([null, null, null]);
  });

  test('leaves the newer one that the cache has, and takes the newer one of the file', async () => {
    const { tools } = empty();
    const at = (now: number) => testHierarchy({ product: 'Milan', now });
    const [older, newer] = [await gathered(await at(fakeNow - 5 * day)), await gathered()];
    const list = async () =>
      toHex((await tools.store.read(objectName(crl)))?.items[0]?.data ?? utf8(''));
    await importObjects(older, tools);
    const before = await list();
    expect((await importObjects(newer, tools)).map(({ state }) => state)).not.toContain(null);
    const after = await list();
    expect(after).not.toBe(before);
    expect((await importObjects(older, tools)).map(({ state }) => state)).toEqual([
      'imported',
      'imported',
      'newer-cached',
    ]);
    expect(await list()).toBe(after);
  });
});

describe('a bundle', () => {
  const bare = () => bundleScene({ edit: () => ({ collateral: [] }) });
  const options = { update: 'standard' } as const;

  test('is completed, and lacks nothing then', async () => {
    const { evidence } = await bare();
    expect(needsOf(evidence, [], fakeNow, options).needs).toHaveLength(3);
    const stored = (await gathered()).map((one) => one.stored);
    const bytes = completeBundle(evidence.bytes, stored);
    expect(needsOf({ ...evidence, bytes }, [], fakeNow, options).needs).toEqual([]);
    const kinds = parseBundle(bytes).collateral.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(['ark', 'ark-crl', 'ask', 'vek']);
    // Again the same: what is replaced goes.
    expect(parseBundle(completeBundle(bytes, stored)).collateral).toHaveLength(4);
  });

  test('that is none is refused', () => {
    expect(codeOf(() => completeBundle(utf8('{}'), []))).toBe('json-shape');
  });
});
