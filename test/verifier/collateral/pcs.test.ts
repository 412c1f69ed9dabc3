import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { concat, fromHex, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import {
  addressOf,
  answerLimit,
  answerOf,
  dependsOn,
  type Endpoints,
  objectOf,
  readAnswer,
  vendorEndpoints,
} from '#verifier/collateral/endpoints.ts';
import type { Answer } from '#verifier/collateral/ports.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import {
  intelSamples,
  pckCrlSample,
  qeIdentitySample,
  refusalCode,
  refusalOf,
  rootCrlSample,
  type Sample,
  storedOf,
  tcbInfoSample,
} from './samples.ts';

const pccs: Endpoints = {
  ...vendorEndpoints,
  intel: 'https://pccs.example:8081/',
  intelRoot: null,
};
const fmspc = fromHex('00806f05000a', 'FMSPC');

function served({ object, stored }: Sample, change: Partial<Answer> = {}): Answer {
  return { ...answerOf(object, stored), ...change };
}

describe('addresses', () => {
  test.each<[VendorObject, string]>([
    [
      { kind: 'tcb-info', tee: 'tdx', fmspc, update: 'standard' },
      '/tdx/certification/v4/tcb?fmspc=00806F05000A&update=standard',
    ],
    [
      { kind: 'tcb-info', tee: 'sgx', fmspc, update: 'early' },
      '/sgx/certification/v4/tcb?fmspc=00806F05000A&update=early',
    ],
    [
      { kind: 'qe-identity', tee: 'tdx', update: 'early' },
      '/tdx/certification/v4/qe/identity?update=early',
    ],
    [
      { kind: 'qe-identity', tee: 'sgx', update: 'standard' },
      '/sgx/certification/v4/qe/identity?update=standard',
    ],
    [
      { kind: 'pck-crl', ca: 'processor' },
      '/sgx/certification/v4/pckcrl?ca=processor&encoding=der',
    ],
  ])('of Intel: %#', (object, path) => {
    const address = `https://api.trustedservices.intel.com${path}`;
    expect(addressOf(object, vendorEndpoints)).toBe(address);
    expect(addressOf(object, pccs)).toBe(`https://pccs.example:8081${path}`);
    expect(objectOf(path)).toEqual(object);
  });

  test('the root’s list is at Intel’s other service, or at a PCCS', () => {
    const object = { kind: 'intel-root-crl' } as const;
    expect(addressOf(object, vendorEndpoints)).toBe(
      'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
    );
    expect(addressOf(object, pccs)).toBe(
      'https://pccs.example:8081/sgx/certification/v4/rootcacrl',
    );
    expect(objectOf('/IntelSGXRootCA.der')).toEqual(object);
    expect(objectOf('/sgx/certification/v4/rootcacrl')).toEqual(object);
  });

  test('of a PCCS the address that other software has is good too', () => {
    const object = { kind: 'qe-identity', tee: 'tdx', update: 'standard' } as const;
    const plain = addressOf(object, pccs);
    for (const path of ['', '/', '/sgx/certification/v4', '/sgx/certification/v4/']) {
      const intel = `https://pccs.example:8081${path}`;
      expect(addressOf(object, { ...pccs, intel })).toBe(plain);
    }
  });

  test('another spelling names nothing', () => {
    const good = '/tdx/certification/v4/tcb?fmspc=00806F05000A&update=standard';
    expect(objectOf(good)).not.toBeNull();
    const bad = [
      good.replace('A&', 'a&'),
      good.replace('0A&', '0&'),
      good.replace('&update=standard', ''),
      good.replace('standard', 'late'),
      good.replace('v4', 'v3'),
      good.replace('/tdx', '/snp'),
      `${good}&x=1`,
      `${good}\n`,
      '/tdx/certification/v4/pckcrl?ca=platform&encoding=der',
      '/sgx/certification/v4/pckcrl?ca=platform',
      '/sgx/certification/v4/pckcrl?ca=root&encoding=der',
      '/sgx/certification/v4/rootcacrl?',
      '/IntelSGXRootCA.crl',
    ];
    for (const path of bad) expect(objectOf(path), path).toBeNull();
  });

  test('only the root’s list needs another object: one that brings the root', () => {
    for (const { object } of intelSamples(intelOf('tdx'))) {
      const wanted = object.kind === 'intel-root-crl' ? [{ kind: 'pck-crl', ca: 'platform' }] : [];
      expect(dependsOn(object)).toEqual(wanted);
    }
  });
});

