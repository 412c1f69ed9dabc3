import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile } from '#test/shared.ts';
import { boot, bytesOf, makeLog, secureBoot, tdBoot } from '#test/verifier/event-log/samples.ts';
import { bundleScene, sampleTreeRoot, treeEntry, verifyScene } from '#test/verifier/scene.ts';
import { replayPcrs, replayRtmrs } from '#verifier/abi/event-log/replay.ts';
import type { EventLog, LogEvent } from '#verifier/abi/event-log/types.ts';
import { encodeLogEntry } from '#verifier/abi/log.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { verify } from '#verifier/verify.ts';
import {
  type LogReading,
  marksOf,
  outcomeOf,
  readLogOf,
  registersOf,
  vouchedOf,
} from '#web/events/model.ts';
import { ownLogOf } from '#web/events/own-log.ts';
import { detailsOf, differencesOf, filterEvents, noFilter, rowOf } from '#web/events/rows.ts';
import { pageOf, pageWith } from '#web/parts/pages.ts';

const log = makeLog(boot);

/** The log beside what a machine holds that extended another. */
function against(extended: EventLog, logged: EventLog = log): LogReading {
  const pcrs = new Map([['sha256', replayPcrs(extended, 'sha256')] as const]);
  return { log: logged, kind: 'pcr', quoted: { kind: 'pcr', pcrs }, banks: ['sha256', 'sha1'] };
}

const without = (number: number): EventLog => ({
  ...log,
  events: log.events.filter((event) => event.number !== number),
});

describe('registers of a log', () => {
  test('that fit are equal, and say which event only its digest speaks for', () => {
    const registers = registersOf(against(log), 'sha256');
    expect(outcomeOf(registers)).toBe('fits');
    expect(registers.every(({ status, wrong }) => status === 'fits' && !wrong)).toBe(true);
    const four = registers.find(({ name }) => name === 'PCR 4');
    expect(four?.firstUntold?.type).toBe(0x80000003);
    expect(registers.find(({ name }) => name === 'PCR 8')?.firstUntold).toBe(null);
    expect(marksOf(registers).size).toBe(0);
  });

  test('that differ point to the event that explains it', () => {
    const [, second] = log.events.filter(({ register }) => register === 8) as LogEvent[];
    const registers = registersOf(against(without(second?.number ?? 0)), 'sha256');
    expect(outcomeOf(registers)).toBe('differs');
    const eight = registers.find(({ register }) => register === 8);
    expect(eight).toMatchObject({ status: 'differs', wrong: true });
    expect(eight?.first).toEqual({ event: second, mark: 'left-out' });
    expect(eight?.why).toContain('was not extended into PCR 8');
    expect(marksOf(registers).get(second as LogEvent)).toBe('left-out');
    expect(registers.filter(({ wrong }) => wrong)).toHaveLength(1);
  });

  test('that nobody quoted are replayed, and are nobody’s word', () => {
    const registers = registersOf({ ...against(log), quoted: null }, 'sha256');
    expect(outcomeOf(registers)).toBe('nothing');
    expect(registers.every(({ status, held }) => status === 'unquoted' && held === null)).toBe(
      true,
    );
    expect(registers.map(({ register }) => register)).toEqual(
      registers.map(({ register }) => register).toSorted((a, b) => a - b),
    );
  });

  test('of another bank than the quoted one are not compared', () => {
    const registers = registersOf(against(log), 'sha1');
    expect(registers.every(({ status }) => status === 'unquoted')).toBe(true);
  });

  test('that the log does not tell of contradict it below PCR 8 alone', () => {
    const pcrs = new Map([
      ['sha256', new Map([2, 12].map((register) => [register, new Uint8Array(32).fill(1)]))],
    ] as const);
    const small = makeLog([secureBoot(true)]);
    const reading: LogReading = {
      log: small,
      kind: 'pcr',
      quoted: { kind: 'pcr', pcrs },
      banks: ['sha256'],
    };
    const registers = registersOf(reading, 'sha256');
    expect(registers.map(({ name, status, wrong }) => [name, status, wrong])).toEqual([
      ['PCR 2', 'untold', true],
      ['PCR 7', 'unquoted', false],
      ['PCR 12', 'untold', false],
    ]);
  });

  test('whose data is not what was measured are marked, though the digests fit', () => {
    const lying = makeLog(
      boot.map((made) => (made.type === 0x80000001 ? { ...made, measured: utf8('other') } : made)),
    );
    const seven = registersOf(against(lying, lying), 'sha256').find(({ name }) => name === 'PCR 7');
    expect(seven).toMatchObject({ status: 'fits', first: { mark: 'false-data' } });
  });

  test('of a TD are RTMRs', () => {
    const td = makeLog(tdBoot, ['sha384']);
    const quoted = { kind: 'rtmr', registers: replayRtmrs(td) } as const;
    const registers = registersOf({ log: td, kind: 'rtmr', quoted, banks: ['sha384'] }, 'sha384');
    expect(registers.map(({ name, status }) => [name, status])).toEqual([
      ['RTMR0', 'fits'],
      ['RTMR1', 'fits'],
      ['RTMR2', 'fits'],
      ['RTMR3', 'fits'],
    ]);
  });
});

