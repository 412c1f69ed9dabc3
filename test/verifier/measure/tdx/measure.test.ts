import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Bytes, concat, toHex } from '#verifier/bytes.ts';
import { replay } from '#verifier/measure/tdx/digest.ts';
import { eventTypes, type LogEvent } from '#verifier/measure/tdx/event-log.ts';
import {
  describeDifference,
  measureTdx,
  type TdxInput,
  type TdxMeasurement,
} from '#verifier/measure/tdx/measure.ts';
import { codeOf } from '../../code-of.ts';
import { counting, makeFlash, ovmfSections } from './images.ts';
import { base, file, initrd, kernel } from './input.ts';

const logOf = ({ events }: TdxMeasurement): LogEvent[] =>
  events.flatMap(({ register, type, digest }) =>
    digest === null ? [] : [{ register, type, digest, data: new Uint8Array() }],
  );
const sha384 = (bytes: Bytes) => createHash('sha384').update(bytes).digest('hex');
const what = (input: Partial<TdxInput>) =>
  measureTdx({ ...base, ...input }).events.map(({ register, what }) => `${register} ${what}`);
const values = (input: Partial<TdxInput>) =>
  measureTdx({ ...base, ...input }).rtmr.map(({ value }) => (value === null ? null : toHex(value)));

describe('a kernel that QEMU boots', () => {
  test('all events in their order', () => {
    expect(what({})).toEqual([
      '0 TD HOB: 2048 MiB of memory',
      '0 CFV: variable store of the firmware',
      '0 variable SecureBoot: empty',
      '0 variable PK: empty',
      '0 variable KEK: empty',
      '0 variable db: empty',
      '0 variable dbx: empty',
      '0 separator: end of the firmware’s set-up',
      '0 ACPI: etc/table-loader',
      '0 ACPI: etc/acpi/rsdp',
      '0 ACPI: etc/acpi/tables',
      '1 kernel, with QEMU’s changes to its header',
      '0 BootOrder',
      '0 Boot0000: 62 bytes',
      '1 “Calling EFI Application from Boot Option”',
      '1 separator: end of the firmware’s part',
      '2 command line: "console=hvc0 initrd=initrd"',
      '2 initrd: 5000 bytes',
      '1 “Exit Boot Services Invocation”',
      '1 “Exit Boot Services Returned with Success”',
    ]);
  });

  test('registers are the replay of their events, and RTMR3 is zero', () => {
    const { events, rtmr, differences } = measureTdx(base);
    for (const [i, { value, needs, fromLog }] of rtmr.entries()) {
      const digests = events.flatMap(({ register, digest }) =>
        register === i ? (digest ?? []) : [],
      );
      expect(value).toEqual(replay(digests));
      expect([needs, fromLog]).toEqual([[], 0]);
    }
    expect(rtmr[3]?.value).toEqual(new Uint8Array(48));
    expect(differences).toEqual([]);
  });

  test('the command line is measured as UTF-16 with its NUL, the initrd as it is', () => {
    const { events } = measureTdx(base);
    const line = Buffer.from('console=hvc0 initrd=initrd\0', 'utf16le');
    const [first, second] = events.filter(({ register }) => register === 2);
    expect(first?.digest && toHex(first.digest)).toBe(sha384(line));
    expect(second?.digest && toHex(second.digest)).toBe(sha384(initrd));
  });

  test('without an initrd nothing is added to the line, and without both nothing is measured', () => {
    const boot = { kind: 'kernel', kernel, initrd: null, append: 'a=b' } as const;
    expect(what({ boot }).filter((text) => text.startsWith('2'))).toEqual([
      '2 command line: "a=b"',
    ]);
    expect(what({ boot: { ...boot, append: '' } }).filter((text) => text.startsWith('2'))).toEqual(
      [],
    );
    expect(values({ stubEvents: false })[2]).toBe('00'.repeat(48));
  });

  test('each input changes its register alone', () => {
    const before = values({});
    const changed = (input: Partial<TdxInput>) =>
      values(input).map((value, i) => value !== before[i]);
    const boot = { kind: 'kernel', kernel, initrd, append: 'console=hvc0' } as const;
    expect(changed({ acpi: { ...base.acpi, tables: file('other') } })).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(changed({ bootOrder: [1], bootOptions: new Map([[1, file('x')]]) })).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(changed({ variables: new Map([['SecureBoot', Uint8Array.of(0)]]) })).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(changed({ boot: { ...boot, append: 'quiet' } })).toEqual([false, false, true, false]);
    expect(changed({ kernelHeader: 'as-is' })).toEqual([false, true, false, false]);
    // An initrd of another length also moves in memory, which QEMU writes into the kernel.
    expect(changed({ boot: { ...boot, initrd: counting(9000) } })).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(changed({ memory: 2 ** 30 })).toEqual([true, true, false, false]);
    // From 2816 MiB on, and at 2 GiB, initrds lie at the same place.
    expect(changed({ memory: 2 ** 36 })).toEqual([true, false, false, false]);
    expect(changed({ profile: 'edk2-202402' })).toEqual([true, true, false, false]);
  });
});

