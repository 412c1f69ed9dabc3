import { describe, expect, test } from 'vitest';
import { amdName } from '#test/fake/amd.ts';
import { removeExtension } from '#test/fake/certificates.ts';
import { exchangeKeys, generateIntelKeys } from '#test/fake/keys.ts';
import { testHierarchy, testKeys } from '#test/fake/test-keys.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { hierarchyOf } from '#test/verifier/scene.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { type AcceptContext, acceptObject } from '#verifier/collateral/accept.ts';
import { factsOf } from '#verifier/collateral/facts.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { code, codeFor, contextOf, messageOf } from './accepting.ts';
import {
  amdChainSample,
  amdCrlSample,
  amdSamples,
  intelSamples,
  otherProduct,
  pckCrlSample,
  qeIdentitySample,
  rootCrlSample,
  tcbInfoSample,
  vcekSample,
} from './samples.ts';

const plainIntel = intelOf('tdx');

describe('what is right is accepted, with its facts', () => {
  test.each([...snpProducts])('of AMD, %s', async (product) => {
    for (const { object, stored } of amdSamples(await hierarchyOf(product))) {
      const facts = await acceptObject(object, stored, await contextOf(object));
      expect(facts).toEqual(factsOf(object, stored));
    }
  });

  test.each(['tdx', 'sgx'] as const)('of Intel, %s', async (tee) => {
    for (const { object, stored } of intelSamples(intelOf(tee))) {
      const facts = await acceptObject(object, stored, await contextOf(object));
      expect(facts).toEqual(factsOf(object, stored));
    }
  });
});

describe('answer-other: an object, but not the one that was asked for', () => {
  test('a swapped chip’s certificate', async () => {
    const mine = vcekSample(await hierarchyOf('Milan'));
    const other = vcekSample(
      await testHierarchy({ product: 'Milan', hardwareId: new Uint8Array(64).fill(7) }),
    );
    expect(await codeFor(mine.object, other)).toBe('answer-other');
    expect(await code(mine)).toBeNull();
    expect(await code(other)).toBeNull();
  });

  test('a certificate for another TCB', async () => {
    const amd = await hierarchyOf('Turin');
    const mine = vcekSample(amd);
    const tcb = { ...amd.tcb, fmc: amd.tcb.fmc + 1 };
    const other = vcekSample(await testHierarchy({ product: 'Turin', tcb }));
    expect(await codeFor(mine.object, other)).toBe('answer-other');
    expect(await code(other)).toBeNull();
  });

  test('a VLEK for a VCEK', async () => {
    const amd = await hierarchyOf('Milan');
    const { object } = vcekSample(amd);
    expect(await codeFor(object, vcekSample({ ...amd, vcek: amd.vlek }))).toBe('answer-other');
  });

  test.each<[SnpProduct]>([['Milan'], ['Genoa']])('another product’s, for %s', async (product) => {
    const mine = await hierarchyOf(product);
    const other = await hierarchyOf(otherProduct(product));
    for (const sample of [amdChainSample, amdCrlSample, vcekSample]) {
      expect(await codeFor(sample(mine).object, sample(other))).toBe('answer-other');
      expect(await code(sample(mine))).toBeNull();
    }
  });

  test('the ASK of one product with the ARK of another', async () => {
    const [milan, genoa] = [await hierarchyOf('Milan'), await hierarchyOf('Genoa')];
    expect(await code(amdChainSample({ ...milan, ark: genoa.ark }))).toBe('answer-other');
    expect(await code(amdChainSample({ ...milan, ask: genoa.ask }))).toBe('answer-other');
    expect(await code(amdChainSample(milan))).toBeNull();
  });

  test('the chain of the other key', async () => {
    const amd = await hierarchyOf('Milan');
    const [vcek, vlek] = [amdChainSample(amd, 'vcek'), amdChainSample(amd, 'vlek')];
    expect(await codeFor(vcek.object, vlek)).toBe('answer-other');
    expect(await codeFor(vlek.object, vcek)).toBe('answer-other');
    expect(await code(vlek)).toBeNull();
  });

  test('TCB info of another FMSPC, or for the other TEE', async () => {
    const mine = tcbInfoSample(plainIntel);
    const fmspc = new Uint8Array(6).fill(9);
    const other = tcbInfoSample(intelOf('tdx', { machine: { fmspc } }));
    expect(await codeFor(mine.object, other)).toBe('answer-other');
    expect(await codeFor(mine.object, tcbInfoSample(intelOf('sgx')))).toBe('answer-other');
    expect(await code(other)).toBeNull();
  });

  test('the identity of another enclave', async () => {
    const [tdx, sgx] = [qeIdentitySample(plainIntel), qeIdentitySample(intelOf('sgx'))];
    expect(await codeFor(tdx.object, sgx)).toBe('answer-other');
    expect(await codeFor(sgx.object, tdx)).toBe('answer-other');
    const qve = intelOf('sgx', { overrides: { qeIdentity: { id: 'QVE' } } });
    expect(await code(qeIdentitySample(qve))).toBe('answer-other');
    expect(await code(sgx)).toBeNull();
  });

  test('the list of another CA, by its signer or by its own word', async () => {
    const [platform, processor] = [
      pckCrlSample(plainIntel, 'platform'),
      pckCrlSample(plainIntel, 'processor'),
    ];
    expect(await codeFor(platform.object, processor)).toBe('answer-other');
    const mixed = { ...platform, stored: { ...platform.stored, items: processor.stored.items } };
    expect(await code(mixed)).toBe('answer-other');
    const root = rootCrlSample(plainIntel);
    const [list] = platform.stored.items;
    const ofCa = [{ kind: 'intel-root-crl' as const, data: list?.data as Uint8Array }];
    expect(await code({ ...root, stored: { ...root.stored, items: ofCa } })).toBe('answer-other');
    expect(await code(root)).toBeNull();
    expect(await code(processor)).toBeNull();
  });

  test('the refusal says what came, from where, and what was asked for', async () => {
    const { object } = vcekSample(await hierarchyOf('Milan'));
    const other = vcekSample(await hierarchyOf('Genoa'));
    const message = await messageOf({ ...other, object }, {});
    expect(message).toMatch(/^VCEK of the Milan chip .*vendor\.example.*a Genoa VCEK of the chip/);
  });
});

