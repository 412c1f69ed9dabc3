/** A simulated TDX machine: quotes of version 4 (TDX 1.0) or 5 (TDX 1.5), right or wrong. */
import type { EvidenceSource } from '#agent/source.ts';
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import type { TdReport } from '#verifier/abi/td-report.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { collateralOf, type Intel } from './intel.ts';
import { makeQuote, type QuoteOptions } from './intel-qe.ts';

export const tdxQuoteVersions = [4, 5] as const;
export type TdxQuoteVersion = (typeof tdxQuoteVersions)[number];

/** A TD's fields, all but the one that each request brings, and the version of its quotes. */
export type TdxFields = Omit<TdReport, 'reportData'> & { version: TdxQuoteVersion };

export type TdxQuoteOptions = QuoteOptions & {
  /** Fields of this one report. */
  with?: Partial<TdReport>;
};

export type TdxDevice = {
  /**
   * @param reportData 64 bytes
   * @throws RangeError on a field that does not fit
   */
  quote: (reportData: Bytes, options?: TdxQuoteOptions) => Bytes;
};

/**
 * A TD in production: no debugging, SEPT_VE_DISABLE set, a TDX module that is up to date and has
 * not changed since the TD began.
 * @param fields of every quote of this device; version 5 is the default, and a TDX 1.0 body in it
 *   comes of `teeTcbSvn2: null, mrServiceTd: null`
 */
export function createTdxDevice(intel: Intel, fields: Partial<TdxFields> = {}): TdxDevice {
  const { version = 5, ...ofTd } = fields;
  return {
    quote: (reportData, { with: changes, ...options } = {}) => {
      const report = { ...defaultTd(version), ...ofTd, reportData, ...changes };
      return makeQuote(intel, { kind: 'tdx', report }, { version, ...options });
    },
  };
}

function defaultTd(version: TdxQuoteVersion): TdReport {
  const teeTcbSvn = fromHex('0d010400000000000000000000000000', 'TEE_TCB_SVN');
  const register = (value: number): Bytes => new Uint8Array(48).fill(value);
  return {
    teeTcbSvn,
    mrSeam: register(0x5e),
    mrSignerSeam: register(0),
    seamAttributes: new Uint8Array(8),
    tdAttributes: fromHex('0000001000000000', 'TDATTRIBUTES'),
    xfam: fromHex('e702060000000000', 'XFAM'),
    mrTd: register(0x4d),
    mrConfigId: register(0),
    mrOwner: register(0),
    mrOwnerConfig: register(0),
    rtmr: [register(0xa0), register(0xa1), register(0xa2), register(0)],
    reportData: new Uint8Array(64),
    teeTcbSvn2: version === 5 ? teeTcbSvn : null,
    mrServiceTd: version === 5 ? register(0) : null,
  };
}

export type SimulatedTdx = {
  intel: Intel;
  device: TdxDevice;
  /** Kinds that the bundle leaves out. */
  noCollateral?: readonly IntelCollateralKind[];
  now: () => UnixTime;
};

/** The simulated machine as the insecure agent asks it. */
export function simulatedTdx(options: SimulatedTdx): EvidenceSource {
  const { intel, device, noCollateral = [], now } = options;
  const items = collateralOf(intel).filter(({ kind }) => !noCollateral.includes(kind));
  return {
    platform: 'tdx',
    name: 'INSECURE simulated Intel processor',
    async report(reportData) {
      const source = 'simulated Intel hierarchy';
      const collateral = items.map((item) => ({ ...item, source, fetched: now() }));
      return { evidence: device.quote(reportData), collateral };
    },
  };
}
