/**
 * Every parser that Intel's quotes and their collateral pass through, with seeds for each: TDX and
 * SGX alike, for they share all but the body of a quote.
 */
import { readdirSync } from 'node:fs';
import { createIntel, type Intel } from '#test/fake/intel.ts';
import { enclaveReport, makeQuote } from '#test/fake/intel-qe.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { corpusQuotes } from '#test/verifier/abi/quote-samples.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { encodeQeIdentity, parseQeIdentity, qeMatches } from '#verifier/abi/qe-identity.ts';
import {
  encodeQuote,
  looksLikeQuote,
  parseQuote,
  pckChainType,
  teeOf,
} from '#verifier/abi/quote.ts';
import { encodeEnclaveReport, parseEnclaveReport } from '#verifier/abi/sgx-report.ts';
import { encodeTcbInfo, parseTcbInfo } from '#verifier/abi/tcb-info.ts';
import { assessTcb } from '#verifier/abi/tcb-status.ts';
import { encodeTdReport, parseTdReport } from '#verifier/abi/td-report.ts';
import { type Bytes, concat, equalBytes, toHex, utf8 } from '#verifier/bytes.ts';
import { asIntelRoot, asPck, asPckCa, asTcbSigning } from '#verifier/chain/intel.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import { readCertificates } from '#verifier/cli/certificate-files.ts';
import { describe } from '#verifier/show/describe.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { outcomeOf, type Parser } from './fuzz-run.ts';

export async function tdxParsers(): Promise<Parser[]> {
  const hierarchies = [createIntel(), createIntel({ tee: 'sgx', machine: { ca: 'processor' } })];
  const intel = hierarchies[0] as Intel;
  const quotes = [
    ...simulatedQuotes(intel),
    ...corpusQuotes()
      .map(({ quote }) => quote)
      .filter((bytes) => outcomeOf(parseQuote, bytes) === 'accepted'),
  ];
  const parsed = quotes.map((bytes) => parseQuote(bytes));
  const bodies = parsed.map(({ body }) => body);
  const chains = parsed
    .map(({ certification }) => certification)
    .filter(({ type }) => type === pckChainType)
    .map(({ data }) => data)
    // Machines share their CAs, and the corpus holds some machines more than once.
    .filter((data, i, all) => all.findIndex((other) => equalBytes(data, other)) === i);
  const certificates = [
    ...hierarchies.flatMap(({ root, platformCa, processorCa, tcbSigning, pck }) =>
      [root, platformCa, processorCa, tcbSigning, pck].map(({ der }) => der),
    ),
    ...chains.flatMap((pem) => readDerObjects(pem, 'CERTIFICATE', 'PCK chain')),
    ...intelFiles(/\.pem$/).flatMap((pem) => readDerObjects(pem, 'CERTIFICATE', 'chain')),
  ];
  const lists = [
    ...hierarchies.flatMap(({ rootCrl, platformCrl, processorCrl }) =>
      [rootCrl, platformCrl, processorCrl].map(({ der }) => der),
    ),
    ...intelFiles(/-crl-.*\.der$/),
  ];
  const tcbInfos = [
    ...hierarchies.map(({ tcbInfo }) => tcbInfo.bytes),
    ...intelFiles(/^tcbinfo-.*\.json$/),
  ];
  const identities = [
    ...hierarchies.map(({ qeIdentity }) => qeIdentity.bytes),
    ...intelFiles(/(?:qe|qve)-identity-.*\.json$/),
  ];
  const enclaves = [
    ...parsed.map(({ qeReportBytes }) => qeReportBytes),
    ...bodies.flatMap((one) => (one.kind === 'sgx' ? [encodeEnclaveReport(one.report)] : [])),
  ];
  const tds = bodies.flatMap((one) => (one.kind === 'tdx' ? [encodeTdReport(one.report)] : []));
  return [
    { name: 'quote', parse: canonicalQuote, seeds: [...quotes, rawTdReport, rawSgxReport] },
    { name: 'enclave report', parse: canonicalEnclaveReport, seeds: enclaves },
    { name: 'TD report', parse: canonicalTdReport, seeds: tds },
    { name: 'PCK chain', parse: (bytes) => readCertificates(bytes, 'chain', 'ask'), seeds: chains },
    {
      name: 'certificate',
      parse: (bytes) => parseCertificate(bytes, 'certificate'),
      seeds: certificates,
    },
    { name: 'Intel certificate', parse: intelCertificate, seeds: certificates },
    {
      name: 'revocation list',
      parse: (bytes) => parseRevocationList(bytes, 'revocation list'),
      seeds: lists,
    },
    { name: 'TCB info', parse: tcbInfoRoundTrip, seeds: tcbInfos },
    { name: 'TCB status', parse: tcbStatusOf(intel), seeds: tcbInfos },
    { name: 'QE identity', parse: qeIdentityRoundTrip, seeds: identities },
    { name: 'show', parse: show, seeds: [...quotes, ...chains, ...certificates, ...lists] },
  ];
}

