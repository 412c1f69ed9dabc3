/** The corpus: what real evidence needs is what it was verified with, and passes the gate. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import type { CollateralKind } from '#verifier/abi/bundle.ts';
import { readDerObjects, readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { acceptObject } from '#verifier/collateral/accept.ts';
import { dependsOn } from '#verifier/collateral/endpoints.ts';
import { factsOf, itemKinds } from '#verifier/collateral/facts.ts';
import { needsOf } from '#verifier/collateral/needs.ts';
import {
  objectName,
  type StoredObject,
  type VendorObject,
} from '#verifier/collateral/vendor-object.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import { parseJson } from '#verifier/json.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import { refusalCode, storedOf } from './samples.ts';

type Case = {
  id: string;
  files: Record<string, string>;
  expected: { verdict: string };
  verify_at: string;
  product?: SnpProduct;
};

const good = ['valid', 'degraded', 'policy-reject'];

function casesOf(tee: string): (Case & { folder: string })[] {
  if (!hasShared) return [];
  return readdirSync(sharedPath(`corpus/${tee}`)).map((id) => {
    const folder = `corpus/${tee}/${id}`;
    const found = parseJson(fromUtf8(sharedFile(`${folder}/case.json`), id), id) as Case;
    return { ...found, folder };
  });
}

/** What becomes of each object, by name: null where it is accepted, else the code. */
async function fates(
  objects: readonly VendorObject[],
  stored: (object: VendorObject) => StoredObject,
  now: number,
): Promise<(string | null)[]> {
  const shared = { roots: vendorRoots, now, crypto: nodeCrypto, previous: null, date: null };
  return Promise.all(
    objects.map((object) =>
      refusalCode(() => {
        const issuers = dependsOn(object).map(stored);
        return acceptObject(object, stored(object), { ...shared, issuers });
      }),
    ),
  );
}

const accepted = (objects: readonly unknown[]) => objects.map(() => null);

describe.skipIf(!hasShared)(hasShared ? 'SEV-SNP' : sharedMissing, () => {
  const cases = casesOf('sev-snp').filter(({ files }) => files['vcek'] !== undefined);
  const certificatesOf = ({ folder, files }: (typeof cases)[number]): Collateral[] => {
    const file = (role: string) => sharedFile(`${folder}/${files[role]}`);
    const [ask, ark] = readDerObjects(file('ask_ark_chain'), 'CERTIFICATE', 'chain');
    return [
      { kind: 'vek', data: readDerObjects(file('vcek'), 'CERTIFICATE', 'VCEK')[0] as Bytes },
      { kind: 'ask', data: ask as Bytes },
      { kind: 'ark', data: ark as Bytes },
    ];
  };
  const setUp = (one: (typeof cases)[number]) => {
    const items = certificatesOf(one);
    const bytes = sharedFile(`${one.folder}/${one.files['report']}`);
    const evidence: Evidence = { form: 'report', bytes };
    const now = parseTime(one.verify_at) ?? 0;
    const product = snpProducts.find((known) => known === one.product);
    const options = { update: 'standard', ...(product && { product }) } as const;
    const { needs } = needsOf(evidence, [], now, options);
    const left = needsOf(evidence, items, now, options);
    const stored = ({ kind }: VendorObject) =>
      storedOf(items.filter((item) => (itemKinds[kind] as readonly string[]).includes(item.kind)));
    return { needs, left, stored, now };
  };

  test('a report’s chip, product and TCB name the VCEK that it was verified with', async () => {
    const fitting = cases.filter(({ expected }) => good.includes(expected.verdict));
    expect(fitting.length).toBeGreaterThan(12);
    for (const one of fitting) {
      const { needs, left, stored, now } = setUp(one);
      expect(
        needs.map(({ kind }) => kind),
        one.id,
      ).toEqual(['vcek', 'amd-chain', 'amd-crl']);
      const had = needs.slice(0, 2);
      expect(await fates(had, stored, now), one.id).toEqual(accepted(had));
      expect(left, one.id).toEqual({ needs: needs.slice(2), lacks: [] });
    }
  });

  test('the certificate of another chip is refused', async () => {
    const one = cases.find(
      ({ id }) => id === 'neg-genoa5-other-chip-vcek',
    ) as (typeof cases)[number];
    const { needs, left, stored, now } = setUp(one);
    expect(await fates(needs.slice(0, 2), stored, now)).toEqual(['answer-other', null]);
    expect(left.needs).toEqual([needs[0], needs[2]]);
  });

  test('an old list of the ARK is refused after it ended, accepted before', async () => {
    const chain = readPemChain(sharedFile('corpus/collateral/amd/genoa-vcek-chain.pem'), 'chain');
    const list = sharedFile('corpus/collateral/amd/genoa-ark-crl.der');
    const stored = ({ kind }: VendorObject) =>
      kind === 'amd-crl'
        ? storedOf([{ kind: 'ark-crl', data: list }])
        : storedOf([
            { kind: 'ask', data: chain[0] as Bytes },
            { kind: 'ark', data: chain[1] as Bytes },
          ]);
    const object = { kind: 'amd-crl', product: 'Genoa', key: 'vcek' } as const;
    const { expires } = factsOf(object, stored(object));
    expect(await fates([object], stored, expires)).toEqual([null]);
    expect(await fates([object], stored, expires + 1)).toEqual(['answer-expired']);
    const milan = { ...object, product: 'Milan' } as const;
    expect(await fates([milan], stored, expires)).toEqual(['answer-other']);
  });
});