describe('whether a quote is anybody’s word', () => {
  const check = (id: string, status: string) =>
    ({ id, stage: id.split('.')[0], status }) as Parameters<typeof vouchedOf>[0][number];
  const quote = ['chain.root-pinned', 'evidence.attestation-key', 'evidence.quote-signature'];

  test('its chain and its signatures decide, and nothing else', () => {
    const all = quote.map((id) => check(id, 'pass'));
    expect(vouchedOf(all, 'rtmr')).toBe('vouched');
    expect(vouchedOf([...all, check('evidence.tcb-level', 'fail')], 'rtmr')).toBe('vouched');
    expect(vouchedOf([...all, check('chain.gpu-signatures', 'fail')], 'rtmr')).toBe('vouched');
    expect(vouchedOf([...all, check('chain.pck-signature', 'skip')], 'rtmr')).toBe('open');
    expect(vouchedOf([...all, check('chain.pck-signature', 'fail')], 'rtmr')).toBe('refused');
    expect(vouchedOf([], 'rtmr')).toBe('open');
  });

  test('a TPM’s stands on its own key, and on the processor where a paravisor vouches for it', () => {
    const tpm = ['evidence.ak-key', 'evidence.tpm-signature', 'evidence.pcr-digest'].map((id) =>
      check(id, 'pass'),
    );
    expect(vouchedOf([...tpm, check('evidence.signature', 'fail')], 'pcr')).toBe('vouched');
    const hcl = [...tpm, check('evidence.hcl-runtime-data', 'pass')];
    expect(vouchedOf([...hcl, check('evidence.signature', 'fail')], 'pcr')).toBe('refused');
  });
});

