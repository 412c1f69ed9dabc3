import { secp256k1 } from '@noble/curves/secp256k1.js';
import { permute } from '@zkpassport/poseidon2';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { serviceId, serviceKey, serviceTree, serviceValue } from '#verifier/abi/service.ts';
import { type Field, p2 } from '#verifier/field.ts';
import { buildTree } from '#verifier/smt/tree.ts';

vi.mock('@zkpassport/poseidon2', async (original) => {
  const real = await original<typeof import('@zkpassport/poseidon2')>();
  return { ...real, permute: vi.fn(real.permute) };
});
const permutations = () => vi.mocked(permute).mock.calls.length;

/** Time is permutations: about half a millisecond each, and nothing else counts. */
describe('permutations', () => {
  const keys = Array.from({ length: 100 }, (_, i) => p2('key', BigInt(i), 0n));
  const entries = keys.map((key) => ({ key, value: 1n }));
  const [key] = keys as [Field];
  beforeEach(() => {
    vi.mocked(permute).mockClear();
  });

  test('building, setting and removing make none', () => {
    expect(buildTree(entries).set(key, 2n).remove(key).set(key, 3n).size).toBe(100);
    expect(permutations()).toBe(0);
  });

  test('the first root makes one for each leaf and each node, the next none', () => {
    const tree = buildTree(entries);
    const root = tree.root;
    const nodes = new Set(
      keys.flatMap((key) =>
        tree.prove(key).proof.siblings.map((_, depth) => `${depth} ${BigInt.asUintN(depth, key)}`),
      ),
    ).size;
    vi.mocked(permute).mockClear();
    const fresh = buildTree(entries);
    expect(fresh.root).toBe(root);
    expect(permutations()).toBe(keys.length + nodes);
    fresh.root;
    for (const key of keys) fresh.prove(key);
    expect(permutations()).toBe(keys.length + nodes);
  });

  test('one changed value makes its leaf and its path anew', () => {
    const tree = buildTree(entries);
    const root = tree.root;
    const depth = tree.prove(key).proof.siblings.length;
    vi.mocked(permute).mockClear();
    expect(tree.set(key, 2n).root).not.toBe(root);
    expect(permutations()).toBe(1 + depth);
  });

  test('a service costs 7 at most, so a thousand stay below 4 s; a changed one 40 at most', () => {
    const publicKey = secp256k1.Point.BASE.toBytes(false).slice(1);
    const services = Array.from({ length: 100 }, (_, i) => ({
      name: `service-${i}`,
      narHash: new Uint8Array(32).fill(i),
      publicKey,
    }));
    const tree = serviceTree(services);
    expect(tree.root).toBeGreaterThan(0n);
    expect(permutations()).toBeLessThanOrEqual(7 * services.length);

    vi.mocked(permute).mockClear();
    const key = serviceKey(serviceId('service-50'));
    const value = serviceValue({ narHash: new Uint8Array(32), publicKey });
    expect(tree.set(key, value).root).not.toBe(tree.root);
    expect(permutations()).toBeLessThanOrEqual(40);
  });
});
