import { beforeAll, expect, test } from 'vitest';
import { bundleScene, idsWith, reportScene, strictPolicy, verdictOf } from './scene.ts';

beforeAll(async () => {
  await reportScene();
});
test('x', async () => {
  const v = await verdictOf(await bundleScene(), await strictPolicy());
  expect(v.decision).toBe('accepted');
  console.log(JSON.stringify(v, null, 1));
  let t = performance.now();
  for (let i = 0; i < 50; i++) await verdictOf(await reportScene());
  console.log('report+verify', (performance.now() - t) / 50);
  t = performance.now();
  const s = await reportScene();
  for (let i = 0; i < 50; i++) await verdictOf(s);
  console.log('verify', (performance.now() - t) / 50);
  t = performance.now();
  for (let i = 0; i < 10; i++) await reportScene({ overrides: {} });
  console.log('hierarchy', (performance.now() - t) / 10);
});
