/** The TPM's answers, byte for byte, and the ways on which they come. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tpmClient } from '#agent/devices/tpm-client.ts';
import { tpmCodeName } from '#agent/devices/tpm-codes.ts';
import { pcrRead, readAnswer } from '#agent/devices/tpm-frames.ts';
import { tpmPort } from '#agent/devices/tpm-port.ts';
import { createTpm, type FakeTpm } from '#test/fake/tpm.ts';
import { type Bytes, concat, fromHex } from '#verifier/bytes.ts';
import { chipOf, refused, serveChip } from './devices-fakes.ts';
import { codeOf } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-tpm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const key = 0x81000003;
const nonce = new Uint8Array(32).fill(9);

let tpm: FakeTpm;
beforeAll(async () => {
  tpm = await createTpm({ key: 'rsa' });
  tpm.extend(7, new Uint8Array(32).fill(1));
});

test.each([
  [0x18b, 'TPM_RC_HANDLE (handle 1)'],
  [0x98e, 'TPM_RC_AUTH_FAIL (session 1)'],
  [0x2c4, 'TPM_RC_VALUE (parameter 2)'],
  [0x101, 'TPM_RC_FAILURE'],
  [0x100, 'TPM_RC_INITIALIZE'],
  [0x14a, 'TPM_RC_NV_UNINITIALIZED'],
  [0x902, 'TPM_RC_OBJECT_MEMORY'],
  [0xb0143, 'TPM_RC_COMMAND_CODE of layer 11 (resource manager or driver)'],
  [0x1ff, 'TPM_RC 0x1ff'],
  [0x1e, 'TPM_RC 0x1e'],
])('code %i is %s', (code, name) => {
  expect(tpmCodeName(code)).toBe(name);
});

describe('an answer', () => {
  const command = pcrRead('sha256', [0, 1]);
  const good = async () => chipOf(tpm).answer(command.frame);
  const read = (answer: Bytes) => codeOf(() => readAnswer(command, answer));

  test('is read to its end', async () => {
    const { values, selections } = readAnswer(command, await good());
    expect(selections).toEqual([{ algorithm: 'sha256', indices: [0, 1] }]);
    expect(values.map(({ length }) => length)).toEqual([32, 32]);
  });

  test.each<[string, (answer: Bytes) => Bytes, string]>([
    ['that is shorter than it says', (a) => a.subarray(0, -1), 'value-out-of-range'],
    ['that is longer', (a) => concat(a, Uint8Array.of(0)), 'value-out-of-range'],
    [
      'with more than its parameters',
      (a) =>
        concat(a.subarray(0, 2), fromHex('00000061', 'size'), a.subarray(6), new Uint8Array(1)),
      'length-wrong',
    ],
    ['of another tag', (a) => a.with(1, 2), 'value-out-of-range'],
    ['with nothing in it', () => new Uint8Array(), 'length-wrong'],
    ['that is a header alone', () => refused(0), 'length-wrong'],
    [
      'of an error with a body',
      () => concat(refused(0x101).with(5, 11), new Uint8Array(1)),
      'length-wrong',
    ],
    ['with nine values', (a) => a.with(27, 9), 'value-out-of-range'],
  ])('%s is refused', async (_, edit, code) => {
    const whole = await good();
    expect(whole).toHaveLength(96);
    expect(await read(edit(whole))).toBe(code);
  });

  test('with one byte changed is refused, or read as it then stands', async () => {
    const whole = await good();
    for (let at = 0; at < whole.length; at++) {
      const mutant = whole.with(at, (whole[at] as number) ^ 1);
      try {
        readAnswer(command, mutant);
      } catch (error) {
        // Codes of AttestationError, or what the TPM is then said to refuse.
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        expect(code ?? responseCode).toBeDefined();
      }
    }
  });

  test('with PCRs that were not asked for is refused', async () => {
    const edit = (answer: Bytes, name: string) =>
      name === 'PCR_Read' ? answer.with(23, 0xff) : answer;
    const client = tpmClient(
      { name: 'chip', transmit: chipOf(tpm, { edit }).answer },
      async () => {},
    );
    expect(await codeOf(() => client.quote(key, nonce, 'sha256'))).toBe('device-failed');
  });
});

describe('the way to the TPM', () => {
  test('over a Unix socket', async () => {
    const path = join(folder, 'tpm.sock');
    await serveChip(chipOf(tpm), path);
    const client = tpmClient(tpmPort(path, 1000), async () => {});
    expect(await client.readPublic(key)).toEqual(tpm.publicArea);
    const { pcrs } = await client.quote(key, nonce, 'sha256');
    expect(pcrs.get('sha256')).toEqual(tpm.pcrs().get('sha256'));
  });

  test('over a file: the command is written whole, the answer is what is read then', async () => {
    const command = pcrRead('sha256', [0]).frame;
    const answer = await chipOf(tpm).answer(command);
    const path = join(folder, 'tpm0');
    // As the kernel's device, but that the answer is there before the command.
    writeFileSync(path, concat(new Uint8Array(command.length), answer));
    expect(await tpmPort(path, 1000).transmit(command)).toEqual(answer);
    expect(new Uint8Array(readFileSync(path)).subarray(0, command.length)).toEqual(command);
  });

  test('is a failure where there is none', async () => {
    const port = tpmPort(join(folder, 'absent'), 1000);
    expect(await codeOf(() => port.transmit(new Uint8Array(10)))).toBe('device-failed');
  });

  test('ends where nobody answers', async () => {
    const path = join(folder, 'mute.sock');
    await serveChip({ commands: [], answer: () => new Promise(() => {}) }, path);
    expect(await codeOf(() => tpmPort(path, 50).transmit(new Uint8Array(10)))).toBe(
      'device-timeout',
    );
  });
});
