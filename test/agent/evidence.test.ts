import { expect, test } from 'vitest';
import type { AgentService } from '#agent/config.ts';
import { makeBundle } from '#agent/evidence.ts';
import { bootState } from '#agent/state.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { logDigest } from '#verifier/abi/log.ts';
import { toHex } from '#verifier/bytes.ts';
import { countingSource } from './helpers.ts';

/** The state of the protocol's test vectors. */
function vectorState() {
  const closure = [
    { path: `/nix/store/${'0'.repeat(32)}-a`, narHash: new Uint8Array(32).fill(0x11) },
    { path: `/nix/store/${'1'.repeat(32)}-b`, narHash: new Uint8Array(32).fill(0x22) },
  ] as const;
  const generator = new Uint8Array(
    Buffer.from(
      '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
        '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
      'hex',
    ),
  );
  const services = ['echo-node', 'echo-cpp', 'echo-rust'].map(
    (name): AgentService => ({
      name,
      storePath: closure[1].path,
      narHash: closure[1].narHash,
      publicKey: generator,
    }),
  );
  return bootState(closure, services, 1_700_000_000);
}

test("the device is asked for the REPORT_DATA of the protocol's test vectors", async () => {
  const state = vectorState();
  const source = countingSource(await testHierarchy({ product: 'Milan' }));
  const bundle = await makeBundle({
    state,
    source,
    nonce: Uint8Array.from({ length: 32 }, (_, i) => i),
    channel: null,
    now: () => 1_700_000_001,
    random: () => {
      throw new Error('nothing to draw');
    },
  });
  expect(toHex(logDigest(state.log))).toBe(
    '8616b1be0ee29192fac6edf26390288140dd241529b87405f850693e91545051',
  );
  expect(source.asked.map(toHex)).toEqual([
    'd1f0750a1357f14b7f03e4b85e25cd919bf6f8d943bba480aca79c0ba11dd947' +
      '23afba0f12cc2c335c067c60b6ba860c268ad48915a341728330aaa3b9a63e8c',
  ]);
  expect(bundle.freshness).toBe('verifier');
});

test('without a nonce the agent draws 32 bytes and labels them', async () => {
  const source = countingSource(await testHierarchy({ product: 'Milan' }));
  const bundle = await makeBundle({
    state: vectorState(),
    source,
    nonce: null,
    channel: null,
    now: () => fakeNow,
    random: (length) => new Uint8Array(length).fill(5),
  });
  expect(bundle.nonce).toEqual(new Uint8Array(32).fill(5));
  expect(bundle.freshness).toBe('agent');
});
