import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { toHex } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import { deviceVendors, vendorRoots } from '#verifier/roots.ts';
import { codeOf } from './code-of.ts';
import { hierarchyOf } from './scene.ts';

const read = (der: Uint8Array) => parseCertificate(der, 'certificate');

const amdRoots = vendorRoots.flatMap((root) => (root.vendor === 'amd' ? [root] : []));

test('one pin for each product, for Intel and for each vendor of devices, none insecure, no two alike', () => {
  expect(amdRoots.map(({ product }) => product)).toEqual(snpProducts);
  const vendors = vendorRoots.map(({ vendor }) => vendor);
  expect(vendors.slice(0, 4)).toEqual(['amd', 'amd', 'amd', 'intel']);
  expect(new Set(vendors.slice(4))).toEqual(new Set(deviceVendors));
  const pins = vendorRoots.map(({ spkiSha256 }) => toHex(spkiSha256));
  expect(new Set(pins).size).toBe(vendorRoots.length);
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

test.for([
  ['nvidia', 'nvidia/gpu-device-identity-root.pem'],
  ['nvidia', 'nvidia/switch-device-identity-root.pem'],
  ['nvidia-rim', 'nvidia/rim-root.pem'],
  ['aws-nitro', 'aws/AWS_NitroEnclaves_Root-G1.pem'],
  ['google-tpm', 'gcp/gcp_ek_ak_ca_root.crt'],
  ['google-tpm', 'gcp/tpm_ek_root_1.cer'],
  ['azure-tpm', 'azure/azure-virtual-tpm-root-2023.pem'],
] as const)('the root of %s has a pinned key: %s', ([vendor, path], { skip }) => {
  skip(!hasShared, sharedMissing);
  const bytes = sharedFile(`corpus/collateral/${path}`);
  const [der] = readDerObjects(bytes, 'CERTIFICATE', path);
  const pins = vendorRoots.filter((root) => root.vendor === vendor);
  const fingerprint = toHex(spkiFingerprint(read(der as Uint8Array)));
  expect(pins.map(({ spkiSha256 }) => toHex(spkiSha256))).toContain(fingerprint);
});
