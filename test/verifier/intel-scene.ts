/** As scene.ts, of simulated TDX and SGX machines: good as they are, for a test to change one thing. */
import { fakeNow } from '#test/fake/amd.ts';
import { collateralOf, createIntel, type Intel, type IntelOptions } from '#test/fake/intel.ts';
import { enclaveReport, makeQuote, type QuoteOptions } from '#test/fake/intel-qe.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { createTdxDevice, type TdxFields, type TdxQuoteOptions } from '#test/fake/tdx-device.ts';
import { type Bundle, encodeBundle } from '#verifier/abi/bundle.ts';
import { logDigest } from '#verifier/abi/log.ts';
import { intelQeVendorId } from '#verifier/abi/quote.ts';
import { bindingOf, deviceDigest, freshnessOf, reportDataOf } from '#verifier/abi/report-data.ts';
import type { EnclaveReport } from '#verifier/abi/sgx-report.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { SgxPolicy } from '#verifier/appraise/sgx-policy.ts';
import type { TdxPolicy } from '#verifier/appraise/tdx-policy.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { fieldToBytes } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type Scene, sampleChannel, sampleNonce, sampleTreeRoot, treeEntry } from './scene.ts';

export const intelKeys = generateIntelKeys('scene');
const plain = {
  tdx: createIntel({ keys: intelKeys }),
  sgx: createIntel({ keys: intelKeys, tee: 'sgx' }),
};

/** Without options one and the same for each TEE. */
export function intelOf(tee: 'tdx' | 'sgx', options?: IntelOptions): Intel {
  return options === undefined ? plain[tee] : createIntel({ keys: intelKeys, tee, ...options });
}

export type QuoteSceneOptions = {
  /** What is wrong with the hierarchy or its documents. */
  intel?: IntelOptions;
  /** Of the TD; `version` 4 is TDX 1.0, 5 (the default) TDX 1.5. */
  fields?: Partial<TdxFields>;
  /** What is wrong with the quote. */
  quote?: TdxQuoteOptions;
  now?: UnixTime;
};

/** The root is pinned from the hierarchy as it should be. */
const roots = () => [insecureRoot(parseCertificate(plain.tdx.root.der, 'root'))];

/** A raw TDX quote with everything given beside it. */
export function quoteScene(options: QuoteSceneOptions = {}): Scene {
  const intel = intelOf('tdx', options.intel);
  const bytes = createTdxDevice(intel, options.fields).quote(
    new Uint8Array(64).fill(0x52),
    options.quote,
  );
  return {
    evidence: { form: 'quote', bytes },
    collateral: collateralOf(intel),
    roots: roots(),
    now: options.now ?? fakeNow,
  };
}

export type EnclaveSceneOptions = {
  intel?: IntelOptions;
  fields?: Partial<EnclaveReport>;
  quote?: QuoteOptions;
  now?: UnixTime;
};

/** A raw SGX quote with everything given beside it. */
export function enclaveScene(options: EnclaveSceneOptions = {}): Scene {
  const intel = intelOf('sgx', options.intel);
  const report = enclaveReport({
    reportData: new Uint8Array(64).fill(0x52),
    isvSvn: 3,
    isvProdId: 9,
    ...options.fields,
  });
  return {
    evidence: { form: 'quote', bytes: makeQuote(intel, { kind: 'sgx', report }, options.quote) },
    collateral: collateralOf(intel),
    roots: roots(),
    now: options.now ?? fakeNow,
  };
}

export type TdxBundleOptions = QuoteSceneOptions & {
  /** What is changed in the bundle after the quote was signed. */
  edit?: (bundle: Bundle) => Partial<Bundle>;
};

