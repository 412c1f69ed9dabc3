/** What commands print: evidence of the device and the nonce that were asked for, or a refusal. */
import { describe, expect, test } from 'vitest';
import type { DeviceSource } from '#agent/devices/devices.ts';
import { nitroTpmSource } from '#agent/devices/nitro-tpm.ts';
import { nvidiaSource } from '#agent/devices/nvidia.ts';
import { createNitro } from '#test/fake/nitro.ts';
import { createNvidia } from '#test/fake/nvidia.ts';
import { parseNvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

describe("what NVIDIA's command prints", () => {
  const nvidia = createNvidia({ gpus: 2 });
  const source = (run: (nonce: Bytes, index: number) => Promise<Bytes>, count = 2) =>
    nvidiaSource({ name: 'nvattest', count, timeoutMs: 1000, run });
  const asked = new Uint8Array(32).fill(7);
  const list = utf8(nvidia.toolOutput(asked));
  const wrapped = (result: number) =>
    utf8(
      JSON.stringify(
        {
          evidences: JSON.parse(nvidia.toolOutput(asked)),
          result_code: result,
          result_message: 'Ok',
        },
        null,
        4,
      ),
    );
  const leafOf = async (found: ReturnType<DeviceSource['evidence']>) =>
    parseNvidiaEvidence((await found).evidence).certificates[0];

  test.each([
    ['a list of all', list],
    ["nvattest's object", wrapped(0)],
  ])('is taken from %s by its place', async (_, printed) => {
    for (const place of [0, 1]) {
      const leaf = await leafOf(source(async () => printed).evidence(asked, place));
      expect(leaf).toEqual(nvidia.devices[place]?.certificates.leaf.der);
    }
  });

  test('may be that of the one that was asked for', async () => {
    const one = (index: number) =>
      utf8(JSON.stringify([JSON.parse(nvidia.toolOutput(asked))[index]]));
    const leaf = await leafOf(source(async (_, index) => one(index)).evidence(asked, 1));
    expect(leaf).toEqual(nvidia.devices[1]?.certificates.leaf.der);
  });

  test.each([
    ['over another nonce', utf8(nvidia.toolOutput(new Uint8Array(32).fill(8))), 2, 'device-failed'],
    ['of fewer devices than are configured', list, 3, 'device-failed'],
    ['with a result that is none', wrapped(5), 2, 'device-failed'],
    ['without certificates', nvidia.devices[0]?.report(asked) as Bytes, 2, 'device-failed'],
    ['that is nothing', utf8('GPU 0'), 2, 'json-malformed'],
  ])('is refused %s', async (_, printed, count, code) => {
    expect(await codeOf(() => source(async () => printed, count).evidence(asked, 0))).toBe(code);
  });
});

describe("a NitroTPM's document", () => {
  const asked = new Uint8Array(32).fill(7);
  const source = (document: Bytes) =>
    nitroTpmSource({ name: 'attest', timeoutMs: 1000, run: async () => document });
  const tpm = createNitro({ kind: 'tpm' });

  test.each<[string, Bytes, string]>([
    ['is taken as it is', tpm.document({ nonce: asked }), 'accepted'],
    ['of another nonce is refused', tpm.document({ nonce: new Uint8Array(32) }), 'device-failed'],
    ['without a nonce is refused', tpm.document({ nonce: null }), 'device-failed'],
    [
      'of an enclave is refused',
      createNitro({ kind: 'enclave' }).document({ nonce: asked }),
      'device-failed',
    ],
    ['that is none is refused', utf8('Error: no TPM'), 'length-wrong'],
  ])('%s', async (_, document, code) => {
    expect(await codeOf(() => source(document).evidence(asked, 0))).toBe(code);
  });
});
