/**
 * Bob on proofs about machines of AMD, with tools that are sound by definition: what differs from those of Intel is who vouches for the
 * key. The rest is in bob.test.ts.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { KeyDemand } from '#prover/linked/demands.ts';
import { encodeLinkedProofFile, maxLinkedFileLength } from '#prover/linked/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { exchangeKeys } from '#test/fake/keys.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { hexOf, resultOf, until, verdictIn, withStatus } from './bob-scene.ts';
import { type SnpScene, snpScene } from './bob-scene-snp.ts';

let vcek: SnpScene;
let vlek: SnpScene;
let turin: SnpScene;
let member: SnpScene;

beforeAll(async () => {
  vcek = await snpScene();
  vlek = await snpScene({ keyKind: 'vlek' });
  turin = await snpScene({ product: 'Turin' });
  member = await snpScene({ key: 'member' });
});

function amdDemand(changes: Partial<KeyDemand & { kind: 'amd' }>): KeyDemand[] {
  return [{ kind: 'amd', maxAge: 3600, products: ['Milan'], kinds: ['vcek'], ...changes }];
}

/** The file with another chain. */
function chainOf(scene: SnpScene, change: { issuer?: Bytes; root?: Bytes; at?: number }) {
  const { file } = scene;
  if (file.key.kind !== 'vek') throw new Error('a certified key of AMD');
  return { file: () => ({ ...file, key: { ...file.key, ...change } }) } as const;
}

function trusted(der: Bytes) {
  return insecureRoot(parseCertificate(der, 'ARK'));
}

