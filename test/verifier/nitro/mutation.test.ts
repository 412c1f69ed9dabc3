/** A bit changed in a document, in what is signed and in what signs: none is accepted. */
import { expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { toHex } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { type NitroScene, nitro, nitroCase, sceneOf, verifyScene } from './nitro-scene.ts';

/** A prime, so that no field of four or eight bytes is always hit at the same place. */
const step = 29;
/** The frame before the payload, and the signature with its head after it: every byte. */
const frame = { before: 10, after: 98 };

/** Most mutants leave most certificates as they are: each signature over the same bytes is looked at once. */
function sparing({ verifyP384Sha384, ...port }: CryptoPort): CryptoPort {
  const known = new Map<string, Promise<boolean>>();
  return {
    ...port,
    verifyP384Sha384: (...parts) => {
      const name = parts.map(toHex).join(' ');
      const found = known.get(name) ?? verifyP384Sha384(...parts);
      known.set(name, found);
      return found;
    },
  };
}

/** The offsets of changed bytes with which everything still passes. */
async function acceptedOf(scene: NitroScene): Promise<number[]> {
  const { bytes, crypto = sparing(nodeCrypto) } = scene;
  const accepted: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const inFrame = at < frame.before || at >= bytes.length - frame.after;
    if (!inFrame && at % step !== 0) continue;
    const mutant = bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)));
    const { failed, skipped } = await verifyScene({ ...scene, crypto, bytes: mutant });
    if (failed.length + skipped.length === 0) accepted.push(at);
  }
  return accepted;
}

const scenes: [string, () => NitroScene][] = [
  ['a simulated enclave', () => sceneOf(nitro())],
  ['a simulated NitroTPM', () => sceneOf(nitro({ kind: 'tpm' }))],
  ...(hasShared
    ? [['a real enclave', () => nitroCase('dstack-attest').scene] as [string, () => NitroScene]]
    : []),
];

test.each(scenes)('%s', async (_, scene) => {
  const genuine = scene();
  expect((await verifyScene(genuine)).failed).toEqual([]);
  expect(await acceptedOf(genuine)).toEqual([]);
});

test('the look finds what no signature covers: here none is checked', async () => {
  const crypto: CryptoPort = { ...nodeCrypto, verifyP384Sha384: async () => true };
  const accepted = await acceptedOf({ ...sceneOf(nitro()), crypto });
  expect(accepted.length).toBeGreaterThan(60);
});
