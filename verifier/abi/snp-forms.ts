/**
 * The forms in which SEV-SNP evidence is handed around, each ⇄ one content: a report with the
 * certificates that came with it. Which form it is is seen from the bytes. Nothing is judged here:
 * the report is cut out, not read.
 */
import {
  type Bytes,
  concat,
  fromBase64,
  fromHex,
  fromUtf8,
  isZero,
  Reader,
  toBase64,
  toHex,
  utf8,
} from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { AmdCollateralKind } from './bundle.ts';
import { pemLabelOf, readDerObject } from './pem.ts';
import { reportLength } from './snp.ts';
import {
  encodeCertificateTable,
  parseCertificateTable,
  type SnpCertificate,
  snpCertificateGuids,
} from './snp-certs.ts';
import { encodeSnpProtobuf, looksLikeSnpProtobuf, parseSnpProtobuf } from './snp-protobuf.ts';

/**
 * `report` the raw 1184 bytes · `extended-report` those and the host's certificate table (GHCB) ·
 * `protobuf` go-sev-guest's `sevsnp.Attestation` · `report-text` the raw bytes as one text of hex
 * or base64.
 */
export const snpForms = ['report', 'extended-report', 'protobuf', 'report-text'] as const;
export type SnpForm = (typeof snpForms)[number];

/** One DER object and the GUID that the host gave it by. */
export type SnpCollateral = { kind: AmdCollateralKind; data: Bytes; guid: string };

export type SnpContent = {
  /** 1184 bytes */
  report: Bytes;
  collateral: SnpCollateral[];
  /** Entries with GUIDs that AMD did not give out, as they came; policy decides about them. */
  extras: SnpCertificate[];
};
export type SnpEvidence = SnpContent & { form: SnpForm };

/** A table may hold a VCEK and a VLEK; the report says which of them signed it. */
const kindOfGuid: Readonly<Record<string, AmdCollateralKind>> = {
  [snpCertificateGuids.vcek]: 'vek',
  [snpCertificateGuids.vlek]: 'vek',
  [snpCertificateGuids.ask]: 'ask',
  [snpCertificateGuids.ark]: 'ark',
  [snpCertificateGuids.crl]: 'ark-crl',
};

const tableEntryLength = 24;
/** 1 MiB: a host's table has a few pages. */
export const maxSnpEvidenceLength = 1024 * 1024;
/** Hex of a report, with some room for line breaks. */
const maxTextLength = 4 * reportLength;

/**
 * @throws AttestationError `too-large`, `form-unknown`, `length-wrong`, `reserved-not-zero`,
 *   `value-out-of-range`, `protobuf-malformed`, `utf8-malformed`, `hex-malformed`,
 *   `base64-malformed`, `pem-malformed`, `der-malformed`
 */
export function readSnpEvidence(bytes: Bytes): SnpEvidence {
  if (bytes.length > maxSnpEvidenceLength) {
    throw new AttestationError(
      'too-large',
      `SEV-SNP evidence: ${bytes.length} bytes, at most ${maxSnpEvidenceLength} (1 MiB) are allowed`,
    );
  }
  if (beginsAsReport(bytes)) {
    if (bytes.length <= reportLength) return withoutCertificates('report', bytes);
    const table = parseCertificateTable(bytes.subarray(reportLength));
    const report = new Uint8Array(bytes.subarray(0, reportLength));
    return { form: 'extended-report', report, ...sortCertificates(table) };
  }
  if (looksLikeSnpProtobuf(bytes)) {
    const { report, certificates } = parseSnpProtobuf(bytes);
    return { form: 'protobuf', report, ...sortCertificates(certificates) };
  }
  const text = reportText(bytes);
  if (text !== null) return withoutCertificates('report-text', text);
  throw new AttestationError(
    'form-unknown',
    `SEV-SNP evidence: ${bytes.length} bytes that are no raw or extended report, protobuf, hex or base64`,
  );
}

/**
 * The mirror of `readSnpEvidence`; certificates in the order given, extras last.
 * @throws RangeError when the form has no place for what it should hold
 */
export function encodeSnpEvidence(
  form: SnpForm,
  { report, collateral, extras }: SnpContent,
): Bytes {
  if (report.length !== reportLength) throw new RangeError(`a report has ${reportLength} bytes`);
  const certificates = [...collateral, ...extras].map(({ guid, data }) => ({ guid, data }));
  switch (form) {
    case 'extended-report':
      return concat(report, encodeCertificateTable(certificates));
    case 'protobuf':
      return encodeSnpProtobuf({ report, certificates });
    default:
      if (certificates.length > 0) throw new RangeError(`${form} holds no certificates`);
      return form === 'report' ? new Uint8Array(report) : utf8(`${toBase64(report)}\n`);
  }
}

