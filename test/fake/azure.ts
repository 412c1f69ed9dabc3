/**
 * A simulated confidential VM of Azure: a paravisor that has the hardware sign for the key of its vTPM, and writes HCL reports,
 * right or wrong, over the simulated AMD and Intel.
 */
import { createHash } from 'node:crypto';
import {
  encodeHcl,
  type HclContent,
  type HclTee,
  hardwareReportOfTd,
  hclReportData,
} from '#verifier/abi/hcl.ts';
import { encodeHclClaims, type HclClaims } from '#verifier/abi/hcl-claims.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import type { TdReport15, TdReportStruct } from '#verifier/abi/td-report-struct.ts';
import { spkiOfTpmKey } from '#verifier/abi/tpm/public.ts';
import { type Bytes, concat, fromHex } from '#verifier/bytes.ts';
import type { AmdHierarchy } from './amd.ts';
import type { Intel } from './intel.ts';
import { createSnpDevice, type SnpFields, type SnpReportOptions } from './snp-device.ts';
import { createTdxDevice, type TdxFields, type TdxQuoteOptions } from './tdx-device.ts';
import { createTpm, type FakeTpm } from './tpm.ts';

type Machine =
  | {
      tee: 'sev-snp';
      amd: Pick<AmdHierarchy, 'product' | 'tcb' | 'hardwareId' | 'keys'>;
      fields?: Partial<SnpFields>;
    }
  | { tee: 'tdx'; intel: Intel; fields?: Partial<TdxFields> };

export type AzureOptions = Machine & {
  /** Default: a new one with an RSA key that its provider certified. */
  tpm?: FakeTpm;
};

/** What is wrong, or just other, with one report. */
export type AzureReportOptions = {
  /** 64 bytes of the guest. Default: zeros. */
  userData?: Bytes;
  claims?: Partial<HclClaims>;
  /** Members of vm-configuration as JSON text, beside or in place of the usual ones. */
  configuration?: Readonly<Record<string, string>>;
  /** The document itself, in place of what the claims make. */
  runtimeData?: Bytes;
  /** Changes the REPORT_DATA that the hardware signs. */
  reportData?: (right: Bytes) => Bytes;
  content?: Partial<HclContent>;
  snp?: SnpReportOptions;
  td?: TdxQuoteOptions;
  /** What the TDREPORT says in place of what its quote says. */
  tdReport?: Partial<TdReport15>;
  /** Changes the bytes of the finished HCL report. */
  afterwards?: (bytes: Bytes) => void;
};

export type FakeAzure = {
  tee: HclTee;
  tpm: FakeTpm;
  /** What NV index 0x01400001 holds and, on TDX, the quote that the host makes of it. */
  report: (options?: AzureReportOptions) => { hcl: Bytes; quote: Bytes | null };
};

/** Bytes of the NV index; the report is shorter. */
const nvLength = 2600;

export async function createAzure(options: AzureOptions): Promise<FakeAzure> {
  const tpm = options.tpm ?? (await createTpm({ key: 'rsa', certified: true }));
  const { tee } = options;
  const machine = machineOf(options);
  return {
    tee,
    tpm,
    report: (given = {}) => {
      const { hash = 'sha256' } = given.content ?? {};
      const runtimeData = given.runtimeData ?? encodeHclClaims(claimsOf(tpm.publicKey, given));
      const right = hclReportData({ hash, runtimeData });
      const { hardwareReport, quote } = machine(given.reportData?.(right) ?? right, given);
      const content = { version: 2, type: tee, hardwareReport, hash, runtimeData } as const;
      const padding = Math.max(nvLength - encodeHcl({ ...content, padding: 0 }).length, 0);
      const hcl = encodeHcl({ ...content, padding, ...given.content });
      given.afterwards?.(hcl);
      return { hcl, quote };
    },
  };
}

type Hardware = { hardwareReport: Bytes; quote: Bytes | null };

function machineOf(options: Machine): (reportData: Bytes, given: AzureReportOptions) => Hardware {
  if (options.tee === 'sev-snp') {
    const device = createSnpDevice(options.amd, options.fields);
    return (reportData, { snp }) => ({
      hardwareReport: device.report(reportData, snp),
      quote: null,
    });
  }
  // As Azure's machines: version 4, and nothing but the paravisor is in the TD's own registers.
  const zero = new Uint8Array(48);
  const defaults = {
    version: 4,
    rtmr: [zero, zero, zero, zero],
    teeTcbSvn2: null,
    mrServiceTd: null,
  } as const;
  const device = createTdxDevice(options.intel, { ...defaults, ...options.fields });
  return (reportData, { td, tdReport }) => {
    const quote = device.quote(reportData, td);
    return { hardwareReport: hardwareReportOfTd(tdReportOf(quote, tdReport)), quote };
  };
}

/** The TDREPORT that the quoting enclave was given; its MAC means nothing to anyone else. */
export function tdReportOf(quote: Bytes, changes: Partial<TdReport15> = {}): TdReportStruct {
  const { body } = parseQuote(quote);
  if (body.kind !== 'tdx') throw new RangeError('not a quote of a TD');
  const { teeTcbSvn2, mrServiceTd, ...report } = body.report;
  return {
    version: 0,
    cpuSvn: fromHex('0404191b04ff00060000000000000000', 'CPUSVN'),
    tcbInfoValid: fromHex('ff01030000000000', 'VALID'),
    report: {
      ...report,
      teeTcbSvn2: teeTcbSvn2 ?? report.teeTcbSvn,
      mrServiceTd: mrServiceTd ?? new Uint8Array(48),
      ...changes,
    },
    mac: new Uint8Array(32).fill(0x3a),
  };
}

/** As today's paravisors write them. */
export function claimsOf(
  akPublicKey: Bytes,
  { userData = new Uint8Array(64), claims = {}, configuration = {} }: AzureReportOptions = {},
): HclClaims {
  const fields = {
    consoleEnabled: true,
    secureBoot: true,
    tpmEnabled: true,
    vmUniqueId: '02FE12EC-5B74-4A1B-B261-8EA46FE9AF36',
    ...claims,
  };
  const members = {
    'root-cert-thumbprint': '""',
    'console-enabled': JSON.stringify(fields.consoleEnabled),
    'secure-boot': JSON.stringify(fields.secureBoot),
    'tpm-enabled': JSON.stringify(fields.tpmEnabled),
    'tpm-persisted': 'true',
    vmUniqueId: JSON.stringify(fields.vmUniqueId),
    ...configuration,
  };
  return {
    akPublicKey,
    akOperation: 'sign',
    ekPublicKey: endorsementKey(),
    configuration: new Map(Object.entries(members)),
    userData,
    ...fields,
  };
}

/** An RSA modulus that nobody knows the factors of: nothing is ever encrypted to it. */
function endorsementKey(): Bytes {
  const blocks = [0, 1, 2, 3].map((i) =>
    createHash('sha512').update(`endorsement key ${i}`).digest(),
  );
  const modulus = concat(...blocks);
  modulus[0] = 0xc1;
  modulus[255] = 0x01;
  return spkiOfTpmKey({ kind: 'rsa', modulus, exponent: 65537 });
}
