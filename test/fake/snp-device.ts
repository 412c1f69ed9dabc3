/**
 * A simulated secure processor: writes and signs SEV-SNP attestation reports of any version, right
 * or wrong.
 */
import { type KeyObject, sign } from 'node:crypto';
import {
  encodeReport,
  parseReport,
  type ReportVersion,
  reportLength,
  type SigningKey,
  type SnpReport,
  signedLength,
} from '#verifier/abi/snp.ts';
import { encodeTcb, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import type { AmdHierarchy } from './amd.ts';

/** A report's fields, all but those that the device fills in for each request. */
export type SnpFields = Omit<SnpReport, 'reportData' | 'signature'>;

export type SnpReportOptions = {
  /** Fields of this one report. */
  with?: Partial<SnpReport>;
  /** Signs in place of the hierarchy's VCEK or VLEK. */
  signer?: KeyObject;
  /** Changes the bytes before they are signed: a wrongly built report with a right signature. */
  beforeSigning?: (bytes: Bytes) => void;
  /** Changes the bytes after that: a report that was tampered with. */
  afterSigning?: (bytes: Bytes) => void;
};

export type SnpDevice = {
  /**
   * @param reportData 64 bytes
   * @returns 1184 bytes, signed as SIGNING_KEY says; `none` leaves the signature zero
   * @throws RangeError on a field that does not fit
   */
  report: (reportData: Bytes, options?: SnpReportOptions) => Bytes;
};

/** What genuine reports of the product hold. */
const machines: Record<
  SnpProduct,
  Pick<SnpReport, 'cpuid' | 'platformInfo' | 'current'> & { mitVector: bigint }
> = {
  Milan: {
    cpuid: { family: 0x19, model: 0x01, stepping: 1 },
    platformInfo: 0x25n,
    current: { build: 35, minor: 55, major: 1 },
    mitVector: 11n,
  },
  Genoa: {
    cpuid: { family: 0x19, model: 0x11, stepping: 1 },
    platformInfo: 0x25n,
    current: { build: 49, minor: 55, major: 1 },
    mitVector: 11n,
  },
  Turin: {
    cpuid: { family: 0x1a, model: 0x02, stepping: 1 },
    platformInfo: 0x67n,
    current: { build: 61, minor: 55, major: 1 },
    mitVector: 0n,
  },
};

/**
 * A guest in production: VMPL 0, no debugging, no migration, SMT allowed, all four TCBs those of
 * the VEK. What a version does not have is left out (`cpuid` before 3, mitigation vectors before
 * 5), and CHIP_ID is zero under a VLEK.
 * @param fields of every report of this device
 */
export function createSnpDevice(
  hierarchy: Pick<AmdHierarchy, 'product' | 'tcb' | 'hardwareId' | 'keys'>,
  fields: Partial<SnpFields> = {},
): SnpDevice {
  const signers: Record<SigningKey, KeyObject | null> = {
    vcek: hierarchy.keys.vcek.privateKey,
    vlek: hierarchy.keys.vlek.privateKey,
    none: null,
  };
  return {
    report: (reportData, options = {}) => {
      const wanted = { ...fields, reportData, ...options.with };
      const report: SnpReport = { ...defaultReport(hierarchy, wanted), ...wanted };
      const bytes = encodeReport(report);
      options.beforeSigning?.(bytes);
      const signer = options.signer ?? signers[report.signingKey];
      if (signer !== null && options.with?.signature === undefined) signReport(bytes, signer);
      options.afterSigning?.(bytes);
      return bytes;
    },
  };
}

function defaultReport(
  { product, tcb, hardwareId }: Pick<AmdHierarchy, 'product' | 'tcb' | 'hardwareId'>,
  wanted: { version?: ReportVersion; signingKey?: SigningKey },
): SnpReport {
  const { cpuid, platformInfo, current, mitVector } = machines[product];
  const { version = 5, signingKey = 'vcek' } = wanted;
  const chipId = new Uint8Array(64);
  if (signingKey !== 'vlek') chipId.set(hardwareId);
  const encodedTcb = encodeTcb(product, tcb);
  return {
    version,
    guestSvn: 0,
    policy: {
      abiMinor: 0,
      abiMajor: 0,
      smt: true,
      migrateMa: false,
      debug: false,
      singleSocket: false,
      cxlAllow: false,
      memAes256Xts: false,
      raplDis: false,
      ciphertextHidingDram: false,
      pageSwapDisable: false,
    },
    familyId: new Uint8Array(16),
    imageId: new Uint8Array(16),
    vmpl: 0,
    currentTcb: encodedTcb,
    platformInfo,
    authorKeyEn: false,
    maskChipKey: false,
    signingKey,
    reportData: new Uint8Array(64),
    measurement: new Uint8Array(48).fill(0x4d),
    hostData: new Uint8Array(32),
    idKeyDigest: new Uint8Array(48),
    authorKeyDigest: new Uint8Array(48),
    reportId: new Uint8Array(32).fill(0x1d),
    // All ones: no migration agent.
    reportIdMa: new Uint8Array(32).fill(0xff),
    reportedTcb: encodedTcb,
    cpuid: version >= 3 ? cpuid : null,
    chipId,
    committedTcb: encodedTcb,
    current,
    committed: current,
    launchTcb: encodedTcb,
    launchMitVector: version >= 5 ? mitVector : null,
    currentMitVector: version >= 5 ? mitVector : null,
    signature: { r: new Uint8Array(72), s: new Uint8Array(72) },
  };
}

/**
 * Writes ECDSA P-384 over SHA-384 of the signed part into the report: r, s little-endian, 72 bytes
 * each.
 */
export function signReport(bytes: Bytes, signer: KeyObject): void {
  if (bytes.length !== reportLength) throw new RangeError(`a report has ${reportLength} bytes`);
  const signature = new Uint8Array(
    sign('sha384', bytes.subarray(0, signedLength), { key: signer, dsaEncoding: 'ieee-p1363' }),
  );
  const half = signature.length / 2;
  bytes.set(signature.slice(0, half).reverse(), signedLength);
  bytes.set(signature.slice(half).reverse(), signedLength + 72);
}

/** The inverse: r ‖ s big-endian, 48 bytes each, as Web Crypto and node:crypto want them. */
export function reportSignature(bytes: Bytes): Bytes {
  const { r, s } = parseReport(bytes).signature;
  return concat(r.slice(0, 48).reverse(), s.slice(0, 48).reverse());
}
