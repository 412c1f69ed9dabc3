/** Entries of AMD's machines (protocol, "Linked proofs"). */
import { snpProducts as productNames, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, isZero, toHex } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import {
  type Decoder,
  hexBytes,
  integer,
  object,
  oneOf,
  shapeError,
  text,
} from '#verifier/json.ts';
import { referenceSnp } from './formulas.ts';
import {
  chipSnp,
  levelSnp,
  noChip,
  type SnpKeyKind,
  type SnpSvns,
  type SnpVek,
  snpProducts,
  tcbSnp,
  vekSnp,
} from './formulas-snp.ts';
import { type EntryFormat, fieldHex, hexOfField } from './set-entry-format.ts';

/** What may run in a guest: MEASUREMENT, 48 bytes, and 32 for the digest. */
export type AcceptedSnp = { readonly measurement: Bytes; readonly closureDigest: Bytes };

/** A TCB level of one product. */
export type LevelSnp = SnpSvns & { readonly product: SnpProduct };

/** A chip by its id: 64 bytes, Turin's 8 alone. */
export type RevokedChipId = { readonly chipId: Bytes };

/** A VCEK or VLEK as its certificate states it. */
export type VekSnp = {
  readonly product: SnpProduct;
  readonly keyKind: 'vcek' | 'vlek';
  /** x ‖ y, 96 bytes. */
  readonly publicKey: Bytes;
  /** `chipSnp`; `noChip` of a VLEK. */
  readonly chip: Field;
  readonly tcb: SnpSvns;
};

const keyKinds = { vcek: 0, vlek: 1 } as const satisfies Record<VekSnp['keyKind'], SnpKeyKind>;

/** What the formulas know the key by. */
export function toSnpVek({ product, keyKind, publicKey, chip, tcb }: VekSnp): SnpVek {
  return {
    product: snpProducts[product],
    kind: keyKinds[keyKind],
    publicKey,
    chip,
    tcb: tcbSnp(tcb),
  };
}

const u8 = integer(0, 0xff);
const product = oneOf(...productNames);
const parts = { fmc: u8, bootLoader: u8, tee: u8, snp: u8, microcode: u8 };
const svns = object(parts);

/** No TCB before Turin has an FMC: a level with one is reached by no machine, and a key with one is no key of AMD's. */
function demandNoFmc(of: SnpProduct, { fmc }: SnpSvns, path: string): void {
  if (of !== 'Turin' && fmc !== 0) throw shapeError(`${path}.fmc`, `0, as on every ${of}`, fmc);
}

const svnsJson = ({ fmc, bootLoader, tee, snp, microcode }: SnpSvns) => ({
  fmc,
  bootLoader,
  tee,
  snp,
  microcode,
});

export const acceptedSnp: EntryFormat<AcceptedSnp> = {
  decode: object({ measurement: hexBytes(48), closureDigest: hexBytes(32) }),
  toJson: ({ measurement, closureDigest }) => ({
    measurement: toHex(measurement),
    closureDigest: toHex(closureDigest),
  }),
  element: ({ measurement, closureDigest }) => referenceSnp(measurement, closureDigest),
};

const level = object({ product, ...parts });

export const levelsSnp: EntryFormat<LevelSnp> = {
  decode(value, path) {
    const found = level(value, path);
    demandNoFmc(found.product, found, path);
    return found;
  },
  toJson: (found) => ({ product: found.product, ...svnsJson(found) }),
  element: (found) => levelSnp(snpProducts[found.product], tcbSnp(found)),
};

/**
 * Turin's id stands in its 8 bytes: with the zeros that a report has after it, it would be a second spelling of the same chip.
 * Zeros alone are what a report holds whose host masks the id.
 */
export const chipId: Decoder<Bytes> = (value, path) => {
  const digits = text(
    /^(?:[0-9a-f]{128}|[0-9a-f]{16})$/,
    '64 bytes, of Turin 8, as lower-case hex',
  )(value, path);
  const id = hexBytes(digits.length / 2)(digits, path);
  if (isZero(id)) throw shapeError(path, 'the id of a chip, not zeros', digits);
  if (id.length === 64 && isZero(id.subarray(8)))
    throw shapeError(path, 'the 8 bytes of Turin without the zeros after them', digits);
  return id;
};

export const revokedSnp: EntryFormat<RevokedChipId> = {
  decode: object({ chipId }),
  toJson: ({ chipId: id }) => ({ chipId: toHex(id) }),
  element: ({ chipId: id }) => chipSnp(id),
};

const vek = object({
  product,
  keyKind: oneOf('vcek', 'vlek'),
  publicKey: hexBytes(96),
  chip: fieldHex,
  tcb: svns,
});

export const veksSnp: EntryFormat<VekSnp> = {
  decode(value, path) {
    const found = vek(value, path);
    demandNoFmc(found.product, found.tcb, `${path}.tcb`);
    if (found.keyKind === 'vlek' && found.chip !== noChip)
      throw shapeError(`${path}.chip`, 'zeros: a VLEK names no chip', hexOfField(found.chip));
    if (found.keyKind === 'vcek' && found.chip === noChip)
      throw shapeError(`${path}.chip`, 'the chip of the VCEK, not zeros', hexOfField(found.chip));
    return found;
  },
  toJson: ({ product: of, keyKind, publicKey, chip, tcb }) => ({
    product: of,
    keyKind,
    publicKey: toHex(publicKey),
    chip: hexOfField(chip),
    tcb: svnsJson(tcb),
  }),
  element: (found) => vekSnp(toSnpVek(found)),
};
