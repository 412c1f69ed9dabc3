/** Any set, with entries of both vendors. */
import fc from 'fast-check';
import {
  acceptedSet,
  type LinkedSet,
  levelSet,
  revokedSet,
  type SetOrigin,
  vekSet,
} from '#prover/linked/sets.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { fieldOrder } from '#verifier/field.ts';

const bytesOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((found) => new Uint8Array(found));
const field = fc.bigInt({ min: 0n, max: fieldOrder - 1n });
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const serialNumber = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((found) => new Uint8Array(found))
  .filter((found) => found.length === 1 || found[0] !== 0);

const anyAccepted = fc.oneof(
  fc.record({
    mrTd: bytesOf(48),
    rtmr: fc.tuple(bytesOf(48), bytesOf(48), bytesOf(48), bytesOf(48)),
    closureDigest: bytesOf(32),
  }),
  fc.record({ measurement: bytesOf(48), closureDigest: bytesOf(32) }),
);

/** A product, and a TCB that it can have. */
export const anyTcb = fc
  .record({
    product: fc.constantFrom(...snpProducts),
    tcb: fc.record({ fmc: u8, bootLoader: u8, tee: u8, snp: u8, microcode: u8 }),
  })
  .map(({ product, tcb }) => ({
    product,
    tcb: product === 'Turin' ? tcb : { ...tcb, fmc: 0 },
  }));

const anyLevel = fc.oneof(
  fc.record({
    fmspc: bytesOf(6),
    cpuSvn: bytesOf(16),
    pceSvn: u16,
    teeTcbSvn: bytesOf(16),
    qeIsvSvn: u16,
  }),
  anyTcb.map(({ product, tcb }) => ({ product, ...tcb })),
);

/** Neither zeros nor Turin's 8 bytes with zeros after them. */
const anyChipId = fc
  .oneof(bytesOf(8), bytesOf(64))
  .filter((id) => (id.length === 64 ? id.subarray(8) : id).some((byte) => byte !== 0));
const anyRevoked = fc.oneof(
  fc.record({ chip: bytesOf(16) }),
  fc.record({ issuer: field, serialNumber }),
  fc.record({ chipId: anyChipId }),
);

const anyVek = fc.oneof(
  fc.record({
    publicKey: bytesOf(64),
    chip: field,
    serial: field,
    fmspc: bytesOf(6),
    cpuSvn: bytesOf(16),
    pceSvn: u16,
  }),
  fc
    .tuple(anyTcb, bytesOf(96), fc.bigInt({ min: 1n, max: fieldOrder - 1n }), fc.boolean())
    .map(([of, publicKey, chip, isVcek]) =>
      isVcek
        ? { ...of, publicKey, keyKind: 'vcek' as const, chip }
        : { ...of, publicKey, keyKind: 'vlek' as const, chip: 0n },
    ),
);

const some = <T>(entry: fc.Arbitrary<T>, minLength = 1) =>
  fc.array(entry, { minLength, maxLength: 4 });

export const anySetOf = (origin: SetOrigin): fc.Arbitrary<LinkedSet> =>
  fc.oneof(
    some(anyAccepted).map((entries): LinkedSet => acceptedSet(entries, origin)),
    some(anyLevel).map((entries): LinkedSet => levelSet(entries, origin)),
    some(anyRevoked, 0).map((entries): LinkedSet => revokedSet(entries, origin)),
    some(anyVek).map((entries): LinkedSet => vekSet(entries, origin)),
  );
