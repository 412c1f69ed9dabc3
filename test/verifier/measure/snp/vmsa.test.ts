/** The initial state of processors, byte by byte where hosts differ, and the signatures of models. */
import { expect, test } from 'vitest';
import { Reader, toHex } from '#verifier/bytes.ts';
import { cpuSignature, cpuTypes } from '#verifier/measure/snp/cpu.ts';
import { resetVector, resetVmsa, svsmVmsa, type Vmm } from '#verifier/measure/snp/vmsa.ts';

const input = { vmm: 'qemu' as Vmm, features: 0x21n, signature: 0x800f12 };

/** AMD64 manual volume 2, table B-4. */
const at = {
  es: 0x00,
  cs: 0x10,
  ss: 0x20,
  tr: 0x90,
  cr0: 0x158,
  rip: 0x178,
  pat: 0x268,
  rdx: 0x310,
  features: 0x3b0,
} as const;

function u64(page: Uint8Array, offset: number): bigint {
  return new Reader(page.subarray(offset), 'VMSA').u64le('field');
}

function segment(page: Uint8Array, offset: number) {
  const reader = new Reader(page.subarray(offset), 'VMSA');
  return [
    reader.u16le('selector'),
    reader.u16le('attributes'),
    reader.u32le('limit'),
    reader.u64le('base'),
  ];
}

test('the first processor begins at the reset vector, the others where the firmware says', () => {
  const first = resetVmsa({ ...input, entry: resetVector });
  expect(segment(first, at.cs)).toEqual([0xf000, 0x9b, 0xffff, 0xffff_0000n]);
  expect(u64(first, at.rip)).toBe(0xfff0n);
  const other = resetVmsa({ ...input, entry: 0x80b004 });
  expect(segment(other, at.cs)).toEqual([0xf000, 0x9b, 0xffff, 0x80_0000n]);
  expect(u64(other, at.rip)).toBe(0xb004n);
});

test.each([
  ['qemu', 0x9b, 0x9b, 0x93, 0x8b, 0x800f12n, 0x7040600070406n, '801f0000000000007f03'],
  ['qemu-fpu-0', 0x9b, 0x9b, 0x93, 0x8b, 0x800f12n, 0x7040600070406n, '00'.repeat(10)],
  ['ec2', 0x9a, 0x9b, 0x92, 0x83, 0x600n, 0x7040600070406n, '00'.repeat(10)],
  ['ec2-rdx-0', 0x9a, 0x9b, 0x92, 0x83, 0n, 0x7040600070406n, '00'.repeat(10)],
  ['gce', 0x9b, 0x9b, 0x93, 0x8b, 0x600n, 0x70106n, '00'.repeat(10)],
] as const)('%s', (vmm, csFirst, csOther, ss, tr, rdx, pat, floating) => {
  const first = resetVmsa({ ...input, vmm, entry: resetVector });
  const other = resetVmsa({ ...input, vmm, entry: 0x80b004 });
  expect(segment(first, at.cs)[1]).toBe(csFirst);
  expect(segment(other, at.cs)[1]).toBe(csOther);
  expect(segment(first, at.ss)[1]).toBe(ss);
  expect(segment(first, at.tr)[1]).toBe(tr);
  expect(u64(first, at.rdx)).toBe(rdx);
  expect(u64(first, at.pat)).toBe(pat);
  expect(u64(first, at.features)).toBe(0x21n);
  expect(toHex(first.slice(0x408, 0x412))).toBe(floating);
  expect(first.slice(0x412).every((byte) => byte === 0)).toBe(true);
});

test('an SVSM begins in protected mode', () => {
  const page = svsmVmsa({ ...input, entry: 0xffae_4000 });
  expect(segment(page, at.cs)).toEqual([8, 0xc9b, 0xffff_ffff, 0n]);
  expect(segment(page, at.es)).toEqual([16, 0xc93, 0xffff_ffff, 0n]);
  expect(u64(page, at.cr0)).toBe(0x11n);
  expect(u64(page, at.rip)).toBe(0xffae_4000n);
});

test.each([
  ['EPYC-v4', 0x800f12],
  ['EPYC-IBPB', 0x800f12],
  ['EPYC-Rome', 0x830f10],
  ['EPYC-Milan-v2', 0xa00f11],
  ['EPYC-Genoa', 0xa10f10],
  ['EPYC-Turin', 0xb00f00],
])('the signature of %s', (type, signature) => {
  expect(cpuTypes.get(type)).toBe(signature);
});

test('a family up to 15 has no extended part', () => {
  expect(cpuSignature(15, 0, 0)).toBe(0xf00);
  expect(cpuSignature(16, 0, 0)).toBe(0x10_0f00);
  expect(cpuSignature(6, 0x9e, 9)).toBe(0x906e9);
  expect(cpuSignature(270, 255, 15)).toBe(0xfff_0fff);
});

test.each([
  [271, 0, 0],
  [-1, 0, 0],
  [23, 256, 0],
  [23, 1, 16],
  [23.5, 1, 1],
])('no such processor: family %s, model %s, stepping %s', (family, model, stepping) => {
  expect(() => cpuSignature(family, model, stepping)).toThrow(RangeError);
});
