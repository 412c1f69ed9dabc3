/** Each member of `sevSnp` on simulated reports: what it refuses, and the twin that it accepts. */
import { describe, expect, test } from 'vitest';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import type { GuestPolicy, SnpReport } from '#verifier/abi/snp.ts';
import { encodeTcb, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { toHex } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { put } from '../chain/profile.ts';
import {
  checkOf,
  hierarchyOf,
  idsWith,
  reportScene,
  type SceneOptions,
  verdictOf,
} from '../scene.ts';

const genuine = genuinePolicy.sevSnp as SnpPolicy;

function policyWith(member: Partial<SnpPolicy>): Policy {
  return toPolicy({ ...genuinePolicy, sevSnp: { ...genuine, ...member } });
}

/** What the policy asks, of which report, and the GUIDs of its certificate table. */
type Try = [member: Partial<SnpPolicy>, scene?: SceneOptions, table?: readonly string[]];
type Row = [name: string, check: CheckId, accepted: Try, refused: Try, reason: RegExp];

async function verdict([member, options, certificateTable]: Try) {
  const scene = await reportScene(options);
  if (scene.evidence.form === 'report' && certificateTable !== undefined) {
    scene.evidence = { ...scene.evidence, certificateTable };
  }
  return verdictOf(scene, policyWith(member));
}

function table(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    test.each(rows)('%s', async (_, check, accepted, refused, reason) => {
      const good = await verdict(accepted);
      expect(idsWith('fail', good)).toEqual([]);
      expect(good.decision).toBe('accepted');
      const bad = await verdict(refused);
      expect(idsWith('fail', bad)).toEqual([check]);
      expect(checkOf(check, bad).reason).toMatch(reason);
      expect(bad.decision).toBe('rejected');
    });
  });
}

const of = (fields: Partial<SnpReport>): SceneOptions => ({ fields });
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

/** Milan's own bits are 0, 2 and 5: on, but for the one changed. */
const platformBit = {
  ...{ smtEnabled: 0n, tsmeEnabled: 1n, eccEnabled: 2n, raplDisabled: 3n },
  ...{ ciphertextHidingDramEnabled: 4n, aliasCheckComplete: 5n, tioEnabled: 7n },
};
type PlatformPolicy = Exclude<SnpPolicy['platformInfo'], 'any'>;
const lenient: PlatformPolicy = {
  ...{ smtEnabled: 'allowed', tsmeEnabled: 'allowed', tioEnabled: 'allowed' },
  ...{ eccEnabled: 'any', raplDisabled: 'any', ciphertextHidingDramEnabled: 'any' },
  ...{ aliasCheckComplete: 'any', unknownBits: 'allowed' },
};
const platform = (change: Partial<PlatformPolicy>) => ({
  platformInfo: { ...lenient, ...change },
});
const bits = (platformInfo: bigint) => of({ platformInfo });

table('platform info', [
  ...(['smtEnabled', 'tsmeEnabled', 'tioEnabled'] as const).map((name): Row => {
    const member = platform({ [name]: 'refused' });
    const bit = 1n << platformBit[name];
    const reason = RegExp(`^${name} is on$`);
    const check = 'policy.platform-info';
    return [name, check, [member, bits(0xffn ^ bit)], [member, bits(bit)], reason];
  }),
  ...(
    ['eccEnabled', 'raplDisabled', 'ciphertextHidingDramEnabled', 'aliasCheckComplete'] as const
  ).map((name): Row => {
    const member = platform({ [name]: 'required' });
    const bit = 1n << platformBit[name];
    const reason = RegExp(`^${name} is off$`);
    const check = 'policy.platform-info';
    return [name, check, [member, bits(bit)], [member, bits(0xffn ^ bit)], reason];
  }),
  ...[6n, 8n, 63n].map((bit): Row => {
    const member = platform({ unknownBits: 'refused' });
    const known = 0xbfn;
    return [
      `unknown bit ${bit}`,
      'policy.platform-info',
      [member, bits(known)],
      [member, bits(known | (1n << bit))],
      RegExp(`^unknown bits 0x${(1n << bit).toString(16)} are set$`),
    ];
  }),
  [
    'unknown bits, allowed or refused',
    'policy.platform-info',
    [platform({}), bits(0xffff_ffff_ffff_ffffn)],
    [platform({ unknownBits: 'refused' }), bits(0xffff_ffff_ffff_ffffn)],
    /^unknown bits 0xffffffffffffff40 are set$/,
  ],
]);

const digest = (byte: number) => new Uint8Array(48).fill(byte);
const key = { id: 'aa'.repeat(48), author: 'bb'.repeat(48), other: 'cc'.repeat(48) };
const withIdKey = of({ idKeyDigest: digest(0xaa) });
const withBoth = of({
  idKeyDigest: digest(0xaa),
  authorKeyEn: true,
  authorKeyDigest: digest(0xbb),
});
const trusting = (
  trustedIdKeys: string[],
  trustedAuthorKeys: string[],
  authorKey: 'required' | 'any' = 'any',
) => ({ idBlock: { authorKey, trustedAuthorKeys, trustedIdKeys } });
const untrusted = /launched with keys that the policy does not trust/;

