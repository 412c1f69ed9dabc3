import 'reflect-metadata';
import { X509Certificate, X509Crl } from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { parseReport } from '#verifier/abi/snp.ts';
import { decodeTcb, hardwareIdLength, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, fromBase64 } from '#verifier/bytes.ts';
import { hasShared, sharedFile, sharedMissing } from '../shared.ts';
import {
  type AmdHierarchy,
  type AmdHierarchyOptions,
  amdAlgorithm,
  amdName,
  fakeNow,
} from './amd.ts';
import { amdExtensions, amdOids } from './amd-profile.ts';
import { removeExtension, replaceExtension } from './certificates.ts';
import { basicConstraints, crlNumber } from './extensions.ts';
import { exchangeKeys, exportKeys, importKeys } from './keys.ts';
import { hasOpenssl, opensslCrl, opensslMissing, opensslVerify } from './openssl.ts';
import { outlineDer } from './outline.ts';
import { testHierarchy, testKeys } from './test-keys.ts';

/** The blocks of a PEM file as DER. */
function blocks(pem: string): Bytes[] {
  return [...pem.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body = '']) =>
    fromBase64(body.replaceAll(/\s/g, ''), 'PEM'),
  );
}

describe('the certificates are written as AMD writes them', () => {
  const amd = 'corpus/collateral/amd';
  const veks = [
    ['Milan', 'vcek', 'milan-v5-vcek-teekit-sev-gcp'],
    ['Genoa', 'vcek', 'genoa-v5-vcek-attestation-rs-live-evidence-genoa'],
    ['Turin', 'vcek', 'turin-v5-vcek-oak-turin-oc-evidence'],
    ['Milan', 'vlek', 'milan-v3-vlek-trustee-test-vlek-report'],
  ] as const;

  test.for(veks)('%s %s', async ([product, kind, folder], { skip }) => {
    skip(!hasShared, sharedMissing);
    const genuine = sharedFile(`corpus/sev-snp/${folder}/${kind}.der`);
    const report = parseReport(sharedFile(`corpus/sev-snp/${folder}/report.bin`));
    const hierarchy = await testHierarchy({
      product,
      tcb: decodeTcb(product, report.reportedTcb, 'REPORTED_TCB'),
      ...(kind === 'vcek' ? { hardwareId: report.chipId.slice(0, hardwareIdLength[product]) } : {}),
      cspId: 'CN=cc-us-east-2.amazonaws.com',
    });
    expect(outlineDer(hierarchy[kind].der)).toEqual(outlineDer(genuine));
  });

  test.for(snpProducts)('%s ARK, ASK and ASVK', async (product, { skip }) => {
    skip(!hasShared, sharedMissing);
    const { ark, ask, asvk } = await testHierarchy({ product });
    const chain = (kind: string): Bytes[] =>
      blocks(
        new TextDecoder().decode(sharedFile(`${amd}/${product.toLowerCase()}-${kind}-chain.pem`)),
      );
    const [genuineAsk, genuineArk] = chain('vcek').map((der) => outlineDer(der));
    const [genuineAsvk] = chain('vlek').map((der) => outlineDer(der));
    expect(outlineDer(ark.der)).toEqual(genuineArk);
    expect(outlineDer(ask.der)).toEqual(genuineAsk);
    expect(outlineDer(asvk.der)).toEqual(genuineAsvk);
  });

  test.for([
    ['Milan', 6],
    ['Genoa', 4],
  ] as const)('%s CRL', async ([product, number], { skip }) => {
    skip(!hasShared, sharedMissing);
    const { crl } = await testHierarchy({
      product,
      overrides: {
        crl: ({ extensions }) => ({
          extensions: replaceExtension(extensions, crlNumber(number)),
        }),
      },
    });
    const genuine = sharedFile(`${amd}/${product.toLowerCase()}-ark-crl.der`);
    expect(outlineDer(crl.der)).toEqual(outlineDer(genuine));
  });
});

