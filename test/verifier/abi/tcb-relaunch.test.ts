/** TDX 1.5: the TD started with an old module (version 1.4, TEE_TCB_SVN), and another one may run by now (TEE_TCB_SVN_2). */
import { describe, expect, test } from 'vitest';
import type { IsvStatus, TcbStatus } from '#verifier/abi/intel-json.ts';
import { assessTcb, type ConvergedStatus } from '#verifier/abi/tcb-status.ts';
import { isvLevel, moduleIdentity, qeIdentity, svns, tcbLevel, tdxInfo } from './intel-samples.ts';

type Scene = {
  /** Of the level whose SGX part fits: the latest. */
  sgx: TcbStatus;
  /** The level that the TD's microcode reaches, when that is not the latest. */
  below: TcbStatus | null;
  module: IsvStatus;
  qe: IsvStatus | null;
  /** Minor and major version and microcode of what runs now; null in a TDX 1.0 body. */
  running: readonly [minor: number, major: number, microcode: number] | null;
};

/** The one that is advised to relaunch: only the module at start was old. */
const advised: Scene = {
  sgx: 'UpToDate',
  below: null,
  module: 'OutOfDate',
  qe: 'UpToDate',
  running: [6, 1, 5],
};

function statusOf(more: Partial<Scene>): ConvergedStatus {
  const { sgx, below, module, qe, running } = { ...advised, ...more };
  const latest = tcbLevel({ status: sgx, tdx: svns(7, 0, 5) });
  const lower = tcbLevel({ status: below ?? 'Revoked', tdx: svns(3, 0, 2) });
  const info = tdxInfo({
    tcbLevels: [lower, latest],
    tdxModuleIdentities: [
      moduleIdentity('TDX_03', isvLevel(2), isvLevel(9)),
      moduleIdentity('TDX_01', isvLevel(4, { status: module }), isvLevel(6)),
    ],
  });
  const result = assessTcb({
    info,
    identity: qeIdentity({
      tcbLevels: [isvLevel(qe === null ? 5 : 4, { status: qe ?? 'UpToDate' })],
    }),
    pck: { components: svns(5, 5), pceSvn: 11 },
    tee: {
      teeTcbSvn: Uint8Array.from(svns(4, 1, below === null ? 5 : 2)),
      teeTcbSvn2: running && Uint8Array.from(svns(...running)),
    },
    qeIsvSvn: 4,
  });
  expect(result.problem === null).toBe(result.status !== 'NotSupported');
  return result.status;
}

describe('a relaunch is advised', () => {
  test.each([
    ['when the running module is the latest', {}],
    ['when it is later than the latest', { running: [7, 1, 6] }],
    ['when it is the latest of another version, levels in any order', { running: [9, 3, 5] }],
    ['when it is of version 0 and the latest by the platform level', { running: [7, 0, 5] }],
    ['on a platform that needs hardening', { sgx: 'SWHardeningNeeded' }],
    ['when the TD also started with older microcode', { below: 'OutOfDate' }],
  ] as const)('%s', (_, more) => {
    expect(statusOf(more)).toBe('TDRelaunchAdvised');
  });

  test.each([
    ['a configuration', { sgx: 'ConfigurationNeeded' }],
    ['a configuration and hardening', { sgx: 'ConfigurationAndSWHardeningNeeded' }],
    ['a configuration, by the lower level alone', { below: 'OutOfDateConfigurationNeeded' }],
    [
      'a configuration, by the higher level alone',
      { sgx: 'ConfigurationNeeded', below: 'OutOfDate' },
    ],
    ['a configuration, on version 0', { sgx: 'ConfigurationNeeded', running: [7, 0, 5] }],
  ] as const)('with what else is needed: %s', (_, more) => {
    expect(statusOf(more)).toBe('TDRelaunchAdvisedConfigurationNeeded');
  });
});

describe('no relaunch is advised', () => {
  test.each([
    ['in TDX 1.0', { running: null }, 'OutOfDate'],
    ['when the running module is old', { running: [5, 1, 5] }, 'OutOfDate'],
    ['when the microcode is old', { running: [6, 1, 4] }, 'OutOfDate'],
    ['when the module of another version is old', { running: [8, 3, 5] }, 'OutOfDate'],
    ['when the module of version 0 is old', { running: [6, 0, 5] }, 'OutOfDate'],
    ['when the microcode is old, on version 0', { running: [7, 0, 4] }, 'OutOfDate'],
    ['when the first module is current', { module: 'UpToDate' }, 'UpToDate'],
    ['when the first module is revoked', { module: 'Revoked' }, 'Revoked'],
    [
      'when only the microcode at start was old',
      { module: 'UpToDate', below: 'OutOfDate' },
      'OutOfDate',
    ],
    ['when the quoting enclave is out of date', { qe: 'OutOfDate' }, 'OutOfDate'],
    ['when the quoting enclave is revoked', { qe: 'Revoked' }, 'Revoked'],
    ['when the quoting enclave is on no level', { qe: null }, 'NotSupported'],
    ['when the platform is out of date', { sgx: 'OutOfDate' }, 'OutOfDate'],
    [
      'when the platform is out of date and needs a configuration',
      { sgx: 'OutOfDateConfigurationNeeded' },
      'OutOfDateConfigurationNeeded',
    ],
    ['when the platform is revoked', { sgx: 'Revoked' }, 'Revoked'],
    ['when the SGX part alone is revoked', { sgx: 'Revoked', below: 'UpToDate' }, 'OutOfDate'],
    ['when the running module is unknown', { running: [6, 2, 5] }, 'NotSupported'],
  ] as const)('%s', (_, more, expected) => {
    expect(statusOf(more)).toBe(expected);
  });

  test('but an unknown running module matters only where the first is out of date', () => {
    expect(statusOf({ running: [6, 2, 5], module: 'UpToDate' })).toBe('UpToDate');
    expect(statusOf({ running: [6, 2, 5], qe: 'OutOfDate' })).toBe('OutOfDate');
    expect(statusOf({ running: [6, 2, 5], sgx: 'OutOfDate' })).toBe('OutOfDate');
  });
});
