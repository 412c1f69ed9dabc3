/** The two checks of an event log, and what is claimed of it. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile } from '#test/shared.ts';
import { encodeEventLog, parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { phaseDigest } from '#verifier/abi/event-log/phases.ts';
import { extend, replayPcrs, replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import type { EventLog } from '#verifier/abi/event-log/types.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { EventLogClaims } from '#verifier/verified.ts';
import { type Quoted, verifyEventLog } from '#verifier/verify-event-log.ts';
import { boot, grub, makeLog, realLogs, secureBoot, separator, tdBoot } from './samples.ts';

type Judged = { claims: EventLogClaims | null; parse: CheckResult; fit: CheckResult };

function judge(bytes: Bytes | null, quoted: Quoted | null): Judged {
  const list = new Checklist(['parse.event-log', 'evidence.event-log']);
  const claims = verifyEventLog(list, bytes, quoted);
  const [parse, fit] = list.finish() as [CheckResult, CheckResult];
  return { claims, parse, fit };
}

const log = makeLog(boot);
const pcrsOf = (one: EventLog, algorithm: TpmHash = 'sha256'): Quoted & { kind: 'pcr' } => ({
  kind: 'pcr',
  pcrs: new Map([[algorithm, replayPcrs(one, algorithm)]]),
});
const withPcr = (register: number, value: Bytes): Quoted => {
  const values = new Map(replayPcrs(log, 'sha256')).set(register, value);
  return { kind: 'pcr', pcrs: new Map([['sha256', values]]) };
};
const td = makeLog(tdBoot, ['sha384']);
const tdQuoted: Quoted = { kind: 'rtmr', registers: replayRtmrs(td) };
const bytes = encodeEventLog(log);

describe('a log that replays to what was quoted', () => {
  test('of a TPM: every event of it, as the quoted bank has it', () => {
    const { claims, parse, fit } = judge(bytes, pcrsOf(log));
    expect([parse.status, fit.status]).toEqual(['pass', 'pass']);
    expect(claims).toMatchObject({ kind: 'pcr', algorithm: 'sha256', secureBoot: true });
    const extended = log.events.filter(({ type }) => type !== 3);
    expect(claims?.events.map(({ register, digest }) => [register, digest])).toEqual(
      extended.map(({ register, digests }) => [register, toHex(digests.get('sha256') as Bytes)]),
    );
    expect(claims?.events[1]).toMatchObject({
      type: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
      what: 'SecureBoot: on',
    });
  });

  test('of a TD: RTMRs are counted from 0, all four are compared', () => {
    const { claims, fit } = judge(encodeEventLog(td), tdQuoted);
    expect(fit).toMatchObject({ status: 'pass', actual: 'replayed: RTMR0, RTMR1, RTMR2, RTMR3' });
    expect(claims).toMatchObject({ kind: 'rtmr', algorithm: 'sha384', secureBoot: false });
    expect(claims?.events.map(({ register }) => register)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('events of a PCR that was not quoted are not claimed, nor is Secure Boot', () => {
    const values = new Map(replayPcrs(log, 'sha256'));
    values.delete(7);
    const { claims, fit } = judge(bytes, { kind: 'pcr', pcrs: new Map([['sha256', values]]) });
    expect(fit.status).toBe('pass');
    expect(claims?.secureBoot).toBe(null);
    expect(claims?.events.some(({ register }) => register === 7)).toBe(false);
  });

  test('of several banks SHA-256 is claimed, and each must fit', () => {
    const both = new Map([
      ['sha1', replayPcrs(log, 'sha1')],
      ['sha256', replayPcrs(log, 'sha256')],
    ] as const);
    expect(judge(bytes, { kind: 'pcr', pcrs: both }).claims?.algorithm).toBe('sha256');
    const sha1 = new Map(both.get('sha1')).set(4, new Uint8Array(20));
    const wrong = judge(bytes, { kind: 'pcr', pcrs: new Map(both).set('sha1', sha1) });
    expect(wrong.claims).toBe(null);
    expect(wrong.fit.actual).toContain('sha1 PCR 4');
  });

  test('phases that systemd measured afterwards are events too', () => {
    const stub = makeLog([...boot, { register: 11, type: 0x0d, data: utf8('x') }], ['sha256']);
    const values = new Map(replayPcrs(stub, 'sha256'));
    const phase = phaseDigest('sha256', 'sysinit');
    values.set(11, extend('sha256', values.get(11) as Bytes, phase));
    const { claims } = judge(encodeEventLog(stub), {
      kind: 'pcr',
      pcrs: new Map([['sha256', values]]),
    });
    expect(claims?.events.at(-1)).toEqual({
      register: 11,
      type: 'systemd-pcrphase',
      digest: toHex(phase),
      what: 'phase of the boot: sysinit',
    });
  });

  test('PCRs that the operating system alone extends are named, and not claimed', () => {
    const { claims, fit } = judge(bytes, withPcr(10, new Uint8Array(32).fill(9)));
    expect(fit).toMatchObject({ status: 'pass' });
    expect(fit.actual).toMatch(/; not in the log: sha256 10$/);
    expect(claims?.events.some(({ register }) => register === 10)).toBe(false);
  });
});

describe('a log that does not', () => {
  test('names the register and the first event that differs', () => {
    const last = log.events.at(-2)?.number;
    const { claims, fit } = judge(bytes, withPcr(9, new Uint8Array(32)));
    expect(claims).toBe(null);
    expect(fit).toMatchObject({ status: 'fail', expected: `sha256 PCR 9 ${'00'.repeat(32)}` });
    expect(fit.reason).toBe(
      `PCR 9 was never extended: the first event of it that was not is event ${last} (EV_IPL: unproved: file that GRUB read: /vmlinuz)`,
    );
  });

  test('of a TD', () => {
    const registers = [...replayRtmrs(td)];
    registers[2] = replayRtmrs({ ...td, events: td.events.slice(0, -1) })[2] as Bytes;
    const { fit, claims } = judge(encodeEventLog(td), { kind: 'rtmr', registers });
    expect(claims).toBe(null);
    expect(fit.reason).toContain('RTMR2 stops after event 5');
  });

  test('a PCR of the firmware, or an RTMR, of which the log has no event at all', () => {
    const without = { ...log, events: log.events.filter(({ register }) => register !== 7) };
    const { fit } = judge(encodeEventLog(without), pcrsOf(log));
    expect(fit).toMatchObject({ status: 'fail' });
    expect(fit.reason).toContain('the log has no event of PCR 7');
    const open = [...replayRtmrs(td).slice(0, 3), new Uint8Array(48).fill(1)];
    expect(judge(encodeEventLog(td), { kind: 'rtmr', registers: open }).fit.status).toBe('fail');
  });

  test.each<[string, Uint8Array]>([
    ['another event in PCR 8', encodeEventLog(makeLog([...boot.slice(0, -4), grub('x')]))],
    ['an event more', encodeEventLog(makeLog([...boot, separator(0)]))],
    [
      'Secure Boot said to be off',
      encodeEventLog(makeLog(boot.toSpliced(2, 1, secureBoot(false)))),
    ],
    ['another locality', encodeEventLog(makeLog(boot.slice(1)))],
  ])('%s', (_, other) => {
    expect(judge(other, pcrsOf(log)).fit.status).toBe('fail');
    expect(judge(bytes, pcrsOf(log)).fit.status).toBe('pass');
  });
});

describe('what is missing', () => {
  test('a log, a readable log, a quote, a bank of both', () => {
    const open = ['skip', 'skip'];
    const states = ({ parse, fit }: Judged) => [parse.status, fit.status];
    expect(states(judge(null, pcrsOf(log)))).toEqual(open);
    expect(states(judge(utf8('rubbish'), pcrsOf(log)))).toEqual(['fail', 'skip']);
    expect(states(judge(bytes, null))).toEqual(['pass', 'skip']);
    const banks = judge(bytes, pcrsOf(makeLog(boot, ['sha384']), 'sha384'));
    expect(states(banks)).toEqual(['pass', 'skip']);
    expect(banks.fit.reason).toBe('lacks an event log with digests of sha384');
    expect(judge(bytes, { kind: 'pcr', pcrs: new Map() }).fit.status).toBe('skip');
    expect(states(judge(bytes, tdQuoted))).toEqual(['pass', 'skip']);
  });

  test('a quote of nothing that the log tells of', () => {
    const only = new Map([[10, new Uint8Array(32).fill(1)]]);
    const { claims, fit } = judge(bytes, { kind: 'pcr', pcrs: new Map([['sha256', only]]) });
    expect([claims, fit.status]).toEqual([null, 'skip']);
  });
});

if (hasShared) {
  describe('real logs', () => {
    const secure: Record<string, boolean> = {
      'eventlog-confidential-gke-debug-251000-eventlog': true,
      'eventlog-cos-101-amd-sev': true,
      'eventlog-cos-85-amd-sev': true,
      'eventlog-eventlogwithsp800155': true,
    };
    test('fit their registers, and Secure Boot is what their firmware measured', () => {
      for (const { name, bytes: real } of realLogs().filter(({ name }) =>
        /^eventlog-/.test(name),
      )) {
        const { claims, fit } = judge(real, pcrsOf(parseEventLog(real)));
        expect(fit.status, name).toBe('pass');
        expect(claims?.secureBoot, name).toBe(secure[name] ?? false);
      }
    });

    test.each([
      ['gcp-cos113', 'ccel.bin', 'pass'],
      ['dstack-quote-report', 'event-log.json', 'pass'],
      ['attestation-rs-tdx-ccel-live-bin', 'ccel.bin', 'fail'],
    ])('%s against its quote', (name, file, status) => {
      const shared = (path: string) => sharedFile(`corpus/tdx-ccel/${name}/${path}`);
      const { body } = parseQuote(shared('quote.bin'));
      const registers = body.kind === 'tdx' ? body.report.rtmr : [];
      const { fit, claims } = judge(shared(file), { kind: 'rtmr', registers });
      expect(fit.status).toBe(status);
      expect(claims === null).toBe(status === 'fail');
    });
  });
}