describe('answers', () => {
  test.each(['tdx', 'sgx'] as const)('of %s are read as they are served', (tee) => {
    for (const sample of intelSamples(intelOf(tee))) {
      const { items, signers } = sample.stored;
      expect(readAnswer(sample.object, served(sample))).toEqual({ items, signers });
      expect(served(sample).body.length).toBeLessThan(answerLimit(sample.object));
    }
  });

  test('issuer chains stand URL-encoded in their headers', () => {
    const intel = intelOf('tdx');
    const chain = encodeURIComponent(intel.tcbSigning.pem + intel.root.pem);
    const ofCa = encodeURIComponent(intel.platformCa.pem + intel.root.pem);
    expect(served(tcbInfoSample(intel)).headers['tcb-info-issuer-chain']).toBe(chain);
    expect(served(qeIdentitySample(intel)).headers['sgx-enclave-identity-issuer-chain']).toBe(
      chain,
    );
    expect(served(pckCrlSample(intel)).headers['sgx-pck-crl-issuer-chain']).toBe(ofCa);
  });

  test('the header’s name of API version 3 is read too', async () => {
    const sample = tcbInfoSample(intelOf('tdx'));
    const value = served(sample).headers['tcb-info-issuer-chain'] as string;
    const read = (headers: Answer['headers']) =>
      readAnswer(sample.object, served(sample, { headers }));
    expect(read({ 'sgx-tcb-info-issuer-chain': value })).toEqual(
      read({ 'tcb-info-issuer-chain': value }),
    );
    expect(await refusalCode(() => read({ 'sgx-pck-crl-issuer-chain': value }))).toBe(
      'answer-wrong',
    );
  });

  test('without a usable issuer chain an answer is refused', async () => {
    const intel = intelOf('tdx');
    const { root, platformCa, rootCrl } = intel;
    for (const sample of [tcbInfoSample(intel), qeIdentitySample(intel), pckCrlSample(intel)]) {
      const name = Object.keys(served(sample).headers).find((one) => one.endsWith('-chain')) ?? '';
      const refusedWith = (headers: Answer['headers']) =>
        refusalOf(() => readAnswer(sample.object, served(sample, { headers })));
      expect((await refusedWith({}))?.message).toContain(`the header ${name} is missing`);
      for (const text of [
        '%',
        '',
        'x',
        encodeURIComponent(root.pem),
        encodeURIComponent(platformCa.pem + platformCa.pem + root.pem),
        encodeURIComponent(platformCa.pem + rootCrl.pem),
        encodeURIComponent(platformCa.pem.slice(0, -40) + root.pem),
      ]) {
        expect((await refusedWith({ [name]: text }))?.code).toBe('answer-wrong');
      }
      expect(await refusedWith(served(sample).headers)).toBeNull();
    }
  });

  test('each wrong body is refused', async () => {
    for (const sample of intelSamples(intelOf('tdx'))) {
      const { body } = served(sample);
      const wrong = [
        utf8(''),
        utf8('<html>portal</html>'),
        utf8('{"statusCode":404,"message":"Resource not found"}'),
        body.subarray(0, body.length - 8),
        concat(body, utf8('}')),
      ];
      const refusedWith = (one: Uint8Array) =>
        refusalCode(() => readAnswer(sample.object, served(sample, { body: one })));
      for (const one of wrong) expect(await refusedWith(one)).toBe('answer-wrong');
      expect(await refusedWith(body)).toBeNull();
    }
  });

  test('lists come as DER or as hex of it, as a PCCS has them', async () => {
    const intel = intelOf('tdx');
    for (const sample of [rootCrlSample(intel), pckCrlSample(intel)]) {
      const hex = toHex(served(sample).body);
      const read = (text: string) =>
        readAnswer(sample.object, served(sample, { body: utf8(text) })).items;
      for (const text of [hex, hex.toUpperCase(), `${hex}\r\n`]) {
        expect(read(text)).toEqual(sample.stored.items);
      }
      for (const text of [hex.slice(1), hex.slice(2), `0x${hex}`, `${hex}00`, `"${hex}"`]) {
        expect(await refusalCode(() => read(text))).toBe('answer-wrong');
      }
    }
  });

  test('a document passes byte for byte, white space too', () => {
    const intel = intelOf('tdx', { overrides: { tcbInfo: { editFile: (file) => ` ${file}\n` } } });
    const sample = tcbInfoSample(intel);
    const [document] = readAnswer(sample.object, served(sample)).items;
    expect(fromUtf8(document?.data as Uint8Array, 'document')).toMatch(/^ \{"tcbInfo":.*\}\n$/s);
    expect(document?.data).toEqual(intel.tcbInfo.bytes);
  });

  test('what is stored of another object is no answer', () => {
    for (const { object } of intelSamples(intelOf('tdx'))) {
      expect(() => answerOf(object, storedOf([]))).toThrow(RangeError);
    }
  });
});

describe.skipIf(!hasShared)(hasShared ? 'genuine answers' : sharedMissing, () => {
  const file = (name: string) => sharedFile(`corpus/collateral/intel/${name}`);

  test('TCB info and QE identity with the chain of their signer', () => {
    const chain = encodeURIComponent(fromUtf8(file('tcb-signing-2025-05-06.pem'), 'chain'));
    const headers = {
      'tcb-info-issuer-chain': chain,
      'sgx-enclave-identity-issuer-chain': chain,
    };
    const info = {
      kind: 'tcb-info',
      tee: 'tdx',
      fmspc: fromHex('00806f050000', 'FMSPC'),
      update: 'standard',
    } as const;
    const body = file('tcbinfo-tdx-00806f050000-2026-06-30-e19.json');
    const read = readAnswer(info, { body, headers, date: null });
    expect(read.items.map(({ kind }) => kind)).toEqual(['tcb-info', 'tcb-signing', 'intel-root']);
    expect(read.items[0]?.data).toEqual(body);
    expect(answerOf(info, read).headers['tcb-info-issuer-chain']).toBe(chain);

    const identity = { kind: 'qe-identity', tee: 'tdx', update: 'standard' } as const;
    const ofQe = file('td-qe-identity-2026-06-30-e19.json');
    expect(readAnswer(identity, { body: ofQe, headers, date: null }).items[0]?.data).toEqual(ofQe);
  });

  test('the root’s list, as DER and as hex', () => {
    const der = file('root-ca-crl-2026-02-26.der');
    for (const body of [der, utf8(toHex(der))]) {
      const read = readAnswer({ kind: 'intel-root-crl' }, { body, headers: {}, date: null });
      expect(read.items).toEqual([{ kind: 'intel-root-crl', data: der }]);
    }
  });
});
