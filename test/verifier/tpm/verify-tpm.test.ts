/** Quotes of a simulated TPM, good as they are, and each with one thing changed. */
import { describe, expect, test } from 'vitest';
import { allPcrs, createTpm, type FakeTpmOptions } from '#test/fake/tpm.ts';
import { fakeInstance } from '#test/fake/tpm-certificates.ts';
import type { TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { type AkSource, verifyTpm } from '#verifier/verify-tpm.ts';
import { idsFor, judge, nonce, tpmScene } from './tpm-scene.ts';

const sha256 = { algorithm: 'sha256', indices: allPcrs } as const;

async function trustedQuotes(quotes: readonly TpmQuote[], key: Bytes) {
  return judge({
    given: { quotes, key: { kind: 'trusted', claimed: key, trusted: [key] } },
    roots: [],
  });
}

describe('every scheme, by both ports', () => {
  const makes: [string, Partial<FakeTpmOptions>][] = [
    ['RSASSA with SHA-256', { key: 'rsa' }],
    ['RSASSA with SHA-384', { key: 'rsa', scheme: 'RSASSA with SHA-384' }],
    ['RSAPSS with SHA-384', { key: 'rsa', scheme: 'RSAPSS with SHA-384' }],
    ['an RSA signature alone', { key: 'rsa', bare: true }],
    ['ECDSA on P-256', { key: 'p256' }],
    ['ECDSA on P-384', { key: 'p384' }],
  ];
  test.for(makes)('%s', async ([, options]) => {
    for (const crypto of [nodeCrypto, webCrypto]) {
      const { certified, trusted } = await tpmScene(options);
      expect((await judge({ ...certified, crypto })).wrong).toEqual([]);
      expect((await judge({ ...trusted, crypto })).wrong).toEqual([]);
      const [quote] = trusted.given.quotes as [TpmQuote];
      const signature = quote.signature.slice();
      signature[signature.length - 1] = (signature.at(-1) as number) ^ 1;
      const given = { ...trusted.given, quotes: [{ ...quote, signature }] };
      expect((await judge({ ...trusted, given, crypto })).wrong).toEqual([
        'fail evidence.tpm-signature',
      ]);
    }
  });
});

describe('what is claimed', () => {
  test('of a certified key', async () => {
    const { tpm, certified } = await tpmScene();
    const { claims, root, ends } = await judge(certified);
    expect(claims).toMatchObject({
      nonce,
      firmwareVersion: '2016051100162800',
      clock: 123_456_789n,
      resetCount: 7,
      restartCount: 0,
      key: 'certificate',
      provider: 'google',
      instance: fakeInstance,
    });
    expect(claims?.pcrs).toEqual(new Map([['sha256', tpm.pcrs().get('sha256')]]));
    expect(root).toBe(tpm.root);
    expect(ends.map(({ what }) => what)).toEqual([
      'the certificate of the attestation key',
      'EK/AK CA Intermediate',
      'EK/AK CA Root',
    ]);
  });

  test('of a trusted key: no provider, no root', async () => {
    const { trusted } = await tpmScene();
    const { claims, root, ends } = await judge(trusted);
    expect(claims).toMatchObject({ key: 'trusted', provider: null, instance: null });
    expect({ root, ends }).toEqual({ root: null, ends: [] });
  });

  test('quotes of several banks together', async () => {
    const tpm = await createTpm({ key: 'p256' });
    tpm.extend(7, new Uint8Array(32).fill(3));
    const banks = ['sha1', 'sha256', 'sha384'] as const;
    const quotes = await Promise.all(
      banks.map((algorithm) => tpm.quote(nonce, { algorithm, indices: allPcrs })),
    );
    const { wrong, claims } = await trustedQuotes(quotes, tpm.publicKey);
    expect(wrong).toEqual([]);
    expect(claims?.pcrs).toEqual(tpm.pcrs());
  });
});

describe('the attestation key', () => {
  const quoteBy = async (options: FakeTpmOptions) => {
    const tpm = await createTpm(options);
    return { tpm, quotes: [await tpm.quote(nonce, sha256)] };
  };
  const judged = (quotes: readonly TpmQuote[], key: AkSource) =>
    judge({ given: { quotes, key }, roots: [] });

  test('among several trusted ones, the one that signed', async () => {
    const { tpm, quotes } = await quoteBy({ key: 'p256' });
    const other = (await createTpm({ key: 'p256', name: 'other' })).publicKey;
    const rsa = (await createTpm({ key: 'rsa' })).publicKey;
    const trusted = [rsa, other, tpm.publicKey];
    expect((await judged(quotes, { kind: 'trusted', claimed: null, trusted })).wrong).toEqual([]);
    const claimed = tpm.publicKey;
    expect((await judged(quotes, { kind: 'trusted', claimed, trusted })).wrong).toEqual([]);
    const without = await judged(quotes, {
      kind: 'trusted',
      claimed: null,
      trusted: [rsa, other],
    });
    expect(without.wrong).toEqual(['fail evidence.ak-key', 'skip evidence.tpm-signature']);
  });

  test('that the evidence claims and nobody trusts', async () => {
    const { tpm, quotes } = await quoteBy({ key: 'p256' });
    const other = (await createTpm({ key: 'p256', name: 'other' })).publicKey;
    const key = { kind: 'trusted', claimed: tpm.publicKey, trusted: [other] } as const;
    const { wrong, reasonOf } = await judged(quotes, key);
    expect(wrong).toEqual(['fail evidence.ak-key', 'skip evidence.tpm-signature']);
    expect(reasonOf('evidence.ak-key')).toMatch(/not trusted/);
  });

  test('one trusted key that did not sign', async () => {
    const { quotes } = await quoteBy({ key: 'p256' });
    const other = (await createTpm({ key: 'p256', name: 'other' })).publicKey;
    const found = await judged(quotes, { kind: 'trusted', claimed: null, trusted: [other] });
    expect(found.wrong).toEqual(['fail evidence.tpm-signature']);
  });

  test('of another kind than the signature', async () => {
    const { quotes } = await quoteBy({ key: 'p256' });
    const rsa = (await createTpm({ key: 'rsa' })).publicKey;
    const { wrong, reasonOf } = await judged(quotes, {
      kind: 'trusted',
      claimed: null,
      trusted: [rsa],
    });
    expect(wrong).toEqual(['fail evidence.tpm-signature']);
    expect(reasonOf('evidence.tpm-signature')).toMatch(
      /signature is ECDSA with SHA-256, but the attestation key is RSA of 2048 bits/,
    );
  });

  test('none at all: undecided', async () => {
    const { tpm, quotes } = await quoteBy({ key: 'p256' });
    const key = { kind: 'trusted', claimed: tpm.publicKey, trusted: [] } as const;
    const { wrong, reasonOf } = await judged(quotes, key);
    expect(wrong).toEqual(['skip evidence.ak-key', 'skip evidence.tpm-signature']);
    expect(reasonOf('evidence.ak-key')).toMatch(/^lacks an attestation key to trust/);
  });

  test('what is no key', async () => {
    const { quotes } = await quoteBy({ key: 'p256' });
    const trusted = [utf8('no key')];
    const { wrong } = await judged(quotes, { kind: 'trusted', claimed: null, trusted });
    expect(wrong).toEqual(['fail evidence.ak-key', 'skip evidence.tpm-signature']);
  });

  test('of an HCL report, alone and with a certificate that is padded', async () => {
    const { tpm, quotes } = await quoteBy({ key: 'rsa' });
    const { publicKey } = tpm;
    const [own] = tpm.certificates as [Bytes];
    const certificates = [null, own, padded(own, 0), padded(own, 0xff)];
    for (const certificate of certificates) {
      const found = await judged(quotes, { kind: 'hcl', publicKey, certificate });
      expect(found.wrong).toEqual([]);
      expect(found.claims).toMatchObject({ key: 'hcl', provider: null });
    }
  });

  test('of an HCL report, with a certificate of another key or none that can be read', async () => {
    const { tpm, quotes } = await quoteBy({ key: 'rsa' });
    const foreign = await createTpm({ key: 'rsa', name: 'other' });
    for (const certificate of [foreign.certificates[0] as Bytes, padded(utf8('x'), 1)]) {
      const key = { kind: 'hcl', publicKey: tpm.publicKey, certificate } as const;
      expect((await judged(quotes, key)).wrong).toEqual([
        'fail evidence.ak-key',
        'skip evidence.tpm-signature',
      ]);
    }
    const unread = await judged(quotes, { kind: 'hcl', publicKey: null, certificate: null });
    expect(unread.wrong).toEqual(['skip evidence.ak-key', 'skip evidence.tpm-signature']);
  });
});

function padded(bytes: Bytes, filling: number): Bytes {
  const out = new Uint8Array(4096).fill(filling);
  out.set(bytes);
  return out;
}

describe('quotes', () => {
  test('a changed message', async () => {
    const { trusted } = await tpmScene();
    const [quote] = trusted.given.quotes as [TpmQuote];
    const message = quote.message.slice();
    message.set([8], message.length - 40);
    const given = { ...trusted.given, quotes: [{ ...quote, message }] };
    expect((await judge({ ...trusted, given })).wrong).toContain('fail parse.tpm-quote');
  });

  test('no quote', async () => {
    const { trusted } = await tpmScene();
    const found = await judge({ ...trusted, given: { ...trusted.given, quotes: [] } });
    expect(found.wrong).toEqual([
      'fail parse.tpm-quote',
      'skip evidence.tpm-signature',
      'skip evidence.pcr-digest',
    ]);
    expect(found.claims).toBe(null);
  });

  test('of two moments', async () => {
    const tpm = await createTpm({ key: 'p256' });
    const first = await tpm.quote(nonce, sha256);
    const again = (edit: {
      resetCount?: number;
      restartCount?: number;
      firmwareVersion?: string;
    }) =>
      tpm.quote(nonce, {
        algorithm: 'sha1',
        indices: [0],
        edit: (attest) => ({ ...attest, clock: 1n, ...edit }),
      });
    expect((await trustedQuotes([first, await again({})], tpm.publicKey)).wrong).toEqual([]);
    const others = [
      await tpm.quote(utf8('another nonce'), { algorithm: 'sha1', indices: [0] }),
      await again({ resetCount: 8 }),
      await again({ restartCount: 1 }),
      await again({ firmwareVersion: '0000000000000001' }),
      await (await createTpm({ key: 'p256', name: 'other' })).quote(nonce, {
        algorithm: 'sha1',
        indices: [0],
      }),
    ];
    for (const other of others) {
      const { wrong, reasonOf } = await trustedQuotes([first, other], tpm.publicKey);
      expect(wrong).toContain('fail parse.tpm-quote');
      expect(reasonOf('parse.tpm-quote')).toMatch(/should be the same in every quote/);
    }
  });

  test('that cannot be read, of a device', async () => {
    const list = new Checklist(idsFor('certificate'));
    const error = new AttestationError('json-malformed', 'not JSON');
    const outcome = await verifyTpm(list, error, vendorRoots, 0, nodeCrypto);
    expect(outcome).toEqual({ claims: null, root: null, ends: [] });
    const [first, ...others] = list.finish();
    expect(first).toMatchObject({ id: 'parse.tpm-quote', status: 'fail', reason: 'not JSON' });
    expect(others.every(({ status }) => status === 'skip')).toBe(true);
  });

  test('missing beside an HCL report', async () => {
    const list = new Checklist(idsFor('hcl'));
    await verifyTpm(list, null, vendorRoots, 0, nodeCrypto);
    expect(list.finish().map(({ status }) => status)).toEqual(['skip', 'skip', 'skip', 'skip']);
  });
});

describe('PCR values', () => {
  const withValues = async (edit: (values: Map<number, Bytes>) => void) => {
    const { trusted } = await tpmScene({ key: 'p256' });
    const [quote] = trusted.given.quotes as [TpmQuote];
    const values = new Map(quote.pcrs.get('sha256'));
    edit(values);
    const quotes = [{ ...quote, pcrs: new Map([['sha256' as const, values]]) }];
    return judge({ ...trusted, given: { ...trusted.given, quotes } });
  };

  test('as they were', async () => {
    expect((await withValues(() => {})).wrong).toEqual([]);
  });

  test.for([
    ['changed', (values) => values.set(4, new Uint8Array(32)), /not those that were quoted/],
    ['missing', (values) => values.delete(23), /a quoted PCR has no value/],
    [
      'exchanged',
      (values) => values.set(0, values.get(4) as Bytes).set(4, values.get(0) as Bytes),
      /not those/,
    ],
  ] satisfies [string, (values: Map<number, Bytes>) => unknown, RegExp][])(
    '%s',
    async ([, edit, reason]) => {
      const { wrong, claims, reasonOf } = await withValues(edit);
      expect(wrong).toEqual(['fail evidence.pcr-digest']);
      expect(reasonOf('evidence.pcr-digest')).toMatch(reason);
      // Nothing vouches for them.
      expect(claims?.pcrs).toEqual(new Map());
    },
  );

  test('beyond the selection', async () => {
    const { tpm, trusted } = await tpmScene({ key: 'p256' });
    const few = await tpm.quote(nonce, { algorithm: 'sha256', indices: [0, 4] });
    expect((await trustedQuotes([few], tpm.publicKey)).wrong).toEqual([]);
    const [all] = trusted.given.quotes as [TpmQuote];
    const more = { ...few, pcrs: all.pcrs };
    const { wrong, reasonOf, claims } = await trustedQuotes([more], tpm.publicKey);
    expect(wrong).toEqual(['fail evidence.pcr-digest']);
    expect(reasonOf('evidence.pcr-digest')).toMatch(/no quote covers/);
    expect(claims?.pcrs).toEqual(new Map());
  });

  test('none: undecided, unless another quote’s are wrong', async () => {
    const { tpm, trusted } = await tpmScene({ key: 'p256' });
    const [quote] = trusted.given.quotes as [TpmQuote];
    const bare = { ...quote, pcrs: new Map() };
    expect((await trustedQuotes([bare], tpm.publicKey)).wrong).toEqual([
      'skip evidence.pcr-digest',
    ]);
    const other = await tpm.quote(nonce, { algorithm: 'sha1', indices: [0] });
    const pcrs = new Map([['sha1' as const, new Map([[0, new Uint8Array(20)]])]]);
    const found = await trustedQuotes([bare, { ...other, pcrs }], tpm.publicKey);
    expect(found.wrong).toEqual(['fail evidence.pcr-digest']);
  });
});