/** A bundle that carries its collateral, fetched with a nonce over a channel that it binds. */
export function tdxBundleScene(options: TdxBundleOptions = {}): Scene {
  const intel = intelOf('tdx', options.intel);
  const log = [treeEntry(sampleTreeRoot)];
  const bound = {
    closureDigest: new Uint8Array(32).fill(0xc1),
    treeRoot: sampleTreeRoot,
    deviceDigest: deviceDigest([]),
    logDigest: logDigest(log),
  };
  const freshness = freshnessOf(sampleNonce, sampleChannel, fakeNow);
  const reportData = reportDataOf(bindingOf(bound), freshness);
  const bundle: Bundle = {
    version: 1,
    platform: 'tdx',
    evidence: createTdxDevice(intel, options.fields).quote(reportData, options.quote),
    nonce: sampleNonce,
    freshness: 'verifier',
    epoch: fakeNow,
    channel: sampleChannel,
    bound,
    devices: [],
    log,
    collateral: collateralOf(intel).map((item) => ({
      ...item,
      source: 'simulator',
      fetched: fakeNow,
    })),
  };
  return {
    evidence: {
      form: 'bundle',
      bytes: utf8(encodeBundle({ ...bundle, ...options.edit?.(bundle) })),
      nonce: sampleNonce,
      connection: { channel: sampleChannel },
    },
    collateral: [],
    roots: roots(),
    now: options.now ?? fakeNow,
  };
}

const strictTcb = (): TdxPolicy['tcb'] => ({
  acceptedStatuses: ['UpToDate'],
  minimumDate: 1_747_180_800,
  minimumEvaluationNumber: 19,
  refusedAdvisories: ['INTEL-SA-01036'],
  collateralGracePeriod: 0,
  platformGracePeriod: 0,
  qeVendors: [toHex(intelQeVendorId)],
  minimumQeSvn: 7,
  minimumPceSvn: plain.tdx.machine.pceSvn,
});

const strictPlatform = (): TdxPolicy['platform'] => {
  const { fmspc, ppid, platformInstanceId } = plain.tdx.machine;
  return {
    fmspc: [toHex(fmspc)],
    ppid: [toHex(ppid)],
    instanceId: platformInstanceId === null ? 'any' : [toHex(platformInstanceId)],
    dynamicPlatform: 'allowed',
    cachedKeys: 'allowed',
    smt: 'allowed',
    sgxType: ['standard', 'scalable', 'scalable with integrity'],
  };
};

const register = (byte: string) => [byte.repeat(48)];

export function strictTdx(): TdxPolicy {
  return {
    tcb: strictTcb(),
    platform: strictPlatform(),
    attributes: {
      debug: 'refused',
      septVeDisable: 'required',
      lass: 'any',
      icssd: 'any',
      migratable: 'refused',
      pks: 'refused',
      keyLocker: 'refused',
      tpa: 'refused',
      perfmon: 'refused',
      servTdExt: 'refused',
      unknownBits: 'refused',
    },
    xfam: ['e702060000000000'],
    minimumTeeTcbSvn: `0d0104${'00'.repeat(13)}`,
    mrTd: register('4d'),
    mrSeam: register('5e'),
    mrSignerSeam: register('00'),
    seamAttributes: ['00'.repeat(8)],
    mrConfigId: register('00'),
    mrOwner: register('00'),
    mrOwnerConfig: register('00'),
    rtmr0: register('a0'),
    rtmr1: register('a1'),
    rtmr2: register('a2'),
    rtmr3: register('00'),
    mrServiceTd: register('00'),
    reportData: 'any',
  };
}

export function strictSgx(): SgxPolicy {
  return {
    tcb: strictTcb(),
    platform: strictPlatform(),
    debug: 'refused',
    attributes: { value: `04${'00'.repeat(15)}`, mask: `04${'00'.repeat(15)}` },
    miscSelect: { value: '00000000', mask: 'ffffffff' },
    mrEnclave: ['e1'.repeat(32)],
    mrSigner: ['51'.repeat(32)],
    isvProdId: [9],
    minimumIsvSvn: 3,
    configId: ['00'.repeat(64)],
    minimumConfigSvn: 0,
    isvExtProdId: ['00'.repeat(16)],
    isvFamilyId: ['00'.repeat(16)],
    reportData: ['52'.repeat(64)],
  };
}

/** Names every value of the default scenes and waives nothing; of a raw quote nothing is asked that only a bundle has. */
export function strictIntelPolicy(form: 'bundle' | 'quote' = 'bundle'): Policy {
  const bundled = form === 'bundle';
  return toPolicy({
    version: 1,
    name: 'strict',
    tdx: strictTdx(),
    sgx: strictSgx(),
    closureDigest: bundled ? ['c1'.repeat(32)] : 'any',
    treeRoot: bundled ? [toHex(fieldToBytes(sampleTreeRoot))] : 'any',
    devices: 'none',
    freshness: bundled ? 'verifier-nonce' : 'any',
    channel: bundled ? ['tls-key'] : 'any',
    waivers: [],
  });
}
