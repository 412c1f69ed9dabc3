/** One verdict over a CPU and the devices beside it. What breaks each check: device-rows.ts. */
import { expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { deviceScene, strictDevicePolicy } from './device-scene.ts';
import { verifyScene } from './scene.ts';

test('a machine with GPUs, a switch, a TPM and a NitroTPM is accepted, each check made', async () => {
  const verified = await verifyScene(await deviceScene());
  const verdict = appraise(verified, await strictDevicePolicy());
  expect(verdict.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(verdict.decision).toBe('accepted');
  expect(verified.devices.map(({ kind }) => kind)).toEqual(['gpu', 'gpu', 'switch']);
});
