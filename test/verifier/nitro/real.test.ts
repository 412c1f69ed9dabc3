/** Documents of real enclaves, under AWS's own root. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { parseNitro } from '#verifier/abi/nitro.ts';
import { readDerObject } from '#verifier/abi/pem.ts';
import { isDebugNitro } from '#verifier/appraise/nitro.ts';
import { toHex } from '#verifier/bytes.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { nitroCase, verifyScene } from './nitro-scene.ts';

const cases = ['dstack-attest', 'dstack-attest-dbg', 'dstack-nsm'];
const hour = 3600;

if (hasShared) {
  describe.each(cases)('%s', (name) => {
    const { expected, scene } = nitroCase(name);

    test('every check of it passes, at its time', async () => {
      const { failed, skipped, document, root } = await verifyScene(scene);
      expect([failed, skipped]).toEqual([[], []]);
      expect(root).toMatchObject({ vendor: 'aws-nitro', insecure: false });
      if (document === null) throw new Error('it was read');
      expect(document).toMatchObject({ kind: 'enclave', publicKey: null, nonce: null });
      expect(document.pcrs.size).toBe(16);
      expect(isDebugNitro(document)).toBe(expected === 'policy-reject');
    });

    test('and at another its dates alone fail', async () => {
      for (const now of [scene.now - hour, scene.now + 3 * hour + 1]) {
        const { failed } = await verifyScene({ ...scene, now });
        expect(failed).toEqual(['chain.nitro-validity']);
      }
    });
  });

  test('the root that is pinned is the one that AWS publishes', () => {
    const pem = sharedFile('corpus/collateral/aws/AWS_NitroEnclaves_Root-G1.pem');
    const der = readDerObject(pem, 'CERTIFICATE', 'root');
    // As the user guides of Nitro Enclaves and of EC2 print it.
    expect(createHash('sha256').update(der).digest('hex')).toBe(
      '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b',
    );
    const pins = vendorRoots.filter(({ vendor }) => vendor === 'aws-nitro');
    expect(pins.map(({ spkiSha256 }) => toHex(spkiSha256))).toEqual([
      toHex(spkiFingerprint(parseCertificate(der, 'root'))),
    ]);
    for (const name of cases)
      expect(parseNitro(nitroCase(name).scene.bytes).cabundle[0]).toEqual(der);
  });
} else test.skip(sharedMissing);