table('ID block', [
  [
    'by ID key',
    'policy.id-block',
    [trusting([key.id], []), withIdKey],
    [trusting([key.other], []), withIdKey],
    untrusted,
  ],
  [
    'by ID key, several values; no ID block at all',
    'policy.id-block',
    [trusting([key.other, key.id], []), withIdKey],
    [trusting([key.other, key.id], [])],
    untrusted,
  ],
  [
    'by author key, whatever the ID key',
    'policy.id-block',
    [trusting([], [key.author]), withBoth],
    [trusting([], [key.other]), withBoth],
    untrusted,
  ],
  [
    'author key required but absent, though the ID key is trusted',
    'policy.id-block',
    [trusting([key.id], [key.author], 'any'), withIdKey],
    [trusting([key.id], [key.author], 'required'), withIdKey],
    /without an author key/,
  ],
  [
    'author key required and another one, though the ID key is trusted',
    'policy.id-block',
    [trusting([key.id], [key.author], 'required'), withBoth],
    [trusting([key.id], [key.other], 'required'), withBoth],
    untrusted,
  ],
  [
    'an author key digest counts only with AUTHOR_KEY_EN',
    'policy.id-block',
    [trusting([], [key.author]), withBoth],
    [trusting([], [key.author]), of({ authorKeyDigest: digest(0xbb) })],
    untrusted,
  ],
  [
    'the two lists are not mixed up',
    'policy.id-block',
    [trusting([key.id], [key.author]), withBoth],
    [trusting([key.author], [key.id]), withBoth],
    untrusted,
  ],
]);

const guid = '01234567-89ab-cdef-0123-456789abcdef';
const other = '11234567-89ab-cdef-0123-456789abcdef';
const guids = (unknownGuids: 'refused' | 'allowed', ...requiredGuids: string[]) => ({
  certificateTable: { unknownGuids, requiredGuids },
});

table('certificate table', [
  [
    'a required entry',
    'policy.certificate-table',
    [guids('refused', guid), {}, [guid]],
    [guids('refused', guid), {}, []],
    RegExp(`^entry ${guid} is missing$`),
  ],
  [
    'unknown entries',
    'policy.certificate-table',
    [guids('allowed', guid), {}, [guid, other]],
    [guids('refused', guid), {}, [guid, other]],
    RegExp(`^entry ${other} is not known$`),
  ],
  [
    'AMD’s own entries alone',
    'policy.certificate-table',
    [guids('refused'), {}, []],
    [guids('refused'), {}, [other]],
    /is not known/,
  ],
]);

test('without a table, a required entry leaves the verdict open', async () => {
  expect((await verdict([guids('refused')])).decision).toBe('accepted');
  const found = await verdict([guids('allowed', guid)]);
  expect(checkOf('policy.certificate-table', found).status).toBe('skip');
  expect(found.decision).toBe('undecided');
});

const valueFields: readonly [keyof SnpPolicy & keyof SnpReport, CheckId, length: number][] = [
  ['measurement', 'policy.measurement', 48],
  ['hostData', 'policy.host-data', 32],
  ['reportData', 'policy.report-data', 64],
  ['familyId', 'policy.family-id', 16],
  ['imageId', 'policy.image-id', 16],
  ['reportId', 'policy.report-id', 32],
  ['reportIdMa', 'policy.report-id-ma', 32],
];
const hex = (byte: string, length: number) => byte.repeat(length);

table('values, one and several', [
  ...valueFields.flatMap(([field, check, length]): Row[] => {
    const scene = { report: { with: { [field]: new Uint8Array(length).fill(0x77) } } };
    const [right, wrong, off] = [
      hex('77', length),
      hex('88', length),
      `${hex('77', length - 1)}76`,
    ];
    const row = (name: string, good: string[], bad: string[]): Row => [
      `${field}, ${name}`,
      check,
      [{ [field]: good }, scene],
      [{ [field]: bad }, scene],
      /./,
    ];
    return [row('one', [right], [off]), row('several', [wrong, right], [wrong, off])];
  }),
  ...['00'.repeat(64), '88'.repeat(64)].map(
    (wrong, i): Row => [
      `chipId, ${i + 1}`,
      'policy.chip-id',
      [{ chipId: i === 0 ? ['77'.repeat(64)] : [wrong, '77'.repeat(64)] }, chipOf(0x77)],
      [{ chipId: i === 0 ? [wrong] : [wrong, '00'.repeat(64)] }, chipOf(0x77)],
      /the chip is not one that the policy names/,
    ],
  ),
]);

/** A VLEK's report may state any chip: its certificate names none. */
function chipOf(byte: number): SceneOptions {
  return { role: 'vlek', fields: { chipId: new Uint8Array(64).fill(byte) } };
}

test('a refused value is shown beside the whole set', async () => {
  const set = ['11'.repeat(32), '22'.repeat(32)];
  const found = checkOf('policy.host-data', await verdict([{ hostData: set }]));
  expect(found).toMatchObject({ expected: set.join(' or '), actual: '00'.repeat(32) });
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
