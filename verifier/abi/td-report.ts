/**
 * The body of a TDX quote ⇄ bytes: Intel TDX DCAP quoting library API, appendix "TD Quote Body" for
 * TDX 1.0 (584 bytes) and 1.5 (648 bytes). Fields keep Intel's names. No byte of it is reserved:
 * what a field may hold is for policy to say.
 */
import { type Bytes, Reader, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export const tdReport10Length = 584;
export const tdReport15Length = 648;

/** Bytes are 48 long where nothing else is said. */
export type TdReport = {
  /** 16 bytes, one SVN each; [0] and [1] are the TDX module's SVN and its version. */
  teeTcbSvn: Bytes;
  mrSeam: Bytes;
  /** Zero for Intel's own TDX module. */
  mrSignerSeam: Bytes;
  /** 8 bytes, a little-endian bit field; `attributesOf` reads it. */
  seamAttributes: Bytes;
  /** 8 bytes, bits in `tdAttributeBits`. */
  tdAttributes: Bytes;
  /** 8 bytes, bits in `xfamBits`. */
  xfam: Bytes;
  mrTd: Bytes;
  mrConfigId: Bytes;
  mrOwner: Bytes;
  mrOwnerConfig: Bytes;
  rtmr: readonly [Bytes, Bytes, Bytes, Bytes];
  /** 64 bytes */
  reportData: Bytes;
  /** 16 bytes, of the TDX module that is loaded now; null in a TDX 1.0 body. */
  teeTcbSvn2: Bytes | null;
  /** Null in a TDX 1.0 body. */
  mrServiceTd: Bytes | null;
};

/** One or more bits of a field: Intel's name, the policy's spelling, and what a set bit says. */
export type TdBits = { bit: number; count: number; key: string; name: string; about: string };

const bits = (bit: number, key: string, name: string, about: string, count = 1): TdBits => ({
  bit,
  count,
  key,
  name,
  about,
});

/**
 * Intel TDX Module ABI, table "ATTRIBUTES (TD Attributes)": bits 0 to 7 are for debugging and
 * profiling, 8 to 31 for the security of the TD, 32 to 63 for anything else.
 */
export const tdAttributeBits: readonly TdBits[] = [
  bits(0, 'debug', 'DEBUG', 'the host can read and change the state and memory of the TD'),
  bits(4, 'hgsPlusProf', 'HGS_PLUS_PROF', 'hardware-guided scheduling may profile the TD'),
  bits(5, 'perfProf', 'PERF_PROF', 'the host may profile the TD with performance counters'),
  bits(6, 'pmtProf', 'PMT_PROF', 'the host may profile the TD with out-of-band telemetry'),
  bits(16, 'icssd', 'ICSSD', 'the TD is defended against single-stepping by counting instructions'),
  bits(17, 'servTdExt', 'SERVTD_EXT', 'the TDREPORT says more about the service TDs of the TD'),
  bits(27, 'lass', 'LASS', 'the TD may use linear address space separation'),
  bits(28, 'septVeDisable', 'SEPT_VE_DISABLE', 'access to a pending page is no #VE in the TD'),
  bits(29, 'migratable', 'MIGRATABLE', 'the TD may be migrated by a migration TD'),
  bits(30, 'pks', 'PKS', 'the TD may use supervisor protection keys'),
  bits(31, 'keyLocker', 'KL', 'the TD may use Key Locker'),
  bits(62, 'tpa', 'TPA', 'the TD is the provisioning agent of TDX Connect'),
  bits(63, 'perfmon', 'PERFMON', 'the TD may use performance monitoring'),
];

/**
 * Intel TDX Module ABI, table "XFAM"; the bits are those of XCR0 and IA32_XSS (SDM volume 1,
 * chapter "Managing State Using the XSAVE Feature Set"). X87 and SSE are always set.
 */
export const xfamBits: readonly TdBits[] = [
  bits(0, 'x87', 'X87', 'x87 floating point'),
  bits(1, 'sse', 'SSE', 'SSE'),
  bits(2, 'avx', 'AVX', 'AVX'),
  bits(3, 'mpx', 'MPX', 'memory protection extensions', 2),
  bits(5, 'avx512', 'AVX512', 'AVX-512', 3),
  bits(8, 'pt', 'PT', 'processor trace'),
  bits(9, 'pku', 'PKU', 'user protection keys'),
  bits(10, 'pasid', 'PASID', 'process address space identifier'),
  bits(11, 'cet', 'CET', 'control-flow enforcement, user and supervisor', 2),
  bits(13, 'hdc', 'HDC', 'hardware duty cycling'),
  bits(14, 'uintr', 'UINTR', 'user interrupts'),
  bits(15, 'lbr', 'LBR', 'last branch records'),
  bits(16, 'hwp', 'HWP', 'hardware performance states'),
  bits(17, 'amx', 'AMX', 'advanced matrix extensions, configuration and data', 2),
  bits(19, 'apx', 'APX', 'advanced performance extensions'),
];

/**
 * A field of 8 bytes as one number: bit n of the field is bit n of the number.
 * @throws RangeError for another length
 */
export function attributesOf(bytes: Bytes): bigint {
  if (bytes.length !== 8) throw new RangeError(`expected 8 bytes, got ${bytes.length}`);
  return new Reader(bytes, 'attributes').u64le('bits');
}

/**
 * Exactly 584 (TDX 1.0) or 648 bytes (TDX 1.5).
 * @throws AttestationError `length-wrong`
 */
export function parseTdReport(bytes: Bytes): TdReport {
  const { length } = bytes;
  if (length !== tdReport10Length && length !== tdReport15Length) {
    throw new AttestationError(
      'length-wrong',
      `TD report: expected exactly ${tdReport10Length} or ${tdReport15Length} bytes, got ${length}`,
    );
  }
  return readTdReport(new Reader(bytes, 'TD report'), length);
}

/**
 * The next `length` bytes.
 * @throws AttestationError `length-wrong`
 */
export function readTdReport(
  reader: Reader,
  length: typeof tdReport10Length | typeof tdReport15Length,
): TdReport {
  const is15 = length === tdReport15Length;
  const teeTcbSvn = reader.bytes(16, 'TEE_TCB_SVN');
  const mrSeam = reader.bytes(48, 'MRSEAM');
  const mrSignerSeam = reader.bytes(48, 'MRSIGNERSEAM');
  const seamAttributes = reader.bytes(8, 'SEAMATTRIBUTES');
  const tdAttributes = reader.bytes(8, 'TDATTRIBUTES');
  const xfam = reader.bytes(8, 'XFAM');
  const mrTd = reader.bytes(48, 'MRTD');
  const mrConfigId = reader.bytes(48, 'MRCONFIGID');
  const mrOwner = reader.bytes(48, 'MROWNER');
  const mrOwnerConfig = reader.bytes(48, 'MROWNERCONFIG');
  const rtmr = [
    reader.bytes(48, 'RTMR0'),
    reader.bytes(48, 'RTMR1'),
    reader.bytes(48, 'RTMR2'),
    reader.bytes(48, 'RTMR3'),
  ] as const;
  const reportData = reader.bytes(64, 'REPORTDATA');
  const teeTcbSvn2 = is15 ? reader.bytes(16, 'TEE_TCB_SVN_2') : null;
  const mrServiceTd = is15 ? reader.bytes(48, 'MRSERVICETD') : null;
  return {
    teeTcbSvn,
    mrSeam,
    mrSignerSeam,
    seamAttributes,
    tdAttributes,
    xfam,
    mrTd,
    mrConfigId,
    mrOwner,
    mrOwnerConfig,
    rtmr,
    reportData,
    teeTcbSvn2,
    mrServiceTd,
  };
}

/**
 * The inverse of `parseTdReport`: 648 bytes with the fields of TDX 1.5, 584 without.
 * @throws RangeError on a field of another length, or one of those two without the other
 */
export function encodeTdReport(report: TdReport): Bytes {
  const { teeTcbSvn2, mrServiceTd } = report;
  if ((teeTcbSvn2 === null) !== (mrServiceTd === null)) {
    throw new RangeError('TEE_TCB_SVN_2 and MRSERVICETD come together, in TDX 1.5');
  }
  const writer = new Writer(teeTcbSvn2 === null ? tdReport10Length : tdReport15Length)
    .bytes(report.teeTcbSvn, 16)
    .bytes(report.mrSeam, 48)
    .bytes(report.mrSignerSeam, 48)
    .bytes(report.seamAttributes, 8)
    .bytes(report.tdAttributes, 8)
    .bytes(report.xfam, 8)
    .bytes(report.mrTd, 48)
    .bytes(report.mrConfigId, 48)
    .bytes(report.mrOwner, 48)
    .bytes(report.mrOwnerConfig, 48);
  for (const register of report.rtmr) writer.bytes(register, 48);
  writer.bytes(report.reportData, 64);
  if (teeTcbSvn2 !== null && mrServiceTd !== null) {
    writer.bytes(teeTcbSvn2, 16).bytes(mrServiceTd, 48);
  }
  return writer.finish();
}

/**
 * Whether these begin as a whole TDREPORT_STRUCT as TDG.MR.REPORT writes it: 1024 bytes,
 * REPORTMACSTRUCT first, whose REPORTTYPE is type 0x81, subtype 0, version 0 or 1, reserved 0.
 */
export function isTdReportStructure(bytes: Bytes): boolean {
  const [type, subtype, version = 0xff, reserved] = bytes;
  return bytes.length === 1024 && type === 0x81 && subtype === 0 && version <= 1 && reserved === 0;
}
