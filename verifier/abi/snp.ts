/**
 * SEV-SNP ATTESTATION_REPORT ⇄ bytes: AMD document 56860 (SEV-SNP Firmware ABI), table "ATTESTATION_REPORT Structure",
 * report versions 2 to 5. Fields keep AMD's names; integers are little-endian.
 */
import { type Bytes, Reader, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export const reportLength = 0x4a0;
/** The signature covers everything before it. */
export const signedLength = 0x2a0;

export const reportVersions = [2, 3, 4, 5] as const;
export type ReportVersion = (typeof reportVersions)[number];

/** What SIGNING_KEY says signed the report; `none` leaves the signature zero. */
export type SigningKey = 'vcek' | 'vlek' | 'none';
const signingKeyCodes: Record<SigningKey, number> = { vcek: 0, vlek: 1, none: 7 };

/** POLICY, the guest policy of the launch (ABI table "Guest Policy Structure"); bit 17 is always 1, bits 26 to 63 zero. */
export type GuestPolicy = {
  abiMinor: number;
  abiMajor: number;
  smt: boolean;
  migrateMa: boolean;
  debug: boolean;
  singleSocket: boolean;
  cxlAllow: boolean;
  memAes256Xts: boolean;
  raplDis: boolean;
  ciphertextHidingDram: boolean;
  pageSwapDisable: boolean;
};

const policyBits = {
  smt: 16,
  migrateMa: 18,
  debug: 19,
  singleSocket: 20,
  cxlAllow: 21,
  memAes256Xts: 22,
  raplDis: 23,
  ciphertextHidingDram: 24,
  pageSwapDisable: 25,
} as const satisfies Record<Exclude<keyof GuestPolicy, 'abiMinor' | 'abiMajor'>, number>;
const policyMustBeOne = 1n << 17n;

export type FirmwareVersion = { build: number; minor: number; major: number };
/** CPUID leaf 1, extended parts added in. */
export type Cpuid = { family: number; model: number; stepping: number };

export type SnpReport = {
  version: ReportVersion;
  guestSvn: number;
  policy: GuestPolicy;
  familyId: Bytes;
  imageId: Bytes;
  /** 0 to 3; 0xffffffff in a report that the host asked for. */
  vmpl: number;
  /** Raw 8 bytes, as all TCB fields: their layout depends on the product (snp-tcb.ts). */
  currentTcb: Bytes;
  /** Raw bits: genuine Turin firmware sets ones that ABI 1.58 does not name, so none is refused here. */
  platformInfo: bigint;
  authorKeyEn: boolean;
  maskChipKey: boolean;
  signingKey: SigningKey;
  reportData: Bytes;
  measurement: Bytes;
  hostData: Bytes;
  idKeyDigest: Bytes;
  authorKeyDigest: Bytes;
  reportId: Bytes;
  reportIdMa: Bytes;
  reportedTcb: Bytes;
  /** From version 3 on. */
  cpuid: Cpuid | null;
  chipId: Bytes;
  committedTcb: Bytes;
  current: FirmwareVersion;
  committed: FirmwareVersion;
  launchTcb: Bytes;
  /** From version 5 on. */
  launchMitVector: bigint | null;
  currentMitVector: bigint | null;
  /** 72 bytes each, little-endian. */
  signature: { r: Bytes; s: Bytes };
};

/**
 * Exact length, known version, reserved bytes zero.
 * @throws AttestationError `length-wrong`, `version-unknown`, `reserved-not-zero`, `value-out-of-range`
 */
export function parseReport(bytes: Bytes): SnpReport {
  if (bytes.length !== reportLength) {
    throw new AttestationError(
      'length-wrong',
      `SEV-SNP report: expected exactly ${reportLength} bytes, got ${bytes.length}`,
    );
  }
  const reader = new Reader(bytes, 'SEV-SNP report');
  const version = asVersion(reader.u32le('VERSION'));
  const guestSvn = reader.u32le('GUEST_SVN');
  const policy = decodeGuestPolicy(reader.u64le('POLICY'));
  const familyId = reader.bytes(16, 'FAMILY_ID');
  const imageId = reader.bytes(16, 'IMAGE_ID');
  const vmpl = reader.u32le('VMPL');
  if (vmpl > 3 && vmpl !== 0xffffffff) throw outOfRange('VMPL', '0 to 3', vmpl);
  const signatureAlgo = reader.u32le('SIGNATURE_ALGO');
  if (signatureAlgo !== 1)
    throw outOfRange('SIGNATURE_ALGO', '1 (ECDSA P-384 with SHA-384)', signatureAlgo);
  const currentTcb = reader.bytes(8, 'CURRENT_TCB');
  const platformInfo = reader.u64le('PLATFORM_INFO');
  const flags = decodeFlags(reader.u32le('key flags'));
  reader.zero(4, 'reserved');
  const reportData = reader.bytes(64, 'REPORT_DATA');
  const measurement = reader.bytes(48, 'MEASUREMENT');
  const hostData = reader.bytes(32, 'HOST_DATA');
  const idKeyDigest = reader.bytes(48, 'ID_KEY_DIGEST');
  const authorKeyDigest = reader.bytes(48, 'AUTHOR_KEY_DIGEST');
  const reportId = reader.bytes(32, 'REPORT_ID');
  const reportIdMa = reader.bytes(32, 'REPORT_ID_MA');
  const reportedTcb = reader.bytes(8, 'REPORTED_TCB');
  const cpuid = version >= 3 ? readCpuid(reader) : null;
  reader.zero(version >= 3 ? 21 : 24, 'reserved');
  const chipId = reader.bytes(64, 'CHIP_ID');
  const committedTcb = reader.bytes(8, 'COMMITTED_TCB');
  const current = readFirmwareVersion(reader, 'CURRENT');
  const committed = readFirmwareVersion(reader, 'COMMITTED');
  const launchTcb = reader.bytes(8, 'LAUNCH_TCB');
  const launchMitVector = version >= 5 ? reader.u64le('LAUNCH_MIT_VECTOR') : null;
  const currentMitVector = version >= 5 ? reader.u64le('CURRENT_MIT_VECTOR') : null;
  reader.zero(signedLength - reader.offset, 'reserved');
  const signature = { r: reader.bytes(72, 'SIGNATURE.R'), s: reader.bytes(72, 'SIGNATURE.S') };
  reader.zero(reader.left, 'reserved part of SIGNATURE');
  return {
    version,
    guestSvn,
    policy,
    familyId,
    imageId,
    vmpl,
    currentTcb,
    platformInfo,
    ...flags,
    reportData,
    measurement,
    hostData,
    idKeyDigest,
    authorKeyDigest,
    reportId,
    reportIdMa,
    reportedTcb,
    cpuid,
    chipId,
    committedTcb,
    current,
    committed,
    launchTcb,
    launchMitVector,
    currentMitVector,
    signature,
  };
}

/** The inverse of `parseReport`. @throws RangeError on a field that does not fit its version */
export function encodeReport(report: SnpReport): Bytes {
  if ((report.cpuid !== null) !== report.version >= 3) {
    throw new RangeError('CPUID fields exist from report version 3 on');
  }
  const vectors = [report.launchMitVector, report.currentMitVector];
  if (vectors.some((vector) => (vector !== null) !== report.version >= 5)) {
    throw new RangeError('mitigation vectors exist from report version 5 on');
  }
  const flags =
    Number(report.authorKeyEn) |
    (Number(report.maskChipKey) << 1) |
    (signingKeyCodes[report.signingKey] << 2);
  const writer = new Writer(reportLength)
    .u32le(report.version)
    .u32le(report.guestSvn)
    .u64le(encodeGuestPolicy(report.policy))
    .bytes(report.familyId, 16)
    .bytes(report.imageId, 16)
    .u32le(report.vmpl)
    .u32le(1)
    .bytes(report.currentTcb, 8)
    .u64le(report.platformInfo)
    .u32le(flags)
    .zero(4)
    .bytes(report.reportData, 64)
    .bytes(report.measurement, 48)
    .bytes(report.hostData, 32)
    .bytes(report.idKeyDigest, 48)
    .bytes(report.authorKeyDigest, 48)
    .bytes(report.reportId, 32)
    .bytes(report.reportIdMa, 32)
    .bytes(report.reportedTcb, 8);
  const { family, model, stepping } = report.cpuid ?? { family: 0, model: 0, stepping: 0 };
  writer.u8(family).u8(model).u8(stepping).zero(21);
  writer.bytes(report.chipId, 64).bytes(report.committedTcb, 8);
  for (const { build, minor, major } of [report.current, report.committed]) {
    writer.u8(build).u8(minor).u8(major).zero(1);
  }
  return writer
    .bytes(report.launchTcb, 8)
    .u64le(report.launchMitVector ?? 0n)
    .u64le(report.currentMitVector ?? 0n)
    .zero(signedLength - 0x208)
    .bytes(report.signature.r, 72)
    .bytes(report.signature.s, 72)
    .zero(reportLength - signedLength - 144)
    .finish();
}

/** @throws AttestationError `reserved-not-zero` */
export function decodeGuestPolicy(bits: bigint): GuestPolicy {
  if ((bits & policyMustBeOne) === 0n || bits >> 26n !== 0n) {
    throw new AttestationError(
      'reserved-not-zero',
      `SEV-SNP report: POLICY 0x${bits.toString(16)} needs bit 17 set and bits 26 to 63 clear`,
    );
  }
  const low = Number(bits);
  const isSet = (name: keyof typeof policyBits) => ((low >> policyBits[name]) & 1) === 1;
  return {
    abiMinor: low & 0xff,
    abiMajor: (low >> 8) & 0xff,
    smt: isSet('smt'),
    migrateMa: isSet('migrateMa'),
    debug: isSet('debug'),
    singleSocket: isSet('singleSocket'),
    cxlAllow: isSet('cxlAllow'),
    memAes256Xts: isSet('memAes256Xts'),
    raplDis: isSet('raplDis'),
    ciphertextHidingDram: isSet('ciphertextHidingDram'),
    pageSwapDisable: isSet('pageSwapDisable'),
  };
}

export function encodeGuestPolicy(policy: GuestPolicy): bigint {
  let bits = BigInt(policy.abiMinor) | (BigInt(policy.abiMajor) << 8n) | policyMustBeOne;
  for (const [name, bit] of Object.entries(policyBits)) {
    if (policy[name as keyof typeof policyBits]) bits |= 1n << BigInt(bit);
  }
  return bits;
}

function decodeFlags(bits: number): Pick<SnpReport, 'authorKeyEn' | 'maskChipKey' | 'signingKey'> {
  if (bits >> 5 !== 0) {
    throw new AttestationError(
      'reserved-not-zero',
      `SEV-SNP report: key flags 0x${bits.toString(16)} need bits 5 to 31 clear`,
    );
  }
  const code = bits >> 2;
  const found = Object.entries(signingKeyCodes).find(([, known]) => known === code);
  if (found === undefined) throw outOfRange('SIGNING_KEY', '0 (VCEK), 1 (VLEK) or 7 (none)', code);
  return {
    authorKeyEn: (bits & 1) !== 0,
    maskChipKey: (bits & 2) !== 0,
    signingKey: found[0] as SigningKey,
  };
}

function readCpuid(reader: Reader): Cpuid {
  return {
    family: reader.u8('CPUID_FAM_ID'),
    model: reader.u8('CPUID_MOD_ID'),
    stepping: reader.u8('CPUID_STEP'),
  };
}

function readFirmwareVersion(reader: Reader, which: string): FirmwareVersion {
  const found = {
    build: reader.u8(`${which}_BUILD`),
    minor: reader.u8(`${which}_MINOR`),
    major: reader.u8(`${which}_MAJOR`),
  };
  reader.zero(1, `reserved after ${which}_MAJOR`);
  return found;
}

function asVersion(version: number): ReportVersion {
  const found = reportVersions.find((known) => known === version);
  if (found === undefined) {
    throw new AttestationError(
      'version-unknown',
      `SEV-SNP report: version ${version} is not known (known: ${reportVersions.join(', ')})`,
    );
  }
  return found;
}

function outOfRange(field: string, expected: string, actual: number): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `SEV-SNP report: ${field} should be ${expected}, got ${actual}`,
  );
}
