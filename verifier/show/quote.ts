/**
 * Intel's quotes for `affidavit show`: header, body, signature, the quoting enclave's report, and
 * the certificates that came with it.
 */
import { readDerObjects } from '#verifier/abi/pem.ts';
import {
  certificationTypes,
  intelQeVendorId,
  parseQuote,
  pckChainType,
  type Quote,
} from '#verifier/abi/quote.ts';
import { sgxAttributeBits } from '#verifier/abi/sgx-report.ts';
import { type TdBits, tdAttributeBits, xfamBits } from '#verifier/abi/td-report.ts';
import { type Bytes, equalBytes, isZero, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowPart, ShowSection } from './document.ts';

type Kind = 'hex' | 'number' | 'tdAttributes' | 'xfam' | 'sgxAttributes' | 'bits';
/** Length, Intel's name, and where `parseQuote` puts it; empty for what it does not return. */
type Row = readonly [length: number, name: string, key: string, kind?: Kind];

const tdRows: readonly Row[] = [
  [16, 'TEE_TCB_SVN', 'teeTcbSvn'],
  [48, 'MRSEAM', 'mrSeam'],
  [48, 'MRSIGNERSEAM', 'mrSignerSeam'],
  [8, 'SEAMATTRIBUTES', 'seamAttributes', 'bits'],
  [8, 'TDATTRIBUTES', 'tdAttributes', 'tdAttributes'],
  [8, 'XFAM', 'xfam', 'xfam'],
  [48, 'MRTD', 'mrTd'],
  [48, 'MRCONFIGID', 'mrConfigId'],
  [48, 'MROWNER', 'mrOwner'],
  [48, 'MROWNERCONFIG', 'mrOwnerConfig'],
  [48, 'RTMR0', 'rtmr.0'],
  [48, 'RTMR1', 'rtmr.1'],
  [48, 'RTMR2', 'rtmr.2'],
  [48, 'RTMR3', 'rtmr.3'],
  [64, 'REPORTDATA', 'reportData'],
];
const td15Rows: readonly Row[] = [
  ...tdRows,
  [16, 'TEE_TCB_SVN_2', 'teeTcbSvn2'],
  [48, 'MRSERVICETD', 'mrServiceTd'],
];
const enclaveRows: readonly Row[] = [
  [16, 'CPUSVN', 'cpuSvn'],
  [4, 'MISCSELECT', 'miscSelect', 'bits'],
  [12, 'reserved', ''],
  [16, 'ISVEXTPRODID', 'isvExtProdId'],
  [16, 'ATTRIBUTES', 'attributes', 'sgxAttributes'],
  [32, 'MRENCLAVE', 'mrEnclave'],
  [32, 'reserved', ''],
  [32, 'MRSIGNER', 'mrSigner'],
  [32, 'reserved', ''],
  [64, 'CONFIGID', 'configId'],
  [2, 'ISVPRODID', 'isvProdId', 'number'],
  [2, 'ISVSVN', 'isvSvn', 'number'],
  [2, 'CONFIGSVN', 'configSvn', 'number'],
  [42, 'reserved', ''],
  [16, 'ISVFAMILYID', 'isvFamilyId'],
  [64, 'REPORTDATA', 'reportData'],
];

/**
 * @param offsetsFrom what the quote is in, in words
 * @throws AttestationError what `parseQuote` throws; a certificate in it that cannot be read is
 *   shown as such
 */
export function quoteSections(bytes: Bytes, offsetsFrom: string): ShowSection[] {
  const quote = parseQuote(bytes);
  const { version, tee } = quote.header;
  const walk = new Walk(bytes);
  const section = (title: string): ShowSection => ({ title, offsetsFrom, fields: walk.take() });
  showHeader(walk, quote);
  const header = section(`${tee === 'tdx' ? 'TDX' : 'SGX'} quote, version ${version}`);
  walk.rows(bodyRows(quote));
  const body = section(tee === 'tdx' ? 'TD report' : 'Enclave report');
  showSignature(walk, quote);
  const signature = section('Signature');
  walk.rows(enclaveRows);
  const qeReport = section('Report of the quoting enclave');
  showCertification(walk, quote);
  const certification = section('Certification of the quoting enclave');
  return [header, body, signature, qeReport, certification, ...chainSections(quote)];
}

/** Goes through the bytes front to back; what it shows has no gap. */
class Walk {
  readonly #bytes: Bytes;
  #offset = 0;
  #fields: ShowField[] = [];

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  add(name: string, length: number, key: string, show: (bytes: Bytes) => string = toHex): void {
    const found = this.#next(length);
    this.#push({ name, value: show(found), offset: this.#offset - length, length }, key);
  }

  rows(rows: readonly Row[]): void {
    for (const [length, name, key, kind = 'hex'] of rows) {
      const found = this.#next(length);
      const parts = partsOf(kind, found);
      const value = shown(kind, found);
      this.#push(
        { name, value, offset: this.#offset - length, length, ...(parts.length > 0 && { parts }) },
        key,
      );
    }
  }

  /** The fields since the last call. */
  take(): ShowField[] {
    const found = this.#fields;
    this.#fields = [];
    return found;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  #next(length: number): Bytes {
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  #push(field: ShowField, key: string): void {
    this.#fields.push({ ...field, ...(key !== '' && { key }) });
  }
}

