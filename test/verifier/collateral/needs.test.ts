import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { enclaveScene, intelOf, quoteScene, tdxBundleScene } from '#test/verifier/intel-scene.ts';
import {
  bundleScene,
  hierarchyOf,
  replaced,
  reportScene,
  type Scene,
  without,
} from '#test/verifier/scene.ts';
import { type CollateralKind, collateralKinds } from '#verifier/abi/bundle.ts';
import { encodeTcb, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { utf8 } from '#verifier/bytes.ts';
import { type Needs, type NeedsOptions, needsOf } from '#verifier/collateral/needs.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import type { Evidence } from '#verifier/evidence.ts';

const day = 86_400;
const complete = { needs: [], lacks: [] };
const standard: NeedsOptions = { update: 'standard' };

function needs({ evidence, collateral, now }: Scene, options = standard): Needs {
  return needsOf(evidence, collateral, now, options);
}

const chain = { kind: 'amd-chain', product: 'Milan', key: 'vcek' } as const;
const list = { kind: 'amd-crl', product: 'Milan', key: 'vcek' } as const;
async function vcek(product: (typeof snpProducts)[number]): Promise<VendorObject> {
  const { hardwareId, tcb } = await hierarchyOf(product);
  return { kind: 'vcek', product, hardwareId, tcb: encodeTcb(product, tcb) };
}

describe('SEV-SNP', () => {
  test.each([...snpProducts])('a report of %s alone needs all of it', async (product) => {
    const scene = await reportScene({ product });
    expect(needs({ ...scene, collateral: [] })).toEqual({
      needs: [
        await vcek(product),
        { kind: 'amd-chain', product, key: 'vcek' },
        { kind: 'amd-crl', product, key: 'vcek' },
      ],
      lacks: [],
    });
    expect(needs(scene)).toEqual(complete);
  });

  test('each kind that is not at hand, and no other', async () => {
    const scene = await reportScene();
    expect(needs(without(scene, 'vek')).needs).toEqual([await vcek('Milan')]);
    expect(needs(without(scene, 'ask')).needs).toEqual([chain]);
    expect(needs(without(scene, 'ark')).needs).toEqual([chain]);
    expect(needs(without(scene, 'ark-crl')).needs).toEqual([list]);
  });

  test('what cannot be read or has ended is not at hand', async () => {
    const scene = await reportScene();
    const damaged = new Uint8Array(100);
    expect(needs(replaced(scene, 'vek', damaged)).needs).toEqual([await vcek('Milan')]);
    expect(needs(replaced(scene, 'ask', damaged)).needs).toEqual([chain]);
    expect(needs(replaced(scene, 'ark-crl', damaged)).needs).toEqual([list]);
    const { crl, vcek: plain } = await hierarchyOf('Milan');
    const { nextUpdate } = crl.plan;
    expect(needs({ ...scene, now: nextUpdate ?? 0 })).toEqual(complete);
    expect(needs({ ...scene, now: (nextUpdate ?? 0) + 1 }).needs).toEqual([list]);
    const late = { ...scene, now: plain.plan.notAfter + 1 };
    expect(needs(late).needs).toEqual([await vcek('Milan'), list]);
    expect(needs(replaced(scene, 'vek', damaged, plain.der))).toEqual(complete);
    for (const role of ['ask', 'ark'] as const) {
      const ended = await hierarchyOf('Milan', { [role]: { notAfter: fakeNow - 1 } });
      expect(needs(replaced(scene, role, ended[role].der)).needs).toEqual([chain]);
    }
  });

  test('what is of another machine is not at hand', async () => {
    const scene = await reportScene();
    const genoa = await hierarchyOf('Genoa');
    const otherChip = await testHierarchy({
      product: 'Milan',
      hardwareId: new Uint8Array(64).fill(7),
    });
    const { tcb, asvk } = await hierarchyOf('Milan');
    const before = { ...tcb, microcode: tcb.microcode - 1 };
    const earlier = await testHierarchy({ product: 'Milan', tcb: before });
    for (const { der } of [genoa.vcek, otherChip.vcek, earlier.vcek, otherChip.vlek]) {
      expect(needs(replaced(scene, 'vek', der)).needs).toEqual([await vcek('Milan')]);
    }
    expect(needs(replaced(scene, 'ask', asvk.der)).needs).toEqual([chain]);
    expect(needs(replaced(scene, 'ask', genoa.ask.der)).needs).toEqual([chain]);
    expect(needs(replaced(scene, 'ark', genoa.ark.der)).needs).toEqual([chain]);
    expect(needs(replaced(scene, 'ark-crl', genoa.crl.der)).needs).toEqual([list]);
  });

  test('a VLEK cannot be asked for, its chain and list can', async () => {
    const scene = await reportScene({ role: 'vlek' });
    const { needs: wanted, lacks } = needs({ ...scene, collateral: [] });
    expect(wanted).toEqual([
      { ...chain, key: 'vlek' },
      { ...list, key: 'vlek' },
    ]);
    expect(lacks).toEqual([expect.stringMatching(/VLEK.*cloud provider.*--vek/)]);
    expect(needs(scene)).toEqual(complete);
  });

  test('a masked chip cannot be asked for', async () => {
    const scene = await reportScene({ fields: { chipId: new Uint8Array(64) } });
    const { needs: wanted, lacks } = needs({ ...scene, collateral: [] });
    expect(wanted).toEqual([chain, list]);
    expect(lacks).toEqual([expect.stringMatching(/masks the chip id.*certificate table/)]);
    expect(needs(scene)).toEqual(complete);
  });

  test('a chip id or TCB that its product cannot have is not asked for', async () => {
    const chipId = new Uint8Array(64).fill(1);
    const turin = await reportScene({ product: 'Turin', fields: { chipId } });
    expect(needs({ ...turin, collateral: [] }).lacks).toEqual([
      expect.stringMatching(/no Turin has the chip id/),
    ]);
    const reportedTcb = new Uint8Array(8).fill(1);
    const milan = await reportScene({ fields: { reportedTcb } });
    expect(needs(without(milan, 'vek'))).toEqual({
      needs: [],
      lacks: [expect.stringMatching(/the TCB 0101010101010101/)],
    });
  });

  test('version 2: the product is that of a certificate at hand, or the one named', async () => {
    const scene = await reportScene({ product: 'Genoa', fields: { version: 2 } });
    const [ofChip, ofChain, ofList] = [
      await vcek('Genoa'),
      { ...chain, product: 'Genoa' },
      { ...list, product: 'Genoa' },
    ];
    const none = { ...scene, collateral: [] };
    expect(needs(none)).toEqual({
      needs: [],
      lacks: [expect.stringMatching(/version 2.*Milan, Genoa or Turin/)],
    });
    expect(needs(none, { ...standard, product: 'Genoa' }).needs).toEqual([ofChip, ofChain, ofList]);
    expect(needs(scene)).toEqual(complete);
    const only = (kind: CollateralKind) => ({
      ...scene,
      collateral: scene.collateral.filter((item) => item.kind === kind),
    });
    expect(needs(only('vek')).needs).toEqual([ofChain, ofList]);
    const { vcek: ofMilan } = await hierarchyOf('Milan');
    const second = { kind: 'vek', data: ofMilan.der } as const;
    const two = { ...scene, collateral: [second, ...scene.collateral] };
    expect(needs(two)).toEqual(complete);
    const ended = { ...only('vek'), now: (await hierarchyOf('Genoa')).vcek.plan.notAfter + 1 };
    expect(needs(ended).needs).toEqual([ofChip, ofChain, ofList]);
    expect(needs(only('ask')).needs).toEqual([ofChip, ofChain, ofList]);
    expect(needs(only('ark'), { ...standard, product: 'Milan' }).needs).toEqual([
      ofChip,
      ofChain,
      ofList,
    ]);
  });

  test('from version 3 on the report names its processor, whatever is said', async () => {
    const scene = await reportScene();
    const none = { ...scene, collateral: [] };
    expect(needs(none, { ...standard, product: 'Genoa' })).toEqual(needs(none));
    const unknown = await reportScene({ fields: { cpuid: { family: 9, model: 9, stepping: 9 } } });
    expect(needs(unknown)).toEqual({
      needs: [],
      lacks: [expect.stringMatching(/does not know the processor/)],
    });
  });

  test('a report that nothing signed lacks that', async () => {
    const scene = await reportScene({ fields: { signingKey: 'none' } });
    expect(needs(scene)).toEqual({ needs: [], lacks: [expect.stringMatching(/no key signed it/)] });
  });

  test('a bundle’s own collateral is at hand', async () => {
    expect(needs(await bundleScene())).toEqual(complete);
    expect(needs(await bundleScene({ role: 'vlek' }))).toEqual(complete);
    const bare = await bundleScene({ edit: () => ({ collateral: [] }) });
    expect(needs(bare).needs).toEqual([await vcek('Milan'), chain, list]);
    const { collateral } = await reportScene();
    expect(needs({ ...bare, collateral })).toEqual(complete);
  });
});

describe('Intel', () => {
  const { fmspc } = intelOf('tdx').machine;
  const ofTdx: VendorObject[] = [
    { kind: 'tcb-info', tee: 'tdx', fmspc, update: 'standard' },
    { kind: 'qe-identity', tee: 'tdx', update: 'standard' },
    { kind: 'pck-crl', ca: 'platform' },
    { kind: 'intel-root-crl' },
  ];
  const [info, identity, pckList, rootList] = ofTdx;

  test('a quote alone needs all of it', () => {
    const scene = quoteScene();
    expect(needs({ ...scene, collateral: [] })).toEqual({ needs: ofTdx, lacks: [] });
    expect(needs(scene)).toEqual(complete);
  });

  test('SGX under the processor CA, early', () => {
    const scene = enclaveScene({ intel: { machine: { ca: 'processor' } } });
    expect(needs({ ...scene, collateral: [] }, { update: 'early' }).needs).toEqual([
      { kind: 'tcb-info', tee: 'sgx', fmspc, update: 'early' },
      { kind: 'qe-identity', tee: 'sgx', update: 'early' },
      { kind: 'pck-crl', ca: 'processor' },
      { kind: 'intel-root-crl' },
    ]);
    expect(needs(scene)).toEqual(complete);
  });

  test('each kind that is not at hand, and no other', () => {
    const scene = quoteScene();
    const wanted: [CollateralKind, VendorObject | undefined][] = [
      ['tcb-info', info],
      ['tcb-signing', info],
      ['qe-identity', identity],
      ['qe-identity-signing', identity],
      ['pck-crl', pckList],
      ['intel-root-crl', rootList],
    ];
    for (const [kind, object] of wanted) {
      expect(needs(without(scene, kind)).needs).toEqual([object]);
      expect(needs(replaced(scene, kind, new Uint8Array(9))).needs).toEqual([object]);
    }
    // The quote brings the root.
    expect(needs(without(scene, 'intel-root'))).toEqual(complete);
  });

  test('what has ended is not at hand', () => {
    const scene = quoteScene();
    const end = fakeNow - day + 30 * day;
    expect(needs({ ...scene, now: end })).toEqual(complete);
    expect(needs({ ...scene, now: end + 1 }).needs).toEqual([info, identity, pckList]);
    const signer = quoteScene({ intel: { overrides: { tcbSigning: { notAfter: fakeNow - 1 } } } });
    expect(needs(signer).needs).toEqual([info, identity]);
  });

  test('what is of another machine is not at hand', () => {
    const scene = quoteScene();
    const other = intelOf('tdx', { machine: { fmspc: new Uint8Array(6).fill(9) } });
    const sgx = intelOf('sgx');
    expect(needs(replaced(scene, 'tcb-info', other.tcbInfo.bytes)).needs).toEqual([info]);
    expect(needs(replaced(scene, 'tcb-info', sgx.tcbInfo.bytes)).needs).toEqual([info]);
    expect(needs(replaced(scene, 'qe-identity', sgx.qeIdentity.bytes)).needs).toEqual([identity]);
    const { processorCrl, platformCa, tcbInfo } = intelOf('tdx');
    expect(needs(replaced(scene, 'pck-crl', processorCrl.der)).needs).toEqual([pckList]);
    expect(needs(replaced(scene, 'intel-root-crl', processorCrl.der)).needs).toEqual([rootList]);
    expect(needs(replaced(scene, 'tcb-signing', platformCa.der)).needs).toEqual([info]);
    const pce = intelOf('tdx', { overrides: { tcbInfo: { pceId: Uint8Array.of(1, 0) } } });
    expect(needs(replaced(scene, 'tcb-info', pce.tcbInfo.bytes)).needs).toEqual([info]);
    const both = replaced(scene, 'tcb-info', other.tcbInfo.bytes, tcbInfo.bytes);
    expect(needs(both)).toEqual(complete);
  });

  test('a quote without its PCK chain names no platform', () => {
    const scene = quoteScene({ quote: { certification: { type: 1, data: new Uint8Array(36) } } });
    expect(needs(scene)).toEqual({
      needs: [],
      lacks: [expect.stringMatching(/PCK certificate chain.*PPID in the clear/)],
    });
  });

  test('a bundle’s own collateral is at hand', () => {
    expect(needs(tdxBundleScene())).toEqual(complete);
    const bare = tdxBundleScene({ edit: () => ({ collateral: [] }) });
    expect(needs(bare)).toEqual({ needs: ofTdx, lacks: [] });
    const { evidence } = enclaveScene();
    const lying = tdxBundleScene({ edit: () => ({ evidence: evidence.bytes, collateral: [] }) });
    expect(needs(lying)).toEqual(complete);
  });
});

describe('evidence that cannot be read', () => {
  test('needs nothing: the verifier says why', async () => {
    const { bytes } = (await reportScene()).evidence;
    const bad: Evidence[] = [
      { form: 'report', bytes: bytes.slice(1) },
      { form: 'quote', bytes },
      { form: 'bundle', bytes: utf8('{}'), nonce: null, connection: null },
      { form: 'bundle', bytes, nonce: null, connection: null },
    ];
    for (const evidence of bad) {
      expect(needsOf(evidence, [], fakeNow, standard)).toEqual(complete);
    }
  });

  test('any bytes give an answer, never more', async () => {
    const scenes = [await reportScene(), quoteScene(), await bundleScene(), tdxBundleScene()];
    const items = scenes.flatMap(({ collateral }) => collateral);
    await fc.assert(
      fc.property(
        fc.constantFrom(...scenes),
        fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { maxLength: 4 }),
        fc.constantFrom(...collateralKinds),
        fc.uint8Array(),
        ({ evidence }, edits, kind, data) => {
          const bytes = new Uint8Array(evidence.bytes);
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          const given = [...items, { kind, data }];
          const found = needsOf({ ...evidence, bytes }, given, fakeNow, standard);
          expect(found.lacks.every((text) => text.length > 20)).toBe(true);
        },
      ),
    );
  });
});
