/** Every quote of the corpus: those of Azure's vTPMs, go-tpm-tools' of GCE, and the ones that were spoilt. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { readTpm2Quote, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { readAkPublic } from '#verifier/abi/tpm/public.ts';
import { type Bytes, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { parseCertificate, rsaSpki } from '#verifier/chain/x509.ts';
import { judge } from './tpm-scene.ts';

/** What of a spoilt case is not the TPM's: its quote is good. */
const elsewhere: readonly string[] = ['nonce', 'tdquote-reportdata'];

const failures: Readonly<Record<string, string>> = {
  'tpm-quote-signature': 'fail evidence.tpm-signature',
  'pcr-digest': 'fail evidence.pcr-digest',
};

type Case = {
  folder: string;
  quote: TpmQuote;
  key: Bytes;
  nonce: string | undefined;
  reason: string;
};

if (hasShared) {
  const casesOf = (kind: string): Case[] =>
    readdirSync(sharedPath(`corpus/${kind}`))
      .map((id) => `corpus/${kind}/${id}`)
      .filter((folder) => existsSync(sharedPath(`${folder}/tpm-quote-msg.bin`)))
      .map(readCase);
  const cases = ['tpm-quote', 'azure-snp-vtpm', 'azure-tdx-vtpm'].flatMap(casesOf);

  test('there are quotes', () => expect(cases.length).toBe(14));

  test.for(cases.map((one) => [one.folder, one] as const))('%s', async ([, one]) => {
    const { quote, key, reason, nonce } = one;
    const { wrong, claims } = await judge({
      given: { quotes: [quote], key: { kind: 'hcl', publicKey: key, certificate: null } },
      roots: [],
    });
    const good = reason === 'ok' || elsewhere.includes(reason);
    expect(wrong).toEqual(good ? [] : [failures[reason]]);
    if (nonce !== undefined) expect(toHex(claims?.nonce ?? utf8('none'))).toBe(nonce);
  });

  describe('go-tpm-tools’ attestations of a GCE instance', () => {
    test.for([
      ['no-nonce', ''],
      ['nonce9009', '9009'],
    ] as const)('%s', async ([id, nonce]) => {
      const file = sharedFile(`corpus/tpm-quote/go-tpm-tools-gce-cos-85-${id}/attestation.pb`);
      const { quotes, publicKey } = parseGoTpmAttestation(file);
      const key = { kind: 'trusted', claimed: publicKey, trusted: [publicKey] } as const;
      const { wrong, claims } = await judge({ given: { quotes, key }, roots: [] });
      expect(wrong).toEqual([]);
      expect(toHex(claims?.nonce ?? utf8('none'))).toBe(nonce);
      expect([...(claims?.pcrs ?? [])].map(([bank, values]) => [bank, values.size])).toEqual([
        ['sha1', 24],
        ['sha256', 24],
        ['sha384', 24],
      ]);
    });
  });

  test('an Azure VM’s certificate, padded as in its NV, is of the key that quoted', async () => {
    const folder = 'corpus/azure-tdx-vtpm/attested-tls-azure-tdx-1764662251380464271';
    const { quote, key: publicKey } = readCase(folder);
    const certificate = new Uint8Array(4096);
    certificate.set(sharedFile(`${folder}/ak-cert.der`));
    expect(parseCertificate(certificate.subarray(0, 1009), 'AK').spki).toEqual(publicKey);
    const key = { kind: 'hcl', publicKey, certificate } as const;
    expect((await judge({ given: { quotes: [quote], key }, roots: [] })).wrong).toEqual([]);
  });
} else test.skip(sharedMissing);

function readCase(folder: string): Case {
  const file = (name: string) => sharedFile(`${folder}/${name}`);
  const { expected, nonce_hex } = JSON.parse(fromUtf8(file('case.json'), 'case'));
  const quote = readTpm2Quote({
    message: file('tpm-quote-msg.bin'),
    signature: file('tpm-quote-sig.bin'),
    pcrs: file('pcrs-sha256.json'),
  });
  const key = existsSync(sharedPath(`${folder}/akpub.pem`))
    ? readAkPublic(file('akpub.pem'))
    : hclKey(file('hcl-report.bin'));
  return { folder, quote, key, nonce: nonce_hex, reason: expected.reason };
}

/** HCLAkPub, taken from the JSON in the report without reading the report. */
function hclKey(report: Bytes): Bytes {
  const text = new TextDecoder('latin1').decode(report);
  const found = /"kid":"HCLAkPub"[^}]*?"n":"([A-Za-z0-9_-]+)"/.exec(text)?.[1] as string;
  return rsaSpki(new Uint8Array(Buffer.from(found, 'base64url')), 65537);
}
