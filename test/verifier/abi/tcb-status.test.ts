import { describe, expect, test } from 'vitest';
import { assessTcb, moduleIdentityOf, moduleMatches } from '#verifier/abi/tcb-status.ts';
import {
  isvLevel,
  moduleIdentity,
  qeIdentity,
  sgxInfo,
  sgxInput,
  svns,
  tcbLevel,
  tdxInfo,
  tdxInput,
  tee,
} from './intel-samples.ts';

describe('advisories and date', () => {
  const info = {
    tcbLevels: [
      tcbLevel({ status: 'OutOfDate', date: 300, advisories: ['INTEL-SA-3', 'INTEL-SA-1'] }),
    ],
    tdxModuleIdentities: [
      moduleIdentity('TDX_01', isvLevel(4, { date: 200, advisories: ['INTEL-SA-2'] })),
    ],
  };
  const identity = qeIdentity({
    tcbLevels: [isvLevel(4, { date: 100, advisories: ['INTEL-SA-1'] })],
  });

  test('are those of platform, module and quoting enclave together', () => {
    expect(assessTcb(tdxInput(info, { identity }))).toMatchObject({
      advisories: ['INTEL-SA-1', 'INTEL-SA-2', 'INTEL-SA-3'],
      date: 100,
    });
  });

  test('have no date when a part is on no level', () => {
    expect(assessTcb(tdxInput(info, { identity, qeIsvSvn: 3 }))).toMatchObject({
      status: 'NotSupported',
      advisories: ['INTEL-SA-1', 'INTEL-SA-2', 'INTEL-SA-3'],
      date: null,
    });
  });
});

describe('what is NotSupported says why', () => {
  const labels = { sgx: svns().map(() => ({})), tdx: svns().map(() => ({})) };
  labels.sgx[1] = { category: 'OS/VMM', type: 'SGX Late Microcode Update' };
  const tcbLevels = [
    tcbLevel({ sgx: svns(7, 7, 7), labels }),
    tcbLevel({ sgx: svns(5, 6), pceSvn: 13, tdx: svns(0, 0, 5), status: 'OutOfDate', labels }),
  ];

  test.each([
    [
      'a platform below all levels, by what it lacks for the nearest',
      tdxInput({ tcbLevels }, { tee: { teeTcbSvn: tee(4, 1, 2), teeTcbSvn2: null } }),
      'the platform is below every TCB level; for the nearest (OutOfDate): SGX component 2 (OS/VMM, SGX Late Microcode Update) is 5, needs 6; PCESVN is 11, needs 13; TDX component 3 is 2, needs 5',
    ],
    [
      'a platform that lacks much of one component, and little of two for another level',
      tdxInput({ tcbLevels: [tcbLevel({ sgx: svns(6, 6) }), tcbLevel({ sgx: svns(5, 15) })] }),
      'the platform is below every TCB level; for the nearest (UpToDate): SGX component 2 is 5, needs 15',
    ],
    [
      'an SGX platform below all levels',
      sgxInput({ tcbLevels: [tcbLevel({ tdx: null, pceSvn: 12 })] }),
      'the platform is below every TCB level; for the nearest (UpToDate): PCESVN is 11, needs 12',
    ],
    [
      'a module version without an identity',
      tdxInput({}, { tee: { teeTcbSvn: tee(4, 3, 5), teeTcbSvn2: null } }),
      'the TCB info holds no identity TDX_03 of the TDX module (known: TDX_01)',
    ],
    [
      'a TCB info without identities',
      tdxInput({ tdxModuleIdentities: [] }),
      'the TCB info holds no identity TDX_01 of the TDX module (known: none)',
    ],
    [
      'a module below all levels',
      tdxInput({}, { tee: { teeTcbSvn: tee(3, 1, 5), teeTcbSvn2: null } }),
      "the TDX module's version is 3, the lowest level of TDX_01 needs 4",
    ],
    [
      'a quoting enclave below all levels',
      tdxInput({}, { qeIsvSvn: 3 }),
      "the quoting enclave's ISVSVN is 3, the lowest level of TD_QE needs 4",
    ],
    [
      'TCB info for SGX',
      tdxInput({}, { info: sgxInfo() }),
      'the TCB info is for SGX, the evidence is a TDX quote',
    ],
    [
      'TCB info for TDX',
      sgxInput({}, { info: tdxInfo() }),
      'the TCB info is for TDX, the evidence is an SGX quote',
    ],
    [
      'the identity of the QE of SGX',
      tdxInput({}, { identity: qeIdentity({ id: 'QE' }) }),
      'the QE identity is that of QE, a TDX quote needs TD_QE',
    ],
    [
      'the identity of the QVE',
      sgxInput({}, { identity: qeIdentity({ id: 'QVE' }) }),
      'the QE identity is that of QVE, an SGX quote needs QE',
    ],
  ])('%s', (_, input, problem) => {
    expect(assessTcb(input)).toMatchObject({ status: 'NotSupported', problem, date: null });
  });

  test('and what these are bent from is supported', () => {
    expect([assessTcb(tdxInput()), assessTcb(sgxInput())]).toMatchObject([
      { status: 'UpToDate', problem: null },
      { status: 'UpToDate', problem: null },
    ]);
  });
});