describe('profiles', () => {
  test('until edk2-stable202402 the last separator goes into RTMR0', () => {
    const old = what({ profile: 'edk2-202402' });
    expect(old.filter((text) => text.includes('firmware’s part'))).toEqual([
      '0 separator: end of the firmware’s part',
    ]);
  });

  test('from edk2-stable202505 on: fw_cfg, SMBIOS, two boot options, the kernel as it is', () => {
    const recent = what({ profile: 'edk2-202505', smbiosDigest: new Uint8Array(48) });
    expect(recent.slice(2, 4)).toEqual([
      '0 fw_cfg: BootMenu, which is off',
      '0 fw_cfg: bootorder, the option ROM of -kernel alone',
    ]);
    expect(recent).toContain('0 SMBIOS tables, without serial numbers');
    expect(recent).toContain('1 kernel, as it is');
    expect(recent.filter((text) => /Boot000/.test(text))).toHaveLength(2);
    const { rtmr } = measureTdx({ ...base, profile: 'edk2-202505' });
    expect(rtmr[0]).toMatchObject({ value: null, needs: ['--smbios-digest'] });
    expect(rtmr[1]?.value).not.toBe(null);
  });
});

test('boot options of edk2-stable202505 have the digests that public tools name', () => {
  const { events } = measureTdx({ ...base, profile: 'edk2-202505' });
  const digests = events.flatMap(({ what, digest }) =>
    /^Boot000/.test(what) && digest ? toHex(digest) : [],
  );
  expect(digests).toEqual([
    '5068e6a9ded2a1c3a8ebb5d26004410ea8670742d8f444c5c3d161b76c66fa23a7b1d2fb3f9840570b675384b5818f2d',
    'dd424f2eeb35f3e8a2c2f50f6cc87ff90b7577e92ce63e13a22869d07d104fd5ea9800e6e4f12c5058fc4eaa78374f20',
  ]);
});

describe('what is not given', () => {
  test('leaves its register open, and says what it needs', () => {
    const { rtmr, mrtd } = measureTdx({
      ...base,
      memory: null,
      acpi: { loader: null, rsdp: null, tables: null },
      boot: null,
    });
    expect(mrtd).toHaveLength(48);
    expect(rtmr[0]).toMatchObject({
      value: null,
      needs: ['--memory', '--acpi-loader', '--acpi-rsdp', '--acpi-tables'],
    });
    expect(rtmr[1]).toMatchObject({ value: null, needs: ['--kernel or --uki'] });
    expect(rtmr[2]).toMatchObject({ value: null, needs: ['--kernel or --uki'] });
    expect(rtmr[3]?.value).toEqual(new Uint8Array(48));
  });

  test('an initrd’s place needs the memory, a boot option its contents', () => {
    expect(measureTdx({ ...base, memory: null }).rtmr[1]?.needs).toEqual(['--memory']);
    expect(measureTdx({ ...base, bootOrder: [10] }).rtmr[0]?.needs).toEqual([
      '--boot-option 000A=FILE',
    ]);
  });

  test('variables of a store with keys are not taken for empty', () => {
    const firmware = makeFlash();
    const name = Buffer.from('PK\0', 'utf16le');
    const guid = Uint8Array.of(
      0x61,
      0xdf,
      0xe4,
      0x8b,
      0xca,
      0x93,
      0xd2,
      0x11,
      0xaa,
      0x0d,
      0,
      0xe0,
      0x98,
      3,
      0x2b,
      0x8c,
    );
    firmware.set(concat(guid, new Uint8Array(name)), 0x100);
    const { rtmr } = measureTdx({ ...base, firmware });
    expect(rtmr[0]?.value).toBe(null);
    expect(rtmr[0]?.needs).toHaveLength(5);
    expect(measureTdx(base).rtmr[0]?.value).not.toBe(null);
  });
});

