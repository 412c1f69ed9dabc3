import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDecisionLog } from '#verifier/decision-log/file.ts';
import { parseLine } from '#verifier/decision-log/line.ts';
import { readDecisionLog } from '#verifier/decision-log/read.ts';
import { brokenLine, entry, linesIn, scratch, writeLog } from './log-samples.ts';
import { startWriter } from './run-writer.ts';

const folder = scratch();
let files = 0;
const fresh = () => join(folder, `${files++}.log`);
const stamped = { now: () => 1_795_000_000 };

describe('writing', () => {
  test('goes on where it ended, in one chain, and leaves no other file', async () => {
    const path = join(scratch(), 'a.log');
    await writeLog(path, 3);
    await writeLog(path, 2, 3);
    const seen = await readDecisionLog(path);
    expect(seen).toMatchObject({ broken: null, decisions: 5, recovered: [] });
    expect(
      linesIn(path)
        .map((line) => parseLine(line))
        .map((line) => line.seq),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(readdirSync(join(path, '..'))).toEqual(['a.log']);
  });

  test.skipIf(process.platform === 'win32')('is readable by its owner alone', async () => {
    const path = fresh();
    await writeLog(path, 1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('keeps the order of entries that are handed over at once', async () => {
    const path = fresh();
    const log = await openDecisionLog(path, stamped);
    await Promise.all(Array.from({ length: 600 }, (_, n) => log.append(entry(n))));
    await log.close();
    const times = linesIn(path).map((line) => JSON.parse(line).at - 1_795_000_000);
    expect(times).toEqual(Array.from({ length: 600 }, (_, n) => n));
    expect(await brokenLine(path)).toBeNull();
  });

  test('refuses one entry that is none, and not those beside it', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    const results = await Promise.allSettled([
      log.append(entry(1)),
      log.append(entry(2, { policyName: '\n' })),
      log.append(entry(3)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await log.close();
    await expect(log.append(entry(4))).rejects.toThrow(TypeError);
    expect(linesIn(path)).toHaveLength(2);
  });

  test('close waits for what was appended', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    const appended = log.append(entry(1));
    await log.close();
    await appended;
    expect(linesIn(path)).toHaveLength(1);
  });
});

describe('what is no log is left as it is', () => {
  test.each([
    ['a text', 'hello', 'log-damaged'],
    ['a bundle', '{"version":1}\n', 'log-damaged'],
    ['nothing but line feeds', '\n\n', 'log-damaged'],
    ['a long line', 'x'.repeat(600_000), 'log-damaged'],
  ])('%s', async (_, content, code) => {
    const path = fresh();
    writeFileSync(path, content);
    await expect(openDecisionLog(path)).rejects.toMatchObject({ code });
    expect(readFileSync(path, 'utf8')).toBe(content);
    writeFileSync(path, '');
    await writeLog(path, 1);
    expect(await brokenLine(path)).toBeNull();
  });

  test('a folder, or a file in a folder that is not there', async () => {
    const unwritable = { code: 'log-unwritable' };
    await expect(openDecisionLog(folder)).rejects.toMatchObject(unwritable);
    await expect(openDecisionLog(join(folder, 'no', 'a.log'))).rejects.toMatchObject(unwritable);
  });

  test('a log whose last line was edited', async () => {
    const path = fresh();
    await writeLog(path, 2);
    const before = readFileSync(path, 'utf8').replace(/accepted(?=[^\n]*\n$)/, 'rejected');
    writeFileSync(path, before);
    await expect(openDecisionLog(path)).rejects.toMatchObject({ code: 'log-damaged' });
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});

describe('a crash in mid-write', () => {
  test('loses the last line alone, wherever it was cut, and the log says so', async () => {
    const path = fresh();
    await writeLog(path, 3);
    const whole = readFileSync(path);
    const begin = whole.lastIndexOf(10, whole.length - 2) + 1;
    const step = 37;
    for (let end = begin + 1; end < whole.length; end += step) {
      const torn = fresh();
      writeFileSync(torn, whole.subarray(0, end));
      expect(await brokenLine(torn)).toBe(3);
      await writeLog(torn, 1, 9);
      expect(await readDecisionLog(torn)).toMatchObject({
        broken: null,
        decisions: 3,
        recovered: [{ line: 3, bytes: end - begin }],
      });
      expect(readFileSync(`${torn}.torn`, 'latin1')).toBe(
        `${whole.toString('latin1', begin, end)}\n`,
      );
    }
  });

  test('of the first line leaves a log of the loss', async () => {
    const path = fresh();
    await writeLog(path, 1);
    truncateSync(path, 60);
    await writeLog(path, 1);
    expect(await readDecisionLog(path)).toMatchObject({
      decisions: 1,
      recovered: [{ line: 1, bytes: 60 }],
    });
  });

  test('and another while that is repaired, before and after the rest was cut off', async () => {
    const path = fresh();
    await writeLog(path, 2);
    const good = readFileSync(path);
    appendFileSync(path, good.subarray(0, 300));
    await writeLog(path, 0);
    const repaired = readFileSync(path);
    // Written over a torn line that was longer, and not yet cut; and only half written over it.
    const states = [
      Buffer.concat([repaired, Buffer.from('rest of a longer line')]),
      repaired.subarray(0, repaired.length - 40),
    ];
    for (const state of states) {
      writeFileSync(path, state);
      await writeLog(path, 1);
      const { broken, decisions, recovered } = await readDecisionLog(path);
      expect({ broken, decisions }).toEqual({ broken: null, decisions: 3 });
      expect(recovered.length).toBeGreaterThan(0);
    }
  });

  test('of another process is repaired by the one that goes on', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    await log.append(entry(1));
    appendFileSync(path, linesIn(path)[0]?.slice(0, 50) as string);
    await log.append(entry(2));
    await log.close();
    expect(await readDecisionLog(path)).toMatchObject({
      broken: null,
      decisions: 2,
      recovered: [{ line: 2, bytes: 50 }],
    });
  });
});

describe('what happens to the file while it is open', () => {
  test('cut short: nothing more is written', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    await log.append(entry(1));
    await log.append(entry(2));
    truncateSync(path, readFileSync(path).indexOf(10) + 1);
    await expect(log.append(entry(3))).rejects.toMatchObject({ code: 'log-damaged' });
    await log.close();
    expect(linesIn(path)).toHaveLength(1);
  });

  test('lines that do not follow: nothing more is written', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    await log.append(entry(1));
    appendFileSync(path, `${linesIn(path)[0]}\n`);
    await expect(log.append(entry(3))).rejects.toMatchObject({ code: 'log-damaged' });
    await log.close();
  });

  test('renamed: the new file goes on from its last line', async () => {
    const path = fresh();
    const log = await openDecisionLog(path);
    await log.append(entry(1));
    renameSync(path, `${path}.1`);
    await log.append(entry(2));
    await log.close();
    expect(linesIn(`${path}.1`)).toHaveLength(1);
    const { tail } = await readDecisionLog(`${path}.1`);
    expect(await readDecisionLog(path, { after: tail.digest })).toMatchObject({
      broken: null,
      decisions: 1,
    });
  });
});

describe('two writers', () => {
  test('of one process take turns', async () => {
    const path = fresh();
    const logs = await Promise.all([1, 2, 3].map(() => openDecisionLog(path)));
    await Promise.all(
      logs.flatMap((log, i) =>
        Array.from({ length: 20 }, (_, n) => log.append(entry(100 * i + n))),
      ),
    );
    await Promise.all(logs.map((log) => log.close()));
    expect(await readDecisionLog(path)).toMatchObject({ broken: null, decisions: 60 });
  });

  test('of two processes take turns', async () => {
    const path = fresh();
    const writers = [startWriter(path, 100), startWriter(path, 100)];
    const ends = await Promise.all(writers.map(({ ended }) => ended));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(await readDecisionLog(path)).toMatchObject({
      broken: null,
      decisions: 200,
      recovered: [],
    });
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});

describe('a lock', () => {
  const owner = (more: object) =>
    JSON.stringify({
      token: 'x',
      pid: 1,
      started: null,
      host: hostname(),
      boot: null,
      namespace: null,
      ...more,
    });

  test('of a process on another machine is respected, with a word on what to do', async () => {
    const path = fresh();
    writeFileSync(`${path}.lock`, owner({ host: 'elsewhere' }));
    await expect(openDecisionLog(path, { patience: 30 })).rejects.toMatchObject({
      code: 'log-locked',
      message: expect.stringContaining('process 1 on elsewhere'),
      remedy: expect.stringContaining('delete that lock file'),
    });
    writeFileSync(`${path}.lock`, 'rubbish');
    await expect(openDecisionLog(path, { patience: 30 })).rejects.toMatchObject({
      code: 'log-locked',
    });
  });

  test('of a dead process is broken once, by many at the same time', async () => {
    const path = fresh();
    await writeLog(path, 1);
    const dead = startWriter(path, 1_000_000);
    await dead.acknowledged(1);
    dead.child.kill('SIGKILL');
    await dead.ended;
    // Killed with the lock or without: the file that it locked with is there.
    const prepared = `${basename(path)}.lock.`;
    const [left = ''] = readdirSync(folder).filter((name) => name.startsWith(prepared));
    writeFileSync(`${path}.lock`, readFileSync(join(folder, left)));
    const { decisions } = await readDecisionLog(path);
    const logs = await Promise.all(Array.from({ length: 8 }, () => openDecisionLog(path)));
    await Promise.all(logs.map((log, n) => log.append(entry(n))));
    await Promise.all(logs.map((log) => log.close()));
    expect(await readDecisionLog(path)).toMatchObject({ broken: null, decisions: decisions + 8 });
    expect(readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}.lock`))).toEqual(
      [],
    );
  });
});
