/** A bit changed in every byte of a device's evidence. */
import { expect, test } from 'vitest';
import { createNvidia } from '#test/fake/nvidia.ts';
import { machineScene } from './devices-scene.ts';
import { expectNonePasses } from './verify-mutants.ts';

test('every byte of a simulated GPU’s evidence', async () => {
  expect(await expectNonePasses(await machineScene(createNvidia()), 1)).toBeGreaterThan(8000);
}, 600_000);