const rolesOfKind: Partial<Record<CollateralKind, string>> = {
  'tcb-info': 'tcb_info',
  'tcb-signing': 'tcb_signing_chain',
  'qe-identity': 'qe_identity',
  'qe-identity-signing': 'qe_identity_signing_chain',
  'pck-crl': 'pck_crl',
  'intel-root-crl': 'root_ca_crl',
  'intel-root': 'root_ca',
};

describe.skipIf(!hasShared).each(['tdx', 'sgx'])('%s', (tee) => {
  const cases = casesOf(tee).filter(
    ({ files, expected }) =>
      good.includes(expected.verdict) && Object.values(rolesOfKind).every((role) => files[role]),
  );

  test('what a quote needs is what it was verified with', async () => {
    expect(cases.length).toBeGreaterThan(5);
    const seen = new Set<string>();
    for (const { id, folder, files, verify_at } of cases) {
      const file = (role: string) => sharedFile(`${folder}/${files[role]}`);
      const bytes = file('quote');
      const [, ca, root] = readPemChain(parseQuote(bytes).certification.data, 'chain');
      const items = Object.entries(rolesOfKind).map(([kind, role]): Collateral => {
        const data = file(role);
        const isPem = data[0] === 0x2d;
        const [der] = isPem ? readDerObjects(data, 'CERTIFICATE', role) : [data];
        return { kind: kind as CollateralKind, data: der as Bytes };
      });
      const stored = ({ kind }: VendorObject) => {
        const ofKind = itemKinds[kind].map((wanted) =>
          items.find((item) => item.kind === wanted),
        ) as Collateral[];
        return storedOf(ofKind, kind === 'pck-crl' ? [ca as Bytes, root as Bytes] : []);
      };
      const evidence: Evidence = { form: 'quote', bytes };
      const now = parseTime(verify_at) ?? 0;
      const { needs, lacks } = needsOf(evidence, [], now, { update: 'standard' });
      expect(lacks).toEqual([]);
      // The root's list of a machine under the processor CA is verified by the root in its own chain.
      const own = needs.filter(({ kind }) => kind !== 'intel-root-crl');
      expect(own.length, id).toBe(3);
      expect(await fates(own, stored, now), id).toEqual(accepted(own));
      if (own.some((object) => object.kind === 'pck-crl' && object.ca === 'platform')) {
        expect(await fates([{ kind: 'intel-root-crl' }], stored, now), id).toEqual([null]);
      }
      for (const object of own) seen.add(objectName(object));
      expect(needsOf(evidence, items, now, { update: 'standard' }), id).toEqual({
        needs: [],
        lacks: [],
      });
    }
    expect(seen.size).toBeGreaterThan(3);
  });
});
