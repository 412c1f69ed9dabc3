/** Evidence of a device with one bit changed: in the report, in a certificate, in the JSON around them. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import {
  encodeNvidiaEvidence,
  type NvidiaEvidence,
  parseNvidiaEvidence,
} from '#verifier/abi/nvidia/evidence.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type DevicesScene, runDevices } from './devices-scene.ts';

/** Every `step`-th byte with one bit changed; all eight bits have their turn. */
function* flips(bytes: Bytes, step: number): Generator<[at: number, Bytes]> {
  for (let at = 0; at < bytes.length; at += step)
    yield [at, bytes.with(at, (bytes[at] as number) ^ (1 << ((at / step) % 8)))];
}

/** By what was changed, and where. */
function* mutants(
  device: NvidiaEvidence,
  step: number,
): Generator<[where: string, NvidiaEvidence | AttestationError]> {
  for (const [at, evidence] of flips(device.evidence, step))
    yield [`report, byte ${at}`, { ...device, evidence }];
  for (const [place, der] of device.certificates.entries()) {
    for (const [at, changed] of flips(der, step)) {
      const certificates = device.certificates.with(place, changed);
      yield [`certificate ${place}, byte ${at}`, { ...device, certificates }];
    }
  }
  for (const [at, changed] of flips(utf8(encodeNvidiaEvidence(device)), 3 * step))
    yield [`JSON, byte ${at}`, readOrError(changed)];
}

function readOrError(bytes: Bytes): NvidiaEvidence | AttestationError {
  try {
    return parseNvidiaEvidence(bytes);
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
}

/**
 * That the one device of the scene passes as it is, and that every mutant fails a check or means the same.
 * @param step 1: every byte
 * @returns how many there were
 */
export async function expectNonePasses(scene: DevicesScene, step: number): Promise<number> {
  const device = scene.devices[0] as NvidiaEvidence;
  const failedOf = async (one: NvidiaEvidence | AttestationError) =>
    (await runDevices({ ...scene, devices: [one] })).failed;
  expect(await failedOf(device)).toEqual([]);
  const passed: string[] = [];
  let count = 0;
  for (const [where, mutant] of mutants(device, step)) {
    count += 1;
    if ((await failedOf(mutant)).length === 0 && !isDeepStrictEqual(mutant, device))
      passed.push(where);
  }
  expect(passed).toEqual([]);
  return count;
}
