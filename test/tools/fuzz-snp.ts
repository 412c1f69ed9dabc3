/**
 * Every parser that SEV-SNP evidence, its collateral and its policy pass through, with seeds for
 * each.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type AmdHierarchy, createAmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import type { AmdKeys } from '#test/fake/keys.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { hasShared, sharedPath } from '#test/shared.ts';
import { encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { encodeLogEntry, parseLog, parseLogEntry } from '#verifier/abi/log.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { encodeResponse, parseResponse, signResponse } from '#verifier/abi/response.ts';
import { serviceTree } from '#verifier/abi/service.ts';
import { encodeReport, parseReport, reportLength, reportVersions } from '#verifier/abi/snp.ts';
import { parseCertificateTable, snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import { describeReport } from '#verifier/abi/snp-fields.ts';
import { encodeSnpEvidence, readSnpEvidence, type SnpContent } from '#verifier/abi/snp-forms.ts';
import { parseSnpProtobuf } from '#verifier/abi/snp-protobuf.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { buildTreeProof, encodeTreeProof, parseTreeProof } from '#verifier/abi/tree-proof.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { parsePolicy } from '#verifier/appraise/policy.ts';
import { type Bytes, equalBytes, fromUtf8, utf8 } from '#verifier/bytes.ts';
import { asArk, asAsk, asVek } from '#verifier/chain/amd.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import { readCertificates, readLists } from '#verifier/cli/certificate-files.ts';
import { describe } from '#verifier/show/describe.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { encodeProof, parseProof } from '#verifier/smt/proof.ts';
import type { Parser } from './fuzz-run.ts';

/** @param keys of the simulated AMD; without them they are made, which takes seconds */
export async function snpParsers(keys?: AmdKeys): Promise<Parser[]> {
  const hierarchies = await Promise.all(
    snpProducts.map((product) => createAmdHierarchy({ product, ...(keys && { keys }) })),
  );
  const hierarchy = hierarchies[0] as AmdHierarchy;
  const reports = [...simulatedReports(hierarchies), ...corpusFiles('sev-snp', 'report.bin')];
  const chains = [utf8(hierarchy.chainPem('vcek')), ...corpusFiles('collateral/amd', /\.pem$/)];
  const certificates = [
    ...hierarchies.flatMap(({ ark, ask, asvk, vcek, vlek }) =>
      [ark, ask, asvk, vcek, vlek].map(({ der }) => der),
    ),
    ...corpusFiles('sev-snp', /^v[cl]ek\.der$/),
    ...corpusFiles('collateral/amd', /\.pem$/).flatMap((pem) =>
      readDerObjects(pem, 'CERTIFICATE', 'chain'),
    ),
  ];
  const lists = [hierarchy.crl.der, ...corpusFiles('collateral/amd', /-crl\.der$/)];
  const content = contentOf(hierarchy, reports[0] as Bytes);
  const extended = encodeSnpEvidence('extended-report', content);
  const protobufs = [
    encodeSnpEvidence('protobuf', content),
    ...readable(reports).map((report) =>
      encodeSnpEvidence('protobuf', { report, collateral: [], extras: [] }),
    ),
  ];
  const forms = [
    extended,
    ...protobufs,
    ...reports,
    encodeSnpEvidence('report-text', { ...content, collateral: [], extras: [] }),
  ];
  const bundle = bundleOf(content);
  const documents = jsonDocuments();
  return [
    { name: 'report', parse: canonicalReport, seeds: reports },
    { name: 'report fields', parse: (bytes) => describeReport(bytes, 'Milan'), seeds: reports },
    {
      name: 'certificate table',
      parse: parseCertificateTable,
      seeds: [extended.subarray(reportLength)],
    },
    { name: 'protobuf', parse: parseSnpProtobuf, seeds: protobufs },
    { name: 'evidence forms', parse: roundTrip, seeds: forms },
    {
      name: 'certificate',
      parse: (bytes) => parseCertificate(bytes, 'certificate'),
      seeds: certificates,
    },
    { name: 'AMD certificate', parse: amdCertificate, seeds: certificates },
    {
      name: 'revocation list',
      parse: (bytes) => parseRevocationList(bytes, 'revocation list'),
      seeds: lists,
    },
    {
      name: 'certificate file',
      parse: (bytes) => readCertificates(bytes, 'chain', 'ask'),
      seeds: [...chains, ...certificates],
    },
    {
      name: 'revocation list file',
      parse: (bytes) => readLists(bytes, 'ark-crl'),
      seeds: [...lists, pemOf(lists[0] as Bytes)],
    },
    {
      name: 'bundle',
      parse: (bytes) => parseLog(parseBundle(bytes).log),
      seeds: [bundle],
    },
    { name: 'log entry', parse: parseLogEntry, seeds: logEntries },
    { name: 'tree proof', parse: onText(parseTreeProof), seeds: documents.proofs },
    { name: 'tree proof bytes', parse: canonicalProof, seeds: documents.proofBytes },
    { name: 'response', parse: onText(parseResponse), seeds: documents.responses },
    { name: 'policy', parse: parsePolicy, seeds: documents.policies },
    { name: 'show', parse: show, seeds: [...forms, ...chains, ...certificates, ...lists, bundle] },
  ];
}

