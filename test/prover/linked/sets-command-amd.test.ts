/** `affidavit set make` for AMD's machines, alone and beside Intel's. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chipSnp, noChip, snpProducts } from '#prover/linked/formulas-snp.ts';
import { elementOf, findLevelSnp, memberSiblings, parseSet } from '#prover/linked/sets.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { hasShared, sharedMissing, sharedPath } from '#test/shared.ts';
import { strictIntelPolicy, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import { bundleScene, hierarchyOf, strictPolicy } from '#test/verifier/scene.ts';
import type { Bundle } from '#verifier/abi/bundle.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { toHex } from '#verifier/bytes.ts';
import { affidavitSet, at, documents, endOf, file, makerAt, newName, plain } from './sets-run.ts';

const milan = await hierarchyOf('Milan');
const turin = await hierarchyOf('Turin');
const roots = file('roots.pem', `${milan.ark.pem}${turin.ark.pem}${plain.root.pem}`);
const { make, refused } = makerAt(['--at', at, '--insecure-root', roots]);

const strict = await strictPolicy();
const snpPart = strict.sevSnp as SnpPolicy;
const policyFile = (name: string, change: Partial<Policy> = {}) =>
  file(name, JSON.stringify({ ...strict, ...change }));
const both = policyFile('both.json', {
  tdx: strictIntelPolicy('bundle').tdx as Policy['tdx'] & {},
});
const policy = policyFile('snp-policy.json');

describe('accepted', () => {
  test('by policy and by evidence are the same software', async () => {
    const bundle = file('snp-bundle.json', (await bundleScene()).evidence.bytes);
    const named = await make('accepted', '--policy', policy);
    const seen = await make('accepted', '--bundle', bundle);
    expect(named.set.entries).toHaveLength(1);
    expect(seen.set.root).toBe(named.set.root);
    expect(seen.set.source).toMatch(/^INSECURE: .*; bundle [0-9a-f]{16}$/);
  });

  test('of both vendors stand in one set', async () => {
    const ofSnp = file('snp.json', (await bundleScene()).evidence.bytes);
    const ofTdx = file('tdx.json', tdxBundleScene().evidence.bytes);
    const named = await make('accepted', '--policy', both);
    const seen = await make('accepted', '--bundle', ofTdx, '--bundle', ofSnp);
    expect(named.set.entries).toHaveLength(2);
    expect(seen.set.root).toBe(named.set.root);
    expect(await affidavitSet('show', named.out)).toContain(
      `\n{"measurement":"${'4d'.repeat(48)}","closureDigest":"${'c1'.repeat(32)}"}\n`,
    );
  });

  test('need a measurement by name', async () => {
    const open = policyFile('open.json', { sevSnp: { ...snpPart, measurement: 'any' } });
    const run = make('accepted', '--policy', open);
    await expect(run).rejects.toThrow('policy.sevSnp.measurement is "any"');
    expect(await endOf(run)).toBe('json-shape 2');
    expect(await refused('accepted', '--policy', policy)).toBeNull();
  });

  test('refuse evidence that "genuine" refuses, and say what it lacks', async () => {
    const named = async (name: string, ...[options]: Parameters<typeof bundleScene>) =>
      refused('accepted', '--bundle', file(name, (await bundleScene(options)).evidence.bytes));
    const closureDigest = new Uint8Array(32);
    const forged = ({ bound }: Bundle) => ({ bound: { ...bound, closureDigest } });
    expect(await named('forged.json', { edit: forged })).toMatch(/^binding\.\S+ 20$/);
    expect(await named('bare.json', { edit: () => ({ collateral: [] }) })).toMatch(
      /^chain\.\S+ 30$/,
    );
    const { policy } = parseReport(createSnpDevice(milan).report(new Uint8Array(64)));
    const debug = { ...policy, debug: true };
    expect(await named('debug.json', { fields: { policy: debug } })).toMatch(/^policy\.\S+ 10$/);
    expect(await named('good.json')).toBeNull();
  });

  test('take certificates and lists from beside a bundle, and say when there was no list', async () => {
    const bare = await bundleScene({ edit: () => ({ collateral: [] }) });
    const bundle = ['--bundle', file('alone.json', bare.evidence.bytes)];
    const certificates = [
      ...['--vek', file('beside-vek.pem', milan.vcek.pem)],
      ...['--chain', file('beside-chain.pem', milan.chainPem('vcek'))],
    ];
    const listed = await make(
      'accepted',
      ...bundle,
      ...certificates,
      ...['--crl', file('beside.crl', milan.crl.der)],
    );
    expect(listed.set.source).toMatch(/; bundle [0-9a-f]{16}$/);
    const unlisted = await make('accepted', ...bundle, ...certificates);
    expect(unlisted.set.source).toMatch(/; bundle [0-9a-f]{16} without a revocation list$/);
    expect(unlisted.set.root).toBe(listed.set.root);
    const revoked = await hierarchyOf('Milan', {
      crl: { revoked: [{ serial: 0x010001n, at: fakeNow - 1 }] },
    });
    const list = ['--crl', file('revoking.crl', revoked.crl.der)];
    expect(await refused('accepted', ...bundle, ...certificates, ...list)).toBe(
      'collateral.revocation 20',
    );
  });
});

describe('levels', () => {
  const tcb = 'fmc=0,bootLoader=4,tee=0,snp=24,microcode=219';
  const svns = { fmc: 0, bootLoader: 4, tee: 0, snp: 24, microcode: 219 };
  const machine = { product: snpProducts.Milan, reported: svns, committed: svns };

  test('are those given, by name of each part', async () => {
    const { set, out } = await make('levels', '--product', 'Milan', '--tcb', tcb);
    if (set.kind !== 'levels') throw new Error('expected levels');
    expect(findLevelSnp(set, machine)?.level).toEqual({ product: 'Milan', ...svns });
    expect(findLevelSnp(set, { ...machine, committed: { ...svns, snp: 23 } })).toBeNull();
    expect(set.source).toMatch(/; SEV-SNP floor as given$/);
    expect(await affidavitSet('show', out)).toContain(
      '\n{"product":"Milan","fmc":0,"bootLoader":4,"tee":0,"snp":24,"microcode":219}\n',
    );
    const reordered = 'microcode=219,snp=24,tee=0,bootLoader=4';
    const again = await make('levels', '--product', 'Milan', '--tcb', reordered);
    expect(again.set.root).toBe(set.root);
  });

  test('are one for each product, in the order given', async () => {
    const ofTurin = 'fmc=1,bootLoader=1,tee=1,snp=4,microcode=80';
    const { set } = await make(
      'levels',
      ...['--product', 'Milan', '--tcb', tcb, '--product', 'Turin', '--tcb', ofTurin],
    );
    expect(set.entries).toEqual([
      { product: 'Milan', ...svns },
      { product: 'Turin', fmc: 1, bootLoader: 1, tee: 1, snp: 4, microcode: 80 },
    ]);
  });

  test('are those of a policy, beside Intel’s', async () => {
    const alone = await make('levels', '--policy', policy);
    expect(alone.set.entries).toEqual([{ product: 'Milan', ...milan.tcb }]);
    expect(alone.set.source).toMatch(/; SEV-SNP floor of policy [0-9a-f]{16}$/);
    const intel = await make('levels', ...documents(plain, 'mixed'));
    const joined = await make('levels', ...documents(plain, 'mixed'), '--policy', policy);
    expect(joined.set.entries).toHaveLength(intel.set.entries.length + 1);
    for (const entry of [...intel.set.entries, ...alone.set.entries]) {
      const element = elementOf('levels', entry as never);
      expect(memberSiblings(joined.set, element)).not.toBeNull();
    }
  });

  test.each<[string, string[], string]>([
    ['nothing at all', [], 'usage 2'],
    ['a product without a TCB', ['--product', 'Milan'], 'usage 2'],
    ['a TCB without a product', ['--tcb', tcb], 'usage 2'],
    [
      'a part missing',
      ['--product', 'Milan', '--tcb', 'bootLoader=4,tee=0,snp=24'],
      'json-shape 2',
    ],
    ['no FMC for Turin', ['--product', 'Turin', '--tcb', tcb.slice(6)], 'json-shape 2'],
    [
      'an FMC for Milan',
      ['--product', 'Milan', '--tcb', tcb.replace('fmc=0', 'fmc=1')],
      'json-shape 2',
    ],
    ['a part twice', ['--product', 'Milan', '--tcb', `${tcb},snp=24`], 'usage 2'],
    ['an unknown part', ['--product', 'Milan', '--tcb', `${tcb},x=1`], 'json-shape 2'],
    [
      'another product for a part',
      ['--product', 'Milan', '--tcb', `${tcb},product=1`],
      'json-shape 2',
    ],
    [
      'a number above a byte',
      ['--product', 'Milan', '--tcb', tcb.replace('24', '256')],
      'json-shape 2',
    ],
    ['a number in hex', ['--product', 'Milan', '--tcb', tcb.replace('24', '0x18')], 'usage 2'],
    [
      'a second spelling of a number',
      ['--product', 'Milan', '--tcb', tcb.replace('24', '024')],
      'usage 2',
    ],
    ['a space', ['--product', 'Milan', '--tcb', tcb.replace(',', ', ')], 'usage 2'],
    ['the policy "genuine"', ['--policy', 'genuine'], 'json-shape 2'],
    ['Intel’s documents without a TCB info', documents(plain, 'less').slice(2), 'usage 2'],
    [
      'a floor above another',
      ['--product', 'Milan', '--tcb', tcb, '--policy', policy],
      'no-floor 2',
    ],
  ])('are refused with %s', async (_, args, ending) => {
    expect(await refused('levels', ...args)).toBe(ending);
    expect(await refused('levels', '--product', 'Milan', '--tcb', tcb)).toBeNull();
  });

  test('of an unknown product are wrong usage', async () => {
    await expect(make('levels', '--product', 'Rome', '--tcb', tcb)).rejects.toThrow('Rome');
  });
});

describe('revoked', () => {
  const id = toHex(milan.hardwareId);
  const turinId = toHex(turin.hardwareId);

  test('hold chips by their ids, as reports and certificates write them', async () => {
    const list = file('chips.txt', `${id.toUpperCase()}\n\n${turinId}${'00'.repeat(56)}\n`);
    const { set, out } = await make('revoked', '--chip-id-list', list, '--ppid', '01'.repeat(16));
    expect(set.entries).toHaveLength(3);
    for (const { hardwareId } of [milan, turin])
      expect(memberSiblings(set, chipSnp(hardwareId))).not.toBeNull();
    expect(memberSiblings(set, noChip)).toBeNull();
    expect(set.source).toMatch(/; 1 PPIDs; 2 chip ids$/);
    expect(await affidavitSet('show', out)).toContain(`\n{"chipId":"${turinId}"}\n`);
    const one = await make('revoked', '--chip-id', turinId, '--chip-id', id);
    expect(one.set.entries).toHaveLength(2);
  });

  test.each([
    ['too short', 'abcd'],
    ['of no product', 'ab'.repeat(16)],
    ['no hex', 'xy'.repeat(64)],
    ['masked by the host', '00'.repeat(64)],
  ])('are refused by an id that is %s', async (_, wrong) => {
    expect(await refused('revoked', '--chip-id', wrong)).toBe('json-shape 2');
    expect(await refused('revoked', '--chip-id-list', file('wrong.txt', `${id}\n${wrong}`))).toBe(
      'json-shape 2',
    );
    expect(await refused('revoked', '--chip-id', id)).toBeNull();
  });
});

describe('veks', () => {
  const lists = [
    '--crl',
    file('milan.crl', milan.crl.der),
    '--crl',
    file('turin.crl', turin.crl.der),
  ];
  const vcek = file('vcek.pem', milan.vcek.pem);
  const chain = ['--chain', file('milan-chain.pem', milan.chainPem('vcek'))];

  test('hold keys of several products and kinds, in one file or in several', async () => {
    const whole = file(
      'all.pem',
      [milan, turin]
        .flatMap((of) => [of.vcek.pem, of.vlek.pem, of.chainPem('vcek'), of.asvk.pem])
        .join(''),
    );
    const { set, out } = await make('veks', '--vek', whole, ...lists);
    expect(set.entries).toMatchObject([
      { product: 'Milan', keyKind: 'vcek', chip: chipSnp(milan.hardwareId), tcb: milan.tcb },
      { product: 'Milan', keyKind: 'vlek', chip: noChip },
      { product: 'Turin', keyKind: 'vcek', chip: chipSnp(turin.hardwareId) },
      { product: 'Turin', keyKind: 'vlek', chip: noChip },
    ]);
    expect(set.source).toMatch(
      /; VCEK certificate [0-9a-f]{16}; CRL number 1 of ARK-Milan, next update [^;]*; VLEK certificate /,
    );
    expect(parseSet(new Uint8Array(readFileSync(out))).root).toBe(set.root);
    const apart = await make('veks', '--vek', vcek, ...chain, ...lists);
    expect(apart.set.entries).toEqual(set.entries.slice(0, 1));
  });

  test('of both vendors stand in one set, with all that vouches for them', async () => {
    const given = [
      ...['--pck', file('pck.pem', plain.pck.pem), '--vek', vcek, ...chain, ...lists],
      ...['--root-ca-crl', file('root.crl', plain.rootCrl.der)],
      ...['--pck-crl', file('pck.crl', plain.pckCrl.der)],
    ];
    const intelRoot = ['--chain', file('intel-root.pem', plain.root.pem)];
    const pckCa = ['--chain', file('pck-ca.pem', plain.pckCa.pem)];
    expect((await make('veks', ...given, ...intelRoot, ...pckCa)).set.entries).toHaveLength(2);
    // AMD's root beside it is not taken for Intel's.
    expect(await refused('veks', ...given, ...intelRoot)).toBe('chain.issuer-certificate 30');
    expect(await refused('veks', ...given, ...pckCa)).toBe('chain.root-certificate 30');
  });

  test('are refused without chain or list, when revoked, or of another root', async () => {
    expect(await refused('veks')).toBe('usage 2');
    expect(await refused('veks', '--vek', vcek, ...lists)).toBe('chain.issuer-certificate 30');
    expect(await refused('veks', '--vek', vcek, ...chain)).toBe('collateral.crl-signature 30');
    expect(await refused('veks', '--vek', roots, ...chain, ...lists)).toBe('usage 2');
    const of = await hierarchyOf('Milan', {
      crl: { revoked: [{ serial: 0x010001n, at: fakeNow - 1 }] },
    });
    const revoking = ['--crl', file('revoked.crl', of.crl.der)];
    expect(await refused('veks', '--vek', vcek, ...chain, ...revoking)).toBe(
      'collateral.revocation 20',
    );
    const out = newName();
    const args = ['--out', out, '--at', at, '--vek', vcek, ...chain, ...lists];
    expect(await endOf(affidavitSet('make', 'veks', ...args))).toBe('chain.root-pinned 20');
    expect(await refused('veks', '--vek', vcek, ...chain, ...lists)).toBeNull();
  });
});

describe.skipIf(!hasShared)(`a real VCEK${hasShared ? '' : ` (skipped: ${sharedMissing})`}`, () => {
  test('makes a set under the pinned root', async () => {
    const of = (name: string) => sharedPath(`corpus/${name}`);
    const out = newName();
    await affidavitSet(
      'make',
      'veks',
      ...['--out', out, '--at', '2025-08-29T00:00:00Z'],
      ...['--vek', of('sev-snp/genoa-v5-vcek-oak-genoa-oc-evidence/vcek.der')],
      ...['--chain', of('collateral/amd/genoa-vcek-chain.pem')],
      ...['--crl', of('collateral/amd/genoa-ark-crl.der')],
    );
    const { entries, source } = parseSet(new Uint8Array(readFileSync(out)));
    expect(entries).toMatchObject([
      {
        product: 'Genoa',
        keyKind: 'vcek',
        tcb: { fmc: 0, bootLoader: 10, tee: 0, snp: 25, microcode: 84 },
      },
    ]);
    expect(source).toMatch(
      /^VCEK certificate [0-9a-f]{16}; CRL number \d+ of ARK-Genoa, next update 2025-11-03T01:00:00Z$/,
    );
  });
});
