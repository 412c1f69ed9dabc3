/** Certificates as cards: their order, their dates, what pins a root, and what cannot be read. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { corpusQuotes } from '#test/verifier/abi/quote-samples.ts';
import { quoteScene } from '#test/verifier/intel-scene.ts';
import { bundleScene, reportScene } from '#test/verifier/scene.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { certificateSection } from '#verifier/show/certificate.ts';
import {
  type Card,
  type CertificateCard,
  chainsOf,
  maxCards,
  validityOf,
} from '#web/fields/certificate-model.ts';
import { purposeOf, vendorParts } from '#web/fields/certificate-names.ts';
import { givenDers } from '#web/fields/given-certificates.ts';
import { codeOf } from '../verifier/code-of.ts';

const nameOf = (card: Card | undefined) =>
  card?.kind === 'certificate' ? card.commonName : card?.kind;

describe('a simulated AMD chain', async () => {
  const { evidence, collateral, roots, now } = await reportScene();
  const given = givenDers(evidence, collateral);
  const [chain, ...others] = chainsOf(given, roots, now);

  test('goes from the root down, each list after its issuer', () => {
    expect(others).toEqual([]);
    expect(chain?.cards.map(nameOf)).toEqual(['ARK-Milan', 'list', 'SEV-Milan', 'SEV-VCEK']);
    const purposes = chain?.cards.map((card) => card.kind === 'certificate' && card.purpose);
    expect(purposes).toEqual(['ark', false, 'ask', 'vcek']);
  });

  test('a root that was handed over is insecure, under the vendors’ it is none', () => {
    expect(chain?.root?.root).toBe('insecure');
    const [genuine] = chainsOf(given, vendorRoots, now);
    expect(genuine?.root?.root).toBe(null);
    const pinned = [{ ...roots[0], insecure: false } as (typeof vendorRoots)[number]];
    expect(chainsOf(given, pinned, now)[0]?.root?.root).toBe('pinned');
  });

  test('the chip’s certificate says which TCB it is for', () => {
    const vcek = chain?.cards.at(-1) as CertificateCard;
    const names = vcek.vendor.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['blSPL', 'teeSPL', 'snpSPL', 'ucodeSPL', 'hwID']),
    );
    expect(vcek.refusal).toBe(null);
    expect(chain?.root?.keyBits).toBe(4096);
  });

  test('an order in which they were given does not matter, nor that one came twice', () => {
    const mixed = [...given.toReversed(), ...given.map((one) => ({ ...one, origin: 'bundle' }))];
    const [again] = chainsOf(mixed as typeof given, roots, now);
    expect(again?.cards.filter(({ kind }) => kind === 'certificate').map(nameOf)).toEqual([
      'ARK-Milan',
      'SEV-Milan',
      'SEV-VCEK',
    ]);
    expect(again?.cards.every(({ origins }) => origins.length === 2)).toBe(true);
  });

  test('without the root, the rest stands by itself, issuers first', () => {
    const [rest, ...more] = chainsOf(
      given
        .filter(({ der }) => toHex(der) !== toHex(chain?.root?.der ?? fromHex('', '')))
        .toReversed(),
      roots,
      now,
    );
    expect(more).toEqual([]);
    expect(rest?.root).toBe(null);
    expect(rest?.cards.map(nameOf)).toEqual(['SEV-Milan', 'SEV-VCEK', 'list']);
  });

  test('what cannot be read is a card that says so', () => {
    const [, rest] = chainsOf([...given, { der: utf8('0x'), origin: 'files' }], roots, now);
    expect(rest?.cards).toMatchObject([
      { kind: 'unreadable', origins: ['files'], refusal: expect.stringMatching(/./) },
    ]);
  });

  test('there is an end to how many are shown', () => {
    const many = Array.from({ length: 3 * maxCards }, (_, i) => ({
      der: utf8(`no certificate ${i}`),
      origin: 'files' as const,
    }));
    expect(chainsOf(many, roots, now)[0]?.cards).toHaveLength(maxCards);
  });
});

test('a bundle’s collateral is there as if it had been given', async () => {
  const { evidence, roots, now } = await bundleScene();
  const given = givenDers(evidence, []);
  expect(new Set(given.map(({ origin }) => origin))).toEqual(new Set(['bundle']));
  expect(chainsOf(given, roots, now)[0]?.cards).toHaveLength(4);
});

test('a simulated Intel chain has two branches and two lists', () => {
  const { evidence, collateral, roots, now } = quoteScene();
  const chains = chainsOf(givenDers(evidence, collateral), roots, now);
  expect(chains).toHaveLength(1);
  const cards = chains[0]?.cards ?? [];
  expect(
    cards
      .map(nameOf)
      .filter((name) => name !== 'list')
      .toSorted(),
  ).toEqual([
    'Intel SGX PCK Certificate',
    'Intel SGX PCK Platform CA',
    'Intel SGX Root CA',
    'Intel SGX TCB Signing',
  ]);
  expect(cards.filter(({ kind }) => kind === 'list')).toHaveLength(2);
  const pck = cards.find((card) => nameOf(card) === 'Intel SGX PCK Certificate') as CertificateCard;
  const vendor = new Map(pck.vendor.map(({ name, value }) => [name, value]));
  expect(vendor.get('FMSPC')).toMatch(/^[0-9a-f]{12}$/);
  expect(vendor.get('TCB components')?.split(' ')).toHaveLength(16);
  expect(pck.revoked).toBe(false);
});

test('every PCK chain of the corpus ends in the pinned root', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  let seen = 0;
  for (const { id, quote } of corpusQuotes()) {
    if (codeOf(() => parseQuote(quote)) !== null) continue;
    const [chain] = chainsOf(givenDers({ form: 'quote', bytes: quote }, []), vendorRoots, 1.7e9);
    expect(chain?.root?.root, id).toBe('pinned');
    expect(chain?.cards.map(nameOf).at(-1), id).toBe('Intel SGX PCK Certificate');
    seen += 1;
    if (seen === 12) break;
  }
  expect(seen).toBe(12);
});

describe('dates', () => {
  const day = 86_400;
  test.each([
    ['early', -day, 'early', 0, 1],
    ['at the start', 0, 'current', 0, 100],
    ['half way', 50 * day, 'current', 0.5, 50],
    ['at the very end', 100 * day, 'current', 1, 0],
    ['over', 103 * day + 1, 'over', 1, 3],
  ] as const)('%s', (_, at, state, passed, days) => {
    expect(validityOf(0, 100 * day, at)).toEqual({
      from: 0,
      until: 100 * day,
      state,
      passed,
      days,
    });
  });

  test('a span of nothing has room for no division by zero, and no dates are no validity', () => {
    expect(validityOf(5, 5, 5)?.passed).toBe(0);
    expect(validityOf(null, 5, 5)).toBe(null);
  });
});

test('names say what a certificate is for, those of objects too', () => {
  const of = (name: string) => purposeOf(name, `CN=${name}`);
  expect(['ARK-Turin', 'SEV-VLEK-Genoa', 'SEV-VLEK', 'Intel SGX PCK Processor CA'].map(of)).toEqual(
    ['ark', 'asvk', 'vlek', 'pck-ca'],
  );
  expect(['constructor', '', 'toString'].map(of)).toEqual(['other', 'other', 'other']);
});

test('what every certificate has is not the vendor’s own', async () => {
  const { collateral } = await reportScene();
  for (const { kind, data } of collateral) {
    if (kind !== 'ask') continue;
    expect(vendorParts(certificateSection(data, '').fields)).toEqual([]);
  }
});
