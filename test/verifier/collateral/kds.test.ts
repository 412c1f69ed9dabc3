import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { concat, fromHex, utf8 } from '#verifier/bytes.ts';
import {
  addressOf,
  answerLimit,
  answerOf,
  dependsOn,
  objectOf,
  readAnswer,
  vendorEndpoints,
} from '#verifier/collateral/endpoints.ts';
import type { Answer } from '#verifier/collateral/ports.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import { amdSamples, anyObject, refusalCode, refusalOf, storedOf } from './samples.ts';

const answer = (body: Uint8Array | string): Answer => ({
  body: typeof body === 'string' ? utf8(body) : body,
  headers: {},
  date: null,
});
const pathOf = (address: string) => {
  const { pathname, search } = new URL(address);
  return pathname + search;
};
const chip = (product: SnpProduct, hardwareId: string, tcb: string): VendorObject => ({
  kind: 'vcek',
  product,
  hardwareId: fromHex(hardwareId, 'id'),
  tcb: fromHex(tcb, 'tcb'),
});
const id64 = 'ab'.repeat(64);
const id8 = '0123456789abcdef';

describe('addresses', () => {
  test.each<[VendorObject, string]>([
    [
      chip('Milan', id64, '0200000000000873'),
      `/vcek/v1/Milan/${id64}?blSPL=2&teeSPL=0&snpSPL=8&ucodeSPL=115`,
    ],
    [
      chip('Turin', id8, '0301020400000047'),
      `/vcek/v1/Turin/${id8}?fmcSPL=3&blSPL=1&teeSPL=2&snpSPL=4&ucodeSPL=71`,
    ],
    [{ kind: 'amd-chain', product: 'Genoa', key: 'vlek' }, '/vlek/v1/Genoa/cert_chain'],
    [{ kind: 'amd-crl', product: 'Turin', key: 'vcek' }, '/vcek/v1/Turin/crl'],
  ])('of AMD: %#', (object, path) => {
    expect(addressOf(object, vendorEndpoints)).toBe(`https://kdsintf.amd.com${path}`);
    expect(objectOf(path)).toEqual(object);
  });

  test('an object comes back from its address, at any service', () => {
    const mirror = { amd: 'http://localhost:8080/', intel: 'http://[::1]', intelRoot: null };
    fc.assert(
      fc.property(anyObject, fc.constantFrom(vendorEndpoints, mirror), (object, endpoints) => {
        expect(objectOf(pathOf(addressOf(object, endpoints)))).toEqual(object);
      }),
    );
  });

  test('another spelling names nothing', () => {
    const good = `/vcek/v1/Milan/${id64}?blSPL=2&teeSPL=0&snpSPL=8&ucodeSPL=115`;
    expect(objectOf(good)).not.toBeNull();
    const bad = [
      good.replace('blSPL=2', 'blSPL=02'),
      good.replace('ucodeSPL=115', 'ucodeSPL=256'),
      good.replace('blSPL=2&teeSPL=0', 'teeSPL=0&blSPL=2'),
      good.replace('blSPL', 'fmcSPL=0&blSPL'),
      good.replace('&teeSPL=0', ''),
      `${good}&x=1`,
      `${good}&blSPL=2`,
      `${good}#x`,
      good.toUpperCase(),
      good.replace('Milan', 'Turin'),
      good.replace('Milan', 'Bergamo'),
      good.replace(id64, id8),
      good.replace('/vcek', '/vlek'),
      good.replace('/vcek', '//vcek'),
      '/vcek/v1/Milan/cert_chain?x',
      '/vcek/v1/Milan/cert_chain/',
      '/vcek/v1/Milan/../Milan/crl',
      '/vlek/v1/Milan/cert?blSPL=2&teeSPL=0&snpSPL=8&ucodeSPL=115',
      '',
      '/',
    ];
    for (const path of bad) expect(objectOf(path), path).toBeNull();
  });

  test('what is read from any text names itself again', () => {
    const piece = fc.constantFrom('/vcek/v1/', 'Milan/', 'crl', '?', 'blSPL=1', '&', id64, 'tcb');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((all) => all.join('')),
        ),
        (path) => {
          const object = objectOf(path);
          if (object === null) return;
          expect([path, '/IntelSGXRootCA.der']).toContain(
            pathOf(addressOf(object, vendorEndpoints)),
          );
        },
      ),
    );
  });

  test('a chip or TCB that the product cannot have is the caller’s mistake', () => {
    const wrong = [
      chip('Milan', id8, '0200000000000873'),
      chip('Turin', id64, '0301020400000047'),
      chip('Milan', id64, '0200000000000073ff'),
      chip('Milan', id64, '0200010000000873'),
    ];
    for (const object of wrong) {
      expect(() => addressOf(object, vendorEndpoints)).toThrow(RangeError);
    }
  });

  test('certificates and lists need the chain of the same product and key', () => {
    expect(dependsOn(chip('Turin', id8, '0301020400000047'))).toEqual([
      { kind: 'amd-chain', product: 'Turin', key: 'vcek' },
    ]);
    expect(dependsOn({ kind: 'amd-crl', product: 'Genoa', key: 'vlek' })).toEqual([
      { kind: 'amd-chain', product: 'Genoa', key: 'vlek' },
    ]);
    expect(dependsOn({ kind: 'amd-chain', product: 'Genoa', key: 'vlek' })).toEqual([]);
  });
});

