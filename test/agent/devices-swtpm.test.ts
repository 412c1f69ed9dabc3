/** The agent's commands before a TPM that we did not write: swtpm, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tpmSource } from '#agent/devices/tpm.ts';
import { tpmClient } from '#agent/devices/tpm-client.ts';
import { TpmRefusal } from '#agent/devices/tpm-frames.ts';
import { tpmPort } from '#agent/devices/tpm-port.ts';
import { createTpmProvider } from '#test/fake/tpm-certificates.ts';
import { parseAttest } from '#verifier/abi/tpm/attest.ts';
import { parseTpmEvidence } from '#verifier/abi/tpm/evidence.ts';
import { hashOf } from '#verifier/abi/tpm/hash.ts';
import { encodeTpmPublic, parseTpmPublic, spkiOfTpmKey } from '#verifier/abi/tpm/public.ts';
import { parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import { sized, u16, u32 } from '#verifier/abi/tpm/wire.ts';
import { type Bytes, concat, Reader, toHex } from '#verifier/bytes.ts';

const hasSwtpm = spawnSync('swtpm', ['--version']).status === 0;

const owner = 0x40000001;
const key = 0x81000003;
const nvIndex = 0x01c101d0;
const nothing = new Uint8Array();

if (hasSwtpm) {
  describe('a TPM 2.0', () => {
    const folder = mkdtempSync(join(tmpdir(), 'affidavit-swtpm-'));
    const path = join(folder, 'tpm.sock');
    const port = tpmPort(path, 10_000);
    const client = tpmClient(port, (ms) => sleep(ms));
    let program: ChildProcess;
    let certificate: Bytes;

    /** With the empty password for the first handle. @returns what follows the response code */
    async function send(code: number, handles: readonly number[], parameters: Bytes) {
      const area = concat(u32(0x40000009), u16(0), Uint8Array.of(1), u16(0));
      const authorized = handles.length === 0 ? nothing : concat(u32(area.length), area);
      const body = concat(...handles.map(u32), authorized, parameters);
      const tag = u16(handles.length === 0 ? 0x8001 : 0x8002);
      const answer = await port.transmit(concat(tag, u32(10 + body.length), u32(code), body));
      expect(toHex(answer.subarray(6, 10))).toBe('00000000');
      return new Reader(answer.subarray(10), 'answer');
    }

    beforeAll(async () => {
      const server = ['--server', `type=unixio,path=${path}`, '--tpmstate', `dir=${folder}`];
      const flags = ['--flags', 'not-need-init,startup-clear', '--seccomp', 'action=none'];
      program = spawn('swtpm', ['socket', '--tpm2', ...server, ...flags], { stdio: 'ignore' });
      while (!existsSync(path)) await sleep(20);
      // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
      const template = encodeTpmPublic({
        key: { kind: 'p256', point: new Uint8Array(64) },
        nameAlgorithm: 'sha256',
        attributes: 0x50072,
        authPolicy: nothing,
        scheme: { algorithm: 0x18, hash: 'sha256' },
      });
      const sensitive = sized(concat(sized(nothing), sized(nothing)));
      const made = await send(
        0x131,
        [owner],
        concat(sensitive, sized(template), sized(nothing), u32(0)),
      );
      const handle = Number(`0x${toHex(made.bytes(4, 'handle'))}`);
      await send(0x120, [owner, handle], u32(key));

      const spki = spkiOfTpmKey(parseTpmPublic(await client.readPublic(key)).key);
      const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      certificate = (await createTpmProvider()).certify(publicKey).der;
      // OWNERWRITE, AUTHWRITE, OWNERREAD, AUTHREAD, NO_DA.
      const area = concat(u32(nvIndex), u16(0x0b), u32(0x2060006), u16(0));
      const space = concat(sized(nothing), sized(concat(area, u16(certificate.length))));
      await send(0x12a, [owner], space);
      for (let offset = 0; offset < certificate.length; offset += 512) {
        const piece = certificate.subarray(offset, offset + 512);
        await send(0x137, [owner, nvIndex], concat(sized(piece), u16(offset)));
      }
    }, 30_000);
    afterAll(() => {
      program.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });

    test('quotes its PCRs over our nonce, under the key of the certificate that it holds', async () => {
      const nonce = new Uint8Array(32).fill(7);
      const source = tpmSource({
        ...{ name: path, timeoutMs: 5000, client, key, certificate: { nvIndex } },
        ...{ issuers: [], banks: ['sha256', 'sha384'] },
      });
      const { evidence } = await source.evidence(nonce, 0);
      const { quotes, certificates } = parseTpmEvidence(evidence);
      expect(certificates).toEqual([certificate]);
      const spki = spkiOfTpmKey(parseTpmPublic(await client.readPublic(key)).key);
      const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      expect(quotes).toHaveLength(2);
      for (const { message, signature, pcrs } of quotes) {
        const { nonce: answered, pcrDigest, selections } = parseAttest(message);
        expect(answered).toEqual(nonce);
        const bank = pcrs.get(selections[0]?.algorithm ?? 'sha1');
        expect(bank?.size).toBe(24);
        expect(hashOf('sha256', concat(...(bank?.values() ?? [])))).toEqual(pcrDigest);
        const { value } = parseTpmSignature(signature);
        const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
        expect(verify('sha256', message, options, value)).toBe(true);
      }
    });

    test('says by name what it refuses', async () => {
      const refusal = (call: Promise<unknown>) =>
        call.then(
          () => 'accepted',
          (error: unknown) => (error instanceof TpmRefusal ? error.message : error),
        );
      expect(await refusal(client.readPublic(key + 1))).toBe(
        'TPM2_ReadPublic was answered TPM_RC_HANDLE (handle 1)',
      );
      expect(await refusal(client.readNv(nvIndex + 1))).toBe(
        'TPM2_NV_ReadPublic was answered TPM_RC_HANDLE (handle 1)',
      );
      expect(await refusal(client.readPublic(key))).toBe('accepted');
    });
  });
} else test.skip('a TPM 2.0: swtpm is not installed', () => {});
