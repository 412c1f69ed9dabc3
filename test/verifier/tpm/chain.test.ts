/** Chains of an attestation key, whole and broken, simulated and genuine. */
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import type { CertificatePlan } from '#test/fake/certificates.ts';
import { replaceExtension } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { authorityKeyIdentifier, basicConstraints, extension } from '#test/fake/extensions.ts';
import { generateRsaKey } from '#test/fake/keys.ts';
import { createTpm } from '#test/fake/tpm.ts';
import {
  createTpmProvider,
  googleName,
  type TpmProviderOverrides,
} from '#test/fake/tpm-certificates.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';
import { asAk, asTpmCa } from '#verifier/chain/tpm.ts';
import { verifyAkChain } from '#verifier/chain/tpm-chain.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import { Checklist } from '#verifier/checklist.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import { codeOf } from '../code-of.ts';
import { drop, put, type Role } from './plans.ts';
import { idsFor, judge, tpmScene } from './tpm-scene.ts';

/** What did not pass of a chain, by its certificates. */
async function chainOf(
  certificates: readonly Bytes[],
  roots: readonly TrustedRoot[],
  now = fakeNow,
): Promise<{ wrong: string[]; reasons: string }> {
  const list = new Checklist(idsFor('certificate').filter((id) => id.startsWith('chain.')));
  await verifyAkChain(list, certificates, roots, now, nodeCrypto);
  const wrong = list.finish().filter(({ status }) => status !== 'pass');
  return {
    wrong: wrong.map(({ id, status }) => `${status} ${id.slice('chain.ak-'.length)}`),
    reasons: wrong.map(({ reason }) => reason).join('; '),
  };
}

