/** A bit changed in sampled bytes of a device's evidence; verify-mutation.slow.test.ts changes every byte. */
import { expect, test } from 'vitest';
import { createNvidia } from '#test/fake/nvidia.ts';
import { hasShared } from '#test/shared.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { type DevicesScene, machineScene, nvidiaCases } from './devices-scene.ts';
import { expectNonePasses } from './verify-mutants.ts';

/** A prime, so that no field of four or eight bytes is always hit at the same place. */
const step = 37;

test.for(['HOPPER', 'BLACKWELL', 'LS10'] as const)('a simulated %s', async (architecture) => {
  const scene = await machineScene(
    architecture === 'LS10'
      ? createNvidia({ gpus: 0, switches: 1 })
      : createNvidia({ gpus: [{ architecture }] }),
  );
  expect(await expectNonePasses(scene, step)).toBeGreaterThan(150);
});

test('the look finds what no signature covers: here none is checked', async () => {
  const yes = async () => true;
  const crypto = { ...nodeCrypto, verifyP384Sha384: yes };
  const scene = { ...(await machineScene(createNvidia())), crypto };
  await expect(expectNonePasses(scene, step)).rejects.toThrow(/report, byte \d+/);
});

if (hasShared) {
  test.for(['nvidia-sdk-multi-gpu-1', 'nvtrust-ppcie-switch-0'])('the genuine %s', async (id) => {
    const found = nvidiaCases().find((one) => one.id === id);
    const { device, now } = found as NonNullable<typeof found>;
    const scene: DevicesScene = { devices: [device], roots: vendorRoots, now };
    expect(await expectNonePasses(scene, step)).toBeGreaterThan(150);
  });
}
