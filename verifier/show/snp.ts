/**
 * SEV-SNP evidence for `affidavit show`: reports, certificate tables, and what go-sev-guest's
 * protobuf holds.
 */
import { reportLength } from '#verifier/abi/snp.ts';
import { parseCertificateTable, snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import { describeReport } from '#verifier/abi/snp-fields.ts';
import type { SnpCollateral, SnpEvidence } from '#verifier/abi/snp-forms.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, Reader, toHex } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral } from '#verifier/evidence.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';

const guidNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(snpCertificateGuids).map(([name, guid]) => [guid, name.toUpperCase()]),
  ),
  // go-sev-guest's own.
  'ecae0c0f-9502-43b1-afa2-0ae2e0d565b6': 'extra platform info',
};

/** @throws AttestationError for a report or certificate that cannot be read */
export function evidenceSections(evidence: SnpEvidence, file: Bytes): ShowSection[] {
  const { form, report, collateral, extras } = evidence;
  const raw = form === 'report' || form === 'extended-report';
  return [
    reportSection(report, collateral, raw ? 'the file' : 'the raw report'),
    ...(form === 'extended-report' ? [tableSection(file, reportLength)] : []),
    ...collateral.map(({ guid, data }) => certificateSection(data, guidName(guid))),
    ...(form === 'extended-report' ? [] : extrasSections(extras)),
  ];
}

export function reportSection(
  report: Bytes,
  collateral: readonly Collateral[],
  offsetsFrom: string,
): ShowSection {
  const fields = describeReport(report, productOf(collateral));
  return { title: 'SEV-SNP report', offsetsFrom, fields };
}

/** A table that stands alone: its entries, and each certificate in it. */
export function tableSections(table: Bytes, collateral: readonly SnpCollateral[]): ShowSection[] {
  return [
    tableSection(table, 0),
    ...collateral.map(({ guid, data }) => certificateSection(data, guidName(guid))),
  ];
}

/**
 * Entry = 16 bytes GUID ‖ u32 offset ‖ u32 length; the offset counts from the start of the table.
 */
function tableSection(file: Bytes, start: number): ShowSection {
  const table = file.subarray(start);
  const entries = parseCertificateTable(table);
  const reader = new Reader(table, 'SNP certificate table');
  const fields = entries.map(({ guid, data }): ShowField => {
    reader.bytes(16, 'GUID');
    const offset = start + reader.u32le('offset');
    const length = reader.u32le('length');
    const known = guidNames[guid] !== undefined;
    return { name: guidName(guid), value: known ? guid : toHex(data), offset, length };
  });
  if (fields.length === 0) fields.push({ name: 'entries', value: 'none' });
  return { title: 'Certificate table', offsetsFrom: 'the file', fields };
}

/** The table shows its own; a protobuf has none. */
function extrasSections(extras: SnpEvidence['extras']): ShowSection[] {
  if (extras.length === 0) return [];
  const fields = extras.map(({ guid, data }) => ({ name: guidName(guid), value: toHex(data) }));
  return [{ title: 'Entries with unknown GUIDs', offsetsFrom: null, fields }];
}

function guidName(guid: string): string {
  return guidNames[guid] ?? guid;
}

/** Reports before version 3 do not name their processor; the key's certificate does. */
function productOf(collateral: readonly Collateral[]): SnpProduct | null {
  const vek = collateral.find(({ kind }) => kind === 'vek');
  if (vek === undefined) return null;
  try {
    return asVek(parseCertificate(vek.data, 'VEK')).product;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