test.each([
  ['components', tdxInput({}, { pck: { components: svns().slice(1), pceSvn: 1 } })],
  ['TEE_TCB_SVN', tdxInput({}, { tee: { teeTcbSvn: new Uint8Array(15), teeTcbSvn2: null } })],
  [
    'TEE_TCB_SVN_2',
    tdxInput({}, { tee: { teeTcbSvn: tee(4, 1, 5), teeTcbSvn2: new Uint8Array(17) } }),
  ],
])('%s of another length are the caller’s mistake', (_, input) => {
  expect(() => assessTcb(input)).toThrow(RangeError);
});

describe('moduleIdentityOf', () => {
  const info = tdxInfo({
    tdxModule: { ...moduleIdentity('', isvLevel(1)), mrSigner: new Uint8Array(48).fill(7) },
  });

  test('is the identity of the major version, or the TCB info’s own module for version 0', () => {
    expect(moduleIdentityOf(info, tee(9, 1))).toEqual(info.tdxModuleIdentities[0]);
    expect(moduleIdentityOf(info, tee(9, 0))).toMatchObject({
      id: null,
      mrSigner: info.tdxModule?.mrSigner,
    });
  });

  test('is null for a version that Intel’s document does not know, and for SGX', () => {
    expect(moduleIdentityOf(info, tee(9, 2))).toBe(null);
    expect(moduleIdentityOf(sgxInfo(), tee(9, 0))).toBe(null);
  });
});

describe('moduleMatches', () => {
  const module = moduleIdentity('TDX_01', isvLevel(1));
  const report = { mrSignerSeam: new Uint8Array(48), seamAttributes: new Uint8Array(8) };
  const one = new Uint8Array(8).fill(1, 0, 1);

  test('accepts Intel’s own module', () => {
    expect(moduleMatches(module, report)).toEqual([]);
  });

  test('refuses another signer', () => {
    const other = { ...report, mrSignerSeam: new Uint8Array(48).fill(1) };
    expect(moduleMatches(module, other)).toEqual([
      expect.stringMatching(/^MRSIGNERSEAM should be 0{96}, got (?:01){48}$/),
    ]);
  });

  test('refuses attributes that are not zero, whatever the identity and its mask allow', () => {
    const attributes = { ...report, seamAttributes: one };
    const zero = /^SEAMATTRIBUTES should be zero, got 0100000000000000$/;
    expect(
      moduleMatches({ ...module, attributes: one, attributesMask: new Uint8Array(8) }, attributes),
    ).toEqual([expect.stringMatching(zero)]);
    expect(moduleMatches(module, attributes)[0]).toMatch(zero);
  });

  test('refuses zero attributes where the identity asks for others', () => {
    expect(moduleMatches({ ...module, attributes: one }, report)).toEqual([
      'SEAMATTRIBUTES should be 0100000000000000, got 0000000000000000',
    ]);
  });
});
