/** The simulated TPM against what does not know it: openssl's view of its certificates, the replay of its log. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { replayPcrs } from '#verifier/abi/event-log/replay.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { hasShared, sharedFile, sharedMissing } from '../shared.ts';
import { outlineDer } from './outline.ts';
import { createTpm, fakeBanks } from './tpm.ts';
import { createTpmProvider, tpmOids } from './tpm-certificates.ts';

test('the certificates hold together for Node too', async () => {
  const { certificates } = await createTpm({ key: 'p384' });
  const [ak, ca, root] = certificates.map((der) => new X509Certificate(der)) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ];
  expect([ak.checkIssued(ca), ca.checkIssued(root), root.checkIssued(root)]).toEqual([
    true,
    true,
    true,
  ]);
  expect([ak.verify(ca.publicKey), ca.verify(root.publicKey)]).toEqual([true, true]);
  expect([ak.ca, ca.ca, root.ca]).toEqual([false, true, true]);
  expect((await createTpm({ key: 'p384', certified: false })).certificates).toEqual([]);
});

test('the log replays to the PCRs that were extended', async () => {
  const tpm = await createTpm({ key: 'p256' });
  const start = tpm.pcrs();
  tpm.extend(0, new Uint8Array(32).fill(1));
  tpm.extend(4, new Uint8Array(32).fill(2), { type: 0x80000003, data: utf8('loader') });
  tpm.extend(0, new Uint8Array(32).fill(3));
  const log = parseEventLog(tpm.eventLog);
  for (const bank of fakeBanks) {
    const replayed = replayPcrs(log, bank);
    const values = tpm.pcrs().get(bank);
    for (const index of [0, 4]) expect(replayed.get(index)).toEqual(values?.get(index));
    expect(values?.get(17)).toEqual(start.get(bank)?.get(17));
  }
});

if (hasShared) {
  describe('the certificates are written as Google writes them', () => {
    const gcp = (file: string) => sharedFile(`corpus/collateral/gcp/${file}`);

    test('the root, but for the length of its key', async () => {
      const { root } = await createTpmProvider();
      expect(tagsOf(root.der)).toEqual(tagsOf(gcp('gcp_ek_ak_ca_root.crt')));
    });

    test('what an AK certificate says', async () => {
      const text = new TextDecoder().decode(gcp('openpcc_gce_ak_certificates.txt'));
      const genuine = new X509Certificate(text.slice(text.indexOf('-----BEGIN')));
      const { certificates } = await createTpm({ key: 'rsa' });
      const fake = new X509Certificate(certificates[0] as Bytes);
      const known = [genuine, fake].map(({ raw }) => tagsOf(new Uint8Array(raw)));
      // Google's tells where its issuer is found, which nothing here reads.
      const [wanted = [], made = []] = known;
      expect(made.filter((line) => !wanted.includes(line))).toEqual([]);
      expect(made.length).toBeGreaterThan(wanted.length - 12);
      expect(tpmOids.gceInstance).toBe('1.3.6.1.4.1.11129.2.1.21');
    });
  });
} else test.skip(sharedMissing);

/** Depth and tag of each element, without what it holds. */
function tagsOf(der: Bytes): string[] {
  return outlineDer(der).map((line) => line.replace(/^(\s*\S+).*$/, '$1'));
}
