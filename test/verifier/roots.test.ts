import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { toHex } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { codeOf } from './code-of.ts';
import { hierarchyOf } from './scene.ts';

const read = (der: Uint8Array) => parseCertificate(der, 'certificate');

const amdRoots = vendorRoots.flatMap((root) => (root.vendor === 'amd' ? [root] : []));

test('one pin for each product and one for Intel, none insecure, no two alike', () => {
  expect(amdRoots.map(({ product }) => product)).toEqual(snpProducts);
  expect(vendorRoots.map(({ vendor }) => vendor)).toEqual(['amd', 'amd', 'amd', 'intel']);
  const pins = vendorRoots.map(({ spkiSha256 }) => toHex(spkiSha256));
  expect(new Set(pins).size).toBe(4);
  for (const { insecure, spkiSha256 } of vendorRoots) {
    expect({ insecure, length: spkiSha256.length }).toEqual({ insecure: false, length: 32 });
  }
});

test.for(amdRoots.map((root) => [root.product, root] as const))(
  '%s: AMD’s own ARK has the pinned key, AMD’s issuers have not',
  ([product, { spkiSha256 }], { skip }) => {
    skip(!hasShared, sharedMissing);
    for (const vek of ['vcek', 'vlek']) {
      const path = `corpus/collateral/amd/${product.toLowerCase()}-${vek}-chain.pem`;
      const [issuer, ark] = readDerObjects(sharedFile(path), 'CERTIFICATE', path).map(read);
      if (issuer === undefined || ark === undefined) throw new RangeError(`${path} holds two`);
      expect(ark.commonName).toBe(`ARK-${product}`);
      expect(toHex(spkiFingerprint(ark))).toBe(toHex(spkiSha256));
      const pins = vendorRoots.map((root) => toHex(root.spkiSha256));
      expect(pins).not.toContain(toHex(spkiFingerprint(issuer)));
    }
  },
);

test.for(snpProducts)(
  'an insecure root of %s is an ARK’s key, and says what it is',
  async (product) => {
    const { ark, ask, asvk, vcek } = await hierarchyOf(product);
    const spki = ark.plan.publicKey.export({ type: 'spki', format: 'der' });
    expect(insecureRoot(read(ark.der))).toEqual({
      vendor: 'amd',
      product,
      spkiSha256: new Uint8Array(createHash('sha256').update(spki).digest()),
      insecure: true,
    });
    for (const other of [ask, asvk, vcek]) {
      expect(codeOf(() => insecureRoot(read(other.der)))).toBe('certificate-profile');
    }
  },
);
