/** Key, guest policy, firmware and TCB of `sevSnp`; snp-policy-values.test.ts has the rest. */
import { expect, test } from 'vitest';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import type { GuestPolicy } from '#verifier/abi/snp.ts';
import { encodeTcb, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { toHex } from '#verifier/bytes.ts';
import { put } from '../chain/profile.ts';
import { checkOf, hierarchyOf, idsWith, reportScene, verdictOf } from '../scene.ts';
import { genuine, of, type Row, type Try, table, verdict } from './snp-policy-table.ts';

const milan: TcbParts = { fmc: 0, bootLoader: 4, tee: 1, snp: 27, microcode: 222 };
const tcb = (change: Partial<TcbParts>) => encodeTcb('Milan', { ...milan, ...change });
const floor = (which: keyof SnpPolicy['minimumTcb'], change: Partial<TcbParts> = {}) => ({
  minimumTcb: { ...genuine.minimumTcb, [which]: { Milan: { ...milan, ...change } } },
});
table('key', [
  [
    'product, one value',
    'policy.product',
    [{ product: ['Milan'] }],
    [{ product: ['Milan'] }, { product: 'Genoa' }],
    /not one that the policy accepts/,
  ],
  [
    'product, several values',
    'policy.product',
    [{ product: ['Milan', 'Genoa'] }, { product: 'Genoa' }],
    [{ product: ['Milan', 'Genoa'] }, { product: 'Turin' }],
    /not one that the policy accepts/,
  ],
  [
    'signingKey VCEK',
    'policy.signing-key',
    [{ signingKey: ['vcek'] }],
    [{ signingKey: ['vcek'] }, { role: 'vlek' }],
    /kind of key/,
  ],
  [
    'signingKey VLEK',
    'policy.signing-key',
    [{ signingKey: ['vlek'] }, { role: 'vlek' }],
    [{ signingKey: ['vlek'] }],
    /kind of key/,
  ],
  [
    'provider of a VLEK',
    'policy.provider',
    [{ provider: ['CN=cc-test.example'] }, { role: 'vlek' }],
    [
      { provider: ['CN=cc-test.example'] },
      { role: 'vlek', overrides: { vlek: put(amdExtensions.cspId('CN=other.example')) } },
    ],
    /another provider/,
  ],
  [
    'provider, several values; compared exactly',
    'policy.provider',
    [{ provider: ['CN=a', 'CN=cc-test.example'] }, { role: 'vlek' }],
    [{ provider: ['cc-test.example', 'CN=cc-test.example '] }, { role: 'vlek' }],
    /another provider/,
  ],
]);

test('a VCEK has no provider: a named one does not refuse it, and does not need it', async () => {
  const found = await verdict([{ provider: ['CN=a'] }]);
  expect(found.decision).toBe('accepted');
  expect(checkOf('policy.provider', found).actual).toMatch(/VCEK is of one chip/);
});

test('a masked chip id passes as evidence and fails a set of chips', async () => {
  const masked = of({ chipId: new Uint8Array(64) });
  const named = { chipId: [toHex((await hierarchyOf('Milan')).hardwareId)] };
  expect((await verdict([named])).decision).toBe('accepted');
  expect((await verdict([{}, masked])).decision).toBe('accepted');
  const found = await verdict([named, masked]);
  expect(checkOf('evidence.chip-id', found).status).toBe('pass');
  expect(idsWith('fail', found)).toEqual(['policy.chip-id']);
  expect(found.decision).toBe('rejected');
});

const launch: GuestPolicy = {
  ...{ abiMinor: 0, abiMajor: 0, smt: false, migrateMa: false, debug: false, singleSocket: false },
  ...{ cxlAllow: false, memAes256Xts: false, raplDis: false, ciphertextHidingDram: false },
  pageSwapDisable: false,
};
const launched = (change: Partial<GuestPolicy>) => of({ policy: { ...launch, ...change } });
const asking = (change: Partial<SnpPolicy['guestPolicy']>) => ({
  guestPolicy: { ...genuine.guestPolicy, ...change },
});
const abi = asking({ minimumAbi: { major: 1, minor: 55 } });

table('guest policy', [
  ...(['smt', 'cxlAllow'] as const).map((bit): Row => {
    const member = asking({ [bit]: 'refused' });
    const on = launched({ [bit]: true });
    return [bit, 'policy.guest-policy', [member, launched({})], [member, on], RegExp(`^${bit} is`)];
  }),
  ...(
    ['singleSocket', 'memAes256Xts', 'raplDis', 'ciphertextHidingDram', 'pageSwapDisable'] as const
  ).map((bit): Row => {
    const member = asking({ [bit]: 'required' });
    const on = launched({ [bit]: true });
    const reason = RegExp(`^${bit} is off$`);
    return [bit, 'policy.guest-policy', [member, on], [member, launched({})], reason];
  }),
  [
    'migrateMa',
    'policy.migration',
    [asking({ migrateMa: 'allowed' }), launched({ migrateMa: true })],
    [asking({ migrateMa: 'refused' }), launched({ migrateMa: true })],
    /may be migrated/,
  ],
  [
    'debug',
    'policy.debug',
    [asking({ debug: 'dangerously-allowed' }), launched({ debug: true })],
    [asking({ debug: 'refused' }), launched({ debug: true })],
    /the host can read/,
  ],
  [
    'minimum ABI, minor',
    'policy.guest-policy',
    [abi, launched({ abiMajor: 1, abiMinor: 55 })],
    [abi, launched({ abiMajor: 1, abiMinor: 54 })],
    /ABI 1\.54 is below 1\.55/,
  ],
  [
    'minimum ABI, major before minor',
    'policy.guest-policy',
    [abi, launched({ abiMajor: 2, abiMinor: 0 })],
    [abi, launched({ abiMajor: 0, abiMinor: 255 })],
    /ABI 0\.255 is below 1\.55/,
  ],
]);

test('all faults of the guest policy are named at once', async () => {
  const found = await verdict([
    { ...asking({ smt: 'refused', cxlAllow: 'refused', raplDis: 'required' }) },
    launched({ smt: true, cxlAllow: true }),
  ]);
  expect(checkOf('policy.guest-policy', found).reason).toBe(
    'smt is on, cxlAllow is on, raplDis is off',
  );
});

const firmware = { minimumFirmware: { major: 1, minor: 55, build: 35 } };
const needs = (which: 'launch' | 'current') => ({
  mitigations: { ...genuine.mitigations, [which]: '000000000000000b' },
});
const committedOnly = { provisionalFirmware: 'refused' } as const;

table('firmware and TCB', [
  [
    'minimumGuestSvn',
    'policy.guest-svn',
    [{ minimumGuestSvn: 5 }, of({ guestSvn: 5 })],
    [{ minimumGuestSvn: 5 }, of({ guestSvn: 4 })],
    /older/,
  ],
  ...(['vmpl', 'vmpl asked for by the host'] as const).map((name, i): Row => {
    const asked = i === 0 ? 1 : 0xffffffff;
    const vmpl = i === 0 ? [0, 2] : [0, 1, 2, 3];
    return [
      name,
      'policy.vmpl',
      [{ vmpl }, of({ vmpl: 2 })],
      [{ vmpl }, of({ vmpl: asked })],
      /level/,
    ];
  }),
  [
    'minimumFirmware on both, current and committed at the floor',
    'policy.firmware-version',
    [firmware],
    [{ minimumFirmware: { major: 1, minor: 55, build: 36 } }],
    /older/,
  ],
  [
    'minimumFirmware on committed alone',
    'policy.firmware-version',
    [firmware, of({ committed: { major: 1, minor: 55, build: 35 } })],
    [firmware, of({ committed: { major: 1, minor: 54, build: 255 } })],
    /older/,
  ],
  [
    'provisional firmware, version',
    'policy.provisional-firmware',
    [committedOnly],
    [committedOnly, of({ committed: { major: 1, minor: 55, build: 34 } })],
    /not committed/,
  ],
  [
    'provisional firmware, TCB',
    'policy.provisional-firmware',
    [{ provisionalFirmware: 'allowed' }, of({ committedTcb: tcb({ snp: 26 }) })],
    [committedOnly, of({ committedTcb: tcb({ snp: 26 }) })],
    /not committed/,
  ],
  ...(['bootLoader', 'tee', 'snp', 'microcode'] as const).map((part): Row => {
    const higher = floor('reported', { [part]: milan[part] + 3 });
    const reason = RegExp(`^${part} is 3 behind$`);
    return [`reported, ${part}`, 'policy.reported-tcb', [floor('reported')], [higher], reason];
  }),
  ...(['committed', 'launch'] as const).map((which): Row => {
    const behind = of({ [`${which}Tcb`]: tcb({ snp: 20, microcode: 221 }) });
    const reason = /^snp is 7 behind, microcode is 1 behind$/;
    return [which, `policy.${which}-tcb`, [floor(which)], [floor(which), behind], reason];
  }),
  [
    'current',
    'policy.current-tcb',
    [floor('current', { snp: 28 }), of({ currentTcb: tcb({ snp: 28 }) })],
    [floor('current', { snp: 28 })],
    /^snp is 1 behind$/,
  ],
  [
    'a product without a floor',
    'policy.launch-tcb',
    [floor('launch')],
    [{ minimumTcb: { ...genuine.minimumTcb, launch: { Genoa: milan } } }],
    /no floor for Milan/,
  ],
  [
    'a TCB with reserved bytes, whatever the floor',
    'policy.launch-tcb',
    [{}, of({ launchTcb: tcb({}) })],
    [{}, of({ launchTcb: tcb({}).with(3, 1) })],
    /reserved/,
  ],
  ...(['launch', 'current'] as const).map((which): Row => {
    const vector = (bits: bigint) => of({ [`${which}MitVector`]: bits });
    const reason = RegExp(`^the ${which} vector 0x13 lacks 0x8$`);
    const check = 'policy.mitigations';
    return [`mitigations, ${which}`, check, [needs(which)], [needs(which), vector(0x13n)], reason];
  }),
  ...([2, 3, 4] as const).map(
    (version): Row => [
      `mitigations, report version ${version}`,
      'policy.mitigations',
      [{}, of({ version })],
      [needs('launch'), of({ version })],
      RegExp(`^report version ${version} has no launch mitigation vector$`),
    ],
  ),
]);

test('current firmware below the floor is refused though the committed one is at it', async () => {
  const found = await verdict([firmware, of({ current: { major: 1, minor: 55, build: 34 } })]);
  expect(idsWith('fail', found)).toContain('policy.firmware-version');
  // Such a report is not genuine either.
  expect(found.decision).toBe('invalid');
});

test('a floor counts Turin’s FMC', async () => {
  const at = { fmc: 1, bootLoader: 2, tee: 3, snp: 5, microcode: 71 };
  const turin = (parts: TcbParts): Try => [
    { minimumTcb: { ...genuine.minimumTcb, reported: { Turin: parts } } },
    { product: 'Turin' },
  ];
  expect((await verdict(turin(at))).decision).toBe('accepted');
  const found = await verdict(turin({ ...at, fmc: 2 }));
  expect(checkOf('policy.reported-tcb', found).reason).toBe('fmc is 1 behind');
  expect(found.decision).toBe('rejected');
});

test('a policy without sevSnp refuses every check of SEV-SNP', async () => {
  const { sevSnp: _, ...rest } = genuinePolicy;
  const found = await verdictOf(await reportScene(), toPolicy(rest));
  const failed = idsWith('fail', found);
  expect(failed).toEqual(
    found.checks.filter(({ stage }) => stage === 'policy').map(({ id }) => id),
  );
  for (const id of failed) expect(checkOf(id, found).reason).toMatch(/no member sevSnp/);
  expect(found.decision).toBe('rejected');
});
