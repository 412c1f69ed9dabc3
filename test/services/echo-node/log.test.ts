import { describe, expect, test } from 'vitest';
import { type LogEvent, logLine, oncePerSecond } from '#services/echo-node/log.ts';
import { parseLog } from '#test/services/process.ts';

test.each<[LogEvent, string]>([
  [
    { port: 7000, event: 'listening', address: '::1' },
    '"level":"info","service":"echo","event":"listening","port":7000,"address":"::1"}',
  ],
  [
    { event: 'busy', connections: 256 },
    '"level":"warn","service":"echo","event":"busy","connections":256}',
  ],
  [{ event: 'stopping' }, '"level":"info","service":"echo","event":"stopping"}'],
  [
    { event: 'stopped', answered: 3, connections: 2 },
    '"level":"info","service":"echo","event":"stopped","answered":3,"connections":2}',
  ],
  [
    { event: 'fault', reason: 'a "quoted"\nreason' },
    '"level":"error","service":"echo","event":"fault","reason":"a \\"quoted\\"\\nreason"}',
  ],
])('%j is a line', (entry, wanted) => {
  expect(logLine('echo', 1_700_000_002, entry)).toBe(`{"time":"2023-11-14T22:13:22Z",${wanted}\n`);
});

describe('the reader of the tests', () => {
  const line = logLine('echo', 0, { event: 'busy', connections: 1 });

  test('takes whole lines', () => {
    expect(parseLog('')).toEqual([]);
    expect(parseLog(line + line)).toHaveLength(2);
  });

  test.each([
    ['half a line', line.slice(0, -1)],
    ['no JSON', `${line}text\n`],
    ['another event', line.replace('"busy"', '"request"')],
    ['another level', line.replace('"warn"', '"info"')],
    ['another member', line.replace('"connections"', '"request"')],
    ['another order', line.replace('"level":"warn",', '').replace('}', ',"level":"warn"}')],
    ['another time', line.replace('00Z', '00.000Z')],
  ])('refuses %s', (_, text) => {
    expect(text).not.toBe(line);
    expect(() => parseLog(text)).toThrow();
  });
});

test('a flood is told once a second', () => {
  let clock = 5_000;
  const told: number[] = [];
  const tell = oncePerSecond<number>(
    () => clock,
    (value) => told.push(value),
  );
  for (const [at, value] of [
    [5_000, 1],
    [5_000, 2],
    [5_999, 3],
    [6_000, 4],
    [6_100, 5],
    [9_000, 6],
  ] as const) {
    clock = at;
    tell(value);
  }
  expect(told).toEqual([1, 4, 6]);
});