function showHeader(walk: Walk, { header }: Quote): void {
  const { version, tee } = header;
  walk.add('VERSION', 2, 'version', decimal);
  walk.add('ATTESTATION_KEY_TYPE', 2, 'attestationKeyType', () => '2 (ECDSA P-256)');
  walk.add('TEE_TYPE', 4, 'tee', () => (tee === 'tdx' ? '0x81 (TDX)' : '0 (SGX)'));
  walk.add('QE_SVN', 2, 'qeSvn', decimal);
  walk.add('PCE_SVN', 2, 'pceSvn', decimal);
  walk.add('QE_VENDOR_ID', 16, 'qeVendorId', (id) =>
    equalBytes(id, intelQeVendorId) ? `${toHex(id)} (Intel)` : toHex(id),
  );
  walk.add('USER_DATA', 20, 'userData');
  if (version !== 5) return;
  walk.add('BODY_TYPE', 2, '', decimal);
  walk.add('BODY_SIZE', 4, '', decimal);
}

function bodyRows({ body }: Quote): readonly Row[] {
  if (body.kind === 'sgx') return enclaveRows;
  return body.report.teeTcbSvn2 === null ? tdRows : td15Rows;
}

function showSignature(walk: Walk, { header }: Quote): void {
  walk.add('SIGNATURE_DATA_LENGTH', 4, '', decimal);
  walk.add('SIGNATURE', 64, 'signature');
  walk.add('ATTESTATION_KEY', 64, 'attestationKey');
  if (header.version === 3) return;
  walk.add('CERTIFICATION_TYPE', 2, '', () => '6 (QE report certification data)');
  walk.add('CERTIFICATION_SIZE', 4, '', decimal);
}

function showCertification(walk: Walk, { qeAuthData, certification, trailing }: Quote): void {
  const { type, data } = certification;
  walk.add('QE_REPORT_SIGNATURE', 64, 'qeReportSignature');
  walk.add('QE_AUTH_DATA_LENGTH', 2, '', decimal);
  if (qeAuthData.length > 0) walk.add('QE_AUTH_DATA', qeAuthData.length, 'qeAuthData');
  walk.add('QE_CERTIFICATION_TYPE', 2, 'certification.type', () => {
    return `${type} (${certificationTypes[type]})`;
  });
  walk.add('QE_CERTIFICATION_SIZE', 4, '', decimal);
  if (data.length > 0) {
    walk.add('QE_CERTIFICATION_DATA', data.length, 'certification.data', (bytes) =>
      type === pckChainType ? `${bytes.length} bytes, the certificates below` : toHex(bytes),
    );
  }
  if (trailing > 0) walk.add('after the quote', walk.left, '', describeTrailing);
}

function describeTrailing(bytes: Bytes): string {
  if (isZero(bytes)) return `${bytes.length} bytes, all zero; nothing signs them`;
  const start = toHex(bytes.subarray(0, 32));
  return `${bytes.length} bytes, which nothing signs: ${start}${bytes.length > 32 ? '…' : ''}`;
}

function chainSections({ certification: { type, data } }: Quote): ShowSection[] {
  if (type !== pckChainType) return [];
  const title = 'PCK certificate chain';
  return orRefusal(title, () =>
    readDerObjects(data, 'CERTIFICATE', title).flatMap((der, i) =>
      orRefusal(`PCK chain ${i + 1}`, () => [certificateSection(der, `PCK chain ${i + 1}`)]),
    ),
  );
}

/** The quote around it can be read all the same. */
function orRefusal(title: string, read: () => ShowSection[]): ShowSection[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return [{ title, offsetsFrom: null, fields: [{ name: 'unreadable', value: error.message }] }];
  }
}

function shown(kind: Kind, bytes: Bytes): string {
  switch (kind) {
    case 'number':
      return decimal(bytes);
    case 'hex':
    case 'sgxAttributes':
      return toHex(bytes);
    default:
      return `0x${littleEndian(bytes).toString(16)} (bytes ${toHex(bytes)})`;
  }
}

function partsOf(kind: Kind, bytes: Bytes): ShowPart[] {
  switch (kind) {
    case 'tdAttributes':
      return bitParts(littleEndian(bytes), tdAttributeBits);
    case 'xfam':
      return bitParts(littleEndian(bytes), xfamBits);
    case 'sgxAttributes':
      return [
        ...bitParts(
          littleEndian(bytes.subarray(0, 8)),
          sgxAttributeBits.map((one) => ({ ...one, count: 1 })),
        ),
        ...bitParts(littleEndian(bytes.subarray(8)), xfamBits, 'XFRM '),
      ];
    default:
      return [];
  }
}

/** Each named bit, and those that are set without having a name. */
function bitParts(
  bits: bigint,
  named: readonly Pick<TdBits, 'bit' | 'count' | 'name'>[],
  prefix = '',
): ShowPart[] {
  const isSet = (at: number) => ((bits >> BigInt(at)) & 1n) === 1n;
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const known = new Set(named.flatMap(({ bit, count }) => range(bit, count)));
  return [
    ...named.map(({ bit, count, name }) => {
      const set = range(bit, count).filter(isSet);
      const some = `only bit ${set.join(', ')}`;
      const value = set.length === 0 ? 'no' : set.length === count ? 'yes' : some;
      return { name: prefix + name, value };
    }),
    ...range(0, 64)
      .filter((at) => isSet(at) && !known.has(at))
      .map((at) => ({ name: `${prefix}bit ${at}, without a name`, value: 'yes' })),
  ];
}

function decimal(bytes: Bytes): string {
  return littleEndian(bytes).toString();
}

function littleEndian(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(new Uint8Array(bytes).reverse())}`);
}