describe('chains', () => {
  const made = async (overrides: TpmProviderOverrides = {}) => {
    const { certificates, root } = await createTpm({ key: 'p256', overrides });
    return { certificates: certificates as [Bytes, Bytes, Bytes], root };
  };

  test('in any order above the AK’s own, with others among them', async () => {
    const { certificates, root } = await made();
    const [ak, ca, top] = certificates;
    const other = await createTpmProvider({
      root: { subject: googleName('another'), issuer: googleName('another') },
    });
    for (const rest of [
      [ca, top],
      [top, ca],
      [other.root.der, top, other.ca.der, ca],
    ]) {
      expect((await chainOf([ak, ...rest], [root])).wrong).toEqual([]);
    }
    // The issuer first: it is no attestation key's.
    expect((await chainOf([ca, ak, top], [root])).wrong).toEqual([
      'fail certificates',
      'skip root-pinned',
      'skip validity',
      'skip signatures',
    ]);
  });

  test('CAs of one name are told apart by their keys', async () => {
    const { certificates, root } = await made();
    const [ak, ca, top] = certificates;
    const { publicKey } = await generateRsaKey(2048);
    const identifier = authorityKeyIdentifier(publicKey).value.subarray(4);
    const { ca: twin } = await createTpmProvider({
      ca: (plan) => ({
        publicKey,
        extensions: replaceExtension(
          plan.extensions,
          extension('2.5.29.14', false, der.octetString(identifier)),
        ),
      }),
    });
    expect((await chainOf([ak, twin.der, ca, top], [root])).wrong).toEqual([]);
    const { wrong, reasons } = await chainOf([ak, twin.der, top], [root]);
    expect(wrong[0]).toBe('skip certificates');
    expect(reasons).toMatch(/^lacks the certificate of "EK\/AK CA Intermediate"/);
  });

  test.for([
    ['nothing', 0, /^lacks the certificate of the attestation key/],
    ['the AK’s own alone', 1, /^lacks the certificate of "EK\/AK CA Intermediate"/],
    ['no root', 2, /^lacks the certificate of "EK\/AK CA Root"/],
  ] as const)('%s: undecided', async ([, count, reason]) => {
    const { certificates, root } = await made();
    const { wrong, reasons } = await chainOf(certificates.slice(0, count), [root]);
    expect(wrong).toEqual([
      'skip certificates',
      'skip root-pinned',
      'skip validity',
      'skip signatures',
    ]);
    expect(reasons).toMatch(reason);
  });

  test('a root that is not pinned, or for something else', async () => {
    const { certificates, root } = await made();
    const elsewhere: TrustedRoot = { ...root, vendor: 'nvidia' };
    for (const roots of [vendorRoots, [], [elsewhere]]) {
      expect((await chainOf(certificates, roots)).wrong).toEqual(['fail root-pinned']);
    }
    const azure: TrustedRoot = { ...root, vendor: 'azure-tpm' };
    expect((await chainOf(certificates, [azure])).wrong).toEqual([]);
  });

  test('dates: each certificate’s first and last second', async () => {
    const { certificates, root } = await made({
      ak: { notBefore: 2000, notAfter: 3000 },
      ca: { notBefore: 1000, notAfter: 4000 },
      root: { notBefore: 1000, notAfter: 2900 },
    });
    const wrongAt = async (now: number) => (await chainOf(certificates, [root], now)).wrong;
    for (const now of [2000, 2900]) expect(await wrongAt(now)).toEqual([]);
    for (const now of [1999, 2901]) expect(await wrongAt(now)).toEqual(['fail validity']);
    expect((await chainOf(certificates, [root], 2901)).reasons).toMatch(
      /EK\/AK CA Root has expired/,
    );
    expect((await chainOf(certificates, [root], 1999)).reasons).toMatch(
      /8033817256003918212 is not valid/,
    );
  });

  test.for(['ak', 'ca', 'root'] as const)('a false signature on %s', async (role) => {
    const editSignature = (bytes: Bytes) => bytes.with(9, (bytes[9] as number) ^ 1);
    const { certificates, root } = await made({ [role]: { editSignature } });
    expect((await chainOf(certificates, [root])).wrong).toEqual(['fail signatures']);
  });

  test('an AK certificate that the root signed in the CA’s name', async () => {
    const { keys } = await createTpmProvider();
    const { certificates, root } = await made({ ak: { signer: keys.root.privateKey } });
    const { wrong, reasons } = await chainOf(certificates, [root]);
    expect(wrong).toEqual(['fail signatures']);
    expect(reasons).toMatch(/8033817256003918212 is not by the key of EK\/AK CA Intermediate/);
  });

  test('path lengths', async () => {
    const limited = async (role: Role, length: number) => {
      const { certificates, root } = await made({ [role]: put(basicConstraints(true, length)) });
      return (await chainOf(certificates, [root])).wrong;
    };
    expect(await limited('root', 1)).toEqual([]);
    expect(await limited('ca', 0)).toEqual([]);
    expect((await limited('root', 0))[0]).toBe('fail certificates');
  });

  test('a chain that goes in circles or on and on', async () => {
    const { keys } = await createTpmProvider();
    const names = Array.from({ length: 6 }, (_, i) => googleName(`CA ${i}`));
    const ladder = await Promise.all(
      names.map(async (subject, i) => {
        const issuer = names[(i + 1) % names.length] as CertificatePlan['issuer'];
        const plan = { subject, issuer, signer: keys.ca.privateKey };
        const without = drop('2.5.29.35');
        const { ca } = await createTpmProvider({
          ca: (old) => ({ ...plan, ...(without as (plan: CertificatePlan) => object)(old) }),
        });
        return ca.der;
      }),
    );
    const { certificates, root } = await made({
      ak: { issuer: names[0] as CertificatePlan['issuer'] },
    });
    const { wrong, reasons } = await chainOf([certificates[0], ...ladder], [root]);
    expect(wrong[0]).toBe('fail certificates');
    expect(reasons).toMatch(/more than it allows/);
  });

  test('what cannot be read', async () => {
    const { certificates, root } = await made();
    const [ak, ca, top] = certificates;
    const junk = utf8('junk');
    for (const given of [
      [junk, ca, top],
      [ak, ca, top, junk],
      [concat(ak, junk), ca, top],
    ]) {
      expect((await chainOf(given, [root])).wrong[0]).toBe('fail certificates');
    }
  });

  test('an unreadable AK certificate leaves the quote without a key', async () => {
    const { certified } = await tpmScene({ key: 'p256' });
    const key = { kind: 'certificate', certificates: [utf8('junk')] } as const;
    const { wrong } = await judge({ ...certified, given: { ...certified.given, key } });
    expect(wrong.slice(-2)).toEqual(['skip evidence.ak-key', 'skip evidence.tpm-signature']);
  });
});

