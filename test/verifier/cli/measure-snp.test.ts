/** `affidavit measure snp`: what it prints and writes, and what it refuses. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firmwareImage } from '#test/verifier/measure/snp/firmware-image.ts';
import { amdSev, ovmfX64 } from '#test/verifier/measure/snp/published.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type MeasureSnpOptions, runMeasureSnp } from '#verifier/cli/measure-snp-command.ts';
import { measureSnpOptions } from '#verifier/cli/measure-snp-options.ts';
import { vmms } from '#verifier/measure/snp/vmsa.ts';

let folder: string;
let usual: MeasureSnpOptions;
const place = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-measure-'));
  writeFileSync(place('OVMF.fd'), firmwareImage());
  writeFileSync(
    place('plain.fd'),
    firmwareImage({ sections: ovmfX64.sections, hashTable: ovmfX64.hashTable }),
  );
  writeFileSync(place('empty'), '');
  writeFileSync(
    place('svsm.bin'),
    firmwareImage({ svsmEntry: 0, sections: [[0, 0x1000, 1]], hashTable: [0, 0] }),
  );
  writeFileSync(place('vars.fd'), new Uint8Array(0x2000));
  usual = {
    ovmf: place('OVMF.fd'),
    vcpus: 1,
    vcpuType: 'EPYC-v4',
    vmm: 'qemu',
    guestFeatures: '0x1',
    format: 'text',
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

const booted = () => ({ kernel: place('empty'), initrd: place('empty') });

async function ending(changes: Partial<MeasureSnpOptions>): Promise<[number, string] | string> {
  try {
    return (await runMeasureSnp({ ...usual, ...changes })).stdout.trim();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [error.exitCode, error.code];
  }
}

test('a published digest', async () => {
  const found = await runMeasureSnp({
    ...usual,
    ...booted(),
    append: 'console=ttyS0 loglevel=7',
    ovmfHash: amdSev.hash.toUpperCase(),
  });
  expect(found).toEqual({
    exitCode: 0,
    stdout:
      '6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa\n',
    stderr: `${place('OVMF.fd')} (its digest was given), kernel, initrd and command line, 1 processor of qemu: 33 pages\n`,
  });
});

test('the three ways to name a processor give one digest', async () => {
  const { vcpuType: _, ...rest } = usual;
  const digests = await Promise.all(
    [
      { vcpuType: 'EPYC-v4' },
      { vcpuSig: '0x800f12' },
      { vcpuSig: '8392466' },
      { vcpuFamily: 23, vcpuModel: 1, vcpuStepping: 2 },
    ].map(async (way) => (await runMeasureSnp({ ...rest, ...way })).stdout),
  );
  expect(new Set(digests).size).toBe(1);
});

test('without an initrd and a command line they count as empty', async () => {
  expect(await ending({ kernel: place('empty') })).toBe(await ending({ ...booted(), append: '' }));
  expect(await ending({ kernel: place('empty') })).not.toBe(await ending({}));
});

test('JSON says what was measured', async () => {
  const { stdout, stderr } = await runMeasureSnp({
    ...usual,
    ...booted(),
    vcpus: 2,
    format: 'json',
  });
  expect(stderr).toBe('');
  const json = JSON.parse(stdout);
  const empty = createHash('sha256').digest('hex');
  expect(json).toMatchObject({
    version: 1,
    launchDigest: await ending({ ...booted(), vcpus: 2 }),
    vmm: 'qemu',
    vcpus: 2,
    cpuSignature: '0x800f12',
    guestFeatures: '0x1',
    firmware: { gpa: '0xfffff000', length: 4096, hashGiven: false },
    svsm: null,
    kernel: { kernel: empty, initrd: empty },
    pages: 34,
  });
  expect(json.sections[5]).toEqual({
    kind: 'kernel-hashes',
    pageType: 'normal',
    gpa: '0x810000',
    length: 4096,
  });
  expect(await ending({ ...booted(), vcpus: 2, ovmfHash: json.firmware.hash })).toBe(
    json.launchDigest,
  );
});

test('the initial states, one file a processor', async () => {
  const dumpVmsa = place('states');
  await runMeasureSnp({ ...usual, vcpus: 3, dumpVmsa });
  expect(readdirSync(dumpVmsa).toSorted()).toEqual(['vmsa0.bin', 'vmsa1.bin', 'vmsa2.bin']);
  const states = readdirSync(dumpVmsa).map((name) => readFileSync(join(dumpVmsa, name)));
  expect(states.every(({ length }) => length === 4096)).toBe(true);
  expect(await ending({ dumpVmsa })).toEqual([2, 'file-unwritable']);
});

test('an SVSM, by the size of the variables or by their file', async () => {
  const svsm = place('svsm.bin');
  const found = await ending({ svsm, varsFile: place('vars.fd') });
  expect(found).toMatch(/^[0-9a-f]{96}$/);
  expect(await ending({ svsm, varsSize: 0x2000 })).toBe(found);
  expect(await ending({ svsm, varsSize: 0x3000 })).not.toBe(found);
});

describe('refused', () => {
  const refusals: [string, () => Partial<MeasureSnpOptions>, number, string][] = [
    ['an initrd without a kernel', () => ({ initrd: place('empty') }), 2, 'usage'],
    ['a command line without a kernel', () => ({ append: '' }), 2, 'usage'],
    ['a kernel on EC2', () => ({ ...booted(), vcpuType: undefined, vmm: 'ec2' }), 2, 'usage'],
    ['a NUL', () => ({ ...booted(), append: 'a\0b' }), 2, 'usage'],
    ['no processor', () => ({ vcpus: 0 }), 2, 'usage'],
    ['no number', () => ({ vcpus: Number.NaN }), 2, 'usage'],
    ['no model', () => ({ vcpuType: undefined }), 2, 'usage'],
    ['two models', () => ({ vcpuSig: '0x800f12' }), 2, 'usage'],
    ['an unknown model', () => ({ vcpuType: 'EPYC-v99' }), 2, 'usage'],
    ['a model on EC2', () => ({ vmm: 'ec2' }), 2, 'usage'],
    ['half a signature', () => ({ vcpuType: undefined, vcpuFamily: 23 }), 2, 'usage'],
    [
      'a large family',
      () => ({ vcpuType: undefined, vcpuFamily: 271, vcpuModel: 0, vcpuStepping: 0 }),
      2,
      'usage',
    ],
    ['a large signature', () => ({ vcpuType: undefined, vcpuSig: '0x100000000' }), 2, 'usage'],
    ['a word', () => ({ guestFeatures: 'one' }), 2, 'usage'],
    ['features without SNP', () => ({ guestFeatures: '0x20' }), 2, 'usage'],
    ['a short digest', () => ({ ovmfHash: 'ab' }), 2, 'hex-malformed'],
    ['variables without an SVSM', () => ({ varsSize: 4096 }), 2, 'usage'],
    ['an SVSM without variables', () => ({ svsm: place('svsm.bin') }), 2, 'usage'],
    [
      'an SVSM with a kernel',
      () => ({ svsm: place('svsm.bin'), varsSize: 0, ...booted() }),
      2,
      'usage',
    ],
    ['half a page of variables', () => ({ svsm: place('svsm.bin'), varsSize: 2048 }), 2, 'usage'],
    ['no such firmware', () => ({ ovmf: place('nothing') }), 2, 'file-unreadable'],
    ['no such kernel', () => ({ kernel: place('nothing') }), 2, 'file-unreadable'],
    ['a folder', () => ({ kernel: folder }), 2, 'file-unreadable'],
    ['what is no firmware', () => ({ ovmf: place('vars.fd') }), 20, 'form-unknown'],
    ['an empty file', () => ({ ovmf: place('empty') }), 20, 'length-wrong'],
    ['what is no SVSM', () => ({ svsm: place('vars.fd'), varsSize: 0 }), 20, 'form-unknown'],
    [
      'a kernel that nobody would check',
      () => ({ ovmf: place('plain.fd'), ...booted() }),
      20,
      'form-unknown',
    ],
  ];
  test.each(refusals)('%s', async (_name, changes, exitCode, code) => {
    expect(await ending(changes())).toEqual([exitCode, code]);
  });

  test('and their twins are not', async () => {
    for (const changes of [
      booted(),
      { ...booted(), append: 'a b' },
      { vcpus: 4096 },
      { vcpuType: undefined, vmm: 'ec2' },
      { guestFeatures: '33' },
      { ovmf: place('plain.fd') },
      { svsm: place('svsm.bin'), varsSize: 0 },
    ] as const) {
      expect(await ending(changes)).toMatch(/^[0-9a-f]{96}$/);
    }
  });
});

test('the option lists every VMM', () => {
  let choices: readonly string[] = [];
  const command = {
    options(found: { vmm: { choices: readonly string[] } }) {
      choices = found.vmm.choices;
      return command;
    },
    example: () => command,
    epilogue: () => command,
  };
  measureSnpOptions(command as never);
  expect(choices).toEqual(vmms);
});
