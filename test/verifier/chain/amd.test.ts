import { describe, expect, test } from 'vitest';
import { type AmdOverrides, amdAlgorithm, amdCaAlgorithm } from '#test/fake/amd.ts';
import { amdExtensions } from '#test/fake/amd-profile.ts';
import * as der from '#test/fake/der.ts';
import { extension, keyUsage } from '#test/fake/extensions.ts';
import { reportVersions } from '#verifier/abi/snp.ts';
import { type SnpProduct, snpProducts } from '#verifier/abi/snp-tcb.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { idsWith, reportScene, verdictOf, verifyScene } from '../scene.ts';
import { add, extensions, put } from './profile.ts';

describe('accepted: the profile of each product, kind and report version, alike in both ports', () => {
  const kinds = snpProducts.flatMap((product) =>
    (['vcek', 'vlek'] as const).map((role) => [product, role] as const),
  );

  test.for(kinds)('%s %s', async ([product, role]) => {
    for (const version of reportVersions) {
      const scene = await reportScene({ product, role, fields: { version } });
      const verdict = await verdictOf(scene);
      expect(verdict.decision, `version ${version}`).toBe('accepted');
      expect(idsWith('pass', verdict)).toEqual(verdict.checks.map(({ id }) => id));
      const byNode = await verifyScene(scene, nodeCrypto);
      const byWeb = await verifyScene(scene, webCrypto);
      expect(byWeb.checks).toEqual(byNode.checks);
      expect(byNode.claims).toMatchObject({
        product,
        cspId: role === 'vlek' ? 'CN=cc-test.example' : null,
        report: { version },
      });
    }
  });
});

describe('accepted twins of the refusals', () => {
  type Options = { product?: SnpProduct; role?: 'vlek' };
  const other = extension('1.2.3', false, der.derNull());
  const twins: [name: string, overrides: AmdOverrides, options?: Options][] = [
    ['other extensions that are not critical', { vcek: add(other), ask: add(other) }],
    ['structVersion 1', { vcek: put(amdExtensions.structVersion(1)) }],
    [
      'a product name with a stepping',
      { vcek: put(amdExtensions.productName('Genoa-B1')) },
      { product: 'Genoa' },
    ],
    ['a wrong product name, as AMD has issued', { vcek: put(amdExtensions.productName('Genoa')) }],
    ['a product name without one', { vcek: put(amdExtensions.productName('Milan')) }],
    ['extensions in another order', { vcek: extensions((found) => found.toReversed()) }],
    [
      'the trailer field in a VCEK, none in an ASK',
      { vcek: { algorithm: amdCaAlgorithm }, ask: { algorithm: amdAlgorithm } },
    ],
    ['another serial number of the ASK', { ask: { serial: 77n } }],
    ['key usage with as many unused bits as DER wants', { ask: put(keyUsage(['keyCertSign'])) }],
    [
      'a CSP id of another provider',
      { vlek: put(amdExtensions.cspId('CN=cc.example')) },
      { role: 'vlek' },
    ],
  ];
  test.for(twins)('%s', async ([, overrides, options]) => {
    const verdict = await verdictOf(await reportScene({ ...options, overrides }));
    expect(idsWith('fail', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });
});
