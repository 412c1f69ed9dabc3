import { createHash, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { intelQeVendorId, parseQuote } from '#verifier/abi/quote.ts';
import { attributesOf } from '#verifier/abi/td-report.ts';
import { type Bytes, concat, equalBytes, fromUtf8, isZero, toHex } from '#verifier/bytes.ts';
import { hasShared, sharedFile, sharedMissing } from '../shared.ts';
import { fakeNow } from './amd.ts';
import { createIntel } from './intel.ts';
import { enclaveReport, makeQuote } from './intel-qe.ts';
import { generateIntelKeys, type IntelKeyRole, p256KeyOf, rawPoint } from './keys.ts';
import { createTdxDevice, simulatedTdx, tdxQuoteVersions } from './tdx-device.ts';

const keys = generateIntelKeys('tdx-device.test');
const intel = createIntel({ keys });
const reportData = Uint8Array.from({ length: 64 }, (_, index) => index);

function verifies(role: IntelKeyRole, message: Bytes, signature: Bytes): boolean {
  const key = { key: keys[role].publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', message, key, signature);
}

/** Which of the three links from PCK to body hold. */
function linksOf(bytes: Bytes) {
  const quote = parseQuote(bytes);
  const bound = createHash('sha256').update(quote.attestationKey).update(quote.qeAuthData).digest();
  return {
    quote: verifies('attestation', bytes.subarray(0, quote.signedLength), quote.signature),
    binding: equalBytes(quote.qeReport.reportData, concat(bound, new Uint8Array(32))),
    qeReport: verifies('pck', quote.qeReportBytes, quote.qeReportSignature),
  };
}
const whole = { quote: true, binding: true, qeReport: true };

describe('the simulated TDX machine', () => {
  test.for(tdxQuoteVersions)('version %d parses, is signed and bound', (version) => {
    const bytes = createTdxDevice(intel, { version }).quote(reportData);
    const quote = parseQuote(bytes);
    expect(quote.header).toMatchObject({ version, tee: 'tdx', qeVendorId: intelQeVendorId });
    if (quote.body.kind !== 'tdx') throw new Error('no TDX body');
    const { report } = quote.body;
    expect(report.reportData).toEqual(reportData);
    expect(attributesOf(report.tdAttributes)).toBe(1n << 28n);
    expect(isZero(report.mrSignerSeam)).toBe(true);
    expect(report.teeTcbSvn2 === null).toBe(version === 4);
    expect(fromUtf8(quote.certification.data, 'PEM')).toBe(intel.pckChainPem());
    expect(quote.trailing).toBe(0);
    expect(linksOf(bytes)).toEqual(whole);
  });

  test('version 5 takes a TDX 1.0 body too', () => {
    const device = createTdxDevice(intel, { teeTcbSvn2: null, mrServiceTd: null });
    const bytes = device.quote(reportData);
    expect(parseQuote(bytes)).toMatchObject({ header: { version: 5 }, signedLength: 48 + 6 + 584 });
    expect(linksOf(bytes)).toEqual(whole);
  });

  test('fields and bytes change before signing, bytes after it', () => {
    const device = createTdxDevice(intel, { mrTd: new Uint8Array(48).fill(7) });
    const mrOwner = new Uint8Array(48).fill(3);
    const fields = device.quote(reportData, { with: { mrOwner } });
    const { body } = parseQuote(fields);
    expect(body.report).toMatchObject({ mrOwner, mrTd: new Uint8Array(48).fill(7), reportData });
    expect(linksOf(fields)).toEqual(whole);

    const flip = (bytes: Bytes): void => {
      bytes[200] = (bytes[200] as number) ^ 1;
    };
    const misbuilt = device.quote(reportData, { beforeSigning: flip });
    expect(linksOf(misbuilt)).toEqual(whole);
    const tampered = device.quote(reportData, { afterSigning: flip });
    expect(linksOf(tampered)).toEqual({ ...whole, quote: false });
    expect(tampered.subarray(0, 702)).toEqual(misbuilt.subarray(0, 702));
  });

  test('each link breaks alone', () => {
    const { quote } = createTdxDevice(intel);
    const stranger = keys.stranger.privateKey;
    expect(linksOf(quote(reportData, { signer: stranger }))).toEqual({ ...whole, quote: false });
    expect(linksOf(quote(reportData, { qeSigner: stranger }))).toEqual({
      ...whole,
      qeReport: false,
    });
    const unbound = quote(reportData, { qe: { reportData: new Uint8Array(64) } });
    expect(linksOf(unbound)).toEqual({ ...whole, binding: false });
  });

  test('the quoting enclave, its data, key and certification can be others', () => {
    const { quote } = createTdxDevice(intel);
    const mrSigner = new Uint8Array(32).fill(9);
    const ofOtherSigner = quote(reportData, { qe: { mrSigner, isvSvn: 1 } });
    expect(parseQuote(ofOtherSigner).qeReport).toMatchObject({ mrSigner, isvSvn: 1, isvProdId: 2 });
    expect(linksOf(ofOtherSigner)).toEqual(whole);

    const attestationKey = p256KeyOf('another attestation key');
    const certification = { type: 1, data: new Uint8Array(36) };
    const other = quote(reportData, {
      attestationKey,
      certification,
      qeAuthData: new Uint8Array(3),
      header: { qeVendorId: new Uint8Array(16) },
      trailing: new Uint8Array(100),
    });
    const parsed = parseQuote(other);
    expect(parsed).toMatchObject({ certification, qeAuthData: new Uint8Array(3), trailing: 100 });
    expect(parsed.attestationKey).toEqual(rawPoint(attestationKey.publicKey));
    expect(isZero(parsed.header.qeVendorId)).toBe(true);
    // Signed by the other key, and bound all the same.
    expect(linksOf(other)).toEqual({ ...whole, quote: false });
  });

  test('report data of another length is the caller’s mistake', () => {
    expect(() => createTdxDevice(intel).quote(new Uint8Array(63))).toThrow(RangeError);
  });

  test('as a source it gives quotes with collateral, less what is left out', async () => {
    const device = createTdxDevice(intel);
    const source = simulatedTdx({
      intel,
      device,
      noCollateral: ['pck-crl', 'tcb-info'],
      now: () => fakeNow,
    });
    expect(source.platform).toBe('tdx');
    const { evidence, collateral } = await source.report(reportData);
    expect(parseQuote(evidence).body.report.reportData).toEqual(reportData);
    expect(collateral.map(({ kind }) => kind)).toEqual([
      'tcb-signing',
      'qe-identity',
      'qe-identity-signing',
      'intel-root-crl',
      'intel-root',
    ]);
    expect(collateral.at(-1)).toMatchObject({ data: intel.root.der, fetched: fakeNow });
  });
});

describe('SGX quotes', () => {
  const report = enclaveReport({ reportData, isvProdId: 4 });

  test.for([3, 4, 5] as const)('version %d', (version) => {
    const bytes = makeQuote(intel, { kind: 'sgx', report }, { version });
    const quote = parseQuote(bytes);
    expect(quote).toMatchObject({ header: { version, tee: 'sgx' }, body: { kind: 'sgx', report } });
    // Intel's quoting enclave for SGX, another one than for TDX.
    expect(toHex(quote.qeReport.mrSigner)).toMatch(/^8c4f5775/);
    expect(quote.qeReport.isvProdId).toBe(1);
    expect(linksOf(bytes)).toEqual(whole);
  });

  test('3 is the version of its own accord', () => {
    expect(parseQuote(makeQuote(intel, { kind: 'sgx', report })).header.version).toBe(3);
  });
});

describe('what genuine quotes hold beside measurements', () => {
  test.for([
    ['tdx', 'corpus/tdx/tdx15-v5-go-tdx-guest-quote-v5-sample/quote.bin'],
    ['sgx', 'corpus/sgx/sgx-v3-dcap-qvl-sgx-quote/quote.bin'],
  ] as const)('%s', ([tee, file], { skip }) => {
    skip(!hasShared, sharedMissing);
    const genuine = parseQuote(sharedFile(file));
    const ours = parseQuote(
      tee === 'tdx'
        ? createTdxDevice(intel).quote(reportData)
        : makeQuote(intel, { kind: 'sgx', report: enclaveReport() }),
    );
    const constant = ({
      header,
      qeReport,
      qeAuthData,
      certification,
      ...quote
    }: typeof genuine) => ({
      header: { ...header, userData: header.userData.slice(16) },
      qe: {
        ...qeReport,
        // Of the machine's microcode, of the build, of the key.
        cpuSvn: null,
        mrEnclave: null,
        reportData: qeReport.reportData.slice(32),
      },
      qeAuthData,
      certificationType: certification.type,
      signedLength: quote.signedLength,
    });
    expect(constant(ours)).toEqual(constant(genuine));
  });
});
