import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killWriters } from './kill.ts';
import { scratch } from './log-samples.ts';

const folder = scratch();

test('20 writers killed: the log verifies, and no line that was on disk is lost', async () => {
  const { kills, acknowledged, decisions } = await killWriters(join(folder, 'a.log'), 20);
  expect(decisions).toBeGreaterThanOrEqual(acknowledged);
  // One line of each may be on disk without its writer having lived to say so.
  expect(decisions).toBeLessThanOrEqual(acknowledged + kills);
}, 120_000);
