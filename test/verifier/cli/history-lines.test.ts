import { expect, test } from 'vitest';
import { treeLines } from '#verifier/words/history-lines.ts';

const time = 1_800_000_000;
const tree = (i: number, reason = 'boot') => ({
  time: time + i,
  treeRoot: `${i}`.repeat(64).slice(0, 64),
  reason,
});
const event = { time, name: 'disk \u202e\u0007', digest: 'e'.repeat(64) };

test('one line a tree and an event, in the log’s order', () => {
  const lines = treeLines({ trees: [tree(0), tree(1, 'service a restarted')], events: [event] });
  expect(lines).toEqual([
    'trees     2027-01-15T08:00:00Z  0000000000000000…  boot',
    '          2027-01-15T08:00:01Z  1111111111111111…  service a restarted',
    'events    2027-01-15T08:00:00Z  eeeeeeeeeeeeeeee…  disk \\u{202e}\\u{7}',
  ]);
});

test('no line without a bundle or a log that is bound', () => {
  expect(treeLines(null)).toEqual([]);
  expect(treeLines({ trees: [], events: [] })).toEqual([]);
});

test('of a long log the newest, and how many there are before them; none too wide', () => {
  const trees = Array.from({ length: 20 }, (_, i) => tree(i % 10, 'x'.repeat(200)));
  const lines = treeLines({ trees, events: [] }, 80);
  expect(lines).toHaveLength(9);
  expect(lines[0]).toBe('trees     12 older (affidavit show prints all)');
  expect(lines[8]).toContain('9999999999999999…');
  expect(Math.max(...lines.map((line) => [...line].length))).toBe(80);
});
