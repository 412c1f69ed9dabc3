import { expect, test } from 'vitest';
import { killKeygen } from './keygen-kill.ts';

test('200 kills: no key is ever half written', async () => {
  const { broken, left, remain, changed } = await killKeygen(200);
  expect({ broken, remain }).toEqual({ broken: [], remain: [] });
  expect(left).toBeGreaterThan(20);
  expect(changed).toBe(200);
});