describe('Bob accepts', () => {
  test.each([
    ['a VCEK of Milan', () => vcek],
    ['a VLEK of Milan', () => vlek],
    ['a VCEK of Turin', () => turin],
    ['a key of his set', () => member],
  ])('%s', async (_, of) => {
    const verdict = await verdictIn(of());
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(withStatus('skip', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });

  test('any of the products and kinds that he names', async () => {
    const key = amdDemand({ products: ['Turin', 'Milan'], kinds: ['vlek', 'vcek'] });
    for (const scene of [vcek, vlek, turin]) {
      expect((await verdictIn(scene, { demands: { key } })).decision).toBe('accepted');
    }
  });

  test('lists of other products beside the one that counts', async () => {
    const crls = [turin.hierarchy.crl.der, vcek.hierarchy.crl.der];
    expect((await verdictIn(vcek, { amd: { crls } })).decision).toBe('accepted');
  });

  test('a key of a set without list or root', async () => {
    expect((await verdictIn(member, { amd: { crls: [], roots: [] } })).decision).toBe('accepted');
  });
});

type Row = [
  name: string,
  of: () => SnpScene,
  changes: () => Promise<Parameters<typeof verdictIn>[1]>,
  failing: LinkedCheckId[],
  decision: 'invalid' | 'rejected',
];

const rows: Row[] = [
  [
    'the ARK of another',
    () => vcek,
    async () => {
      const foreign = await testHierarchy({
        product: 'Milan',
        keys: exchangeKeys(await testKeys()),
      });
      return { amd: { roots: [trusted(foreign.ark.der)] } };
    },
    ['link.issuer'],
    'invalid',
  ],
  [
    'an ARK that AMD has not made',
    () => vcek,
    async () => ({ amd: { roots: vendorRoots } }),
    ['link.issuer'],
    'invalid',
  ],
  [
    'the ASK of another product, under an ARK of the same key',
    () => vcek,
    async () => chainOf(vcek, { issuer: turin.hierarchy.ask.der }),
    // Of the machine's own product alone is issuer the proof's; and Turin's serial number is not in Milan's list.
    ['link.issuer', 'link.key', 'link.key-kind'],
    'invalid',
  ],
  [
    'the chain of another product, under a root that he trusts',
    () => vcek,
    async () => ({
      ...chainOf(vcek, { issuer: turin.hierarchy.ask.der, root: turin.hierarchy.ark.der }),
      amd: { roots: [trusted(turin.hierarchy.ark.der)], crls: [turin.hierarchy.crl.der] },
      demands: { key: amdDemand({ products: ['Milan', 'Turin'] }) },
    }),
    ['link.key'],
    'invalid',
  ],
  [
    'the ASVK in the place of the ASK',
    () => vcek,
    async () => ({
      ...chainOf(vcek, { issuer: vcek.hierarchy.asvk.der }),
      demands: { key: amdDemand({ kinds: ['vcek', 'vlek'] }) },
    }),
    ['link.key'],
    'invalid',
  ],
  [
    'a VCEK in the place of the ASK',
    () => vcek,
    async () => chainOf(vcek, { issuer: vcek.hierarchy.vcek.der }),
    ['link.issuer'],
    'invalid',
  ],
  ...(['ask', 'ark'] as const).map(
    (role): Row => [
      `an expired ${role.toUpperCase()}`,
      () => vcek,
      async () => {
        const overrides = { [role]: { notAfter: fakeNow + 119 } };
        const { ask, ark } = await testHierarchy({ product: 'Milan', overrides });
        return chainOf(vcek, { issuer: ask.der, root: ark.der });
      },
      ['link.issuer'],
      'invalid',
    ],
  ),
  [
    'a revoked ASK',
    () => vcek,
    async () => {
      const revoked = [{ serial: 0x010001n, at: fakeNow - 1 }];
      const { crl } = await testHierarchy({ product: 'Milan', overrides: { crl: { revoked } } });
      return { amd: { crls: [crl.der] } };
    },
    ['link.issuer-crl'],
    'invalid',
  ],
  [
    'a list that is out of date',
    () => vcek,
    async () => {
      const overrides = { crl: { nextUpdate: fakeNow + 119 } };
      return { amd: { crls: [(await testHierarchy({ product: 'Milan', overrides })).crl.der] } };
    },
    ['link.issuer-crl'],
    'invalid',
  ],
  [
    'a list that the ASK signed',
    () => vcek,
    async () => {
      const overrides = { crl: { signer: (await testKeys()).ask.privateKey } };
      return { amd: { crls: [(await testHierarchy({ product: 'Milan', overrides })).crl.der] } };
    },
    ['link.issuer-crl'],
    'invalid',
  ],
  [
    'a list of another product alone',
    () => vcek,
    async () => ({ amd: { crls: [turin.hierarchy.crl.der] } }),
    ['link.issuer-crl'],
    'invalid',
  ],
  [
    'another time in the certificate’s proof',
    () => vcek,
    async () => chainOf(vcek, { at: fakeNow - 1 }),
    ['link.key'],
    'invalid',
  ],
  [
    'a certificate that was valid too long ago',
    () => vcek,
    async () => ({ demands: { key: amdDemand({ maxAge: 119 }) } }),
    ['link.certificate-age'],
    'rejected',
  ],
  [
    'demands of Intel alone',
    () => vcek,
    async () => ({ demands: { key: [{ kind: 'pck-ca', maxAge: 3600 }] } }),
    ['link.key-kind'],
    'rejected',
  ],
  [
    'a product that is not named',
    () => turin,
    async () => ({ demands: { key: amdDemand({ products: ['Milan', 'Genoa'] }) } }),
    ['link.key-kind'],
    'rejected',
  ],
  [
    'a kind that is not named',
    () => vlek,
    async () => ({ demands: { key: amdDemand({}) } }),
    ['link.key-kind'],
    'rejected',
  ],
  [
    'a set of keys that is not his',
    () => member,
    async () => ({
      demands: { key: [{ kind: 'veks', roots: [{ root: hexOf(5n), until }] }] },
    }),
    ['link.key'],
    'invalid',
  ],
];

describe('Bob refuses', () => {
  test.for(rows)('%s', async ([_, of, changes, failing, decision]) => {
    const verdict = await verdictIn(of(), await changes());
    expect(withStatus('fail', verdict)).toEqual(failing);
    expect(verdict.decision).toBe(decision);
  });

  test('a machine of the other circuit', async () => {
    const circuit = 'tdx-quote';
    const file = { ...member.file, machine: { ...member.file.machine, circuit } } as const;
    const verdict = await verdictIn(member, { file: () => file });
    expect(withStatus('fail', verdict)).toEqual(['link.machine']);
  });
});

test('is undecided without the list of the ARK', async () => {
  const verdict = await verdictIn(vcek, { amd: { crls: [] } });
  expect(verdict.decision).toBe('undecided');
  expect(withStatus('fail', verdict)).toEqual([]);
  expect(resultOf('link.issuer-crl', verdict)).toMatchObject({ status: 'skip' });
  expect(resultOf('link.issuer-crl', verdict).reason).toMatch(/--crl/);
});

test('forecasts when chain and list run out', async () => {
  const { forecast } = await verdictIn(vcek);
  expect(forecast.map(({ what }) => what)).toEqual([
    'the attestation',
    'the time at which the certificate was valid',
    'the set of accepted software',
    'the set of TCB levels',
    'the set of revoked chips and certificates',
    "the ARK's revocation list",
    'the ASK',
    'the ARK',
  ]);
});

describe('the words of an acceptance', () => {
  const wordsOf = async (scene: SnpScene) => (await verdictIn(scene)).warnings.join('\n');

  test('name what is seen and hidden of a VCEK', async () => {
    const words = await wordsOf(vcek);
    expect(words).toMatch(/an SEV-SNP machine, Milan, with a VCEK that AMD’s ASK certified/);
    expect(words).toMatch(/its chip not in your revoked set/);
    expect(words).toMatch(/Certified key: seen is the issuer .* AMD’s ASK of Milan/);
    expect(words).toMatch(/Hidden: the chip, the VCEK certificate, which software/);
    expect(words).not.toMatch(/certificate in your revoked set|VLEK|SEEN/);
  });

  test('say that a VLEK is a cloud’s, and that its chip is not stated', async () => {
    const words = await wordsOf(vlek);
    expect(words).toMatch(/ASVK of Milan, so that the key is a cloud’s/);
    expect(words).toMatch(/states no chip, so that your revoked set cannot hold it/);
    expect(words).not.toMatch(/chip not in your revoked set/);
  });

  test('claim of a key of a set no more than is known', async () => {
    const words = await wordsOf(member);
    expect(words).toMatch(/an SEV-SNP machine with a key of your set of keys/);
    expect(words).toMatch(/its chip, if its key states one, not in your revoked set/);
    expect(words).toMatch(/Key of a set: seen is that it is AMD’s/);
  });
});

test('the chain leaves the file small', () => {
  const { length } = encodeLinkedProofFile(vcek.file);
  const zeros = encodeLinkedProofFile(member.file).length;
  // Three proofs of 13 KB, packed, in base64 take 52 KB at most.
  expect(length - zeros).toBeLessThan(6000);
  expect(52_000 + (length - zeros)).toBeLessThan(60_000);
  expect(60_000).toBeLessThan(maxLinkedFileLength);
});
