/** Every parser that evidence of Azure's confidential VMs passes through, with seeds for each. */
import { amdProfiles } from '#test/fake/amd-profile.ts';
import { createAzure, type FakeAzure } from '#test/fake/azure.ts';
import { createIntel } from '#test/fake/intel.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import { azureCases } from '#test/verifier/azure/cases.ts';
import { readAkCertificate, readAzureEvidence } from '#verifier/abi/azure-evidence.ts';
import { encodeHcl, hclTeeOf, looksLikeHcl, parseHcl } from '#verifier/abi/hcl.ts';
import { encodeHclClaims, parseHclClaims } from '#verifier/abi/hcl-claims.ts';
import { encodeTdReportStruct, parseTdReportStruct } from '#verifier/abi/td-report-struct.ts';
import { type Bytes, concat, equalBytes, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { azureEvidenceSections, hclSections } from '#verifier/show/hcl.ts';
import type { Parser } from './fuzz-run.ts';

export async function azureParsers(): Promise<Parser[]> {
  const machines = await simulatedMachines();
  const cases = azureCases();
  const real = (role: string) => cases.flatMap((one) => one.read(role) ?? []);
  const simulated = machines.flatMap(({ report }) => [
    report(),
    report({ userData: new Uint8Array(64).fill(0xda), content: { version: 1, hash: 'sha512' } }),
  ]);
  const reports = [...simulated.map(({ hcl }) => hcl), ...real('hcl_report')];
  const parsed = reports.map((bytes) => parseHcl(bytes));
  const tdReports = parsed.flatMap(({ tdReport }) => tdReport ?? []).map(encodeTdReportStruct);
  const [certificate = new Uint8Array()] = machines[0]?.tpm.certificates ?? [];
  const documents = [
    ...simulated.map(({ hcl, quote }) => utf8(evidenceJson(hcl, quote, certificate))),
    ...real('evidence').filter((bytes) => bytes[0] === 0x7b),
  ];
  const certificates = [certificate, concat(certificate, new Uint8Array(500)), ...real('ak_cert')];
  return [
    { name: 'HCL report', parse: canonicalHcl, seeds: reports },
    {
      name: 'HCL runtime claims',
      parse: claimsRoundTrip,
      seeds: parsed.map(({ runtimeData }) => runtimeData),
    },
    { name: 'TDREPORT', parse: canonicalTdReport, seeds: tdReports },
    { name: 'Azure evidence', parse: readAzureEvidence, seeds: documents },
    { name: 'AK certificate', parse: readAkCertificate, seeds: certificates },
    { name: 'show HCL report', parse: (bytes) => show(hclSections, bytes), seeds: reports },
    {
      name: 'show Azure evidence',
      parse: (bytes) => show(azureEvidenceSections, bytes),
      seeds: documents,
    },
  ];
}

async function simulatedMachines(): Promise<FakeAzure[]> {
  // A report is signed by the VCEK alone: the keys above it are of no use here.
  const key = await generateEcKey();
  const keys = { ark: key, ask: key, asvk: key, vcek: key, vlek: key };
  const product = 'Milan';
  const tcb = amdProfiles[product].defaultTcb;
  const amd = { product, tcb, hardwareId: new Uint8Array(64).fill(0x1d), keys } as const;
  const first = await createAzure({ tee: 'sev-snp', amd });
  return [first, await createAzure({ tee: 'tdx', intel: createIntel(), tpm: first.tpm })];
}

/** As attestation-rs writes it. */
function evidenceJson(hcl: Bytes, quote: Bytes | null, certificate: Bytes): string {
  const base64Url = (bytes: Bytes) =>
    toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
  const tpm_quote = {
    signature: '01'.repeat(256),
    message: 'ff544347',
    pcrs: Array.from({ length: 24 }, (_, i) => toHex(new Uint8Array(32).fill(i))),
  };
  const below = quote === null ? { vcek: base64Url(certificate) } : { td_quote: base64Url(quote) };
  const evidence = { version: 1, tpm_quote, hcl_report: base64Url(hcl), ...below };
  return JSON.stringify({ platform: quote === null ? 'az-snp' : 'az-tdx', evidence });
}

/** What is accepted has one way to be written, and is recognised before it is read. */
function canonicalHcl(bytes: Bytes): void {
  const recognised = looksLikeHcl(bytes) ? hclTeeOf(bytes) : null;
  const hcl = parseHcl(bytes);
  if (recognised !== hcl.type) throw new Error('read, but not recognised');
  if (!equalBytes(encodeHcl(hcl), bytes)) throw new Error('not canonical');
}

/** What is accepted can be written again, and says the same then. */
function claimsRoundTrip(bytes: Bytes): void {
  const again = encodeHclClaims(parseHclClaims(bytes));
  if (!equalBytes(encodeHclClaims(parseHclClaims(again)), again)) throw new Error('other claims');
}

function canonicalTdReport(bytes: Bytes): void {
  if (!equalBytes(encodeTdReportStruct(parseTdReportStruct(bytes)), bytes)) {
    throw new Error('not canonical');
  }
}

function show(sections: typeof hclSections, bytes: Bytes): void {
  const document = { form: 'evidence of Azure', length: bytes.length, sections: sections(bytes) };
  renderShow(document, true);
  showJson(document, true);
}
