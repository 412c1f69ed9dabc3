import { expect, test } from 'vitest';
import { crash } from './crash.ts';

test('200 kills: no stale entry survives the next start', async () => {
  const { left, survived, foreign } = await crash(200);
  expect(survived).toEqual([]);
  expect(left).toBeGreaterThan(50);
  expect(foreign).toEqual(['trustee']);
});
