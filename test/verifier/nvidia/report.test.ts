/** Reports of NVIDIA's devices: genuine ones and simulated, and everything that a report may not be. */
import { expect, test } from 'vitest';
import { createNvidia, type FakeNvidiaDevice } from '#test/fake/nvidia.ts';
import { bytesFor } from '#test/fake/nvidia-profile.ts';
import { hasShared } from '#test/shared.ts';
import { type OpaqueField, parseOpaque, readOpaque } from '#verifier/abi/nvidia/opaque.ts';
import { rimSubjectOf } from '#verifier/abi/nvidia/rim-subject.ts';
import {
  encodeSpdm,
  looksLikeSpdm,
  type NvidiaReport,
  parseSpdm,
  signedPart,
} from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { nvidiaCases } from './devices-scene.ts';

const nonce = new Uint8Array(32).fill(0x6e);
const machine = createNvidia({
  gpus: [{}, { architecture: 'BLACKWELL' }, { featureFlag: 2 }, { featureFlag: null }],
  switches: 1,
});
const [hopper, blackwell, protectedPcie, older, nvSwitch] = machine.devices as [
  FakeNvidiaDevice,
  FakeNvidiaDevice,
  FakeNvidiaDevice,
  FakeNvidiaDevice,
  FakeNvidiaDevice,
];
const read = (device: FakeNvidiaDevice): NvidiaReport => parseSpdm(device.report(nonce));

test('a report of each architecture says what its device put there', () => {
  expect(read(hopper)).toMatchObject({
    kind: 'gpu',
    architecture: 'HOPPER',
    driver: '590.12',
    vbios: '96.00.A5.00.01',
    project: 'G520',
    projectSku: '0200',
    chipSku: '885',
    chip: null,
    nvdec0: false,
    mode: 'confidential',
    pdi: null,
  });
  expect(read(blackwell)).toMatchObject({
    architecture: 'BLACKWELL',
    driver: '595.91.07',
    vbios: '97.00.88.00.0F',
    chip: 'GB100',
    mode: 'confidential',
  });
  expect(read(nvSwitch)).toMatchObject({
    kind: 'switch',
    architecture: null,
    driver: null,
    vbios: '96.10.55.00.01',
    project: null,
    mode: null,
    nvdec0: null,
    fwid: null,
  });
  for (const device of machine.devices) {
    const bytes = device.report(nonce);
    const report = parseSpdm(bytes);
    expect(report.nonce).toEqual(nonce);
    expect(report.measurements).toEqual(device.measurements);
    expect(encodeSpdm(report)).toEqual(bytes);
  }
});

test('the mode of a GPU comes from its feature flag, and before it from the status of protected PCIe', () => {
  expect(read(protectedPcie).mode).toBe('protected-pcie');
  expect(read(older).mode).toBe(null);
  const pcieOnly = older.report(nonce, { fields: replaced(21, Uint8Array.of(0xaa)) });
  expect(parseSpdm(pcieOnly).mode).toBe('protected-pcie');
  const versionNought = hopper.report(nonce, { fields: replaced(34, Uint8Array.of(0, 0)) });
  expect(parseSpdm(versionNought).mode).toBe(null);
});

test('what a manifest is held against', () => {
  const subject = (device: FakeNvidiaDevice, chip: string | null = null) =>
    rimSubjectOf(read(device), 'GPU 0', chip);
  expect(subject(hopper)).toMatchObject({ architecture: 'GH100', project: 'G520', chipSku: '885' });
  expect(subject(hopper).unmeasured).toEqual(new Set([36]));
  expect(subject(blackwell).architecture).toBe('GB100');
  expect(subject(nvSwitch)).toMatchObject({
    architecture: 'LS10',
    driver: null,
    project: '5612',
    projectSku: '0002',
    chipSku: '890',
  });
  expect(subject(nvSwitch).unmeasured).toEqual(new Set());
  const nvdecOn = hopper.report(nonce, { fields: replaced(11, Uint8Array.of(0xaa)) });
  expect(rimSubjectOf(parseSpdm(nvdecOn), 'GPU 0', null).unmeasured).toEqual(new Set());
  const unknown = parseSpdm(hopper.report(nonce, { fields: replaced(4, new Uint8Array(8)) }));
  expect(unknown.architecture).toBe(null);
  expect(rimSubjectOf(unknown, 'GPU 0', 'GH100').architecture).toBe('GH100');
  const unnamed = parseSpdm(blackwell.report(nonce, { fields: without(35) }));
  expect(rimSubjectOf(unnamed, 'GPU 0', 'GB202').architecture).toBe('GB100');
});

const set =
  (at: number, ...values: number[]) =>
  (bytes: Bytes) => {
    const out = bytes.slice();
    out.set(values, at);
    return out;
  };
