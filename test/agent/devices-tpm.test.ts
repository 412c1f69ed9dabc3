/** TPM commands of our own: what is sent, what is read, and every answer that is none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateIn, tpmSource } from '#agent/devices/tpm.ts';
import { type TpmPort, tpmClient } from '#agent/devices/tpm-client.ts';
import { createTpm, type FakeTpm } from '#test/fake/tpm.ts';
import { parseAttest } from '#verifier/abi/tpm/attest.ts';
import { parseTpmEvidence } from '#verifier/abi/tpm/evidence.ts';
import { hashOf } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, concat, fromHex, toHex } from '#verifier/bytes.ts';
import { type ChipOptions, chipOf, nvAttributes } from './devices-fakes.ts';
import { codeOf } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-tpm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const key = 0x81000003;
const nvIndex = 0x01c101d0;
const nonce = new Uint8Array(32).fill(9);

let tpm: FakeTpm;
let other: FakeTpm;
beforeAll(async () => {
  tpm = await createTpm({ key: 'rsa' });
  other = await createTpm({ key: 'p256', name: 'other' });
  tpm.extend(7, new Uint8Array(32).fill(1));
});

function clientOf(options: ChipOptions = {}, from: FakeTpm = tpm) {
  const chip = chipOf(from, options);
  const waits: number[] = [];
  const port: TpmPort = { name: 'chip', transmit: chip.answer };
  const client = tpmClient(port, async (ms) => void waits.push(ms));
  return { client, waits, commands: chip.commands };
}

const sourceOf = (options: ChipOptions, from: FakeTpm = tpm) =>
  tpmSource({
    name: 'chip',
    timeoutMs: 1000,
    client: clientOf(options, from).client,
    key,
    certificate: { nvIndex },
    issuers: tpm.certificates.slice(1),
    banks: ['sha256'],
  });

const own = () => tpm.certificates[0] as Bytes;

describe('evidence', () => {
  test('is a quote of all 24 PCRs with their values, and the certificates from the TPM', async () => {
    const source = sourceOf({ nv: { [nvIndex]: { bytes: own() } } });
    const { evidence, identity } = await source.evidence(nonce, 0);
    const { quotes, certificates } = parseTpmEvidence(evidence);
    expect(certificates).toEqual(tpm.certificates);
    expect(identity).toBeNull();
    const [quote] = quotes;
    const attest = parseAttest(quote?.message as Bytes);
    expect(attest.nonce).toEqual(nonce);
    const values = quote?.pcrs.get('sha256') as ReadonlyMap<number, Bytes>;
    expect([...values.keys()]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    expect(hashOf('sha256', concat(...values.values()))).toEqual(attest.pcrDigest);
    expect(values.get(7)).toEqual(tpm.pcrs().get('sha256')?.get(7));
  });

  test('reads the certificate once, and the PCRs eight at a time', async () => {
    const chip = chipOf(tpm, { nv: { [nvIndex]: { bytes: own() } } });
    const client = tpmClient({ name: 'chip', transmit: chip.answer }, async () => {});
    const source = tpmSource({
      ...{ name: 'chip', timeoutMs: 1000, client, key, certificate: { nvIndex } },
      ...{ issuers: [], banks: ['sha384'] },
    });
    await source.evidence(nonce, 0);
    const pieces = Math.ceil(own().length / 512);
    const quoting = ['PCR_Read', 'PCR_Read', 'PCR_Read', 'Quote'];
    const reading = Array.from({ length: pieces }, () => 'NV_Read');
    expect(chip.commands).toEqual(['ReadPublic', 'NV_ReadPublic', ...reading, ...quoting]);
    chip.commands.length = 0;
    await source.evidence(nonce, 0);
    expect(chip.commands).toEqual(quoting);
  });

  test('goes without what fills an NV index up, and reads it with the password that it takes', async () => {
    for (const fill of [0, 0xff]) {
      const bytes = concat(own(), new Uint8Array(700).fill(fill));
      const attributes = nvAttributes.written | nvAttributes.ownerRead;
      const source = sourceOf({ nv: { [nvIndex]: { bytes, attributes } } });
      const { certificates } = parseTpmEvidence((await source.evidence(nonce, 0)).evidence);
      expect(certificates[0]).toEqual(own());
    }
  });

  test.each<[string, () => ChipOptions, string]>([
    ['another key than configured', () => ({ key: 0x81000004 }), 'TPM_RC_HANDLE (handle 1)'],
    ['no NV index', () => ({}), 'TPM_RC_HANDLE (handle 1)'],
    [
      'nothing written there',
      () => ({ nv: { [nvIndex]: { bytes: own(), attributes: nvAttributes.authRead } } }),
      'holds nothing',
    ],
    [
      'no password for it',
      () => ({ nv: { [nvIndex]: { bytes: own(), attributes: nvAttributes.written } } }),
      'cannot be read with an empty password',
    ],
    [
      'the certificate of another key',
      () => ({ nv: { [nvIndex]: { bytes: other.certificates[0] as Bytes } } }),
      'is of another key',
    ],
    [
      'no certificate in it',
      () => ({ nv: { [nvIndex]: { bytes: new Uint8Array(600).fill(0x41) } } }),
      'no certificate in DER',
    ],
    [
      'something behind the certificate',
      () => ({ nv: { [nvIndex]: { bytes: concat(own(), Uint8Array.of(0, 1)) } } }),
      'no certificate in DER',
    ],
  ])('is refused with %s', async (_, options, message) => {
    await expect(sourceOf(options()).evidence(nonce, 0)).rejects.toThrow(message);
  });

  test('is refused of a key that signs what others say', async () => {
    // fixedTPM … restricted … sign: bit 16 of the attributes is restricted.
    const area = tpm.publicArea.slice();
    area[5] = (area[5] as number) & ~1;
    const source = sourceOf({ nv: { [nvIndex]: { bytes: own() } } }, { ...tpm, publicArea: area });
    await expect(source.evidence(nonce, 0)).rejects.toThrow('restricted');
  });
});

describe('a quote', () => {
  test('is asked for again when a PCR changes between reading and quote', async () => {
    const moving = await createTpm({ key: 'p256', name: 'moving' });
    let changes = 2;
    const before = (command: string) => {
      if (command === 'Quote' && changes-- > 0) moving.extend(10, new Uint8Array(32));
    };
    const { client, commands } = clientOf({ before }, moving);
    const { message, pcrs } = await client.quote(key, nonce, 'sha256');
    const values = [...(pcrs.get('sha256')?.values() ?? [])];
    expect(hashOf('sha256', concat(...values))).toEqual(parseAttest(message).pcrDigest);
    expect(commands.filter((name) => name === 'Quote')).toHaveLength(3);
  });

  test('is asked for again when one changes while they are read', async () => {
    const moving = await createTpm({ key: 'p256', name: 'reading' });
    let reads = 0;
    const before = (command: string) => {
      if (command !== 'PCR_Read') return;
      reads += 1;
      if (reads === 2) moving.extend(0, new Uint8Array(32));
    };
    const { client } = clientOf({ before }, moving);
    const { pcrs } = await client.quote(key, nonce, 'sha256');
    expect(pcrs.get('sha256')).toEqual(moving.pcrs().get('sha256'));
    expect(reads).toBe(5);
  });

  test('is refused when they never rest', async () => {
    const restless = await createTpm({ key: 'p256', name: 'restless' });
    const before = () => restless.extend(10, new Uint8Array(32));
    const { client } = clientOf({ before }, restless);
    await expect(client.quote(key, nonce, 'sha256')).rejects.toThrow('5 times');
  });

  test('over another nonce is refused', async () => {
    const replaying: FakeTpm = {
      ...tpm,
      quote: (_, request) => tpm.quote(new Uint8Array(32), request),
    };
    const { client } = clientOf({}, replaying);
    await expect(client.quote(key, nonce, 'sha256')).rejects.toThrow('another nonce');
  });

  test('of a bank that the TPM has not is refused', async () => {
    await expect(clientOf().client.quote(key, nonce, 'sha512')).rejects.toThrow('no bank sha512');
  });
});

describe('a TPM that asks for patience', () => {
  test.each([0x908, 0x90a, 0x922])('with %i is asked again, later each time', async (code) => {
    const { client, waits } = clientOf({ refusals: [code, code, code] });
    await client.readPublic(key);
    expect(waits).toEqual([20, 40, 80]);
  });

  test('too often is refused by name', async () => {
    const { client, commands } = clientOf({ refusals: Array.from({ length: 9 }, () => 0x922) });
    await expect(client.readPublic(key)).rejects.toThrow('TPM_RC_RETRY');
    expect(commands).toHaveLength(5);
  });

  test('in other words is not', async () => {
    const { client, commands } = clientOf({ refusals: [0x921] });
    await expect(client.readPublic(key)).rejects.toThrow('TPM_RC_LOCKOUT');
    expect(commands).toHaveLength(1);
  });
});

describe('certificateIn', () => {
  test.each([
    ['3003010203', '3003010203'],
    [`3003010203${'00'.repeat(9)}`, '3003010203'],
    [`308180${'01'.repeat(128)}ffff`, `308180${'01'.repeat(128)}`],
  ])('%s', (bytes, found) => {
    expect(toHex(certificateIn(fromHex(bytes, 'bytes')))).toBe(found);
  });

  test.each(['', '30', '3004010203', '310401020304', '30030102030001', '3083000003010203'])(
    '%s is none',
    async (bytes) => {
      expect(await codeOf(() => certificateIn(fromHex(bytes, 'bytes')))).toBe('device-failed');
    },
  );
});