if (hasShared) {
  describe('genuine certificates', () => {
    const gcp = (file: string) => sharedFile(`corpus/collateral/gcp/${file}`);
    const at = (time: string) => parseTime(time) as number;

    test('of a GCE instance, up to Google’s root', async () => {
      const text = gcp('openpcc_gce_ak_certificates.txt');
      const [ak, ca] = readDerObjects(text, 'CERTIFICATE', 'chain') as [Bytes, Bytes];
      const root = gcp('gcp_ek_ak_ca_root.crt');
      // Of the same name as the CA that signed, with another key.
      const other = gcp('gcp_ek_ak_ca_intermediate_v3.crt');
      const now = at('2025-06-01T00:00:00Z');
      expect((await chainOf([ak, ca, root], vendorRoots, now)).wrong).toEqual([]);
      expect((await chainOf([ak, other, ca, root], vendorRoots, now)).wrong).toEqual([]);
      expect((await chainOf([ak, other, root], vendorRoots, now)).wrong[0]).toBe(
        'skip certificates',
      );
      const early = at('2025-05-18T13:58:19Z');
      expect((await chainOf([ak, ca, root], vendorRoots, early)).wrong).toEqual(['fail validity']);
      expect(asAk(parseCertificate(ak, 'AK')).instance).toBe(
        'projects/nonvolatile-dev/zones/us-west1-b/instances/jfquinn-tdx-tpm-ubuntu-test-us-west1-b (8033817256003918212)',
      );
    });

    test('the roots are those that are pinned', () => {
      const azure = sharedFile('corpus/collateral/azure/azure-virtual-tpm-root-2023.pem');
      const roots = [
        ['google-tpm', gcp('gcp_ek_ak_ca_root.crt')],
        ['azure-tpm', readDerObjects(azure, 'CERTIFICATE', 'root')[0] as Bytes],
      ] as const;
      for (const [vendor, root] of roots) {
        const certificate = parseCertificate(root, 'root');
        expect(codeOf(() => asTpmCa(certificate))).toBe(null);
        const pins = vendorRoots.filter((known) => known.vendor === vendor);
        expect(pins.map(({ spkiSha256 }) => spkiSha256)).toContainEqual(
          spkiFingerprint(certificate),
        );
      }
    });

    test('of an Azure VM, whose CA is not here: undecided', async () => {
      const folder = 'corpus/azure-tdx-vtpm/attested-tls-azure-tdx-1764662251380464271';
      const padded = readDerObjects(sharedFile(`${folder}/ak-cert.der`), 'CERTIFICATE', 'AK');
      const { wrong, reasons } = await chainOf(padded, vendorRoots, at('2025-12-03T00:00:00Z'));
      expect(wrong[0]).toBe('skip certificates');
      expect(reasons).toMatch(/^lacks the certificate of "Global Virtual TPM CA - 03"/);
      const certificate = parseCertificate(padded[0] as Bytes, 'AK');
      expect(asAk(certificate).instance).toBe('353c6d9a70bc.ConfidentialVM.Azure.windows.net');
    });
  });
} else test.skip(sharedMissing);