const record = 37 + 8;
const opaqueLengthAt = record + 64 * 55 + 32;

test.for<[string, (bytes: Bytes) => Bytes, string]>([
  ['version of the request', set(0, 0x12), 'version-unknown'],
  ['code of the request', set(1, 0xe1), 'value-out-of-range'],
  ['no signature asked for', set(2, 0), 'value-out-of-range'],
  ['one measurement asked for', set(3, 1), 'value-out-of-range'],
  ['slot 8', set(36, 8), 'value-out-of-range'],
  ['version of the response', set(37, 0x10), 'version-unknown'],
  ['code of the response', set(38, 0x61), 'value-out-of-range'],
  ['number of indices', set(39, 1), 'reserved-not-zero'],
  ['slot of the response', set(40, 1), 'value-out-of-range'],
  ['one block fewer', set(41, 63), 'length-wrong'],
  ['record length', set(42, 0xc1), 'length-wrong'],
  ['record length, third byte', set(44, 1), 'length-wrong'],
  ['block 0', set(record, 0), 'value-out-of-range'],
  ['block 255', set(record, 255), 'value-out-of-range'],
  ['a block twice', set(record, 2), 'value-out-of-range'],
  ['specification of a block', set(record + 1, 2), 'value-out-of-range'],
  ['size of a block', set(record + 2, 50), 'value-out-of-range'],
  ['raw value in a block', set(record + 4, 0x81), 'value-out-of-range'],
  ['type 5 of a block', set(record + 4, 5), 'value-out-of-range'],
  ['size of a value', set(record + 5, 32), 'value-out-of-range'],
  ['opaque length one too short', (b) => shorter(b), 'length-wrong'],
  ['opaque length to the end', set(opaqueLengthAt, 0xff, 0xff), 'length-wrong'],
  ['one byte fewer', (bytes) => bytes.subarray(0, -1), 'length-wrong'],
  ['one byte more', (bytes) => concat(bytes, new Uint8Array(1)), 'length-wrong'],
  ['request alone', (bytes) => bytes.subarray(0, 37), 'length-wrong'],
  ['nothing', () => new Uint8Array(0), 'length-wrong'],
])('a report with %s is refused', ([, change, code]) => {
  const bytes = hopper.report(nonce);
  expect(codeOf(() => parseSpdm(bytes))).toBe(null);
  expect(codeOf(() => parseSpdm(change(bytes)))).toBe(code);
});

function shorter(bytes: Bytes): Bytes {
  return bytes.with(opaqueLengthAt, (bytes[opaqueLengthAt] as number) - 1);
}

type Fields = readonly OpaqueField[];
const replaced = (id: number, value: Bytes) => (fields: Fields) =>
  fields.map((field) => (field.id === id ? { id, value } : field));
const without = (id: number) => (fields: Fields) => fields.filter((field) => field.id !== id);
const added = (id: number, value: Bytes) => (fields: Fields) => [...fields, { id, value }];

test.for<[string, (fields: Fields) => Fields, string]>([
  ['a field twice', added(13, fromHex('00c00100', 'field')), 'value-out-of-range'],
  ['field 0', added(0, new Uint8Array(1)), 'value-out-of-range'],
  ['field 37', added(37, new Uint8Array(1)), 'value-out-of-range'],
  ['opaque data of version 2', replaced(34, Uint8Array.of(2, 0)), 'version-unknown'],
  ['an empty version', replaced(34, new Uint8Array(0)), 'length-wrong'],
  ['a version of 9 bytes', replaced(34, new Uint8Array(9)), 'length-wrong'],
  ['feature flag 3', replaced(36, Uint8Array.of(3, 0)), 'value-out-of-range'],
  ['a feature flag over 32 bits', replaced(36, Uint8Array.of(0, 0, 0, 0, 1)), 'value-out-of-range'],
  ['modes in contradiction', replaced(21, Uint8Array.of(0xaa)), 'value-out-of-range'],
  ['a status that is neither', replaced(21, Uint8Array.of(1)), 'value-out-of-range'],
  ['NVDEC0 neither on nor off', replaced(11, Uint8Array.of(0)), 'value-out-of-range'],
  ['no VBIOS version', without(6), 'value-out-of-range'],
  ['a VBIOS version of 7 bytes', replaced(6, new Uint8Array(7)), 'length-wrong'],
  [
    'a VBIOS version with a sixth part',
    replaced(6, new Uint8Array(8).fill(1)),
    'reserved-not-zero',
  ],
  ['no project', without(17), 'value-out-of-range'],
  ['no project SKU', without(18), 'value-out-of-range'],
  ['no chip SKU', without(15), 'value-out-of-range'],
  ['a project in small letters', replaced(17, utf8('g520\0')), 'value-out-of-range'],
  ['an empty driver version', replaced(3, new Uint8Array(4)), 'value-out-of-range'],
  ['text after the driver version', replaced(3, utf8('590.12\0x')), 'value-out-of-range'],
  ['a driver version in other digits', replaced(3, utf8('590.１2\0')), 'value-out-of-range'],
  ['a firmware id of 32 bytes', replaced(20, new Uint8Array(32)), 'length-wrong'],
  ['GPU_INFO of 4 bytes', replaced(4, new Uint8Array(4)), 'length-wrong'],
])('opaque data of a GPU with %s is refused', ([, fields, code]) => {
  expect(codeOf(() => parseSpdm(hopper.report(nonce, { fields: (same) => same })))).toBe(null);
  expect(codeOf(() => parseSpdm(hopper.report(nonce, { fields })))).toBe(code);
});