/** What Linux's configfs-tsm gives: two files, of which the second may be absent or empty. */
export type TsmBlobs = { outblob: Bytes; auxblob: Bytes | null };

/**
 * outblob = the raw report, auxblob = the certificate table, padded as the host left it.
 * @throws AttestationError `length-wrong`, `reserved-not-zero`, `value-out-of-range`,
 *   `pem-malformed`, `base64-malformed`, `der-malformed`
 */
export function readTsmEvidence({ outblob, auxblob }: TsmBlobs): SnpEvidence {
  const alone = withoutCertificates('report', outblob);
  if (auxblob === null || auxblob.length === 0) return alone;
  return {
    form: 'extended-report',
    report: alone.report,
    ...sortCertificates(parseCertificateTable(auxblob)),
  };
}

/** The mirror of `readTsmEvidence`. @throws RangeError as `encodeSnpEvidence` */
export function encodeTsmEvidence(content: SnpContent): TsmBlobs {
  const bytes = encodeSnpEvidence('extended-report', content);
  const none = content.collateral.length + content.extras.length === 0;
  return {
    outblob: bytes.slice(0, reportLength),
    auxblob: none ? null : bytes.slice(reportLength),
  };
}

/**
 * A certificate table without its report; null when the bytes are none.
 * @throws AttestationError what `parseCertificateTable` throws, `pem-malformed`,
 *   `base64-malformed`, `der-malformed`
 */
export function readSnpTable(bytes: Bytes): Omit<SnpContent, 'report'> | null {
  if (beginsAsReport(bytes) || bytes.length < tableEntryLength) return null;
  const reader = new Reader(bytes, 'SNP certificate table');
  const guid = toHex(reader.bytes(16, 'GUID'));
  const offset = reader.u32le('offset');
  const known = Object.keys(kindOfGuid).some((one) => one.replaceAll('-', '') === guid);
  // Else the first certificate stands right behind the zero entry that ends every table.
  const ended =
    offset >= 2 * tableEntryLength &&
    offset <= bytes.length &&
    isZero(bytes.subarray(offset - tableEntryLength, offset));
  return known || ended ? sortCertificates(parseCertificateTable(bytes)) : null;
}

/** VERSION is a small number in four bytes: three zeros that no other form has there. */
function beginsAsReport(bytes: Bytes): boolean {
  return bytes.length >= 4 && bytes.subarray(1, 4).every((byte) => byte === 0);
}

function withoutCertificates(form: SnpForm, bytes: Bytes): SnpEvidence {
  if (bytes.length !== reportLength) {
    throw new AttestationError(
      'length-wrong',
      `SEV-SNP report: expected exactly ${reportLength} bytes, got ${bytes.length}`,
    );
  }
  return { form, report: new Uint8Array(bytes), collateral: [], extras: [] };
}

/**
 * AMD's own entries as DER by kind, and the rest as they came.
 * @throws AttestationError `pem-malformed`, `base64-malformed`, `der-malformed`
 */
export function sortCertificates(
  certificates: readonly SnpCertificate[],
): Omit<SnpContent, 'report'> {
  const collateral: SnpCollateral[] = [];
  const extras: SnpCertificate[] = [];
  for (const { guid, data } of certificates) {
    const kind = kindOfGuid[guid];
    if (kind === undefined) extras.push({ guid, data });
    else
      collateral.push({
        kind,
        data: readDerObject(data, pemLabelOf(kind), `SNP certificate ${guid}`),
        guid,
      });
  }
  return { collateral, extras };
}

/** Null when the bytes are no such text. */
function reportText(bytes: Bytes): Bytes | null {
  if (bytes.length === 0 || bytes.length > maxTextLength) return null;
  if (!bytes.every((byte) => byte === 0x0a || byte === 0x0d || (byte > 0x20 && byte < 0x7f))) {
    return null;
  }
  const text = fromUtf8(bytes, 'SEV-SNP report').replace(/[\r\n]/g, '');
  if (/^[0-9a-f]+$/i.test(text)) return fromHex(text, 'SEV-SNP report', reportLength);
  return /^[A-Za-z0-9+/=]+$/.test(text) ? fromBase64(text, 'SEV-SNP report') : null;
}
