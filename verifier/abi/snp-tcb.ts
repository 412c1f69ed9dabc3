/**
 * SEV-SNP products and their TCB layouts. A TCB field is 8 bytes whose meaning depends on the product: Turin put the
 * FMC's version first and moved the rest (AMD document 56860, "TCB_VERSION Structure").
 */
import type { Bytes } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { Cpuid } from './snp.ts';

/** AMD's signing hierarchies; Bergamo and Siena are signed by Genoa's. */
export const snpProducts = ['Milan', 'Genoa', 'Turin'] as const;
export type SnpProduct = (typeof snpProducts)[number];

/** Security version numbers, 0 to 255 each. Before Turin there is no FMC: 0. */
export type TcbParts = {
  fmc: number;
  bootLoader: number;
  tee: number;
  snp: number;
  microcode: number;
};

/** The part that each byte of a TCB field holds; null is reserved and zero. */
const layouts: Record<SnpProduct, readonly (keyof TcbParts | null)[]> = {
  Milan: ['bootLoader', 'tee', null, null, null, null, 'snp', 'microcode'],
  Genoa: ['bootLoader', 'tee', null, null, null, null, 'snp', 'microcode'],
  Turin: ['fmc', 'bootLoader', 'tee', 'snp', null, null, null, 'microcode'],
};

/** Which bytes of CHIP_ID name the chip; the rest are zero. Turin's hardware id has 8 bytes. */
export const hardwareIdLength: Record<SnpProduct, number> = { Milan: 64, Genoa: 64, Turin: 8 };

/** @throws AttestationError `reserved-not-zero` */
export function decodeTcb(product: SnpProduct, bytes: Bytes, field: string): TcbParts {
  const parts: TcbParts = { fmc: 0, bootLoader: 0, tee: 0, snp: 0, microcode: 0 };
  layouts[product].forEach((part, i) => {
    const value = bytes[i] as number;
    if (part !== null) parts[part] = value;
    else if (value !== 0) {
      throw new AttestationError(
        'reserved-not-zero',
        `${field}: byte ${i} is reserved on ${product} and should be 0, got ${value}`,
      );
    }
  });
  return parts;
}

export function encodeTcb(product: SnpProduct, parts: TcbParts): Bytes {
  return Uint8Array.from(layouts[product], (part) => (part === null ? 0 : parts[part]));
}

export function describeTcb(parts: TcbParts): string {
  return `fmc ${parts.fmc}, boot loader ${parts.bootLoader}, tee ${parts.tee}, snp ${parts.snp}, microcode ${parts.microcode}`;
}

/** From CPUID family and model, never guessed: null is a processor that this release does not know. */
export function productOfCpuid({ family, model }: Cpuid): SnpProduct | null {
  const group = model >> 4;
  if (family === 0x19 && group === 0x0) return 'Milan';
  if (family === 0x19 && (group === 0x1 || group === 0xa)) return 'Genoa';
  if (family === 0x1a && (group === 0x0 || group === 0x1)) return 'Turin';
  return null;
}