describe('a log of the same boot', () => {
  const log = { events: logOf(measureTdx(base)) };
  const withEvent = (index: number, change: Partial<LogEvent>) => ({
    events: log.events.map((event, i) => (i === index ? { ...event, ...change } : event)),
  });

  test('agrees', () => {
    expect(measureTdx({ ...base, log }).differences).toEqual([]);
  });

  test('gives what cannot be computed, and that is said', () => {
    const given = measureTdx({ ...base, acpi: { loader: null, rsdp: null, tables: null }, log });
    expect(given.differences).toEqual([]);
    expect(given.rtmr[0]).toMatchObject({ value: measureTdx(base).rtmr[0]?.value, fromLog: 3 });
    expect(given.events.filter(({ source }) => source === 'log').map(({ what }) => what)).toEqual([
      'ACPI: etc/table-loader',
      'ACPI: etc/acpi/rsdp',
      'ACPI: etc/acpi/tables',
    ]);
  });

  test('gives RTMR1 and RTMR2 where no kernel is given, and RTMR3 always', () => {
    const runtime: LogEvent = {
      register: 3,
      type: 6,
      digest: new Uint8Array(48).fill(1),
      data: file(''),
    };
    const events = [...log.events, runtime];
    const open = measureTdx({ ...base, boot: null, log: { events } });
    const expected = measureTdx(base).rtmr.map(({ value }) => value);
    expect(open.rtmr.slice(1, 3).map(({ value }) => value)).toEqual(expected.slice(1, 3));
    expect(open.rtmr[3]).toMatchObject({ value: replay([runtime.digest]), fromLog: 1 });
    expect(open.differences).toEqual([]);
  });

  test('that differs: the first event of each register is named', () => {
    const other = new Uint8Array(48).fill(5);
    const { differences, rtmr } = measureTdx({ ...base, log: withEvent(11, { digest: other }) });
    expect(differences).toMatchObject([{ register: 1, number: 1, found: { digest: other } }]);
    const [first] = differences;
    const lines = first === undefined ? [] : describeDifference(first);
    expect(lines[0]).toBe('event 1 of RTMR1');
    expect(lines[1]).toBe(`log: EV_EFI_BOOT_SERVICES_APPLICATION ${'05'.repeat(48)}`);
    expect(lines[2]).toMatch(/^build: EV_EFI_BOOT_SERVICES_APPLICATION [0-9a-f]{96}, kernel, with/);
    // What is printed is the build's value, never the log's.
    expect(rtmr[1]?.value).toEqual(measureTdx(base).rtmr[1]?.value);
  });

  test.each([
    ['another type', withEvent(1, { type: eventTypes.ipl }), 0, 2],
    ['an event less', { events: log.events.slice(0, -1) }, 1, 5],
    ['an event more', { events: [...log.events, log.events[0] as LogEvent] }, 0, 14],
  ])('%s', (_, changed, register, number) => {
    expect(measureTdx({ ...base, log: changed }).differences).toMatchObject([{ register, number }]);
    const [difference] = measureTdx({ ...base, log: changed }).differences;
    expect(difference === undefined ? '' : describeDifference(difference).join()).toMatch(
      /no more|EV_IPL/,
    );
  });

  test('an unknown event whose type differs is a difference, not taken over', () => {
    const acpi = { ...base.acpi, loader: null };
    const { differences, rtmr } = measureTdx({ ...base, acpi, log: withEvent(8, { type: 1 }) });
    expect(differences).toMatchObject([{ register: 0, number: 9 }]);
    expect(rtmr[0]).toMatchObject({ value: null, needs: ['--acpi-loader'] });
  });
});

describe('refuses', () => {
  test.each<[string, Partial<TdxInput>, string]>([
    [
      'a command line that is not ASCII',
      { boot: { kind: 'kernel', kernel, initrd, append: 'ä' } },
      'value-out-of-range',
    ],
    [
      'a kernel that is none',
      { boot: { kind: 'kernel', kernel: initrd, initrd, append: '' } },
      'form-unknown',
    ],
    ['too little memory for the firmware', { memory: 2 ** 20 }, 'value-out-of-range'],
    [
      'a firmware without a variable store',
      { firmware: makeFlash({ sections: ovmfSections.filter(({ type }) => type !== 1) }) },
      'value-out-of-range',
    ],
    [
      'a firmware without a TD HOB',
      { firmware: makeFlash({ sections: ovmfSections.filter(({ type }) => type !== 2) }) },
      'value-out-of-range',
    ],
  ])('%s', (_, input, expected) => {
    expect(codeOf(() => measureTdx({ ...base, ...input }))).toBe(expected);
    expect(codeOf(() => measureTdx(base))).toBe(null);
  });
});