/** What is accepted has one way to be written. */
function canonicalReport(bytes: Bytes): void {
  if (!equalBytes(encodeReport(parseReport(bytes)), bytes)) throw new Error('not canonical');
}

function canonicalProof(bytes: Bytes): void {
  if (!equalBytes(encodeProof(parseProof(bytes)), bytes)) throw new Error('not canonical');
}

/** What is accepted can be written again, and says the same then. */
function roundTrip(bytes: Bytes): void {
  const found = readSnpEvidence(bytes);
  const { form, report, collateral, extras } = found;
  if (form === 'protobuf') return;
  const again = readSnpEvidence(encodeSnpEvidence(form, found));
  const same =
    equalBytes(again.report, report) &&
    again.collateral.length === collateral.length &&
    again.extras.length === extras.length;
  if (!same) throw new Error('another evidence after a round trip');
}

function amdCertificate(bytes: Bytes): void {
  const certificate = parseCertificate(bytes, 'certificate');
  const role = certificate.commonName.startsWith('ARK') ? asArk : asAsk;
  if (/^SEV-V[CL]EK$/.test(certificate.commonName)) asVek(certificate);
  else role(certificate);
}

function show(bytes: Bytes): void {
  const document = describe(bytes);
  renderShow(document, true);
  showJson(document, true);
}

function onText(parse: (text: string) => unknown): Parser['parse'] {
  return (bytes) => parse(fromUtf8(bytes, 'document'));
}

function simulatedReports(hierarchies: readonly AmdHierarchy[]): Bytes[] {
  return hierarchies.flatMap((hierarchy) => {
    const device = createSnpDevice(hierarchy);
    return reportVersions.map((version) =>
      device.report(new Uint8Array(64).fill(version), { with: { version } }),
    );
  });
}

function contentOf({ vcek, vlek, ask, ark, crl }: AmdHierarchy, report: Bytes): SnpContent {
  const guids = snpCertificateGuids;
  return {
    report,
    collateral: [
      { kind: 'vek', data: vcek.der, guid: guids.vcek },
      { kind: 'vek', data: vlek.der, guid: guids.vlek },
      { kind: 'ask', data: ask.der, guid: guids.ask },
      { kind: 'ark', data: ark.der, guid: guids.ark },
      { kind: 'ark-crl', data: crl.der, guid: guids.crl },
    ],
    extras: [{ guid: '01234567-89ab-cdef-0123-456789abcdef', data: utf8('extra') }],
  };
}

const logEntries = [
  encodeLogEntry({ kind: 'tree', time: fakeNow, treeRoot: 5n, reason: 'boot' }),
  encodeLogEntry({ kind: 'event', time: fakeNow, name: 'load', digest: new Uint8Array(32) }),
];

function bundleOf({ report, collateral }: SnpContent): Bytes {
  const digest = new Uint8Array(32).fill(7);
  const bundle = encodeBundle({
    version: 1,
    platform: 'sev-snp',
    evidence: report,
    nonce: digest,
    freshness: 'verifier',
    epoch: fakeNow,
    channel: { kind: 'tls-key', hash: digest },
    bound: { closureDigest: digest, treeRoot: 5n, deviceDigest: digest, logDigest: digest },
    devices: [{ kind: 'fake', evidence: utf8('x') }],
    log: logEntries,
    collateral: collateral.map(({ kind, data }) => ({ kind, data, source: 'x', fetched: fakeNow })),
  });
  return utf8(bundle);
}

function jsonDocuments() {
  const privateKey = new Uint8Array(32).fill(1);
  const publicKey = secp256k1.getPublicKey(privateKey, false).slice(1);
  const services = ['a', 'b', 'echo', 'vault'].map((name) => ({
    name,
    narHash: new Uint8Array(32).fill(name.length),
    publicKey,
  }));
  const tree = serviceTree(services);
  const proofs = [
    ...services.map((service) => buildTreeProof(tree, service.name, service)),
    ...['nobody', 'else'].map((name) => buildTreeProof(tree, name, null)),
  ];
  const request = { service: 'echo', nonce: new Uint8Array(32), time: fakeNow };
  const response = signResponse({ ...request, request: utf8('q'), body: utf8('a') }, privateKey);
  const strict = { ...genuinePolicy, closureDigest: ['c1'.repeat(32)], channel: ['tls-key'] };
  return {
    proofs: proofs.map((proof) => utf8(JSON.stringify(encodeTreeProof(proof)))),
    proofBytes: proofs.map(({ proof }) => encodeProof(proof)),
    responses: [utf8(encodeResponse(response))],
    policies: [genuinePolicy, strict].map((policy) => utf8(JSON.stringify(policy))),
  };
}

function readable(reports: readonly Bytes[]): Bytes[] {
  // The corpus holds one report of a version to come.
  return reports.filter((report) => reportVersions.some((version) => version === report[0]));
}

function pemOf(der: Bytes): Bytes {
  const body = Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n');
  return utf8(`-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`);
}

/** Files below ../shared/corpus with this name; none where the corpus is not. */
function corpusFiles(folder: string, name: string | RegExp): Bytes[] {
  const path = sharedPath(join('corpus', folder));
  if (!hasShared || !existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter((entry) => (typeof name === 'string' ? entry.name === name : name.test(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => new Uint8Array(readFileSync(file)));
}
