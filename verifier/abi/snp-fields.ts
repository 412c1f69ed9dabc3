/**
 * The fields of an SEV-SNP report for people: AMD document 56860 revision 1.58, table
 * "ATTESTATION_REPORT Structure", in its order and under its names. It says where each field is and
 * what its bytes mean; what is read is `parseReport`'s.
 */
import { type Bytes, Reader, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { parseReport, type ReportVersion, reportLength } from './snp.ts';
import { decodeTcb, productOfCpuid, type SnpProduct } from './snp-tcb.ts';

/** `mask` bits without names · `littleEndian` one large number of a signature. */
export type SnpFieldKind =
  | 'number'
  | 'hex'
  | 'policy'
  | 'platformInfo'
  | 'keyFlags'
  | 'tcb'
  | 'mask'
  | 'littleEndian'
  | 'reserved';

export type SnpField = {
  /** From the start of the report; bytes. */
  offset: number;
  length: number;
  /** AMD's. */
  name: string;
  /**
   * Where `parseReport` puts it: `current.build` is member `build` of `current`; empty for what it
   * does not return.
   */
  key: string;
  kind: SnpFieldKind;
};

/**
 * Length, name, key, kind, and the first version that has the field: before, those bytes are
 * reserved.
 */
type Row = readonly [
  length: number,
  name: string,
  key: string,
  kind: SnpFieldKind,
  since?: ReportVersion,
];

const rows: readonly Row[] = [
  [4, 'VERSION', 'version', 'number'],
  [4, 'GUEST_SVN', 'guestSvn', 'number'],
  [8, 'POLICY', 'policy', 'policy'],
  [16, 'FAMILY_ID', 'familyId', 'hex'],
  [16, 'IMAGE_ID', 'imageId', 'hex'],
  [4, 'VMPL', 'vmpl', 'number'],
  [4, 'SIGNATURE_ALGO', '', 'number'],
  [8, 'CURRENT_TCB', 'currentTcb', 'tcb'],
  [8, 'PLATFORM_INFO', 'platformInfo', 'platformInfo'],
  [4, 'KEY FLAGS', '', 'keyFlags'],
  [4, 'reserved', '', 'reserved'],
  [64, 'REPORT_DATA', 'reportData', 'hex'],
  [48, 'MEASUREMENT', 'measurement', 'hex'],
  [32, 'HOST_DATA', 'hostData', 'hex'],
  [48, 'ID_KEY_DIGEST', 'idKeyDigest', 'hex'],
  [48, 'AUTHOR_KEY_DIGEST', 'authorKeyDigest', 'hex'],
  [32, 'REPORT_ID', 'reportId', 'hex'],
  [32, 'REPORT_ID_MA', 'reportIdMa', 'hex'],
  [8, 'REPORTED_TCB', 'reportedTcb', 'tcb'],
  [1, 'CPUID_FAM_ID', 'cpuid.family', 'number', 3],
  [1, 'CPUID_MOD_ID', 'cpuid.model', 'number', 3],
  [1, 'CPUID_STEP', 'cpuid.stepping', 'number', 3],
  [21, 'reserved', '', 'reserved'],
  [64, 'CHIP_ID', 'chipId', 'hex'],
  [8, 'COMMITTED_TCB', 'committedTcb', 'tcb'],
  [1, 'CURRENT_BUILD', 'current.build', 'number'],
  [1, 'CURRENT_MINOR', 'current.minor', 'number'],
  [1, 'CURRENT_MAJOR', 'current.major', 'number'],
  [1, 'reserved', '', 'reserved'],
  [1, 'COMMITTED_BUILD', 'committed.build', 'number'],
  [1, 'COMMITTED_MINOR', 'committed.minor', 'number'],
  [1, 'COMMITTED_MAJOR', 'committed.major', 'number'],
  [1, 'reserved', '', 'reserved'],
  [8, 'LAUNCH_TCB', 'launchTcb', 'tcb'],
  [8, 'LAUNCH_MIT_VECTOR', 'launchMitVector', 'mask', 5],
  [8, 'CURRENT_MIT_VECTOR', 'currentMitVector', 'mask', 5],
  [152, 'reserved', '', 'reserved'],
  [72, 'SIGNATURE.R', 'signature.r', 'littleEndian'],
  [72, 'SIGNATURE.S', 'signature.s', 'littleEndian'],
  [368, 'reserved', '', 'reserved'],
];

/** One or more bits of a field: AMD's name and `parseReport`'s or the policy's. */
export type SnpBits = { bit: number; count: number; name: string; key: string };

const bit = (at: number, name: string, key: string, count = 1): SnpBits => ({
  bit: at,
  count,
  name,
  key,
});

/** Table "Guest Policy Structure". */
export const policyBits: readonly SnpBits[] = [
  bit(0, 'ABI_MINOR', 'abiMinor', 8),
  bit(8, 'ABI_MAJOR', 'abiMajor', 8),
  bit(16, 'SMT', 'smt'),
  bit(17, 'reserved, always 1', ''),
  bit(18, 'MIGRATE_MA', 'migrateMa'),
  bit(19, 'DEBUG', 'debug'),
  bit(20, 'SINGLE_SOCKET', 'singleSocket'),
  bit(21, 'CXL_ALLOW', 'cxlAllow'),
  bit(22, 'MEM_AES_256_XTS', 'memAes256Xts'),
  bit(23, 'RAPL_DIS', 'raplDis'),
  bit(24, 'CIPHERTEXT_HIDING_DRAM', 'ciphertextHidingDram'),
  bit(25, 'PAGE_SWAP_DISABLE', 'pageSwapDisable'),
];

/**
 * Table "PLATFORM_INFO Field". Bit 6 and those above 7 have no name there; genuine firmware sets
 * some.
 */
export const platformInfoBits: readonly SnpBits[] = [
  bit(0, 'SMT_EN', 'smtEnabled'),
  bit(1, 'TSME_EN', 'tsmeEnabled'),
  bit(2, 'ECC_EN', 'eccEnabled'),
  bit(3, 'RAPL_DIS', 'raplDisabled'),
  bit(4, 'CIPHERTEXT_HIDING_DRAM_EN', 'ciphertextHidingDramEnabled'),
  bit(5, 'ALIAS_CHECK_COMPLETE', 'aliasCheckComplete'),
  bit(7, 'TIO_EN', 'tioEnabled'),
];

const keyFlagBits: readonly SnpBits[] = [
  bit(0, 'AUTHOR_KEY_EN', 'authorKeyEn'),
  bit(1, 'MASK_CHIP_KEY', 'maskChipKey'),
  bit(2, 'SIGNING_KEY', 'signingKey', 3),
];
const signingKeys: Readonly<Record<number, string>> = { 0: 'VCEK', 1: 'VLEK', 7: 'none' };

/**
 * All bytes of a report of this version, in order. What a version does not have yet is reserved.
 */
export function snpFields(version: ReportVersion): SnpField[] {
  let offset = 0;
  return rows.map(([length, name, key, kind, since = 2]) => {
    const known = version >= since;
    const field: SnpField = {
      offset,
      length,
      name: known ? name : 'reserved',
      key: known ? key : '',
      kind: known ? kind : 'reserved',
    };
    offset += length;
    return field;
  });
}

export type SnpFieldPart = { name: string; key: string; value: string };
export type SnpFieldView = SnpField & { value: string; parts: SnpFieldPart[] };

/**
 * The report field by field, each reserved one with its zeros.
 * @param product for reports before version 3, which do not name their processor: what a
 *   certificate says. Null is not known, and then TCBs are shown as their bytes.
 * @throws AttestationError what `parseReport` throws
 */
export function describeReport(bytes: Bytes, product: SnpProduct | null): SnpFieldView[] {
  const { version, cpuid } = parseReport(bytes);
  const layout = cpuid === null ? product : productOfCpuid(cpuid);
  const reader = new Reader(bytes, 'SEV-SNP report');
  const views = snpFields(version).map((field) => {
    const found = reader.bytes(field.length, field.name);
    return { ...field, value: shownValue(field, found), parts: partsOf(field, found, layout) };
  });
  if (reader.offset !== reportLength) throw new RangeError('the table does not cover a report');
  return views;
}

function shownValue({ kind, name }: SnpField, bytes: Bytes): string {
  const number = littleEndian(bytes);
  switch (kind) {
    case 'number':
      return `${number}${remark(name, number)}`;
    case 'policy':
    case 'platformInfo':
    case 'keyFlags':
    case 'mask':
      return `0x${number.toString(16)}`;
    case 'littleEndian':
      // As ECDSA writes r and s: 48 bytes, most significant first.
      return `0x${number.toString(16).padStart(96, '0')}`;
    default:
      return toHex(bytes);
  }
}

function remark(name: string, number: bigint): string {
  if (name === 'SIGNATURE_ALGO') return ' (ECDSA P-384 with SHA-384)';
  if (name === 'VMPL' && number === 0xffffffffn) return ' (the host asked for this report)';
  return name.startsWith('CPUID_') ? ` (0x${number.toString(16)})` : '';
}

function partsOf(
  { kind, name }: SnpField,
  bytes: Bytes,
  product: SnpProduct | null,
): SnpFieldPart[] {
  const bits = littleEndian(bytes);
  switch (kind) {
    case 'policy':
      return policyBits.map((one) => part(one, bits));
    case 'platformInfo':
      return [...platformInfoBits, ...unnamed(bits)].map((one) => part(one, bits));
    case 'keyFlags':
      return keyFlagBits.map((one) => part(one, bits));
    case 'mask':
      return setBits(bits).map((at) => part(bit(at, `bit ${at}`, ''), bits));
    case 'tcb':
      return tcbParts(bytes, name, product);
    default:
      return [];
  }
}

function part({ bit: at, count, name, key }: SnpBits, bits: bigint): SnpFieldPart {
  const found = Number((bits >> BigInt(at)) & ((1n << BigInt(count)) - 1n));
  if (key === 'signingKey') return { name, key, value: `${found} (${signingKeys[found]})` };
  return { name, key, value: count > 1 ? String(found) : found === 1 ? 'yes' : 'no' };
}

function tcbParts(bytes: Bytes, name: string, product: SnpProduct | null): SnpFieldPart[] {
  if (product === null) return [];
  try {
    const { fmc, bootLoader, tee, snp, microcode } = decodeTcb(product, bytes, name);
    const shown = { bootLoader, tee, snp, microcode };
    return Object.entries(product === 'Turin' ? { fmc, ...shown } : shown).map(([key, value]) => ({
      name: key,
      key,
      value: String(value),
    }));
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return [{ name: 'not as the product lays it out', key: '', value: error.message }];
  }
}

function unnamed(bits: bigint): SnpBits[] {
  const named = platformInfoBits.map(({ bit: at }) => at);
  return setBits(bits)
    .filter((at) => !named.includes(at))
    .map((at) => bit(at, `bit ${at}, without a name`, ''));
}

function setBits(bits: bigint): number[] {
  return Array.from({ length: 64 }, (_, at) => at).filter((at) => (bits >> BigInt(at)) & 1n);
}

function littleEndian(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}
