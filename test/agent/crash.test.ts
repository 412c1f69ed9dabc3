import { expect, test } from 'vitest';
import { processOwners } from '#agent/files.ts';
import { crash } from './crash.ts';

test('ten kills: no stale entry survives the next start', { timeout: 120_000 }, async () => {
  const { left, survived, foreign } = await crash(10);
  expect(survived).toEqual([]);
  expect(left).toBeGreaterThan(0);
  expect(foreign).toEqual(['trustee']);
});

test('a process is known by its boot and start, not by its number alone', async () => {
  const { own, isRunning } = await processOwners();
  expect(own).toMatch(/^[0-9a-f]{8}-[0-9]+-[0-9]+$/);
  const [boot, pid, start] = own.split('-') as [string, string, string];
  expect(pid).toBe(String(process.pid));
  expect(await isRunning(own)).toBe(true);
  expect(await isRunning(`${boot}-${process.ppid}-${start}`)).toBe(false);
  expect(await isRunning(`${boot}-${pid}-${Number(start) + 1}`)).toBe(false);
  expect(await isRunning(`${boot === '00000000' ? '11111111' : '00000000'}-${pid}-${start}`)).toBe(
    false,
  );
  expect(await isRunning(`${boot}-4194305-1`)).toBe(false);
});
