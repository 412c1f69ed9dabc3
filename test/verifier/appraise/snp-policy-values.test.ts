/** Platform info, ID block, certificate table and values of `sevSnp`. */
import { expect, test } from 'vitest';
import type { SnpReport } from '#verifier/abi/snp.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import type { CheckId } from '#verifier/checks.ts';
import { checkOf, type SceneOptions } from '../scene.ts';
import { of, type Row, table, verdict } from './snp-policy-table.ts';

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
