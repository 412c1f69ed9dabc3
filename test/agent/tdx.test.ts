/** The agent on a TDX machine: from the nonce to a bundle, and what it refuses to pass on. */
import { describe, expect, test } from 'vitest';
import { withOwnCollateral } from '#agent/cli.ts';
import type { EvidenceSource } from '#agent/source.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createIntel } from '#test/fake/intel.ts';
import { enclaveReport, makeQuote } from '#test/fake/intel-qe.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type CollateralItem, intelCollateralKinds, parseBundle } from '#verifier/abi/bundle.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { bindingOf, freshnessOf, reportDataOf } from '#verifier/abi/report-data.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { problemOf, recorder, startTdxAgent } from './helpers.ts';

const intel = createIntel({ keys: generateIntelKeys('agent/tdx.test') });
const nonce = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const { quote } = createTdxDevice(intel);

async function bundleOf(url: string) {
  const response = await fetch(`${url}/attestation?nonce=${nonce}`);
  expect(response.status).toBe(200);
  return parseBundle(new Uint8Array(await response.arrayBuffer()));
}

/** A TDX device that answers so. */
function answering(answer: (reportData: Bytes) => Bytes): EvidenceSource {
  return {
    platform: 'tdx',
    name: 'simulated device',
    report: async (reportData) => ({ evidence: answer(reportData), collateral: [] }),
  };
}

describe('a bundle', () => {
  test.for([4, 5] as const)('holds a version %d quote over its own digests', async (version) => {
    const { url } = await startTdxAgent({ intel, fields: { version } });
    const bundle = await bundleOf(url);
    expect(bundle).toMatchObject({ platform: 'tdx', freshness: 'verifier', epoch: fakeNow });
    expect(toHex(bundle.nonce)).toBe(nonce);
    const { header, body } = parseQuote(bundle.evidence);
    expect(header).toMatchObject({ version, tee: 'tdx' });
    const freshness = freshnessOf(bundle.nonce, null, bundle.epoch);
    expect(body.report.reportData).toEqual(reportDataOf(bindingOf(bundle.bound), freshness));
  });

  test('carries all of Intel’s collateral, or what it was told to leave', async () => {
    const { url } = await startTdxAgent({ intel });
    const { collateral } = await bundleOf(url);
    expect(collateral.map(({ kind }) => kind)).toEqual([...intelCollateralKinds]);
    expect(collateral[0]?.data).toEqual(intel.tcbInfo.bytes);
    expect(collateral.at(-1)?.data).toEqual(intel.root.der);
    const less = await startTdxAgent({ intel, noCollateral: ['tcb-info', 'intel-root'] });
    const kinds = (await bundleOf(less.url)).collateral.map(({ kind }) => kind);
    expect(kinds).toEqual(intelCollateralKinds.slice(1, -1));
  });

  test('takes padding after the quote as the device gives it', async () => {
    const trailing = new Uint8Array(3000);
    const source = answering((reportData) => quote(reportData, { trailing }));
    const { url } = await startTdxAgent({ intel, source });
    expect(parseQuote((await bundleOf(url)).evidence).trailing).toBe(3000);
  });
});

describe('a device is refused that gives', () => {
  test.for<[string, (reportData: Bytes) => Bytes, string]>([
    [
      "another request's quote",
      (data) => quote(data.with(63, (data[63] as number) ^ 1)),
      'other REPORT_DATA',
    ],
    [
      'the quote of an SGX enclave',
      (reportData) => makeQuote(intel, { kind: 'sgx', report: enclaveReport({ reportData }) }),
      'what is no quote',
    ],
    ['a quote that is cut off', (data) => quote(data).subarray(0, 2000), 'what is no quote'],
    ['nothing', () => new Uint8Array(), 'what is no quote'],
  ])('%s', async ([, answer, message]) => {
    const { url, logger } = await startTdxAgent({ intel, source: answering(answer) });
    expect(await problemOf(`${url}/attestation`)).toMatchObject({
      status: 502,
      code: 'device-failed',
    });
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toContain(message);
  });

  test('an SEV-SNP report', async () => {
    const { report } = createSnpDevice(await testHierarchy({ product: 'Milan' }));
    const { url, logger } = await startTdxAgent({ intel, source: answering(report) });
    expect(await problemOf(`${url}/attestation`)).toMatchObject({ code: 'device-failed' });
    expect(logger.lines[0]).toContain('what is no quote');
  });

  test('not one that gives the quote asked for', async () => {
    const { url, logger } = await startTdxAgent({ intel, source: answering(quote) });
    expect((await bundleOf(url)).platform).toBe('tdx');
    expect(logger.lines).toEqual([]);
  });
});

test('configured collateral of the other platform is left out, and a line says so', async () => {
  const item = (kind: CollateralItem['kind']): CollateralItem => {
    return { kind, data: new Uint8Array([0x30, 0]), source: 'agent configuration', fetched: 1 };
  };
  const kindsWith = async (...configured: CollateralItem['kind'][]) => {
    const logger = recorder();
    const source = withOwnCollateral(answering(quote), configured.map(item), logger);
    const { collateral } = await source.report(new Uint8Array(64));
    return { kinds: collateral.map(({ kind }) => kind), lines: logger.lines };
  };
  expect(await kindsWith('tcb-info', 'pck-crl')).toEqual({
    kinds: ['tcb-info', 'pck-crl'],
    lines: [],
  });
  expect(await kindsWith('vek', 'tcb-info', 'ark')).toEqual({
    kinds: ['tcb-info'],
    lines: ['info configured collateral is left out, not being of tdx: vek, ark'],
  });
});
