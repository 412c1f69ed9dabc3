/**
 * The member `sevSnp` of a policy. What widens a guest's exposure is `allowed` or `refused`; what protects it is
 * `required` or `any`; what is compared is a set or "any". docs/policy.md explains each member.
 */
import { type SnpProduct, snpProducts } from '../abi/snp-tcb.ts';
import {
  anyOr,
  type Decoded,
  type Decoder,
  described,
  integer,
  object,
  oneOf,
  optional,
  schemaOf,
  shapeError,
  text,
} from '../json.ts';
import { feature, hexText, listOf, protection, setOf } from './sets.ts';

const u8 = integer(0, 255);

const tcbFloor = object({ fmc: u8, bootLoader: u8, tee: u8, snp: u8, microcode: u8 });
const floorOfProduct = Object.fromEntries(
  snpProducts.map((product) => [product, optional(tcbFloor)]),
) as Record<SnpProduct, ReturnType<typeof optional<Decoded<typeof tcbFloor>>>>;
/** A product that is accepted but has no floor here is refused. */
const floorSet = object(floorOfProduct);
const someFloors: typeof floorSet = (value, path) => {
  const found = floorSet(value, path);
  if (Object.keys(found).length === 0)
    throw shapeError(path, 'a floor for at least one product, or "any"', 'none');
  return found;
};
const floors = anyOr(described(someFloors, () => ({ ...schemaOf(floorSet), minProperties: 1 })));

/** Bits that must be set in a mitigation vector, as 16 hex digits. */
const mask = anyOr(hexText(8));
const guid = text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a GUID in lower case');
const cspId = text(/^[\x20-\x7e]{1,255}$/, 'a provider id of 1 to 255 printable ASCII characters');

const guestPolicy = object({
  minimumAbi: anyOr(object({ major: u8, minor: u8 })),
  smt: feature,
  migrateMa: feature,
  debug: oneOf('refused', 'dangerously-allowed'),
  cxlAllow: feature,
  singleSocket: protection,
  memAes256Xts: protection,
  raplDis: protection,
  ciphertextHidingDram: protection,
  pageSwapDisable: protection,
});

const platformInfo = object({
  smtEnabled: feature,
  tsmeEnabled: feature,
  tioEnabled: feature,
  eccEnabled: protection,
  raplDisabled: protection,
  ciphertextHidingDramEnabled: protection,
  aliasCheckComplete: protection,
  unknownBits: feature,
});

/** Zero is what a report holds when there is no key: trusting it would trust every launch without an ID block. */
const digest48 = hexText(48);
const keyDigest: Decoder<string> = described(
  (value: unknown, path: string) => {
    const digest = digest48(value, path);
    if (/^0+$/.test(digest)) throw shapeError(path, 'the digest of a key', digest);
    return digest;
  },
  () => ({ ...schemaOf(digest48), not: { pattern: '^0+$' } }),
);

/** Keys are named by SHA-384 of their public key in the ABI's format, as ID_KEY_DIGEST and AUTHOR_KEY_DIGEST are. */
const idBlockShape = object({
  authorKey: protection,
  trustedAuthorKeys: listOf(keyDigest),
  trustedIdKeys: listOf(keyDigest),
});
const idBlock: typeof idBlockShape = described(
  (value: unknown, path: string) => {
    const keys = idBlockShape(value, path);
    if (keys.trustedAuthorKeys.length + keys.trustedIdKeys.length === 0) {
      throw shapeError(path, 'at least one trusted key, or "any"', 'none');
    }
    return keys;
  },
  () => ({
    ...schemaOf(idBlockShape),
    anyOf: ['trustedAuthorKeys', 'trustedIdKeys'].map((member) => ({
      properties: { [member]: { minItems: 1 } },
    })),
  }),
);

export const snpPolicy = object({
  product: setOf(oneOf(...snpProducts)),
  signingKey: setOf(oneOf('vcek', 'vlek')),
  /** Whose VLEKs are accepted, by CSP id. */
  provider: anyOr(setOf(cspId)),
  guestPolicy,
  minimumGuestSvn: anyOr(integer(0, 0xffffffff)),
  vmpl: setOf(integer(0, 3)),
  /** Of the current and the committed firmware. */
  minimumFirmware: anyOr(object({ major: u8, minor: u8, build: u8 })),
  /** Firmware that is running but not committed yet could be rolled back. */
  provisionalFirmware: feature,
  minimumTcb: object({ reported: floors, current: floors, committed: floors, launch: floors }),
  mitigations: object({ launch: mask, current: mask }),
  platformInfo: anyOr(platformInfo),
  idBlock: anyOr(idBlock),
  certificateTable: object({ unknownGuids: feature, requiredGuids: listOf(guid) }),
  measurement: anyOr(setOf(hexText(48))),
  chipId: anyOr(setOf(hexText(64))),
  hostData: anyOr(setOf(hexText(32))),
  reportData: anyOr(setOf(hexText(64))),
  familyId: anyOr(setOf(hexText(16))),
  imageId: anyOr(setOf(hexText(16))),
  reportId: anyOr(setOf(hexText(32))),
  reportIdMa: anyOr(setOf(hexText(32))),
});

export type SnpPolicy = Decoded<typeof snpPolicy>;
export type SnpFloors = Decoded<typeof floors>;
