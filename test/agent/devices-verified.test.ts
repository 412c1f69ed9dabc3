/** What the agent makes of its devices is what the verifier accepts: every check of theirs, at the verifier's own nonce. */
import { expect, test } from 'vitest';
import { nitroTpmSource } from '#agent/devices/nitro-tpm.ts';
import { nvidiaSource } from '#agent/devices/nvidia.ts';
import { tpmSource } from '#agent/devices/tpm.ts';
import { tpmClient } from '#agent/devices/tpm-client.ts';
import { eventLogOf } from '#agent/event-log.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createNitro } from '#test/fake/nitro.ts';
import { createNvidia } from '#test/fake/nvidia.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { createTpm } from '#test/fake/tpm.ts';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, fromHex, utf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { verify } from '#verifier/verify.ts';
import { chipOf } from './devices-fakes.ts';
import { recorder, startAgent } from './helpers.ts';

test('GPUs, a TPM with its event log, and a NitroTPM', async () => {
  const hierarchy = await testHierarchy({ product: 'Milan' });
  const nvidia = createNvidia({ gpus: 2 });
  const nitro = createNitro({ kind: 'tpm', at: fakeNow });
  const tpm = await createTpm({ key: 'p256' });
  tpm.extend(4, new Uint8Array(32).fill(4));
  const files = [{ path: '/log', named: true }];
  const { url } = await startAgent({
    hierarchy,
    eventLog: eventLogOf(files, async () => tpm.eventLog, recorder()),
    devices: [
      nvidiaSource({
        ...{ name: 'nvattest', count: 2, timeoutMs: 5000 },
        run: async (nonce) => utf8(nvidia.toolOutput(nonce)),
      }),
      tpmSource({
        ...{ name: 'tpm0', timeoutMs: 5000, key: 0x81000003, banks: ['sha256'] },
        client: tpmClient({ name: 'tpm0', transmit: chipOf(tpm).answer }, async () => {}),
        certificate: { der: tpm.certificates[0] as Bytes },
        issuers: tpm.certificates.slice(1),
      }),
      nitroTpmSource({
        ...{ name: 'nitro-tpm-attest', timeoutMs: 5000 },
        run: async (nonce) => nitro.document({ nonce }),
      }),
    ],
  });
  const nonce = fromHex('07'.repeat(32), 'nonce');
  const response = await fetch(`${url}/attestation?nonce=${'07'.repeat(32)}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { spkiSha256 } = insecureRoot(parseCertificate(hierarchy.ark.der, 'ARK'));
  const amd = { vendor: 'amd', product: 'Milan', spkiSha256, insecure: true } as const;
  const roots = [amd, nvidia.root, tpm.root, nitro.root];
  const evidence = { form: 'bundle', bytes, nonce, connection: { channel: null } } as const;
  const { collateral } = parseBundle(bytes);
  const { checks } = await verify(evidence, collateral, roots, fakeNow, nodeCrypto);
  const notPassed = checks.filter(({ status }) => status !== 'pass');
  // Nobody gave manifests or OCSP answers: nothing else is missing.
  expect(notPassed.filter(({ stage }) => stage !== 'collateral')).toEqual([]);
  expect(notPassed.filter(({ status }) => status !== 'skip')).toEqual([]);
  expect(checks.map(({ id }) => id)).toEqual(
    expect.arrayContaining([
      'binding.device-nonces',
      'binding.devices',
      'evidence.gpu-signature',
      'evidence.tpm-signature',
      'evidence.pcr-digest',
      'evidence.event-log',
      'evidence.nitro-signature',
    ]),
  );
});