test.for<[string, (fields: Fields) => Fields, string]>([
  ['no device PDI', without(22), 'value-out-of-range'],
  ['a device PDI of 7 bytes', replaced(22, new Uint8Array(7)), 'length-wrong'],
  ['field 28', added(28, new Uint8Array(1)), 'value-out-of-range'],
  [
    'a binary VBIOS version',
    replaced(6, fromHex('0055109601000000', 'VBIOS')),
    'value-out-of-range',
  ],
  ['a VBIOS version of four parts', replaced(6, utf8('96.10.55.00')), 'value-out-of-range'],
])('opaque data of a switch with %s is refused', ([, fields, code]) => {
  expect(codeOf(() => parseSpdm(nvSwitch.report(nonce)))).toBe(null);
  expect(codeOf(() => parseSpdm(nvSwitch.report(nonce, { fields })))).toBe(code);
});

test('small letters of a switch’s VBIOS version are the same version', () => {
  const fields = replaced(6, utf8('96.10.5e.00.0f'));
  expect(parseSpdm(nvSwitch.report(nonce, { fields })).vbios).toBe('96.10.5E.00.0F');
});

test('fields that end inside a length or value are refused', () => {
  const good = Uint8Array.of(3, 0, 1, 0, 0x35);
  expect(parseOpaque(good)).toEqual([{ id: 3, value: Uint8Array.of(0x35) }]);
  for (const end of [1, 2, 3, 4])
    expect(codeOf(() => parseOpaque(good.subarray(0, end)))).toBe('length-wrong');
  expect(parseOpaque(new Uint8Array(0))).toEqual([]);
  expect(codeOf(() => readOpaque([]))).toBe('value-out-of-range');
});

test('a report is known by its first bytes, and signed up to its last 96', () => {
  const bytes = hopper.report(nonce);
  expect(looksLikeSpdm(bytes)).toBe(true);
  expect(looksLikeSpdm(utf8('[{}]'))).toBe(false);
  expect(signedPart(bytes)).toEqual(bytes.subarray(0, -96));
  expect(signedPart(new Uint8Array(5))).toEqual(new Uint8Array(0));
});

test('16 MB of hostile bytes end at once', () => {
  const head = hopper.report(nonce).subarray(0, 45);
  for (const filler of [0, 0xff, 1]) {
    const bytes = concat(head, new Uint8Array(16_000_000).fill(filler));
    const start = performance.now();
    expect(codeOf(() => parseSpdm(bytes))).toBe('value-out-of-range');
    expect(codeOf(() => parseSpdm(bytes.with(44, 0xff)))).toBe('length-wrong');
    expect(performance.now() - start).toBeLessThan(1000);
  }
});

test('a writer is told when a value does not fit', () => {
  const report = read(hopper);
  expect(() => encodeSpdm({ ...report, nonce: new Uint8Array(31) })).toThrow(RangeError);
  expect(() => encodeSpdm({ ...report, signature: bytesFor('x', 64) })).toThrow(RangeError);
});

/** The corpus read the switches' ASCII as if it were a GPU's binary version. */
const misread = /^31\.2E\./;

if (hasShared) {
  test('the corpus has its 28 cases', () => {
    expect(nvidiaCases()).toHaveLength(28);
  });

  test.for(nvidiaCases())(
    'the genuine report $id',
    ({ device: { evidence }, driver, vbios, architecture, nonce: answered }) => {
      const report = parseSpdm(evidence);
      expect(encodeSpdm(report)).toEqual(evidence);
      expect(toHex(report.nonce)).toBe(answered);
      expect(report.driver).toBe(driver);
      expect(report.architecture ?? 'LS10').toBe(architecture);
      if (!misread.test(vbios)) expect(report.vbios).toBe(vbios);
      else expect(report.vbios).toMatch(/^96\.10\.(52\.00\.00|(55|73)\.00\.01)$/);
    },
  );
}
