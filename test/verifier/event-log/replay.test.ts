import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasShared } from '#test/shared.ts';
import { compareLog } from '#verifier/abi/event-log/compare.ts';
import { encodeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { phaseDigest } from '#verifier/abi/event-log/phases.ts';
import { extend, replayPcrs, replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import { registerKind } from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import {
  boot,
  grub,
  makeLog,
  realLogs,
  secureBoot,
  separator,
  startupLocality,
  tdBoot,
  zeros4,
} from './samples.ts';

const hash = (name: string, ...parts: Bytes[]) =>
  new Uint8Array(
    createHash(name)
      .update(concat(...parts))
      .digest(),
  );

describe('a replay', () => {
  test.each<TpmHash>(['sha1', 'sha256', 'sha384', 'sha512'])(
    'of %s, register by register',
    (name) => {
      const log = makeLog([separator(1), grub('a'), separator(1)], [name]);
      const { length } = hash(name, zeros4);
      const once = hash(name, new Uint8Array(length), hash(name, zeros4));
      expect(replayPcrs(log, name)).toEqual(
        new Map([
          [1, hash(name, once, hash(name, zeros4))],
          [8, hash(name, new Uint8Array(length), hash(name, utf8('a')))],
        ]),
      );
    },
  );

  test('begins PCR 0 with the locality that the TPM was started from, and no other', () => {
    const started = (...first: Parameters<typeof makeLog>[0]) =>
      replayPcrs(makeLog([...first, separator(0), separator(1)]), 'sha256');
    const start = new Uint8Array(32);
    const from = (value: number) => hash('sha256', start.with(31, value), hash('sha256', zeros4));
    expect(started().get(0)).toEqual(from(0));
    expect(started(startupLocality(3)).get(0)).toEqual(from(3));
    expect(started(startupLocality(4)).get(0)).toEqual(from(4));
    expect(started(startupLocality(4)).get(1)).toEqual(from(0));
  });

  test('of RTMRs counts from the second register, and leaves the others zero', () => {
    const log = makeLog(tdBoot, ['sha384']);
    const values = replayRtmrs(log);
    expect(values.map(toHex)).toEqual([
      ...[1, 2, 3].map((register) => toHex(replayPcrs(log, 'sha384').get(register) as Bytes)),
      '00'.repeat(48),
    ]);
  });

  test('needs digests of that algorithm', () => {
    expect(() => replayPcrs(makeLog(boot, ['sha1']), 'sha256')).toThrow(RangeError);
  });
});

describe('compared with what registers hold', () => {
  const log = makeLog(boot);
  const values = () => new Map(replayPcrs(log, 'sha256'));
  const statuses = (held: Map<number, Bytes>) =>
    compareLog(log, { kind: 'pcr', pcrs: new Map([['sha256', held]]) }).map(
      ({ register, status }) => `${register} ${status}`,
    );

  test('fits, or differs, register by register', () => {
    expect(new Set(statuses(values()).map((one) => one.split(' ')[1]))).toEqual(new Set(['fits']));
    expect(statuses(values().set(4, new Uint8Array(32)))).toContain('4 differs');
  });

  test('untouched PCRs are zeros, and ones in 17 to 22; anything else is not told', () => {
    const ones = new Uint8Array(32).fill(0xff);
    const zero = new Uint8Array(32);
    expect(
      statuses(
        new Map([
          [16, zero],
          [17, ones],
          [22, ones],
          [23, zero],
        ]),
      ),
    ).toEqual(['16 fits', '17 fits', '22 fits', '23 fits']);
    expect(
      statuses(
        new Map([
          [16, ones],
          [17, zero],
        ]),
      ),
    ).toEqual(['16 untold', '17 untold']);
  });

  test('only banks of which both have digests', () => {
    const pcrs = new Map([['sha512', new Map([[0, new Uint8Array(64)]])] as const]);
    expect(compareLog(log, { kind: 'pcr', pcrs })).toEqual([]);
    expect(compareLog(makeLog(tdBoot, ['sha256']), { kind: 'rtmr', registers: [] })).toEqual([]);
  });

  test('PCR 11 may go on with the phases that systemd measures, in their order', () => {
    const stub = makeLog([{ register: 11, type: 0x0d, data: utf8('x') }], ['sha256']);
    const state = replayPcrs(stub, 'sha256').get(11) as Bytes;
    const goneOn = (...phases: string[]) =>
      phases.reduce((at, phase) => extend('sha256', at, phaseDigest('sha256', phase)), state);
    const outcome = (held: Bytes, register = 11) => {
      const pcrs = new Map([['sha256', new Map([[register, held]])] as const]);
      return compareLog(stub, { kind: 'pcr', pcrs })[0];
    };
    const usual = ['enter-initrd', 'leave-initrd', 'sysinit', 'ready'];
    expect(outcome(goneOn(...usual))).toMatchObject({ status: 'fits', phases: usual });
    expect(outcome(goneOn('sysinit'))).toMatchObject({ status: 'fits', phases: ['sysinit'] });
    expect(outcome(state)).toMatchObject({ status: 'fits', phases: [] });
    expect(outcome(goneOn('ready', 'sysinit'))).toMatchObject({ status: 'differs' });
    expect(outcome(goneOn('something'))).toMatchObject({ status: 'differs' });
  });
});

describe('logs of real machines', () => {
  const all = realLogs();
  if (hasShared) {
    test('replay to the registers that the corpus names, in every bank', () => {
      let compared = 0;
      for (const { name, bytes, replayed } of all) {
        const log = parseEventLog(bytes);
        for (const [algorithm, values] of Object.entries(replayed)) {
          const mine = replayPcrs(log, algorithm as TpmHash);
          const found = [...mine].map(([register, value]) => [String(register), toHex(value)]);
          expect(Object.fromEntries(found), `${name} ${algorithm}`).toEqual(values);
          compared += found.length;
        }
      }
      expect(compared).toBeGreaterThan(200);
    });
  }

  if (hasShared) {
    test('are seen to be a TPM’s or a TD’s', () => {
      for (const { name, bytes } of all) {
        const expected = name.startsWith('eventlog-') ? 'pcr' : 'rtmr';
        expect(registerKind(parseEventLog(bytes)), name).toBe(expected);
      }
    });
  }

  test('a made log is what its bytes say', () => {
    const log = makeLog([secureBoot(true), separator(7)]);
    expect(replayPcrs(parseEventLog(encodeEventLog(log)), 'sha1')).toEqual(replayPcrs(log, 'sha1'));
  });
});
