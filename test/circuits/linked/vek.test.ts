/** What the circuit reads from the certificate of a VCEK or VLEK, which ones it refuses, and what C_key is of. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SnpCertified } from '#prover/linked/snp-vek-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed } from '#test/circuits/scene.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import type { CertificatePlan, Change } from '#test/fake/certificates.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, bigEndian, concat, utf8 } from '#verifier/bytes.ts';
import { asVek } from '#verifier/chain/amd.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { flipped, outOfRange } from './inputs.ts';
import { digitsOf } from './scene.ts';
import { snpVekInputsOf } from './test-size.ts';
import {
  certifiedBy,
  type Fields,
  fieldsFrom,
  fieldsOf,
  readingOf,
  realIssuer,
  realVeks,
  reissued,
  type Sort,
  tbsOf,
  vekInputsOf,
} from './vek-certificates.ts';
import { elementsOf, expectHeld } from './vek-changes.ts';
import {
  issuerOf,
  milan,
  milanVlek,
  put,
  refusedVeks,
  spl,
  turin,
  wrongEnd,
  wrongForm,
} from './vek-refused.ts';

const sorts: readonly Sort[] = snpProducts.flatMap((product) => [
  { product, role: 'vcek' as const },
  { product, role: 'vlek' as const },
]);

let circuit: Circuit;
let amd: Record<SnpProduct, AmdHierarchy>;
beforeAll(async () => {
  circuit = await forTests('vek_vectors');
  const [Milan, Genoa, Turin] = await Promise.all(
    snpProducts.map((product) => testHierarchy({ product })),
  );
  amd = { Milan, Genoa, Turin } as Record<SnpProduct, AmdHierarchy>;
}, 300_000);

async function read(tbs: Bytes, sort: Sort): Promise<Fields> {
  const { returnValue } = await circuit(readingOf(tbs, sort));
  return fieldsFrom(returnValue as Record<string, string | string[]>);
}

const refusal = (tbs: Bytes, sort: Sort) => refusalOf(circuit, readingOf(tbs, sort));

const issue = ({ product, role }: Sort, change: Change<CertificatePlan> = {}) =>
  reissued(amd[product], role, change);

describe('reads what the plain verifier reads', () => {
  test.skipIf(!hasShared)(
    `of real machines (or: ${sharedMissing})`,
    {
      timeout: 120_000,
    },
    async () => {
      const seen: Record<string, number> = {};
      for (const { from, der } of realVeks()) {
        const { product, role } = asVek(parseCertificate(der, from));
        expect(await read(tbsOf(der), { product, role }), from).toEqual(fieldsOf(der));
        const sort = `${product} ${role}`;
        seen[sort] = (seen[sort] ?? 0) + 1;
      }
      expect(seen).toEqual({ 'Milan vcek': 13, 'Genoa vcek': 5, 'Turin vcek': 1, 'Milan vlek': 1 });
    },
  );

  test.each(sorts)('of a simulated $product, $role', async (sort) => {
    const der = issue(sort);
    expect(await read(tbsOf(der), sort)).toEqual(fieldsOf(der));
  });

  const cspId = (length: number) => put(amdExtensions.cspId('c'.repeat(length)));
  const trailing = ({ algorithm }: CertificatePlan) => ({
    algorithm: { ...algorithm, trailerField: true } as CertificatePlan['algorithm'],
  });
  test.each<[string, Sort, Change<CertificatePlan>]>([
    ['whose trailer field is written out', milan, trailing],
    ['whose trailer field is written out, of a VLEK', milanVlek, trailing],
    ['with levels of two bytes', milan, put(...[1, 2, 3, 8].map((n) => spl(n, 255 - n)))],
    [
      'with levels of two bytes on Turin',
      turin,
      put(...[9, 1, 2, 3, 8].map((n) => spl(n, 255 - n))),
    ],
    ['with levels at the border', turin, put(spl(9, 127), spl(1, 128), spl(2, 129), spl(3, 255))],
    ['with another structVersion', milan, put(amdExtensions.structVersion(1))],
    ['with a name of one character', milan, put(amdExtensions.productName('M'))],
    ['with the longest name', milan, put(amdExtensions.productName('M'.repeat(31)))],
    // 253 to 255 bytes of extensions: their head is shorter than the one around them.
    ['with 255 bytes of extensions', milanVlek, cspId(47)],
    ['with 256 bytes of extensions', milanVlek, cspId(48)],
    ['with 252 bytes of extensions', milanVlek, cspId(44)],
    ['with a CSP id of one character', milanVlek, cspId(1)],
    ['with the longest CSP id', milanVlek, cspId(112)],
    ['with times at the borders', milan, { notBefore: 946_684_800, notAfter: 2_524_607_999 }],
  ])('%s', async (_, sort, change) => {
    const der = issue(sort, change);
    expect(await read(tbsOf(der), sort)).toEqual(fieldsOf(der));
  });

  test('and nothing else, whichever element is another', { timeout: 120_000 }, async () => {
    const tbs = tbsOf(issue(turin, put(spl(3, 200))));
    const honest = await read(tbs, turin);
    const places = elementsOf(tbs);
    expect(places.length).toBeGreaterThan(100);
    for (const at of places) await expectHeld(circuit, turin, { tbs, honest }, { at, by: 1 });
  });
});

describe('refuses a certificate', () => {
  test.each(refusedVeks)('%s', async (_, sort, change, message) => {
    expect(await refusal(tbsOf(issue(sort, change)), sort)).toMatch(message);
  });

  test('of a product or kind that is not claimed, or not known', async () => {
    const tbs = tbsOf(issue(milan));
    const inputs = readingOf(tbs, milan);
    expect(await refusalOf(circuit, inputs)).toBeUndefined();
    expect(await refusal(tbs, { ...milan, product: 'Genoa' })).toBe(wrongForm);
    expect(await refusal(tbs, turin)).toBe(wrongForm);
    expect(await refusal(tbs, milanVlek)).toBe(wrongForm);
    // Five zeros, as no product has them for its name.
    const nameless = tbsOf(issue(milan, issuerOf('SEV-\0\0\0\0\0')));
    for (const product of [0n, 4n]) {
      const claimed = changed(readingOf(nameless, milan), 'product', product);
      expect(await refusalOf(circuit, claimed)).toBe('the product is not known');
    }
    expect(await refusalOf(circuit, changed(inputs, 'kind', 2n))).toBe(
      'the kind of key is not known',
    );
  });

  test('of another curve or form of the point', async () => {
    const tbs = tbsOf(issue(milan));
    const at = Buffer.from(tbs).indexOf(bigEndian(0x06052b81040022036200n, 10));
    for (const place of [at + 6, at + 7, at + 10]) {
      expect(await refusal(tbs.with(place, (tbs[place] as number) ^ 1), milan)).toBe(wrongForm);
    }
  });

  test('with a letter in a time, or a year after 49', async () => {
    const tbs = tbsOf(issue(milan));
    const at = Buffer.from(tbs).indexOf(bigEndian(0x170dn, 2)) + 2;
    for (const [place, character] of [
      [0, '5'],
      [1, ':'],
      [7, '/'],
      [11, 'A'],
    ] as const) {
      const edited = tbs.with(at + place, utf8(character)[0] as number);
      expect(await refusal(edited, milan), character).toMatch(outOfRange);
    }
    expect(await refusal(tbs.with(at + 12, 0x2b), milan)).toBe(wrongForm);
  });

  test('whose end is elsewhere, or said in more bytes than it takes', async () => {
    const tbs = tbsOf(issue(milanVlek));
    const at = Buffer.from(tbs).indexOf(bigEndian(0xa381n, 2));
    const shifted = (place: number) => tbs.with(place, (tbs[place] as number) + 1);
    expect(await refusal(shifted(3), milanVlek)).toBe(wrongEnd);
    expect(await refusal(shifted(at + 2), milanVlek)).toBe(wrongEnd);
    expect(await refusal(shifted(at + 5), milanVlek)).toBe(wrongEnd);
    // 0x82 0x00 and a byte, where 0x81 and the byte would do.
    const needless = concat(
      shifted(3).subarray(0, at),
      Uint8Array.of(0xa3, 0x82, 0),
      tbs.subarray(at + 2),
    );
    expect(await refusal(needless, milanVlek)).toMatch(outOfRange);
  });

  test('with a length of 128 in the form of those below', async () => {
    const tbs = tbsOf(issue(milanVlek, put(amdExtensions.cspId('c'.repeat(112)))));
    const at = (bytes: bigint, length: number) =>
      Buffer.from(tbs).indexOf(bigEndian(bytes, length));
    const csp = at(0x307f06092b06010401n, 9);
    const head = at(0xa382n, 2);
    const edited = concat(tbs, utf8('c'));
    for (const place of [3, head + 3, head + 7, csp + 1, csp + 14, csp + 16]) {
      edited[place] = (edited[place] as number) + 1;
    }
    expect(edited[csp + 1]).toBe(0x80);
    expect(await refusal(edited, milanVlek)).toMatch(outOfRange);
  });
});

describe('C_key and the issuer', () => {
  const wrongKey = 'C_key is not of this certificate';
  const wrongIssuer = "the issuer's key is another";
  let linked: Circuit;
  beforeAll(async () => {
    linked = await forTests('linked_vek');
  }, 300_000);

  const factsOf = ({ product, role }: Sort): SnpCertified => {
    const hierarchy = amd[product];
    return certifiedBy(hierarchy[role].der, hierarchy[role === 'vcek' ? 'ask' : 'asvk'].der);
  };
  const inputsOf = (facts: SnpCertified) => snpVekInputsOf(vekInputsOf(facts));

  test.each(sorts)('are of a $product, $role', async (sort) => {
    expect(await refusalOf(linked, inputsOf(factsOf(sort)))).toBeUndefined();
  });

  test.skipIf(!hasShared)(
    `are of real machines, one of each sort (or: ${sharedMissing})`,
    async () => {
      const kinds = new Map<string, Bytes>();
      for (const { from, der } of realVeks()) {
        const { product, role } = asVek(parseCertificate(der, from));
        kinds.set(`${product} ${role}`, der);
      }
      for (const [kind, der] of kinds) {
        const issuer = realIssuer(asVek(parseCertificate(der, kind)));
        expect(await refusalOf(linked, inputsOf(certifiedBy(der, issuer))), kind).toBeUndefined();
      }
      expect(kinds.size).toBe(4);
    },
  );

  test('at the first and the last second of the validity, not beside them', async () => {
    const facts = factsOf(milan);
    const { notBefore, notAfter } = facts.certificate;
    const at = (time: number) => refusalOf(linked, changed(inputsOf(facts), 'at', digitsOf(time)));
    expect(await at(notBefore)).toBeUndefined();
    expect(await at(notAfter)).toBeUndefined();
    expect(await at(notBefore - 1)).toMatch(outOfRange);
    expect(await at(notAfter + 1)).toMatch(outOfRange);
    const late = changed(inputsOf(facts), 'at', 1n << 64n);
    expect(await refusalOf(linked, late)).toMatch(outOfRange);
  });

  test.each([
    ['another C_key', 'key_commitment', wrongKey],
    ['another salt', 'salt', wrongKey],
    ['another issuer', 'issuer', wrongIssuer],
    ['another modulus', 'issuer_modulus.0', wrongIssuer],
    ['another modulus in its last byte', 'issuer_modulus.511', wrongIssuer],
    ['another product', 'product', wrongIssuer],
    ['another kind', 'kind', wrongIssuer],
  ])('refuses %s', async (_, at, message) => {
    expect(await refusalOf(linked, flipped(inputsOf(factsOf(milan)), at))).toBe(message);
  });

  test('refuses what C_key has of another certificate', async () => {
    const facts = factsOf(milan);
    const { vek } = facts;
    const others: Partial<SnpCertified['vek']>[] = [
      { publicKey: flippedLast(vek.publicKey) },
      { chip: vek.chip + 1n },
      { chip: 0n },
      { tcb: vek.tcb + 256n },
    ];
    for (const other of others) {
      const claimed = vekInputsOf({ ...facts, vek: { ...vek, ...other } });
      expect(await refusalOf(linked, snpVekInputsOf(claimed))).toBe(wrongKey);
    }
    // A VLEK has no chip, whatever is claimed.
    const vlek = factsOf(milanVlek);
    const claimed = vekInputsOf({ ...vlek, vek: { ...vlek.vek, chip: 1n } });
    expect(await refusalOf(linked, snpVekInputsOf(claimed))).toBe(wrongKey);
  });

  test('refuses the issuer of the other kind, and of another product', async () => {
    const under = (issuerSort: Sort) => {
      const { issuer, issuer_modulus } = inputsOf(factsOf(issuerSort)) as Record<string, string>;
      return { ...inputsOf(factsOf(milan)), issuer, issuer_modulus } as InputMap;
    };
    expect(await refusalOf(linked, under(milan))).toBeUndefined();
    for (const sort of [milanVlek, turin]) {
      expect(await refusalOf(linked, under(sort))).toBe(wrongIssuer);
      // The issuer's own product and kind, of which the certificate is not.
      const { product, kind } = factsOf(sort).vek;
      const claimed = changed(under(sort), 'product', BigInt(product));
      expect(await refusalOf(linked, changed(claimed, 'kind', BigInt(kind)))).toBe(wrongForm);
    }
  });
});

function flippedLast(bytes: Bytes): Bytes {
  return bytes.with(-1, (bytes.at(-1) as number) ^ 1);
}
