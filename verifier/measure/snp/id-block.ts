/**
 * ID block: what a guest's owner expects of its launch. The processor's firmware refuses to start a guest whose digest or policy
 * differs. AMD document 56860, section 8.18 SNP_LAUNCH_FINISH, table "Structure of the ID Block"; integers are little-endian.
 */
import { decodeGuestPolicy, encodeGuestPolicy, type GuestPolicy } from '../../abi/snp.ts';
import { type Bytes, Reader, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';

export const idBlockLength = 0x60;
const version = 1;

export type IdBlock = {
  /** 48 bytes. */
  launchDigest: Bytes;
  /** 16 bytes each; the owner's own, which reports show. */
  familyId: Bytes;
  imageId: Bytes;
  guestSvn: number;
  policy: GuestPolicy;
};

/** @throws AttestationError `length-wrong`, `version-unknown`, `reserved-not-zero` */
export function parseIdBlock(bytes: Bytes): IdBlock {
  const reader = new Reader(bytes, 'ID block');
  const launchDigest = reader.bytes(48, 'LD');
  const familyId = reader.bytes(16, 'FAMILY_ID');
  const imageId = reader.bytes(16, 'IMAGE_ID');
  const found = reader.u32le('VERSION');
  const guestSvn = reader.u32le('GUEST_SVN');
  const policy = reader.u64le('POLICY');
  reader.end();
  if (found !== version) {
    throw new AttestationError('version-unknown', `ID block: version ${found}, known is 1`);
  }
  return { launchDigest, familyId, imageId, guestSvn, policy: policyOf(policy) };
}

/** @throws AttestationError `reserved-not-zero` */
export function policyOf(bits: bigint): GuestPolicy {
  try {
    return decodeGuestPolicy(bits);
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    throw new AttestationError(
      cause.code,
      `ID block: POLICY 0x${bits.toString(16)} needs bit 17 set and bits 26 to 63 clear`,
      { cause },
    );
  }
}

/** The inverse of `parseIdBlock`. @throws RangeError for fields of other lengths */
export function encodeIdBlock(block: IdBlock): Bytes {
  return new Writer(idBlockLength)
    .bytes(block.launchDigest, 48)
    .bytes(block.familyId, 16)
    .bytes(block.imageId, 16)
    .u32le(version)
    .u32le(block.guestSvn)
    .u64le(encodeGuestPolicy(block.policy))
    .finish();
}
