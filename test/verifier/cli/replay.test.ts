/** `affidavit replay`: exit codes, what is printed, and the first event that differs by its name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createIntel } from '#test/fake/intel.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { hasShared, sharedPath } from '#test/shared.ts';
import { encodeEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs, replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import type { EventLog } from '#verifier/abi/event-log/types.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type ReplayOptions, runReplay } from '#verifier/cli/replay-command.ts';
import { formatTime } from '#verifier/time.ts';
import {
  boot,
  grub,
  makeLog,
  realLogs,
  secureBoot,
  separator,
  tdBoot,
} from '../event-log/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: Bytes | string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const log = makeLog(boot);
const logFile = file('log.bin', encodeEventLog(log));
const td = makeLog(tdBoot, ['sha384']);
const tdFile = file('ccel.bin', encodeEventLog(td));
const pcrsJson = (one: EventLog) =>
  JSON.stringify(
    Object.fromEntries(
      one.algorithms.map((algorithm) => [
        algorithm,
        Object.fromEntries([...replayPcrs(one, algorithm)].map(([i, value]) => [i, toHex(value)])),
      ]),
    ),
  );
const pcrs = file('pcrs.json', pcrsJson(log));

const intel = createIntel();
const insecureRoot = file('root.der', intel.root.der);
const now = formatTime(intel.pck.plan.notBefore + 3600);
const quoteOf = (rtmr: readonly Bytes[]) =>
  createTdxDevice(intel).quote(new Uint8Array(64), {
    with: { rtmr: rtmr as TdReport['rtmr'] },
  });
const quote = file('quote.bin', quoteOf(replayRtmrs(td)));
const withQuote = { log: tdFile, quote, insecureRoot, at: now };

const run = async (options: ReplayOptions) => {
  const { stdout, exitCode } = await runReplay(options);
  return { exitCode, stdout, last: stdout.trimEnd().split('\n').at(-1) };
};
const json = async (options: ReplayOptions) => {
  const { stdout, exitCode } = await runReplay({ ...options, format: 'json' });
  return { exitCode, ...JSON.parse(stdout) };
};
const refusal = async (options: ReplayOptions) => {
  try {
    await runReplay(options);
    return null;
  } catch (error) {
    if (error instanceof CliError) return [error.exitCode, error.code];
    throw error;
  }
};

describe('against values that somebody wrote down', () => {
  test('all fit', async () => {
    const { exitCode, last, stdout } = await run({ log: logFile, registers: pcrs });
    expect([exitCode, last]).toEqual([0, 'FITS: the log tells what all 20 registers hold.']);
    expect(stdout).toContain('sha256 PCR 8  fits      3 events');
  });

  test('of a TD, by number or by name', async () => {
    expect((await run({ log: tdFile, registers: file('cc.json', pcrsJson(td)) })).exitCode).toBe(0);
    const [rtmr0, , rtmr2] = replayRtmrs(td).map(toHex);
    const named = file('rtmr.json', JSON.stringify({ rtmr0, rtmr2 }));
    const { exitCode, stdout } = await run({ log: tdFile, registers: named });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('! not compared: RTMR1');
    const wrong = file('wrong.json', JSON.stringify({ rtmr0: rtmr2 }));
    expect((await run({ log: tdFile, registers: wrong })).exitCode).toBe(20);
  });

  test('one differs: the first event that does is named', async () => {
    const edited = makeLog(
      boot.toSpliced(
        boot.findIndex(({ register }) => register === 8),
        1,
      ),
    );
    const other = file('edited.bin', encodeEventLog(edited));
    const found = await run({ log: other, registers: pcrs, reference: logFile });
    expect([found.exitCode, found.last]).toEqual([
      20,
      'DIFFERS: the log does not give sha1 PCR 8, sha256 PCR 8.',
    ]);
    const result = await json({ log: other, registers: pcrs, reference: logFile });
    const eight = result.registers.find(
      (one: { register: number; algorithm: string }) =>
        one.register === 8 && one.algorithm === 'sha256',
    );
    expect(eight.difference.reference.says).toContain('GRUB command: set default=0');
    expect(eight.difference.log.says).toContain('GRUB command: linux /vmlinuz');

    const stopped = file('stop.json', pcrsJson(makeLog(boot.filter((one) => one !== boot.at(-3)))));
    const shorter = await json({ log: logFile, registers: stopped });
    const register = shorter.registers.find((one: { status: string }) => one.status === 'differs');
    expect(register.explanation).toMatchObject({ kind: 'stops', event: boot.length - 2 });
    expect(register.explanation.says).toContain('GRUB command: initrd /initrd.img');
  });

  test('a register that the log does not tell of', async () => {
    const more = file('more.json', pcrsJson(makeLog([...boot, separator(14)])));
    const { exitCode, last } = await run({ log: logFile, registers: more });
    expect([exitCode, last]).toEqual([
      20,
      'DIFFERS: the log does not tell of sha1 PCR 14, sha256 PCR 14.',
    ]);
  });

  test('data that is not what was measured is named, though the register fits', async () => {
    const events = log.events.map((event) =>
      event.number === 3 ? { ...event, data: secureBoot(false).data } : event,
    );
    const lying = file('lying.bin', encodeEventLog({ ...log, events }));
    const { exitCode, stdout } = await run({ log: lying, registers: pcrs });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('not what was measured: SecureBoot: off');
  });

  test('no bank that both have', async () => {
    const sha512 = file('sha512.json', pcrsJson(makeLog(boot, ['sha512'])));
    expect((await run({ log: logFile, registers: sha512 })).exitCode).toBe(30);
  });
});

describe('against a quote', () => {
  test('that is genuine and fits', async () => {
    const { exitCode, stdout, last } = await run(withQuote);
    expect([exitCode, last]).toEqual([0, 'FITS: the log tells what all 4 registers hold.']);
    expect(stdout).toContain('(TCB status) was not judged');
    expect(stdout).toContain('! the quote’s chain ends in a root that was handed over');
  });

  test('that signed other registers', async () => {
    const other = makeLog([...tdBoot, grub('x', 3)], ['sha384']);
    const path = file('other.bin', quoteOf(replayRtmrs(other)));
    const { exitCode, last, stdout } = await run({ ...withQuote, quote: path });
    expect([exitCode, last]).toEqual([20, 'DIFFERS: the log does not give RTMR2.']);
    expect(stdout).toContain('something that is not in this log was extended into RTMR2');
  });

  test('whose signature is false: nobody vouches for its registers', async () => {
    const bytes = quoteOf(replayRtmrs(td));
    // In REPORTDATA, which no register is.
    const broken = bytes.with(54 + 568, 1);
    const found = await run({ ...withQuote, quote: file('broken.bin', broken) });
    expect(found.exitCode).toBe(20);
    expect(found.stdout).toContain('fail evidence.quote-signature');
    expect(found.last).toBe(
      'INVALID: the quote is not genuine, so nobody vouches for its registers.',
    );
  });

  test('of an unpinned root, or out of its time', async () => {
    const strange = await run({ log: tdFile, quote, at: now });
    expect([strange.exitCode, strange.stdout.includes('fail chain.')]).toEqual([20, true]);
    const late = await run({ ...withQuote, at: '2090-01-01T00:00:00Z' });
    expect([late.exitCode, late.stdout.includes('fail chain.pck-validity')]).toEqual([20, true]);
  });

  test('without the chain that would prove it', async () => {
    const device = createTdxDevice(intel, { rtmr: replayRtmrs(td) as TdReport['rtmr'] });
    const certification = { type: 1, data: new Uint8Array(36) };
    const bytes = device.quote(new Uint8Array(64), { certification });
    const found = await run({ ...withQuote, quote: file('bare.bin', bytes) });
    expect(found.exitCode).not.toBe(0);
    expect(found.stdout).toContain('The quote is not shown to be genuine:');
  });

  test('in JSON', async () => {
    const result = await json(withQuote);
    expect(result).toMatchObject({
      exitCode: 0,
      version: 1,
      result: 'fits',
      against: 'quote',
      kind: 'rtmr',
      log: { format: 'crypto-agile', algorithms: ['sha384'], events: tdBoot.length },
    });
    expect(
      result.registers.map(({ name, status }: Record<string, string>) => [name, status]),
    ).toEqual([0, 1, 2, 3].map((i) => [`RTMR${i}`, 'fits']));
    expect(result.quote.map(({ status }: { status: string }) => status)).not.toContain('skip');
  });
});

describe('against another log', () => {
  test('the same boot, and one that differs', async () => {
    expect((await run({ log: logFile, reference: logFile })).exitCode).toBe(0);
    const other = file('reference.bin', encodeEventLog(makeLog([...boot, separator(14)])));
    const found = await json({ log: logFile, reference: other });
    expect([found.exitCode, found.against]).toEqual([20, 'reference']);
    const wrong = found.registers.filter(({ status }: { status: string }) => status !== 'fits');
    expect(wrong.map(({ register }: { register: number }) => register)).toEqual([14, 14]);
    expect(wrong[0].difference).toMatchObject({
      log: null,
      reference: { number: boot.length + 1 },
    });
  });
});

describe('what cannot be compared', () => {
  test('nothing to compare with: the values are printed', async () => {
    const { exitCode, stdout, last } = await run({ log: tdFile });
    expect(exitCode).toBe(30);
    expect(last).toMatch(/^UNDECIDED: there is nothing to compare the log with/);
    expect(stdout.replaceAll(/\s/g, '')).toContain(toHex(replayRtmrs(td)[0] as Bytes));
    expect((await json({ log: tdFile })).replayed.sha384['1']).toBe(
      toHex(replayRtmrs(td)[0] as Bytes),
    );
  });

  test.each<[string, () => ReplayOptions, [number, string]]>([
    ['no log', () => ({ log: join(folder, 'none') }), [2, 'file-unreadable']],
    ['rubbish for a log', () => ({ log: file('rubbish', 'rubbish') }), [20, 'log-malformed']],
    [
      'rubbish for a reference',
      () => ({ log: logFile, reference: file('rubbish', 'rubbish') }),
      [20, 'log-malformed'],
    ],
    [
      'rubbish for a quote',
      () => ({ log: tdFile, quote: file('rubbish2', utf8('x'.repeat(700))) }),
      [20, 'version-unknown'],
    ],
    [
      'registers that are none',
      () => ({ log: logFile, registers: file('none.json', '{"sha256": {"24": "00"}}') }),
      [2, 'json-shape'],
    ],
    [
      'RTMRs of another length',
      () => ({ log: tdFile, registers: file('short.json', '{"rtmr0": "00"}') }),
      [2, 'hex-malformed'],
    ],
    ['a time without its zone', () => ({ log: logFile, at: '2026-01-01T00:00:00' }), [2, 'usage']],
  ])('%s', async (_, options, expected) => {
    expect(await refusal(options())).toEqual(expected);
    expect(await refusal({ log: logFile, registers: pcrs })).toBe(null);
  });
});

if (hasShared) {
  describe('the corpus', () => {
    const corpus = (path: string) => sharedPath(`corpus/${path}`);
    test.each([
      ['gcp-cos113', 'ccel.bin', 0],
      ['dstack-quote-report', 'event-log.json', 0],
      ['attestation-rs-tdx-ccel-live-bin', 'ccel.bin', 20],
    ])('%s against its quote', async (name, path, expected) => {
      const of = (one: string) => corpus(`tdx-ccel/${name}/${one}`);
      const at = '2025-11-01T00:00:00Z';
      const { exitCode, stdout } = await run({ log: of(path), quote: of('quote.bin'), at });
      expect(exitCode, stdout).toBe(expected);
    });

    test('every other log of a TD has nothing to compare with, and gives the values named', async () => {
      const alone = realLogs().filter(({ name }) => /^(?:trustee|dstack-ccel)/.test(name));
      expect(alone).toHaveLength(6);
      for (const { name } of alone) {
        const path = corpus(`tdx-ccel/${name}/ccel.bin`);
        expect((await run({ log: path })).exitCode, name).toBe(30);
        const registers = corpus(`tdx-ccel/${name}/replayed-rtmrs.json`);
        expect((await run({ log: path, registers })).exitCode, name).toBe(0);
      }
    });

    test('every log of a TPM against its registers, and against those of another', async () => {
      const all = realLogs().filter(({ name }) => name.startsWith('eventlog-'));
      expect(all).toHaveLength(8);
      for (const [i, { name }] of all.entries()) {
        const of = (one: string, path: string) => corpus(`tpm-eventlog/${one}/${path}`);
        const path = of(name, 'event-log.bin');
        const own = await run({ log: path, registers: of(name, 'replayed-pcrs.json') });
        expect(own.exitCode, name).toBe(0);
        const next = all[(i + 1) % all.length]?.name as string;
        const other = await run({ log: path, registers: of(next, 'replayed-pcrs.json') });
        expect(other.exitCode, name).toBe(20);
      }
    });
  });
}
