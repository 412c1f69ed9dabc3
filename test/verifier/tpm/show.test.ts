/** A TPM's quotes as `affidavit show` prints them. */
import { expect, test } from 'vitest';
import { createTpm } from '#test/fake/tpm.ts';
import { encodeTpmEvidence } from '#verifier/abi/tpm/evidence.ts';
import { encodeGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { utf8 } from '#verifier/bytes.ts';
import { renderShow } from '#verifier/show/document.ts';
import { attestSection, tpmDocument, tpmSections } from '#verifier/show/tpm.ts';
import { nonce } from './tpm-scene.ts';

test('the fields of a quote stand where it says, without a gap', async () => {
  const tpm = await createTpm({ key: 'p256' });
  const quote = await tpm.quote(nonce, { algorithm: 'sha1', indices: [0, 7] });
  const { fields } = attestSection(quote.message, null);
  let end = 0;
  for (const { offset, length } of fields) {
    expect(offset).toBe(end);
    end += length as number;
  }
  expect(end).toBe(quote.message.length);
});

test('quotes, their PCR values and certificates', async () => {
  const tpm = await createTpm({ key: 'p256' });
  const quote = await tpm.quote(nonce, { algorithm: 'sha1', indices: [0, 7] });
  const none = await tpm.quote(new Uint8Array(), { algorithm: 'sha256', indices: [1] });
  const sections = tpmSections([quote, none], [...tpm.certificates, utf8('junk')]);
  expect(sections.map(({ title }) => title)).toEqual([
    'TPM quote 1',
    'PCR values of quote 1, sha1',
    'TPM quote 2',
    'PCR values of quote 2, sha256',
    expect.stringMatching(/^AK chain 1: certificate/),
    expect.stringMatching(/^AK chain 2: certificate/),
    expect.stringMatching(/^AK chain 3: certificate/),
    'AK chain 4',
  ]);
  const text = renderShow({ form: 'TPM quotes', length: 1, sections }, false);
  expect(text).toContain('("a nonce of the verifier")');
  expect(text).toContain('none: it can be replayed');
  expect(text).toContain('sha1: 0, 7');
  expect(text).toContain('ECDSA with SHA-256');
  expect(text).toMatch(/PCR 7 +zero, 20 bytes/);
});

test('a signature of a scheme that is not verified is shown, and says so', async () => {
  const tpm = await createTpm({ key: 'p256' });
  const quote = await tpm.quote(nonce, { algorithm: 'sha1', indices: [0] });
  const signature = quote.signature.with(1, 0x1c);
  const [section] = tpmSections([{ ...quote, signature }]);
  const scheme = section?.fields.find(({ name }) => name === 'signature scheme')?.value;
  expect(scheme).toMatch(/^not verified here: .*got ECSCHNORR$/);
});

test('each file is known by its bytes', async () => {
  const tpm = await createTpm({ key: 'p256' });
  const quote = await tpm.quote(nonce, { algorithm: 'sha1', indices: [0] });
  const { publicArea, certificates, eventLog } = tpm;
  const quotes = [quote];
  const beside = { eventLog, canonicalEventLog: null, sevSnp: null, tdx: utf8('x') };
  const goTpm = encodeGoTpmAttestation({ quotes, publicArea, certificates, ...beside });
  const files = [quote.message, goTpm, encodeTpmEvidence({ quotes, certificates })];
  expect(files.map((file) => tpmDocument(file)?.form)).toEqual([
    'TPM quote',
    'go-tpm-tools attestation',
    'TPM evidence',
  ]);
  expect(
    tpmDocument(goTpm)
      ?.sections.at(-1)
      ?.fields.map(({ value }) => value)
      .slice(1),
  ).toEqual([`${eventLog.length} bytes`, 'none', '1 bytes']);
  const others = [eventLog, utf8(JSON.stringify(genuinePolicy)), new Uint8Array(), publicArea];
  expect(others.map(tpmDocument)).toEqual(others.map(() => null));
});
