import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type MeasureTdxOptions, runMeasureTdx } from '#verifier/cli/measure-tdx-command.ts';
import { measureTdxOptions } from '#verifier/cli/measure-tdx-options.ts';
import { computeMrtd, pageAddOrders } from '#verifier/measure/tdx/mrtd.ts';
import { kernelHeaders, profileNames } from '#verifier/measure/tdx/profiles.ts';
import { parseTdvf } from '#verifier/measure/tdx/tdvf.ts';
import { counting, encodeLog, makeFlash, makeKernel, makeUki } from '../measure/tdx/images.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const put = (name: string, bytes: Bytes) => writeFile(at(name), bytes);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'measure-tdx-'));
  await put('flash', makeFlash());
  await put('code', makeFlash().subarray(0x1000));
  await put('kernel', makeKernel());
  await put('initrd', counting(100));
  await put('uki', makeUki(makeKernel(), [{ name: '.cmdline', text: 'quiet' }]));
  for (const name of ['loader', 'rsdp', 'tables', 'option']) await put(name, utf8(name));
  await put('broken.ccel', utf8('no log'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As yargs reads a command line. */
async function read(...args: string[]): Promise<MeasureTdxOptions> {
  const found = await measureTdxOptions(yargs(args)).strict().exitProcess(false).parseAsync();
  return found;
}
const run = async (...args: string[]) => runMeasureTdx(await read('--tdvf', at('flash'), ...args));
const json = async (...args: string[]) =>
  JSON.parse((await run(...args, '--format', 'json')).stdout);
const all = () => [
  ...['--memory', '2G', '--kernel', at('kernel'), '--initrd', at('initrd'), '--append', 'quiet'],
  ...['--acpi-tables', at('tables'), '--acpi-rsdp', at('rsdp'), '--acpi-loader', at('loader')],
];

async function refusal(promise: Promise<unknown>): Promise<CliError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof CliError) return error;
  throw error ?? new Error('nothing was refused');
}

