/** Every way to tamper with a log, beside the log that nobody touched. */
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startDecisionLog } from '#verifier/decision-log/file.ts';
import { noDigest, parseLine, sealLine, type Tail } from '#verifier/decision-log/line.ts';
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { brokenLine, entry, linesIn, putLines, scratch, writeLog } from './log-samples.ts';

const folder = scratch();
const good = join(folder, 'good.log');
const other = join(folder, 'other.log');
const changed = join(folder, 'changed.log');
let lines: string[];
let last: string;

beforeAll(async () => {
  await writeLog(good, 8);
  await writeLog(other, 8, 100);
  lines = linesIn(good);
  last = parseLine(lines[7] as string).digest;
});

const at = (list: readonly string[], index: number) => list[index] as string;
/** Of what /t":"(.)/ finds: the same with another digit. */
const otherDigit = (_: string, digit: string) => `t":"${digit === 'f' ? '0' : 'f'}`;

/** The line with one member changed and a digest that fits, as somebody who knows the format would write it. */
function forged(line: string, more: object): string {
  const { version: _, seq, previous, time, digest: __, ...content } = parseLine(line);
  const tail: Tail = { seq, digest: previous };
  return sealLine({ ...content, ...more } as typeof content, tail, time).line;
}

/** All lines from `from` on written anew, the way that leaves no seam inside. */
function rewritten(list: readonly string[], from: number): string[] {
  const out = list.slice(0, from);
  for (const line of list.slice(from)) {
    const { version: _, seq, previous: __, time, digest: ___, ...content } = parseLine(line);
    const before = out.at(-1);
    const digest = before === undefined ? noDigest : parseLine(before).digest;
    const more = seq === from ? { policyName: 'forged' } : {};
    out.push(sealLine({ ...content, ...more } as typeof content, { seq, digest }, time).line);
  }
  return out;
}

describe('is found, and the first line named', () => {
  test.each<[string, number, () => string[]]>([
    ['an edited line', 4, () => lines.with(3, at(lines, 3).replace('accepted', 'rejected'))],
    ['an edited digit', 4, () => lines.with(3, at(lines, 3).replace('"at":1', '"at":2'))],
    ['an edited digest', 4, () => lines.with(3, at(lines, 3).replace(/t":"(.)/, otherDigit))],
    ['a space', 4, () => lines.with(3, at(lines, 3).replace(',', ', '))],
    ['a carriage return', 4, () => lines.with(3, `${at(lines, 3)}\r`)],
    [
      'a forged line with a digest of its own',
      5,
      () => lines.with(3, forged(at(lines, 3), { decision: 'rejected' })),
    ],
    ['a removed first line', 1, () => lines.slice(1)],
    ['a removed line', 4, () => lines.toSpliced(3, 1)],
    ['removed lines', 4, () => lines.toSpliced(3, 3)],
    ['an emptied line', 4, () => lines.with(3, '')],
    ['two lines exchanged', 4, () => lines.with(3, at(lines, 4)).with(4, at(lines, 3))],
    ['a line moved to the end', 3, () => [...lines.toSpliced(2, 1), at(lines, 2)]],
    ['a line repeated', 5, () => lines.toSpliced(4, 0, at(lines, 3))],
    ['a line of another log inserted', 4, () => lines.toSpliced(3, 0, at(linesIn(other), 3))],
    ['a line of another log in place of one', 4, () => lines.with(3, at(linesIn(other), 3))],
    [
      'a forged line inserted',
      5,
      () => lines.toSpliced(3, 0, forged(at(lines, 3), { policyName: 'forged' })),
    ],
    ['two lines joined', 4, () => lines.toSpliced(3, 2, at(lines, 3) + at(lines, 4))],
    ['another log', 1, () => rewritten(linesIn(other), 0).map((line) => line.replace('0', '1'))],
  ])('%s', async (_, line, change) => {
    putLines(changed, lines);
    expect(await brokenLine(changed)).toBeNull();
    putLines(changed, change());
    expect(await brokenLine(changed)).toBe(line);
  });

  test('any byte changed, in any line', async () => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    for (let at = 0; at < bytes.length; at += 23) {
      writeFileSync(changed, bytes.with(at, (bytes[at] as number) ^ 1));
      const line = bytes.subarray(0, at).filter((byte) => byte === 10).length + 1;
      expect(await brokenLine(changed)).toBe(line);
    }
  });

  test('a last line without its end', async () => {
    copyFileSync(good, changed);
    appendFileSync(changed, at(lines, 7).slice(0, 100));
    const { broken, tail } = await readDecisionLog(changed);
    expect(broken).toMatchObject({ line: 9, problem: expect.stringContaining('has no end') });
    expect(tail.digest).toBe(last);
  });
});

describe('only a digest kept elsewhere shows', () => {
  test('lines cut off the end', async () => {
    putLines(changed, lines.slice(0, 5));
    expect(await brokenLine(changed)).toBeNull();
    expect(await brokenLine(changed, last)).toBe(6);
    expect(await brokenLine(good, last)).toBeNull();
  });

  test('a log that was emptied', async () => {
    putLines(changed, []);
    expect(await brokenLine(changed)).toBeNull();
    expect(await brokenLine(changed, last)).toBe(1);
  });

  test('a chain written anew from some line on', async () => {
    putLines(changed, rewritten(lines, 3));
    expect(await brokenLine(changed)).toBeNull();
    expect(await brokenLine(changed, last)).toBe(9);
  });

  test('lines added since', async () => {
    const fifth = parseLine(at(lines, 4)).digest;
    const { broken } = await readDecisionLog(good, { expectLast: fifth });
    expect(broken).toEqual({ line: 5, problem: 'should be the last, and is followed by 3 more' });
    putLines(changed, lines.slice(0, 5));
    expect(await brokenLine(changed, fifth)).toBeNull();
  });
});

describe('a log that goes on from another', () => {
  test('is good after that one alone', async () => {
    const next = join(folder, 'next.log');
    await startDecisionLog(next, last);
    await writeLog(next, 2, 50);
    expect(await brokenLine(next)).toBe(1);
    const read = (after: string) => readDecisionLog(next, { after });
    expect(await read(last)).toMatchObject({ broken: null, decisions: 2, tail: { seq: 3 } });
    expect(await read('any')).toMatchObject({ broken: null });
    expect(await read('00'.repeat(31).concat('01'))).toMatchObject({ broken: { line: 1 } });
  });

  test('is started only where there is none', async () => {
    await expect(startDecisionLog(good, last)).rejects.toMatchObject({ code: 'log-unwritable' });
    expect(await brokenLine(good, last)).toBeNull();
  });

  test('starts only at the first line', async () => {
    const started = sealLine({ kind: 'started' }, { seq: 8, digest: last }, 1).line;
    putLines(changed, [...lines, started]);
    expect(await brokenLine(changed)).toBe(9);
    const decided = sealLine({ kind: 'decision', ...entry(9) }, { seq: 8, digest: last }, 1).line;
    putLines(changed, [...lines, decided]);
    expect(await brokenLine(changed)).toBeNull();
  });
});

test('a log that is not there is unreadable', async () => {
  const reading = readDecisionLog(join(folder, 'none.log'));
  await expect(reading).rejects.toMatchObject({ code: 'log-unreadable' });
  await expect(readDecisionLog(folder)).rejects.toMatchObject({ code: 'log-unreadable' });
});

test('a file without end is not read whole', async () => {
  writeFileSync(changed, Buffer.alloc(3_000_000, 0x20));
  const { broken } = await readDecisionLog(changed);
  expect(broken).toMatchObject({ line: 1, problem: 'has more than 262144 bytes' });
});