describe('openssl agrees', () => {
  const chainOf = (hierarchy: AmdHierarchy, kind: 'vcek' | 'vlek', crl = false) => ({
    root: hierarchy.rootsPem(),
    intermediate: hierarchy[kind === 'vcek' ? 'ask' : 'asvk'].pem,
    leaf: hierarchy[kind].pem,
    ...(crl ? { crl: hierarchy.crl.pem } : {}),
  });

  test.for(snpProducts)('%s: both chains and the CRL verify', async (product, { skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const hierarchy = await testHierarchy({ product });
    for (const kind of ['vcek', 'vlek'] as const) {
      expect(opensslVerify(chainOf(hierarchy, kind), fakeNow)).toMatchObject({ accepted: true });
    }
    expect(opensslCrl(hierarchy.rootsPem(), hierarchy.crl.der)).toMatchObject({ accepted: true });
  });

  test('a VCEK under the ASVK is refused', async ({ skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const hierarchy = await testHierarchy({ product: 'Milan' });
    const chain = { ...chainOf(hierarchy, 'vcek'), intermediate: hierarchy.asvk.pem };
    expect(opensslVerify(chain, fakeNow).accepted).toBe(false);
  });

  type Case = [
    name: string,
    says: string,
    overrides: () => Promise<AmdHierarchyOptions['overrides']>,
  ];
  const cases: Case[] = [
    [
      'VCEK signature with one bit changed',
      'certificate signature failure',
      async () => ({
        vcek: { editSignature: (bytes) => bytes.with(9, (bytes[9] as number) ^ 1) },
      }),
    ],
    [
      'ASK signed by another key',
      'certificate signature failure',
      async () => ({ ask: { signer: (await testKeys()).asvk.privateKey } }),
    ],
    [
      'ASK with another public key',
      'certificate signature failure',
      async () => ({ ask: { publicKey: (await testKeys()).asvk.publicKey } }),
    ],
    [
      'VCEK with a salt of another length than it says',
      'certificate signature failure',
      async () => ({
        vcek: { algorithm: { ...amdAlgorithm, saltLength: 32 }, outerAlgorithm: amdAlgorithm },
      }),
    ],
    [
      'VCEK with two different algorithm fields',
      'signature failure',
      async () => ({ vcek: { innerAlgorithm: { ...amdAlgorithm, saltLength: 32 } } }),
    ],
    [
      'VCEK that names another issuer',
      'unable to get local issuer certificate',
      async () => ({ vcek: { issuer: amdName('SEV-Genoa') } }),
    ],
    [
      'VCEK that has expired',
      'certificate has expired',
      async () => ({ vcek: { notAfter: fakeNow - 1 } }),
    ],
    [
      'ASK that is not yet valid',
      'certificate is not yet valid',
      async () => ({ ask: { notBefore: fakeNow + 1 } }),
    ],
    [
      'ASK that is no CA',
      'invalid CA certificate',
      async () => ({
        ask: ({ extensions }) => ({
          extensions: replaceExtension(extensions, basicConstraints(false, null)),
        }),
      }),
    ],
  ];

  test.for(cases)('refused: %s', async ([, says, overrides], { skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const changes = (await overrides()) ?? {};
    const hierarchy = await testHierarchy({ product: 'Milan', overrides: changes });
    const opinion = opensslVerify(chainOf(hierarchy, 'vcek'), fakeNow);
    expect(opinion.accepted).toBe(false);
    expect(opinion.said).toContain(says);
    // The change broke that chain alone.
    expect(opensslVerify(chainOf(hierarchy, 'vlek'), fakeNow).accepted).toBe(true);
  });

  test('a revoked ASK is refused, and the same ASK without that entry accepted', async ({
    skip,
  }) => {
    skip(!hasOpenssl, opensslMissing);
    // The VEKs' issuers sign no CRL, so openssl can check the ASK's revocation, not the VCEK's: the
    // ASK is the leaf.
    const opinionOn = async (serials: bigint[]) => {
      const hierarchy = await testHierarchy({
        product: 'Milan',
        overrides: { crl: { revoked: serials.map((serial) => ({ serial, at: fakeNow - 1 })) } },
      });
      const { ark, ask, crl } = hierarchy;
      return opensslVerify(
        { root: ark.pem, intermediate: ark.pem, leaf: ask.pem, crl: crl.pem },
        fakeNow,
      );
    };
    expect((await opinionOn([0x010002n])).accepted).toBe(true);
    const refused = await opinionOn([0x010002n, 0x010001n]);
    expect(refused.accepted).toBe(false);
    expect(refused.said).toContain('certificate revoked');
  });

  test('a CRL by another signer is refused', async ({ skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const { ask } = await testKeys();
    const { ark, crl } = await testHierarchy({
      product: 'Turin',
      overrides: { crl: { signer: ask.privateKey } },
    });
    expect(opensslCrl(ark.pem, crl.der).accepted).toBe(false);
  });

  test('a foreign hierarchy has the same names and does not verify', async ({ skip }) => {
    skip(!hasOpenssl, opensslMissing);
    const own = await testHierarchy({ product: 'Genoa' });
    const foreign = await testHierarchy({ product: 'Genoa', keys: exchangeKeys(await testKeys()) });
    expect(foreign.ark.plan.subject).toEqual(own.ark.plan.subject);
    const chain = chainOf(foreign, 'vcek');
    expect(opensslVerify(chain, fakeNow).accepted).toBe(true);
    expect(opensslVerify({ ...chain, root: own.rootsPem() }, fakeNow).accepted).toBe(false);
  });
});

test.for(snpProducts)('%s: @peculiar/x509 reads and verifies everything', async (product) => {
  const { ark, ask, asvk, vcek, vlek, crl } = await testHierarchy({ product });
  const read = (pem: string) => new X509Certificate(pem);
  const verifies = (child: string, issuer: string) =>
    read(child).verify({ publicKey: read(issuer).publicKey, signatureOnly: true });
  expect(await verifies(ark.pem, ark.pem)).toBe(true);
  expect(await verifies(ask.pem, ark.pem)).toBe(true);
  expect(await verifies(asvk.pem, ark.pem)).toBe(true);
  expect(await verifies(vcek.pem, ask.pem)).toBe(true);
  expect(await verifies(vlek.pem, asvk.pem)).toBe(true);
  expect(await verifies(vlek.pem, ask.pem)).toBe(false);
  expect(await new X509Crl(crl.pem).verify({ publicKey: read(ark.pem).publicKey })).toBe(true);
  expect(read(vcek.pem).extensions.map(({ type }) => type)).toEqual(
    vcek.plan.extensions.map(({ oid }) => oid),
  );
});

describe('overrides', () => {
  test('extensions are replaced, removed, added and reordered', async () => {
    const oidsOf = async (change: NonNullable<AmdHierarchyOptions['overrides']>) =>
      (await testHierarchy({ product: 'Turin', overrides: change })).vcek.plan.extensions;
    const plain = await oidsOf({});
    const spl = amdExtensions.spl(3, 200);
    expect(
      await oidsOf({
        vcek: ({ extensions }) => ({ extensions: replaceExtension(extensions, spl) }),
      }),
    ).toEqual(plain.map((extension) => (extension.oid === spl.oid ? spl : extension)));
    expect(
      await oidsOf({
        vcek: ({ extensions }) => ({
          extensions: removeExtension(extensions, amdOids.hardwareId).toReversed(),
        }),
      }),
    ).toEqual(plain.slice(0, -1).reverse());
    expect(
      await oidsOf({ vcek: ({ extensions }) => ({ extensions: [...extensions, spl] }) }),
    ).toEqual([...plain, spl]);
    expect(() => removeExtension(plain, amdOids.cspId)).toThrow(RangeError);
  });

  test('version, serial, subject and the CRL dates reach the DER', async () => {
    const plain = await testHierarchy({ product: 'Milan' });
    const changed = await testHierarchy({
      product: 'Milan',
      overrides: {
        vcek: { version: 1, serial: 255n, subject: amdName('SEV-XCEK'), extensions: [] },
        crl: { nextUpdate: null, version: 1, extensions: [] },
      },
    });
    const lines = outlineDer(changed.vcek.der);
    expect(lines).toContain('  02 2 00ff');
    expect(lines).toContain(`     0c 8 ${Buffer.from('SEV-XCEK').toString('hex')}`);
    expect(lines.filter((line) => line.startsWith('  a'))).toEqual([]);
    expect(outlineDer(plain.vcek.der).filter((line) => line.startsWith('  a'))).toHaveLength(2);
    const dates = (der: Bytes) => outlineDer(der).filter((line) => line.startsWith('  17'));
    expect(dates(plain.crl.der)).toHaveLength(2);
    expect(dates(changed.crl.der)).toHaveLength(1);
  });

  test('a hardware id of the wrong length is refused', async () => {
    const hardwareId = new Uint8Array(64);
    await expect(testHierarchy({ product: 'Turin', hardwareId })).rejects.toThrow(RangeError);
    await expect(testHierarchy({ product: 'Milan', hardwareId })).resolves.toMatchObject({
      hardwareId,
    });
  });

  test('keys survive export and import', async () => {
    const keys = await testKeys();
    const exported = JSON.parse(JSON.stringify(exportKeys(keys)));
    const imported = importKeys(exported);
    expect(imported.ark.publicKey.equals(keys.ark.publicKey)).toBe(true);
    expect(imported.vlek.privateKey.equals(keys.vlek.privateKey)).toBe(true);
  });
});
