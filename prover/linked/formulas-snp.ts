/** What the linked proofs know an AMD SEV-SNP machine by (protocol, "Linked proofs"). */
import { type Bytes, concat } from '#verifier/bytes.ts';
import { type Field, limbs, p2 } from '#verifier/field.ts';

/** By number: of the issuer, and of the report's CPUID where it has one. Genoa includes Bergamo and Siena. */
export const snpProducts = { Milan: 1, Genoa: 2, Turin: 3 } as const;
export type SnpProductNumber = (typeof snpProducts)[keyof typeof snpProducts];

/** Which key signs: 0 VCEK, under an ASK; 1 VLEK, under an ASVK. */
export type SnpKeyKind = 0 | 1;

/** Security version numbers, a byte each; `fmc` 0 before Turin. */
export type SnpSvns = {
  readonly fmc: number;
  readonly bootLoader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
};

/** tcb = fmc·2^32 + bootLoader·2^24 + tee·2^16 + snp·2^8 + microcode @throws RangeError for a part that is no byte */
export function tcbSnp({ fmc, bootLoader, tee, snp, microcode }: SnpSvns): Field {
  return [fmc, bootLoader, tee, snp, microcode].reduce((tcb, part) => {
    if (!Number.isInteger(part) || part < 0 || part > 0xff) {
      throw new RangeError(`${part} is no security version of one byte`);
    }
    return (tcb << 8n) + BigInt(part);
  }, 0n);
}

/** chip = P2(chip-snp; limbs(64-byte id, Turin's 8 bytes then zeros)) @throws RangeError for an id of another length */
export function chipSnp(chipId: Bytes): Field {
  if (chipId.length !== 64 && chipId.length !== 8) {
    throw new RangeError(`a chip id has 64 bytes, on Turin 8, got ${chipId.length}`);
  }
  return p2('chip-snp', ...limbs(concat(chipId, new Uint8Array(64 - chipId.length))));
}

/** Of a VLEK, which does not say its chip. */
export const noChip: Field = 0n;

/** issuer = P2(issuer-snp; product, kind, limbs(512-byte modulus)) @throws RangeError for a modulus of another length */
export function issuerSnp(product: SnpProductNumber, kind: SnpKeyKind, modulus: Bytes): Field {
  if (modulus.length !== 512)
    throw new RangeError(`a modulus has 512 bytes, got ${modulus.length}`);
  return p2('issuer-snp', BigInt(product), BigInt(kind), ...limbs(modulus));
}

/** A VCEK or VLEK as its certificate states it. */
export type SnpVek = {
  readonly product: SnpProductNumber;
  readonly kind: SnpKeyKind;
  /** x ‖ y, 96 bytes. */
  readonly publicKey: Bytes;
  /** `chipSnp`, or `noChip`. */
  readonly chip: Field;
  /** `tcbSnp`. */
  readonly tcb: Field;
};

/** vek = P2(vek-snp; product, kind, limbs(x), limbs(y), chip, tcb) @throws RangeError for a key of another length */
export function vekSnp({ product, kind, publicKey, chip, tcb }: SnpVek): Field {
  if (publicKey.length !== 96) throw new RangeError(`a key has 96 bytes, got ${publicKey.length}`);
  return p2('vek-snp', BigInt(product), BigInt(kind), ...limbs(publicKey), chip, tcb);
}

/** level = P2(level-snp; product, tcb) */
export function levelSnp(product: SnpProductNumber, tcb: Field): Field {
  return p2('level-snp', BigInt(product), tcb);
}