describe('answers', () => {
  test.each([...snpProducts])('of %s are read as they are served', async (product) => {
    for (const { object, stored } of amdSamples(await hierarchyOf(product))) {
      const { items, signers } = stored;
      const served = answerOf(object, stored);
      expect(readAnswer(object, served)).toEqual({ items, signers });
      expect(served.body.length).toBeLessThan(answerLimit(object));
    }
  });

  test('each wrong one is refused', async () => {
    for (const { object, stored } of amdSamples(await hierarchyOf('Milan'))) {
      const { body } = answerOf(object, stored);
      const wrong = [
        '',
        '<!DOCTYPE html><html><body>Please log in</body></html>',
        '{"message":"Too Many Requests"}',
        body.subarray(0, body.length - 20),
        concat(body, utf8('x')),
        new Uint8Array(body.length),
      ];
      for (const one of wrong) {
        expect(await refusalCode(() => readAnswer(object, answer(one)))).toBe('answer-wrong');
      }
      expect(await refusalCode(() => readAnswer(object, answer(body)))).toBeNull();
    }
  });

  test('the refusal says what came in place of what', async () => {
    const object = { kind: 'amd-crl', product: 'Milan', key: 'vcek' } as const;
    const refused = await refusalOf(() => readAnswer(object, answer(' <html>login</html>')));
    expect(refused?.message).toMatch(/revocation list of ARK-Milan.*a web page \(19 bytes\)/);
    const busy = await refusalOf(() => readAnswer(object, answer('{"a":1}')));
    expect(busy?.message).toMatch(/JSON text/);
  });

  test('a chain of one, three or other blocks is refused', async () => {
    const { ask, ark, crl, vcek } = await hierarchyOf('Milan');
    const object = { kind: 'amd-chain', product: 'Milan', key: 'vcek' } as const;
    const refused = [ask.pem, ask.pem + ark.pem + vcek.pem, ask.pem + crl.pem];
    for (const text of refused) {
      expect(await refusalCode(() => readAnswer(object, answer(text)))).toBe('answer-wrong');
    }
    expect(await refusalCode(() => readAnswer(object, answer(ask.pem + ark.pem)))).toBeNull();
  });

  test('any bytes are read or refused, never more', async () => {
    const { vcek } = await hierarchyOf('Milan');
    const mutated = fc
      .tuple(fc.nat(vcek.der.length - 1), fc.nat(255))
      .map(([at, value]) => vcek.der.map((byte, i) => (i === at ? value : byte)));
    await fc.assert(
      fc.asyncProperty(
        anyObject,
        fc.oneof(fc.uint8Array(), mutated),
        fc.boolean(),
        async (object, body, chained) => {
          const value = chained ? new TextDecoder('latin1').decode(body) : '%zz';
          const headers = {
            'tcb-info-issuer-chain': value,
            'sgx-enclave-identity-issuer-chain': value,
            'sgx-pck-crl-issuer-chain': value,
          };
          await refusalCode(() => readAnswer(object, { body, headers, date: null }));
        },
      ),
    );
  });

  test('what is stored of another object is no answer', () => {
    const object = { kind: 'amd-crl', product: 'Milan', key: 'vcek' } as const;
    expect(() => answerOf(object, storedOf([]))).toThrow(RangeError);
  });
});

describe.skipIf(!hasShared)(hasShared ? 'genuine answers' : sharedMissing, () => {
  test.each(['milan-vcek', 'milan-vlek', 'genoa-vcek', 'genoa-vlek', 'turin-vcek', 'turin-vlek'])(
    '%s chain',
    (name) => {
      const [line = '', key] = name.split('-');
      const product = snpProducts.find((one) => one.toLowerCase() === line) as SnpProduct;
      const object = { kind: 'amd-chain', product, key: key as 'vcek' | 'vlek' } as const;
      const content = readAnswer(
        object,
        answer(sharedFile(`corpus/collateral/amd/${name}-chain.pem`)),
      );
      expect(content.items.map(({ kind }) => kind)).toEqual(['ask', 'ark']);
      expect(readAnswer(object, answerOf(object, content))).toEqual(content);
    },
  );

  test.each(['Milan', 'Genoa'] as const)('list of %s, byte for byte', (product) => {
    const der = sharedFile(`corpus/collateral/amd/${product.toLowerCase()}-ark-crl.der`);
    const content = readAnswer({ kind: 'amd-crl', product, key: 'vcek' }, answer(der));
    expect(content).toEqual({ items: [{ kind: 'ark-crl', data: der }], signers: [] });
  });
});