describe('the list of events', () => {
  const how = { kind: 'pcr', algorithm: 'sha256' } as const;
  const numbers = (filter: Partial<typeof noFilter>) =>
    filterEvents(log.events, { ...noFilter, ...filter }, how, new Map()).map(
      ({ number }) => number,
    );

  test('says what each event is, and what speaks for it', () => {
    const row = (number: number) => rowOf(log.events[number - 1] as LogEvent, 'pcr', 'sha256');
    expect(row(1)).toMatchObject({ register: null, proof: 'said', digest: null });
    expect(row(3)).toMatchObject({ register: 'PCR 7', what: 'SecureBoot: on', proof: 'proved' });
    expect(row(13)).toMatchObject({ register: 'PCR 4', proof: 'untold' });
    expect(row(3).digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is filtered by register, by proof and by words', () => {
    expect(numbers({})).toHaveLength(log.events.length);
    expect(numbers({ register: 8 })).toEqual([14, 15, 16]);
    expect(numbers({ register: 'nowhere' })).toEqual([1]);
    expect(numbers({ proof: 'said' })).toEqual([1]);
    expect(numbers({ text: 'linux VMLINUZ' })).toEqual([15]);
    expect(numbers({ text: 'grub', register: 4 })).toEqual([]);
    const digest = toHex(log.events[2]?.digests.get('sha256') ?? new Uint8Array());
    expect(numbers({ text: digest.slice(5, 25) })).toEqual([3]);
  });

  test('shows the parts of one event, all digests and no control characters', () => {
    const details = detailsOf(log.events[2] as LogEvent);
    expect(details.digests.map(({ algorithm }) => algorithm)).toEqual(['sha1', 'sha256']);
    const [hostile] = makeLog([
      { register: 8, type: 0x0d, data: utf8('grub_cmd: a\u202eb') },
    ]).events;
    expect(rowOf(hostile as LogEvent, 'pcr', 'sha256').what).not.toContain('\u202e');
  });

  test('of five thousand events is read and searched', () => {
    const made = boot.at(-1) as (typeof boot)[number];
    const many = makeLog(
      Array.from({ length: 5000 }, () => made),
      ['sha256'],
    );
    const registers = registersOf(against(many, many), 'sha256');
    expect(outcomeOf(registers)).toBe('fits');
    const found = filterEvents(many.events, { ...noFilter, text: 'exit' }, how, new Map());
    expect(found).toHaveLength(5000);
  });
});

describe('two boots', () => {
  test('are compared register by register, to the first event that differs', () => {
    const other = makeLog(
      boot.map((made, i) => (i === 14 ? { ...made, data: utf8('x'), measured: utf8('x') } : made)),
    );
    const found = differencesOf(against(log), other, 'sha256');
    const differing = found?.filter(({ difference }) => difference !== null);
    expect(differing?.map(({ name }) => name)).toEqual(['PCR 8']);
    expect(differing?.[0]?.difference).toEqual({
      logged: log.events[14],
      reference: other.events[14],
    });
  });

  test('without a common algorithm are not compared', () => {
    expect(differencesOf(against(log), makeLog(boot, ['sha512']), 'sha256')).toBe(null);
  });
});

describe('evidence', () => {
  test('without a log has none; a bundle’s log without a quote of its registers is replayed alone', async () => {
    const bare = await bundleScene();
    expect(readLogOf(bare.evidence, await verifyScene(bare))).toBe(null);
    const logged = await bundleScene({ edit: () => ({ eventLog: bytesOf(boot) }) });
    const reading = readLogOf(logged.evidence, await verifyScene(logged));
    expect(reading).toMatchObject({ kind: 'pcr', quoted: null, banks: ['sha256', 'sha1'] });
  });

  test('with a log that cannot be read says so', async () => {
    const scene = await bundleScene({ edit: () => ({ eventLog: utf8('no log') }) });
    const found = readLogOf(scene.evidence, await verifyScene(scene));
    expect(found).toBeInstanceOf(AttestationError);
  });

  test('that is damaged has no log and no entries', async () => {
    const scene = await bundleScene();
    const evidence = { ...scene.evidence, bytes: utf8('{') } as typeof scene.evidence;
    const verified = await verifyScene({ ...scene, evidence });
    expect(readLogOf(evidence, verified)).toBe(null);
    expect(ownLogOf(evidence, verified)).toBe(null);
  });

  test.skipIf(!hasShared)(
    'of a real TD replays to its quote, and a foreign log does not',
    async () => {
      const file = (name: string) => sharedFile(`corpus/tdx-ccel/${name}`);
      const bytes = file('gcp-cos113/quote.bin');
      const read = async (eventLog: ReturnType<typeof file>) => {
        const evidence = { form: 'quote', bytes, eventLog } as const;
        const verified = await verify(evidence, [], vendorRoots, 1_750_000_000, nodeCrypto);
        return readLogOf(evidence, verified) as LogReading;
      };
      const own = await read(file('gcp-cos113/ccel.bin'));
      expect(own.kind).toBe('rtmr');
      expect(outcomeOf(registersOf(own, 'sha384'))).toBe('fits');
      const foreign = await read(file('trustee-ccel-data-gcp/ccel.bin'));
      const registers = registersOf(foreign, 'sha384');
      expect(outcomeOf(registers)).toBe('differs');
      expect(registers.some(({ why }) => why !== null)).toBe(true);
    },
  );
});

describe('the bundle’s own log', () => {
  const entries = [
    treeEntry(5n, 'boot'),
    encodeLogEntry({ kind: 'event', time: 7, name: 'disk\u0000', digest: new Uint8Array(32) }),
    treeEntry(sampleTreeRoot, 'more'),
  ];

  test('is told in its order, with the tree in force and clocks that went back', async () => {
    const scene = await bundleScene({ log: entries });
    const found = ownLogOf(scene.evidence, await verifyScene(scene));
    expect(found).toMatchObject({ came: 3, log: 'pass', binding: 'pass' });
    expect(found?.entries).toMatchObject([
      { number: 1, kind: 'tree', what: 'boot', current: false, back: false },
      { number: 2, kind: 'event', what: 'disk\\u{0}', back: true },
      { number: 3, kind: 'tree', what: 'more', current: true, back: false },
    ]);
  });

  test('that is not the one bound tells nothing', async () => {
    const scene = await bundleScene({
      log: entries,
      edit: ({ log }) => ({ log: log.slice(0, 1) }),
    });
    const found = ownLogOf(scene.evidence, await verifyScene(scene));
    expect(found).toMatchObject({ entries: [], came: 1, log: 'fail' });
  });
});

describe('pages', () => {
  test.each([
    [0, 1, { page: 1, pages: 1, from: 0, to: 0 }],
    [101, 2, { page: 2, pages: 3, from: 50, to: 100 }],
    [101, 9, { page: 3, pages: 3, from: 100, to: 101 }],
    [101, Number.NaN, { page: 1, pages: 3, from: 0, to: 50 }],
  ])('%i rows, page %d', (total, wanted, expected) => {
    expect(pageOf(total, wanted)).toEqual(expected);
  });

  test('the page of a row', () => {
    expect([0, 49, 50, -1].map((index) => pageWith(index))).toEqual([1, 1, 2, 1]);
  });
});
