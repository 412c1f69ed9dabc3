/**
 * The state in which a processor of the guest begins: one page, AMD64 Architecture Programmer's Manual volume 2, table B-4
 * "VMSA Layout, State Save Area for SEV-ES". What is not set here is zero.
 */
import { type Bytes, Writer } from '../../bytes.ts';
import { pageLength } from './launch.ts';

type Registers = {
  /** Attributes of segments: of CS for the first processor and for the others, of SS, of TR. */
  csFirst: number;
  csOther: number;
  ss: number;
  tr: number;
  /** Page attribute table. */
  pat: bigint;
  /** `signature`: RDX holds the signature of the processor, as a reset leaves it. */
  rdx: number | 'signature';
  mxcsr: number;
  fcw: number;
  /** How the memory that the metadata names is added. */
  memory: 'zero' | 'unmeasured';
  /** The CPUID page comes after all other sections. */
  cpuidLast: boolean;
};

const patOfReset = 0x0007_0406_0007_0406n;
const qemu: Registers = {
  csFirst: 0x9b,
  csOther: 0x9b,
  ss: 0x93,
  tr: 0x8b,
  pat: patOfReset,
  rdx: 'signature',
  mxcsr: 0x1f80,
  fcw: 0x37f,
  memory: 'zero',
  cpuidLast: false,
};
const ec2: Registers = {
  csFirst: 0x9a,
  csOther: 0x9b,
  ss: 0x92,
  tr: 0x83,
  pat: patOfReset,
  rdx: 0x600,
  mxcsr: 0,
  fcw: 0,
  memory: 'zero',
  cpuidLast: true,
};

/** How hosts differ. */
const profiles = {
  /** With KVM of Linux 6.11 or later. */
  qemu,
  /** With KVM of before Linux 6.10 (out-of-tree), which left the floating-point state zero. */
  'qemu-fpu-0': { ...qemu, mxcsr: 0, fcw: 0 },
  ec2,
  /** As it was until EC2 began to set RDX, seen first in April 2026. */
  'ec2-rdx-0': { ...ec2, rdx: 0 },
  gce: { ...qemu, pat: 0x0007_0106n, rdx: 0x600, mxcsr: 0, fcw: 0, memory: 'unmeasured' },
} as const satisfies Record<string, Registers>;

export type Vmm = keyof typeof profiles;
export const vmms = Object.keys(profiles) as readonly Vmm[];

export function profileOf(vmm: Vmm): Readonly<Registers> {
  return profiles[vmm];
}

/** Whether the signature of the processor is part of the digest. */
export function measuresSignature(vmm: Vmm): boolean {
  return profileOf(vmm).rdx === 'signature';
}

type Segment = { selector: number; attributes: number; limit: number; base: number };
const segment = (attributes: number, selector = 0, base = 0, limit = 0xffff): Segment => ({
  selector,
  attributes,
  limit,
  base,
});

type Start = {
  /** ES, CS, SS, DS, FS, GS. */
  segments: readonly Segment[];
  cr0: bigint;
  rip: number;
};

/** Where the first processor of a guest without an SVSM begins. */
export const resetVector = 0xffff_fff0;

export type VmsaInput = {
  vmm: Vmm;
  /** 32 bits; where the processor begins. */
  entry: number;
  /** SEV_FEATURES, 64 bits. */
  features: bigint;
  /** Not looked at where the VMM does not set it. */
  signature: number;
};

/** In real mode, as a processor leaves its reset. @returns 4096 bytes */
export function resetVmsa(input: VmsaInput): Bytes {
  const { csFirst, csOther, ss } = profileOf(input.vmm);
  const cs = input.entry === resetVector ? csFirst : csOther;
  const data = segment(0x93);
  return encode(input, {
    segments: [
      data,
      segment(cs, 0xf000, input.entry - (input.entry & 0xffff)),
      segment(ss),
      data,
      data,
      data,
    ],
    cr0: 0x10n,
    rip: input.entry & 0xffff,
  });
}

/** In protected mode with flat segments, as QEMU starts Coconut SVSM. @returns 4096 bytes */
export function svsmVmsa(input: VmsaInput): Bytes {
  const code = segment(0xc9b, 8, 0, 0xffff_ffff);
  const data = segment(0xc93, 16, 0, 0xffff_ffff);
  return encode(input, {
    segments: [data, code, data, data, data, segment(0x93)],
    cr0: 0x11n,
    rip: input.entry,
  });
}

function encode({ vmm, features, signature }: VmsaInput, { segments, cr0, rip }: Start): Bytes {
  const { tr, pat, rdx, mxcsr, fcw } = profileOf(vmm);
  const writer = new Writer(pageLength);
  let at = 0;
  const seek = (offset: number) => {
    writer.zero(offset - at);
    at = offset;
  };
  const u64 = (offset: number, value: bigint) => {
    seek(offset);
    writer.u64le(value);
    at += 8;
  };
  // GDTR, LDTR, IDTR and TR follow the six.
  const tables = [segment(0), segment(0x82), segment(0), segment(tr)];
  for (const one of [...segments, ...tables]) {
    writer.u16le(one.selector).u16le(one.attributes).u32le(one.limit).u64le(BigInt(one.base));
    at += 16;
  }
  // EFER.SVME and CR4.MCE are set by KVM.
  u64(0x0d0, 0x1000n);
  u64(0x148, 0x40n);
  u64(0x158, cr0);
  u64(0x160, 0x400n); // DR7
  u64(0x168, 0xffff_0ff0n); // DR6
  u64(0x170, 2n); // RFLAGS
  u64(0x178, BigInt(rip));
  u64(0x268, pat);
  u64(0x310, BigInt(rdx === 'signature' ? signature : rdx));
  u64(0x3b0, features);
  u64(0x3e8, 1n); // XCR0
  seek(0x408);
  writer.u32le(mxcsr).zero(4).u16le(fcw);
  at += 10;
  seek(pageLength);
  return writer.finish();
}
