import { beforeAll, describe, expect, test } from 'vitest';
import {
  gone,
  joined,
  type Lists,
  offered,
  packageVersion,
  released,
} from '#test/tools/released.ts';

let today: Lists;
beforeAll(() => {
  today = offered();
});

test('nothing that was ever released is gone (docs/stability.md)', () => {
  const { lists } = released();
  expect(lists['checks']?.length).toBeGreaterThan(50);
  expect(lists['exit codes']).toContain('20 invalid');
  expect(gone(lists, today)).toEqual([]);
});

test('what this version offers was written down when its number was given (npm run released)', () => {
  expect(released().version).toBe(packageVersion());
});

describe('the comparison', () => {
  const before = { checks: ['a', 'b'], codes: ['x'] };

  test('finds what is gone, and what changed its place', () => {
    expect(gone(before, { checks: ['b', 'c'] })).toEqual(['checks: a', 'codes: x']);
    expect(gone(before, { checks: ['x', 'a', 'b'], codes: ['x', 'y'], more: ['z'] })).toEqual([]);
  });

  test('keeps what was released when more is written down', () => {
    expect(joined(before, { checks: ['b', 'c'], more: ['z'] })).toEqual({
      checks: ['a', 'b', 'c'],
      codes: ['x'],
      more: ['z'],
    });
  });
});
