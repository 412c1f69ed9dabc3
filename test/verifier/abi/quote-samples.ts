/** Quotes of every shape to take apart: made-up ones always, real ones where the corpus is here. */
import fc from 'fast-check';
import { hasShared, sharedFile } from '#test/shared.ts';
import { intelQeVendorId, type QuoteContent, type QuoteVersion } from '#verifier/abi/quote.ts';
import { type EnclaveReport, encodeEnclaveReport } from '#verifier/abi/sgx-report.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import { type Bytes, fromUtf8, utf8 } from '#verifier/bytes.ts';

export type QuoteShape = {
  name: string;
  version: QuoteVersion;
  body: 'sgx' | 'tdx10' | 'tdx15';
  /** Where the body begins, and its length. */
  start: number;
  length: number;
};

export const quoteShapes: readonly QuoteShape[] = [
  { name: 'version 3 of SGX', version: 3, body: 'sgx', start: 48, length: 384 },
  { name: 'version 4 of SGX', version: 4, body: 'sgx', start: 48, length: 384 },
  { name: 'version 4 of TDX', version: 4, body: 'tdx10', start: 48, length: 584 },
  { name: 'version 5 of SGX', version: 5, body: 'sgx', start: 54, length: 384 },
  { name: 'version 5 of TDX 1.0', version: 5, body: 'tdx10', start: 54, length: 584 },
  { name: 'version 5 of TDX 1.5', version: 5, body: 'tdx15', start: 54, length: 648 },
];

const u16 = fc.nat(0xffff);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

export const enclaveReports: fc.Arbitrary<EnclaveReport> = fc.record({
  cpuSvn: bytes(16),
  miscSelect: fc.nat(0xffffffff),
  isvExtProdId: bytes(16),
  attributes: bytes(16),
  mrEnclave: bytes(32),
  mrSigner: bytes(32),
  configId: bytes(64),
  isvProdId: u16,
  isvSvn: u16,
  configSvn: u16,
  isvFamilyId: bytes(16),
  reportData: bytes(64),
});

export function tdReports(is15: boolean): fc.Arbitrary<TdReport> {
  return fc.record({
    teeTcbSvn: bytes(16),
    mrSeam: bytes(48),
    mrSignerSeam: bytes(48),
    seamAttributes: bytes(8),
    tdAttributes: bytes(8),
    xfam: bytes(8),
    mrTd: bytes(48),
    mrConfigId: bytes(48),
    mrOwner: bytes(48),
    mrOwnerConfig: bytes(48),
    rtmr: fc.tuple(bytes(48), bytes(48), bytes(48), bytes(48)),
    reportData: bytes(64),
    teeTcbSvn2: is15 ? bytes(16) : fc.constant(null),
    mrServiceTd: is15 ? bytes(48) : fc.constant(null),
  });
}

export function quotes({ version, body }: QuoteShape): fc.Arbitrary<QuoteContent> {
  const tee = body === 'sgx' ? 'sgx' : 'tdx';
  const bodies: fc.Arbitrary<QuoteContent['body']> =
    body === 'sgx'
      ? enclaveReports.map((report) => ({ kind: 'sgx', report }))
      : tdReports(body === 'tdx15').map((report) => ({ kind: 'tdx', report }));
  return fc
    .record({
      header: fc.record({
        version: fc.constant(version),
        tee: fc.constant(tee),
        attestationKeyType: fc.constant(2),
        qeSvn: u16,
        pceSvn: u16,
        qeVendorId: bytes(16),
        userData: bytes(20),
      }),
      body: bodies,
      signature: bytes(64),
      attestationKey: bytes(64),
      qeReport: enclaveReports,
      qeReportSignature: bytes(64),
      qeAuthData: fc.uint8Array({ maxLength: 80 }),
      certification: fc.record({
        type: fc.integer({ min: 1, max: 5 }),
        data: fc.uint8Array({ maxLength: 80 }),
      }),
    })
    .map((quote) => ({ ...quote, qeReportBytes: encodeEnclaveReport(quote.qeReport) }));
}

/** Fields of a repeated byte each: different ones, so that none passes for its neighbour. */
export function sampleQuote({ version, body }: QuoteShape): QuoteContent {
  let next = 0x10;
  const fill = (length: number) => new Uint8Array(length).fill(next++);
  const enclave = (): EnclaveReport => ({
    cpuSvn: fill(16),
    miscSelect: 1,
    isvExtProdId: fill(16),
    attributes: fill(16),
    mrEnclave: fill(32),
    mrSigner: fill(32),
    configId: fill(64),
    isvProdId: 0x0102,
    isvSvn: 0x0304,
    configSvn: 0x0506,
    isvFamilyId: fill(16),
    reportData: fill(64),
  });
  const td = (): TdReport => ({
    teeTcbSvn: fill(16),
    mrSeam: fill(48),
    mrSignerSeam: fill(48),
    seamAttributes: fill(8),
    tdAttributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0x80),
    xfam: Uint8Array.of(0xe7, 0x1a, 0x02, 0, 0, 0, 0, 0),
    mrTd: fill(48),
    mrConfigId: fill(48),
    mrOwner: fill(48),
    mrOwnerConfig: fill(48),
    rtmr: [fill(48), fill(48), fill(48), fill(48)],
    reportData: fill(64),
    teeTcbSvn2: body === 'tdx15' ? fill(16) : null,
    mrServiceTd: body === 'tdx15' ? fill(48) : null,
  });
  const qeReport = enclave();
  return {
    header: {
      version,
      tee: body === 'sgx' ? 'sgx' : 'tdx',
      attestationKeyType: 2,
      qeSvn: 0x0708,
      pceSvn: 0x090a,
      qeVendorId: intelQeVendorId,
      userData: fill(20),
    },
    body: body === 'sgx' ? { kind: 'sgx', report: enclave() } : { kind: 'tdx', report: td() },
    signature: fill(64),
    attestationKey: fill(64),
    qeReport,
    qeReportBytes: encodeEnclaveReport(qeReport),
    qeReportSignature: fill(64),
    qeAuthData: fill(32),
    certification: { type: 5, data: utf8('-----BEGIN nothing') },
  };
}

export type CorpusQuote = {
  id: string;
  tee: 'sgx' | 'tdx';
  reason: string;
  quote: Bytes;
  facts: { quote_version?: 3 | 4 | 5; body?: string; report_data?: string; debug?: boolean };
};

/** Every case of the corpus's folders of quotes; none where the corpus is not. */
export function corpusQuotes(): CorpusQuote[] {
  if (!hasShared) return [];
  const index: { tee: string; dir: string }[] = JSON.parse(
    fromUtf8(sharedFile('corpus/index.json'), 'index'),
  );
  return index
    .filter(({ tee }) => tee === 'tdx' || tee === 'sgx')
    .map(({ dir }) => {
      const facts = JSON.parse(fromUtf8(sharedFile(`corpus/${dir}/case.json`), 'case'));
      const quote = sharedFile(`corpus/${dir}/${facts.files.quote}`);
      return { id: facts.id, tee: facts.tee, reason: facts.expected.reason, quote, facts };
    });
}
