/** What is believed of AMD's certificates (prover/linked/believe-amd.ts), and the check that speaks against the rest. */
import { beforeAll, describe, expect, test } from 'vitest';
import { believeAmdIssuer, believeAmdVek } from '#prover/linked/believe-amd.ts';
import { type AmdHierarchy, type AmdHierarchyOptions, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { vendorRoots } from '#verifier/roots.ts';

let milan: AmdHierarchy;

beforeAll(async () => {
  milan = await testHierarchy({ product: 'Milan' });
});

function trustIn({ ark }: AmdHierarchy) {
  const roots = [insecureRoot(parseCertificate(ark.der, 'ARK'))];
  return { roots, now: fakeNow, crypto: nodeCrypto };
}

function issuerOf({ ask, ark, crl }: AmdHierarchy) {
  return { issuer: ask.der, root: ark.der, crls: [crl.der] };
}

describe('believed', () => {
  test('are an ASK and an ASVK, with what they certify', async () => {
    for (const [role, keyKind] of [
      ['ask', 'vcek'],
      ['asvk', 'vlek'],
    ] as const) {
      const given = { ...issuerOf(milan), issuer: milan[role].der };
      const found = await believeAmdIssuer(given, trustIn(milan));
      expect(found).toMatchObject({ kind: 'believed', value: { product: 'Milan', keyKind } });
    }
  });

  test('are a VCEK and a VLEK, each under its own issuer', async () => {
    const vcek = { ...issuerOf(milan), vek: milan.vcek.der };
    const vlek = { ...issuerOf(milan), vek: milan.vlek.der, issuer: milan.asvk.der };
    for (const [given, role] of [
      [vcek, 'vcek'],
      [vlek, 'vlek'],
    ] as const) {
      const found = await believeAmdVek(given, trustIn(milan));
      expect(found).toMatchObject({
        kind: 'believed',
        value: { vek: { role, product: 'Milan' }, product: 'Milan', keyKind: role },
      });
    }
  });
});

type Row = [
  name: string,
  change: (given: ReturnType<typeof issuerOf>) => Promise<object> | object,
  check: string,
  status: 'fail' | 'skip',
];

const made = (overrides: AmdHierarchyOptions['overrides'], product: 'Milan' | 'Turin' = 'Milan') =>
  testHierarchy({ product, ...(overrides && { overrides }) });

const ofIssuer: Row[] = [
  ['no list', () => ({ crls: [] }), 'collateral.crl-signature', 'skip'],
  [
    'a revoked issuer',
    async () => {
      const revoked = [{ serial: 0x010001n, at: fakeNow - 1 }];
      return { crls: [(await made({ crl: { revoked } })).crl.der] };
    },
    'collateral.revocation',
    'fail',
  ],
  [
    'a list that is out of date',
    async () => ({ crls: [(await made({ crl: { nextUpdate: fakeNow - 1 } })).crl.der] }),
    'collateral.crl-validity',
    'fail',
  ],
  [
    'the ASK of another product',
    async () => ({ issuer: (await made({}, 'Turin')).ask.der }),
    'chain.names',
    'fail',
  ],
  [
    'an expired ASK',
    async () => ({ issuer: (await made({ ask: { notAfter: fakeNow - 1 } })).ask.der }),
    'chain.issuer-validity',
    'fail',
  ],
  ['no ASK', () => ({ issuer: new Uint8Array(3) }), 'chain.issuer-certificate', 'fail'],
  ['no ARK', () => ({ root: new Uint8Array(3) }), 'chain.root-certificate', 'fail'],
];

describe('an issuer is refused with', () => {
  test.for(ofIssuer)('%s', async ([_, change, id, status]) => {
    const given = { ...issuerOf(milan), ...(await change(issuerOf(milan))) };
    const found = await believeAmdIssuer(given, trustIn(milan));
    expect(found).toMatchObject({ kind: 'refused', check: { id, status } });
    const vek = await believeAmdVek({ ...given, vek: milan.vcek.der }, trustIn(milan));
    expect(vek.kind).toBe('refused');
  });

  test('a root that is not pinned', async () => {
    const trust = { ...trustIn(milan), roots: vendorRoots };
    const found = await believeAmdIssuer(issuerOf(milan), trust);
    expect(found).toMatchObject({ kind: 'refused', check: { id: 'chain.root-pinned' } });
  });
});

describe('a VCEK is refused', () => {
  test.for<Row>([
    ['under the ASVK', () => ({ issuer: milan.asvk.der }), 'chain.names', 'fail'],
    [
      'that has expired',
      async () => ({ vek: (await made({ vcek: { notAfter: fakeNow - 1 } })).vcek.der }),
      'chain.vek-validity',
      'fail',
    ],
    [
      'that another key signed',
      async () => {
        const { privateKey } = milan.keys.asvk;
        return { vek: (await made({ vcek: { signer: privateKey } })).vcek.der };
      },
      'chain.vek-signature',
      'fail',
    ],
    ['that is none', () => ({ vek: milan.ask.der }), 'chain.vek-certificate', 'fail'],
  ])('%s', async ([_, change, id, status]) => {
    const given = { ...issuerOf(milan), vek: milan.vcek.der };
    const changed = { ...given, ...(await change(given)) };
    const found = await believeAmdVek(changed, trustIn(milan));
    expect(found).toMatchObject({ kind: 'refused', check: { id, status } });
  });
});
