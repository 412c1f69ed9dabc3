import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openStore } from '#verifier/collateral/host/store.ts';
import { scratch } from './folders.ts';
import { killWriters } from './kill.ts';
import { bundleChild } from './run-child.ts';

const fresh = scratch();

test('500 writers killed: every entry is the old one or the new one, whole', async () => {
  const programs = fresh();
  mkdirSync(programs);
  const folder = fresh();
  const done = await killWriters(folder, bundleChild(programs), { kills: 500, lanes: 4 });
  expect(done.kills).toBe(500);
  expect(await (await openStore(folder)).names()).toHaveLength(4);
});
