import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killWriters } from './kill.ts';
import { scratch } from './log-samples.ts';

const folder = scratch();

test('200 writers killed: the log verifies, and no line that was on disk is lost', async () => {
  const { kills, acknowledged, decisions } = await killWriters(join(folder, 'a.log'), 200);
  expect(decisions).toBeGreaterThanOrEqual(acknowledged);
  expect(decisions).toBeLessThanOrEqual(acknowledged + kills);
});
