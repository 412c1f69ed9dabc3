import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { fromHex } from '#verifier/bytes.ts';
import { factsOf } from '#verifier/collateral/facts.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import { formatTime } from '#verifier/time.ts';
import {
  amdChainSample,
  amdCrlSample,
  amdSamples,
  intelSamples,
  pckCrlSample,
  qeIdentitySample,
  rootCrlSample,
  type Sample,
  storedOf,
  tcbInfoSample,
  vcekSample,
} from './samples.ts';

const day = 86_400;
const facts = ({ object, stored }: Sample) => factsOf(object, stored);

describe('facts', () => {
  test('of AMD’s certificates their dates, and no number', async () => {
    const amd = await hierarchyOf('Milan', {
      ask: { notBefore: fakeNow - 5 * day, notAfter: fakeNow + 9 * day },
    });
    const { notBefore, notAfter } = amd.vcek.plan;
    expect(facts(vcekSample(amd))).toEqual({ issued: notBefore, expires: notAfter, number: null });
    expect(facts(amdChainSample(amd))).toEqual({
      issued: fakeNow - 5 * day,
      expires: fakeNow + 9 * day,
      number: null,
    });
  });

  test('of a list its dates and number', async () => {
    const { crl } = await hierarchyOf('Milan');
    expect(facts(amdCrlSample(await hierarchyOf('Milan')))).toEqual({
      issued: crl.plan.thisUpdate,
      expires: crl.plan.nextUpdate,
      number: 1n,
    });
    const without = await hierarchyOf('Milan', { crl: { extensions: [] } });
    expect(facts(amdCrlSample(without)).number).toBeNull();
  });

  test('of a document its dates and evaluation number', () => {
    const intel = intelOf('tdx', {
      overrides: {
        tcbInfo: { tcbEvaluationDataNumber: 20 },
        qeIdentity: { tcbEvaluationDataNumber: 18, nextUpdate: fakeNow + day },
      },
    });
    const issued = fakeNow - day;
    expect(facts(tcbInfoSample(intel))).toEqual({
      issued,
      expires: issued + 30 * day,
      number: 20n,
    });
    expect(facts(qeIdentitySample(intel))).toEqual({ issued, expires: fakeNow + day, number: 18n });
  });

  test('an object ends with the first of its parts', () => {
    const soon = fakeNow + day;
    const signer = intelOf('tdx', { overrides: { tcbSigning: { notAfter: soon } } });
    expect(facts(tcbInfoSample(signer)).expires).toBe(soon);
    expect(facts(qeIdentitySample(signer)).expires).toBe(soon);
    const ca = intelOf('tdx', { overrides: { platformCa: { notAfter: soon } } });
    expect(facts(pckCrlSample(ca)).expires).toBe(soon);
    expect(facts(pckCrlSample(ca, 'processor')).expires).toBeGreaterThan(soon);
    const root = intelOf('tdx', { overrides: { root: { notAfter: soon } } });
    expect(facts(pckCrlSample(root)).expires).toBe(soon);
    expect(facts(rootCrlSample(root)).expires).toBeGreaterThan(soon);
  });

  test('damaged, missing or exchanged parts are the parsers’ errors', async () => {
    const samples = [...amdSamples(await hierarchyOf('Milan')), ...intelSamples(intelOf('tdx'))];
    for (const { object, stored } of samples) {
      const { items, signers } = stored;
      const code = (change: Partial<typeof stored>) =>
        codeOf(() => factsOf(object, { ...stored, ...change }));
      expect(code({})).toBeNull();
      const cut = items.map(({ kind, data }) => ({ kind, data: data.slice(0, -1) }));
      expect(['der-malformed', 'json-malformed']).toContain(code({ items: cut }));
      expect(code({ items: [] })).toBe('value-out-of-range');
      expect(code({ items: [...items, ...items] })).toBe('value-out-of-range');
      expect(code({ items: items.map(({ data }) => ({ kind: 'ark' as const, data })) })).toBe(
        'value-out-of-range',
      );
      const more = new Uint8Array(1);
      expect(code({ signers: [...signers, more] })).toBe('value-out-of-range');
    }
  });
});

describe.skipIf(!hasShared)(hasShared ? 'genuine objects' : sharedMissing, () => {
  const file = (name: string) => sharedFile(`corpus/collateral/${name}`);
  const shown = (object: VendorObject, stored: ReturnType<typeof storedOf>) => {
    const { issued, expires, number } = factsOf(object, stored);
    return [formatTime(issued), formatTime(expires), number];
  };
  const chain = () =>
    readDerObjects(file('intel/tcb-signing-2025-05-06.pem'), 'CERTIFICATE', 'chain');

  test('lists', () => {
    const amd = storedOf([{ kind: 'ark-crl', data: file('amd/milan-ark-crl.der') }]);
    expect(shown({ kind: 'amd-crl', product: 'Milan', key: 'vcek' }, amd)).toEqual([
      '2025-05-06T12:39:06Z',
      '2026-05-12T00:00:00Z',
      6n,
    ]);
    // Intel has numbered every list 1: their dates alone tell which is newer.
    const lists = ['2024-03-20', '2025-03-20', '2026-02-26'].map((date) => {
      const data = file(`intel/root-ca-crl-${date}.der`);
      return factsOf({ kind: 'intel-root-crl' }, storedOf([{ kind: 'intel-root-crl', data }]));
    });
    expect(lists.map(({ number }) => number)).toEqual([1n, 1n, 1n]);
    expect(lists.toSorted((a, b) => a.issued - b.issued)).toEqual(lists);
  });

  test('TCB info, whose early release has the higher number', () => {
    const [signer, root] = chain() as [Uint8Array, Uint8Array];
    const fmspc = fromHex('00906ed50000', 'FMSPC');
    const of = (name: string, update: 'standard' | 'early') =>
      shown(
        { kind: 'tcb-info', tee: 'sgx', fmspc, update },
        storedOf([
          {
            kind: 'tcb-info',
            data: file(`intel/tcbinfo-sgx-00906ed50000-2025-05-27-${name}.json`),
          },
          { kind: 'tcb-signing', data: signer },
          { kind: 'intel-root', data: root },
        ]),
      );
    expect(of('e17', 'standard')[2]).toBe(17n);
    expect(of('e19', 'early')[2]).toBe(19n);
  });
});