describe('answer-unsigned: no unbroken chain to a pinned root', () => {
  test('a look-alike root of AMD', async () => {
    const alike = await testHierarchy({ product: 'Milan', keys: exchangeKeys(await testKeys()) });
    const chain = amdChainSample(alike);
    for (const sample of amdSamples(alike)) {
      expect(await code(sample, { issuers: [chain.stored] })).toBe('answer-unsigned');
    }
    const roots = [insecureRoot(parseCertificate(alike.ark.der, 'root'))];
    expect(await code(chain, { roots })).toBeNull();
  });

  test('a look-alike root of Intel', async () => {
    const alike = intelOf('tdx', { keys: generateIntelKeys('alike') });
    const issuers = [pckCrlSample(alike).stored];
    const roots = [insecureRoot(parseCertificate(alike.root.der, 'root'))];
    for (const sample of intelSamples(alike)) {
      expect(await code(sample, { issuers })).toBe('answer-unsigned');
      expect(await code(sample, { issuers, roots })).toBeNull();
    }
  });

  test('simulated vendors, under the vendors’ own roots', async () => {
    const samples = [...amdSamples(await hierarchyOf('Milan')), ...intelSamples(plainIntel)];
    for (const sample of samples) {
      expect(await code(sample, { roots: vendorRoots })).toBe('answer-unsigned');
      expect(await code(sample, { roots: [] })).toBe('answer-unsigned');
      expect(await code(sample)).toBeNull();
    }
  });

  test('a root that is pinned for another product', async () => {
    const [root] = (await contextOf({ kind: 'amd-chain', product: 'Milan', key: 'vcek' })).roots;
    const genoa = { ...root, vendor: 'amd', product: 'Genoa' } as const;
    const roots = [genoa as AcceptContext['roots'][number]];
    expect(await code(amdChainSample(await hierarchyOf('Milan')), { roots })).toBe(
      'answer-unsigned',
    );
  });

  test('each object of AMD with one link signed by a stranger', async () => {
    const stranger = (await testKeys()).asvk.privateKey;
    const broken = {
      vcek: vcekSample(await hierarchyOf('Milan', { vcek: { signer: stranger } })),
      ark: amdChainSample(await hierarchyOf('Milan', { ark: { signer: stranger } })),
      ask: amdChainSample(await hierarchyOf('Milan', { ask: { signer: stranger } })),
      crl: amdCrlSample(await hierarchyOf('Milan', { crl: { signer: stranger } })),
    };
    for (const [link, sample] of Object.entries(broken)) {
      expect(await code(sample), link).toBe('answer-unsigned');
    }
    const vcek = vcekSample(await hierarchyOf('Milan'));
    for (const link of ['ask', 'ark'] as const) {
      expect(await code(vcek, { issuers: [broken[link].stored] })).toBe('answer-unsigned');
    }
    expect(await code(vcek)).toBeNull();
  });

  test('each object of Intel with one link signed by a stranger', async () => {
    const { stranger } = plainIntel.keys;
    const signer = stranger.privateKey;
    const of = (role: string) => intelOf('tdx', { overrides: { [role]: { signer } } });
    expect(await code(tcbInfoSample(of('tcbInfo')))).toBe('answer-unsigned');
    expect(await code(tcbInfoSample(of('tcbSigning')))).toBe('answer-unsigned');
    expect(await code(tcbInfoSample(of('root')))).toBe('answer-unsigned');
    expect(await code(qeIdentitySample(of('qeIdentity')))).toBe('answer-unsigned');
    expect(await code(qeIdentitySample(of('qeIdentitySigning')))).toBe('answer-unsigned');
    expect(await code(pckCrlSample(of('platformCrl')))).toBe('answer-unsigned');
    expect(await code(pckCrlSample(of('platformCa')))).toBe('answer-unsigned');
    expect(await code(pckCrlSample(of('root')))).toBe('answer-unsigned');
    expect(await code(rootCrlSample(of('rootCrl')))).toBe('answer-unsigned');
    for (const sample of intelSamples(plainIntel)) expect(await code(sample)).toBeNull();
  });

  test('a root with the pinned key that is no CA', async () => {
    const intel = intelOf('tdx', {
      overrides: {
        root: ({ extensions }) => ({ extensions: removeExtension(extensions, '2.5.29.19') }),
      },
    });
    const issuers = [pckCrlSample(intel).stored];
    for (const sample of intelSamples(intel)) {
      expect(await code(sample, { issuers })).toBe('answer-unsigned');
    }
  });

  test('a list whose issuer has the right common name alone', async () => {
    const [milan, issuer] = [await hierarchyOf('Milan'), [...amdName('ARK-Milan')].reverse()];
    expect(await code(amdCrlSample(await hierarchyOf('Milan', { crl: { issuer } })))).toBe(
      'answer-unsigned',
    );
    expect(await code(amdCrlSample(milan))).toBeNull();
  });

  test('a document that was changed, or that a PCK CA signed', async () => {
    const edited = intelOf('tdx', {
      overrides: { tcbInfo: { editFile: (file) => file.replace('OutOfDate', 'UpToDate') } },
    });
    expect(await code(tcbInfoSample(edited))).toBe('answer-unsigned');
    const { tcbInfo, keys, platformCa } = intelOf('tdx', {
      overrides: { tcbInfo: { signer: plainIntel.keys.platformCa.privateKey } },
    });
    expect(keys.platformCa.privateKey.equals(plainIntel.keys.platformCa.privateKey)).toBe(true);
    const byCa = { ...plainIntel, tcbInfo, tcbSigning: platformCa };
    expect(await code(tcbInfoSample(byCa))).toBe('answer-unsigned');
  });

  test('an issuer in the cache that is damaged or of another product', async () => {
    const vcek = vcekSample(await hierarchyOf('Milan'));
    const chain = amdChainSample(await hierarchyOf('Milan')).stored;
    const genoa = amdChainSample(await hierarchyOf('Genoa')).stored;
    expect(await code(vcek, { issuers: [{ ...chain, items: [] }] })).toBe('answer-unsigned');
    expect(await code(vcek, { issuers: [genoa] })).toBe('answer-unsigned');
    expect(await messageOf(vcek, { issuers: [genoa] })).toMatch(/it is SEV-Genoa and ARK-Genoa/);
    expect(await code(vcek, { issuers: [chain] })).toBeNull();
  });

  test('a missing issuer is the caller’s mistake', async () => {
    const sample = vcekSample(await hierarchyOf('Milan'));
    const context = { ...(await contextOf(sample.object)), issuers: [] };
    await expect(acceptObject(sample.object, sample.stored, context)).rejects.toThrow(RangeError);
  });
});

describe('answer-wrong: not of the form that its vendor issues', () => {
  test('certificates in each other’s places', async () => {
    const amd = await hierarchyOf('Milan');
    expect(await code(vcekSample({ ...amd, vcek: amd.ask }))).toBe('answer-wrong');
    expect(await code(amdChainSample({ ...amd, ask: amd.ark, ark: amd.ask }))).toBe('answer-wrong');
    const { platformCa, root } = plainIntel;
    expect(await code(pckCrlSample({ ...plainIntel, platformCa: root }))).toBe('answer-wrong');
    expect(await code(pckCrlSample({ ...plainIntel, platformCa }))).toBeNull();
  });

  test('a stored object that is damaged', async () => {
    const sample = vcekSample(await hierarchyOf('Milan'));
    expect(await code({ ...sample, stored: { ...sample.stored, items: [] } })).toBe('answer-wrong');
  });
});