describe('affidavit measure tdx', () => {
  test('with a firmware alone: MRTD, and what the others need', async () => {
    const { stdout, exitCode } = await run();
    const mrtd = toHex(computeMrtd(parseTdvf(makeFlash()), 'single-pass'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`mrtd   ${mrtd}\n`);
    expect(stdout).toContain(
      'rtmr0  not known: give --memory, --acpi-loader, --acpi-rsdp, --acpi-tables\n',
    );
    expect(stdout).toContain('rtmr1  not known: give --kernel or --uki\n');
    expect(stdout).toContain(`rtmr3  ${'00'.repeat(48)}\n`);
    expect(stdout).toMatch(/stands for: QEMU on KVM, machine q35/);
  });

  test('with everything: four registers and each event with its digest', async () => {
    const { mrtd, rtmr, events, log, version } = await json(...all());
    expect(version).toBe(1);
    expect(mrtd).toMatch(/^[0-9a-f]{96}$/);
    expect(rtmr.map(({ value }: { value: string }) => value.length)).toEqual([96, 96, 96, 96]);
    expect(events).toHaveLength(20);
    expect(events[0]).toMatchObject({
      rtmr: 0,
      type: 'EV_EFI_HANDOFF_TABLES2',
      source: 'computed',
    });
    expect(log).toBe(null);
    const { stdout } = await run(...all());
    expect(stdout).toContain('rtmr2  EV_EVENT_TAG  command line: "quiet initrd=initrd"\n');
    expect(stdout).not.toMatch(/not known/);
  });

  test('options change what they should', async () => {
    const before = await json(...all());
    const other = await json(...all(), '--page-add-order', 'two-pass');
    expect(other.mrtd).not.toBe(before.mrtd);
    expect(other.rtmr).toEqual(before.rtmr);
    const options = ['--boot-order', '0001,000a', '--boot-option', `0001=${at('option')}`];
    const ordered = await json(...all(), ...options, '--boot-option', `000A=${at('rsdp')}`);
    expect(ordered.events.map(({ what }: { what: string }) => what)).toContain('Boot000A: 4 bytes');
    const secure = await json(...all(), '--efi-variable', `SecureBoot=${at('option')}`);
    expect(secure.events[2].what).toBe('variable SecureBoot: 6 bytes');
    const recent = await json(
      '--profile',
      'edk2-202505',
      '--smbios-digest',
      'ab'.repeat(48),
      '--uki',
      at('uki'),
    );
    expect(recent.rtmr[2].value).toMatch(/^[0-9a-f]{96}$/);
    expect(recent.events.some(({ digest }: { digest: string }) => digest === 'ab'.repeat(48))).toBe(
      true,
    );
  });

  test('with the log of the same build: exit 0; with another’s: exit 10 and the first difference', async () => {
    const { events } = await json(...all());
    const entries = events.map(
      ({ rtmr, digest }: { rtmr: 0 | 1 | 2 | 3; digest: string }, i: number) => ({
        register: rtmr,
        type: types[i] ?? 0,
        digest: new Uint8Array(Buffer.from(digest, 'hex')),
        data: new Uint8Array(),
      }),
    );
    await put('same.ccel', encodeLog(entries, new Uint8Array(64).fill(0xff)));
    const same = await run(...all(), '--events', at('same.ccel'));
    expect(same.exitCode).toBe(0);
    expect(same.stdout).toContain('The log of 20 events is the one of this build.');
    const wrong = all().map((text) => (text === 'quiet' ? 'debug' : text));
    const differs = await run(...wrong, '--events', at('same.ccel'));
    expect(differs.exitCode).toBe(10);
    expect(differs.stdout).toMatch(
      /The log differs from the build:\n {2}event 1 of RTMR2\n {4}log: EV_EVENT_TAG [0-9a-f]{96}\n {4}build: EV_EVENT_TAG/,
    );
    const { log } = await json(...wrong, '--events', at('same.ccel'));
    expect(log).toMatchObject({
      events: 20,
      differences: [{ rtmr: 2, event: 1, found: { type: 'EV_EVENT_TAG' } }],
    });
  });
});

/** Of the twenty events of a kernel with an initrd, in order. */
const types = [
  0x8000000b, 0x8000000a, 0x80000001, 0x80000001, 0x80000001, 0x80000001, 0x80000001, 4, 10, 10, 10,
  0x80000003, 0x80000002, 0x80000002, 0x80000007, 4, 6, 6, 0x80000007, 0x80000007,
];

describe('refuses', () => {
  test.each<[string, () => Promise<unknown>, number, string]>([
    [
      'code without its variable store',
      async () => runMeasureTdx(await read('--tdvf', at('code'))),
      20,
      'length-wrong',
    ],
    [
      'a file that is no firmware',
      async () => runMeasureTdx(await read('--tdvf', at('initrd'))),
      20,
      'form-unknown',
    ],
    [
      'a file that is not there',
      async () => runMeasureTdx(await read('--tdvf', at('none'))),
      2,
      'file-unreadable',
    ],
    [
      'a kernel that is none',
      () => run('--kernel', at('initrd'), '--memory', '2G'),
      20,
      'length-wrong',
    ],
    ['a log that is none', () => run('--events', at('broken.ccel')), 20, 'log-malformed'],
    ['a UKI where QEMU changes headers', () => run('--uki', at('uki')), 20, 'value-out-of-range'],
    ['a UKI with a kernel', () => run('--uki', at('uki'), '--kernel', at('kernel')), 2, 'usage'],
    ['an initrd without a kernel', () => run('--initrd', at('initrd')), 2, 'usage'],
    ['memory without a unit', () => run('--memory', '2048'), 2, 'usage'],
    ['memory of nothing', () => run('--memory', '0G'), 2, 'usage'],
    ['more memory than there is', () => run('--memory', '65T'), 2, 'usage'],
    ['a boot order that is none', () => run('--boot-order', '1'), 2, 'usage'],
    ['a boot option without a file', () => run('--boot-option', '0001'), 2, 'usage'],
    [
      'a variable that is not measured',
      () => run('--efi-variable', `BootNext=${at('option')}`),
      2,
      'usage',
    ],
    [
      'a variable twice',
      () => run('--efi-variable', `db=${at('option')}`, '--efi-variable', `db=${at('rsdp')}`),
      2,
      'usage',
    ],
    ['a digest that is short', () => run('--smbios-digest', 'abcd'), 2, 'hex-malformed'],
  ])('%s', async (_, start, exitCode, code) => {
    const error = await refusal(start());
    expect([error.exitCode, error.code]).toEqual([exitCode, code]);
    expect(error.remedy).not.toBe('');
  });

  test('says which input was wrong', async () => {
    const error = await refusal(run('--events', at('broken.ccel')));
    expect(error.message).toContain(at('broken.ccel'));
  });
});

test('the options’ choices are those of the measurement', async () => {
  const help = await measureTdxOptions(yargs([])).wrap(null).getHelp();
  for (const choices of [profileNames, pageAddOrders, kernelHeaders]) {
    expect(help).toContain(`[choices: ${choices.map((one) => `"${one}"`).join(', ')}]`);
  }
});
