/** An Azure VM, end to end: what each part of its evidence is held to. */
import { expect, test } from 'vitest';
import { allPcrs, createTpm } from '#test/fake/tpm.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { checkOf, failuresOf, idsWith, verdictOf, verifyScene } from '../scene.ts';
import { type AzureSceneOptions, azureNonce, azureScene } from './scene.ts';

const tees = ['sev-snp', 'tdx'] as const;
const failures = async (options: AzureSceneOptions) => failuresOf(await azureScene(options));

test.for(tees)('%s is accepted, and its claims are those of the paravisor', async (tee) => {
  const scene = await azureScene({ tee });
  const verdict = await verdictOf(scene);
  expect([verdict.decision, idsWith('fail', verdict)]).toEqual(['accepted', []]);
  const verified = await verifyScene(scene);
  expect(verified.hcl).toMatchObject({ secureBoot: true, tpmEnabled: true });
  expect(verified.tpm).toMatchObject({ key: 'hcl', nonce: azureNonce });
  expect((await verifyScene(scene, webCrypto)).checks).toEqual(verified.checks);
});

test.for(tees)('%s: the quote of another TPM', async (tee) => {
  const other = await createTpm({ key: 'rsa', name: 'other' });
  const tpm = [await other.quote(azureNonce, { algorithm: 'sha256', indices: allPcrs })];
  expect(await failures({ tee, edit: () => ({ tpm }) })).toEqual(['evidence.tpm-signature']);
});

test.for(tees)('%s: the claims of another TPM beside this hardware report', async (tee) => {
  const other = await createTpm({ key: 'rsa', name: 'other' });
  const tpm = [await other.quote(azureNonce, { algorithm: 'sha256', indices: allPcrs })];
  const claims = { akPublicKey: other.publicKey };
  const edit = () => ({ tpm, akCertificate: null });
  const elsewhere = () => new Uint8Array(64).fill(5);
  expect(await failures({ tee, report: { claims, reportData: elsewhere }, edit })).toEqual([
    'evidence.hcl-runtime-data',
  ]);
  expect(await failures({ tee, report: { claims }, edit })).toEqual([]);
});

test.for(tees)('%s: the AK certificate of another key', async (tee) => {
  const other = await createTpm({ key: 'rsa', name: 'other' });
  const [akCertificate = null] = other.certificates;
  expect(await failures({ tee, edit: () => ({ akCertificate }) })).toEqual(['evidence.ak-key']);
  expect(await failures({ tee, edit: () => ({ akCertificate: null }) })).toEqual([]);
});

test.for(tees)('%s: a quote for another nonce, and evidence without a nonce', async (tee) => {
  const nonce = new Uint8Array(32).fill(1);
  expect(await failures({ tee, edit: () => ({ nonce }) })).toEqual(['binding.quote-nonce']);
  const unasked = await verifyScene(await azureScene({ tee, edit: () => ({ nonce: null }) }));
  expect(idsWith('fail', unasked)).toEqual([]);
  expect(() => checkOf('binding.quote-nonce', unasked)).toThrow(RangeError);
});

test('user-data that repeats the nonce does not stand in for the quote', async () => {
  const userData = new Uint8Array(64);
  userData.set(azureNonce);
  const report = { userData };
  expect(await failures({ tee: 'sev-snp', report })).toEqual([]);
  const verdict = await verdictOf(
    await azureScene({ tee: 'sev-snp', report, edit: () => ({ tpm: [] }) }),
  );
  expect(verdict.decision).toBe('undecided');
});

test('claims that the guest had signed at its own level', async () => {
  const report = { snp: { with: { vmpl: 2 } } };
  expect(await failures({ tee: 'sev-snp', report })).toEqual(['evidence.hcl-runtime-data']);
});

test('TDX without its quote is undecided, with the quote of another TD invalid', async () => {
  const without = await azureScene({ tee: 'tdx', edit: () => ({ quote: null }) });
  const verdict = await verdictOf(without);
  expect(verdict.decision).toBe('undecided');
  expect(checkOf('evidence.hcl-quote', verdict).reason).toMatch(/^lacks a readable TD quote/);
  const foreign = (
    await azureScene({ tee: 'tdx', report: { userData: new Uint8Array(64).fill(1) } })
  ).evidence.quote;
  expect(await failures({ tee: 'tdx', edit: () => ({ quote: foreign }) })).toEqual([
    'evidence.hcl-runtime-data',
    'evidence.hcl-quote',
  ]);
});

test('bytes that are no HCL report fail its parsing, and nothing is made of the rest', async () => {
  for (const bytes of [new Uint8Array(), new Uint8Array(2600)]) {
    const verdict = await verdictOf(await azureScene({ tee: 'tdx', edit: () => ({ bytes }) }));
    expect([verdict.decision, idsWith('fail', verdict)]).toEqual(['invalid', ['parse.hcl']]);
  }
});
