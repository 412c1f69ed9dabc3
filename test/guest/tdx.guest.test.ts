/** A guest with a simulated Intel processor: the kernel's other provider, whose quotes bring no certificate table. */
import { beforeAll, describe, expect, test } from 'vitest';
import { curlJson, firstAnswer } from './outside.ts';
import { simulatedIntel } from './processors.ts';
import { minutes, missing, useGuest } from './scene.ts';

const scene = useGuest('tdx_guest', simulatedIntel);

beforeAll(async () => {
  if (missing === null) await firstAnswer(scene.guest, '/attestation', 180);
}, 4 * minutes);

describe.skipIf(missing !== null)('a guest with a TDX provider', { timeout: 4 * minutes }, () => {
  test('is accepted under the simulator’s root with its collateral, and not without the root', async () => {
    const { guest, affidavit, url, path, processor } = scene;
    expect(await curlJson(guest, '/attestation')).toMatchObject({ platform: 'tdx' });
    const collateral = Object.entries(processor?.collateral ?? {}).flatMap(([option, content]) => [
      `--${option}`,
      scene.file(option, content),
    ]);
    const expected = [...collateral, '--measurement', processor?.measurement ?? ''];
    const roots = ['--insecure-root', path('roots.pem')];
    expect(await affidavit('verify', url(), ...expected, ...roots)).toMatchObject({ code: 0 });
    expect(await affidavit('verify', url(), ...expected)).toMatchObject({ code: 20 });
  });
});