/** What is accepted has one way to be written, and is recognised before it is read. */
function canonicalQuote(bytes: Bytes): void {
  const looks = looksLikeQuote(bytes);
  const tee = teeOf(bytes);
  const quote = parseQuote(bytes);
  if (!looks || tee !== quote.header.tee) throw new Error('read, but not recognised');
  const whole = bytes.subarray(0, bytes.length - quote.trailing);
  if (!equalBytes(encodeQuote(quote), whole)) throw new Error('not canonical');
}

function canonicalEnclaveReport(bytes: Bytes): void {
  if (!equalBytes(encodeEnclaveReport(parseEnclaveReport(bytes)), bytes)) {
    throw new Error('not canonical');
  }
}

function canonicalTdReport(bytes: Bytes): void {
  if (!equalBytes(encodeTdReport(parseTdReport(bytes)), bytes)) throw new Error('not canonical');
}

function intelCertificate(bytes: Bytes): void {
  const certificate = parseCertificate(bytes, 'certificate');
  const { commonName } = certificate;
  if (commonName === 'Intel SGX Root CA') asIntelRoot(certificate);
  else if (commonName === 'Intel SGX TCB Signing') asTcbSigning(certificate);
  else if (commonName.endsWith(' CA')) asPckCa(certificate);
  else asPck(certificate);
}

/** What is accepted can be written again, and says the same then. */
function tcbInfoRoundTrip(bytes: Bytes): void {
  const { info, signature } = parseTcbInfo(bytes);
  const text = encodeTcbInfo(info);
  const again = `{"tcbInfo":${text},"signature":"${toHex(signature)}"}`;
  if (encodeTcbInfo(parseTcbInfo(utf8(again)).info) !== text) throw new Error('another TCB info');
}

function qeIdentityRoundTrip(bytes: Bytes): void {
  const { identity, signature } = parseQeIdentity(bytes);
  qeMatches(identity, enclaveReport());
  const text = encodeQeIdentity(identity);
  const again = `{"enclaveIdentity":${text},"signature":"${toHex(signature)}"}`;
  if (encodeQeIdentity(parseQeIdentity(utf8(again)).identity) !== text) {
    throw new Error('another QE identity');
  }
}

/** Whatever TCB info is accepted gives a status for any machine. */
function tcbStatusOf({ qeIdentity }: Intel): Parser['parse'] {
  const { identity } = parseQeIdentity(qeIdentity.bytes);
  const ones = new Uint8Array(16).fill(1);
  return (bytes) => {
    const { info } = parseTcbInfo(bytes);
    for (const svn of [0, 1, 5, 255]) {
      const teeTcbSvn = Uint8Array.from({ length: 16 }, (_, i) => (i === 1 ? 1 : svn));
      assessTcb({
        info,
        identity,
        pck: { components: new Array(16).fill(svn), pceSvn: svn * 257 },
        tee: info.id === 'TDX' ? { teeTcbSvn, teeTcbSvn2: svn === 1 ? null : ones } : null,
        qeIsvSvn: svn,
      });
    }
  };
}

function show(bytes: Bytes): void {
  const document = describe(bytes);
  renderShow(document, true);
  showJson(document, true);
}

function simulatedQuotes(intel: Intel): Bytes[] {
  const reportData = new Uint8Array(64).fill(7);
  const td10 = { teeTcbSvn2: null, mrServiceTd: null };
  const sgx = { kind: 'sgx', report: enclaveReport({ reportData }) } as const;
  return [
    createTdxDevice(intel, { version: 4 }).quote(reportData),
    createTdxDevice(intel, { version: 5 }).quote(reportData),
    createTdxDevice(intel, { version: 5, ...td10 }).quote(reportData),
    ...([3, 4, 5] as const).map((version) => makeQuote(intel, sgx, { version })),
    makeQuote(intel, sgx, { certification: { type: 1, data: new Uint8Array(36) } }),
    makeQuote(intel, sgx, { trailing: new Uint8Array(300) }),
  ];
}

/** Refused, each for what it is. */
const rawTdReport = concat(Uint8Array.of(0x81), new Uint8Array(1023));
const rawSgxReport = new Uint8Array(432);

/** Intel's collateral in ../shared/corpus with this name; none where the corpus is not. */
function intelFiles(name: RegExp): Bytes[] {
  if (!hasShared) return [];
  const folder = 'corpus/collateral/intel';
  return readdirSync(sharedPath(folder))
    .filter((file) => name.test(file))
    .toSorted()
    .map((file) => sharedFile(`${folder}/${file}`));
}
