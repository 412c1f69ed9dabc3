/** NVIDIA's own manifests, and those that it made wrong for its tests, against the reports of real devices. */
import { expect, test } from 'vitest';
import { rimSubject } from '#test/fake/nvidia-rim.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { parseRim, rimName } from '#verifier/abi/nvidia/rim.ts';
import { type RimSubject, rimSubjectOf } from '#verifier/abi/nvidia/rim-subject.ts';
import { parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { runRims } from './rim-scene.ts';

const at = (text: string) => parseTime(text) as UnixTime;
const rimFile = (name: string): Bytes => sharedFile(`corpus/collateral/nvidia/rim/${name}`);

/** What is wrong with the signature; null: it is NVIDIA's. */
const files: readonly [file: string, name: string, wrong: RegExp | null, now: string][] = [
  [
    '1010_0200_882_96005E0001_PROD.swidtag',
    'GH100 firmware 96.00.5E.00.01',
    null,
    '2024-01-01T00:00:00Z',
  ],
  [
    '1010_0200_882_96005E0001_test_no_gpu.swidtag',
    'GH100 firmware 96.00.5E.00.01',
    null,
    '2024-01-01T00:00:00Z',
  ],
  ['Driver_RIM_test_no_gpu.swidtag', 'GH100 driver 545.00', null, '2024-01-01T00:00:00Z'],
  [
    'NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml',
    'GH100 driver 535.86.09',
    /changed after it was signed$/,
    '2026-01-01T00:00:00Z',
  ],
  ['NV_GPU_DRIVER_GH100_550.144.03.xml', 'GH100 driver 550.144.03', null, '2026-01-01T00:00:00Z'],
  [
    'NV_GPU_DRIVER_GH100_570.124.03_expired.xml',
    'GH100 driver 570.124.03',
    /changed after it was signed$/,
    '2025-01-01T12:00:00Z',
  ],
  [
    'NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml',
    'GH100 firmware 96.00.5E.00.01',
    null,
    '2024-06-01T00:00:00Z',
  ],
  [
    'NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml',
    'LS10 firmware 96.10.55.00.01',
    /changed after it was signed$/,
    '2025-01-01T00:00:00Z',
  ],
  [
    'NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml',
    'GH100 firmware 96.10.55.00.01',
    /changed after it was signed$/,
    '2024-06-01T00:00:00Z',
  ],
  [
    'incorrect_cert_chain_driver_rim.xml',
    'GB100 firmware 97.00.83.00.09',
    /holds 2 certificates/,
    '2026-01-01T00:00:00Z',
  ],
  [
    'incorrect_signature_driver_rim.xml',
    'GH100 driver 550.144.03',
    /not signed by HCC RIM L4 Signer$/,
    '2026-01-01T00:00:00Z',
  ],
  [
    'switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml',
    'LS10 firmware 96.10.55.00.01',
    null,
    '2026-11-01T00:00:00Z',
  ],
];

/** A device that measured what the manifest says, so that the signature alone decides. */
function deviceOf(bytes: Bytes): RimSubject {
  const { kind, edition, product, version, measurements } = parseRim(bytes);
  return rimSubject({
    kind: edition,
    architecture: product,
    ...(kind === 'driver' ? { driver: version } : { vbios: version, driver: null }),
    measurements: new Map(
      measurements.map(({ index, alternatives }) => [index + 1, alternatives[0] as Bytes]),
    ),
  });
}

test.for(files)('%s', async ([file, name, wrong, now], { skip }) => {
  skip(!hasShared, sharedMissing);
  const bytes = rimFile(file);
  const rim = parseRim(bytes);
  expect(rimName(rim)).toBe(name);
  const result = await runRims({
    devices: [deviceOf(bytes)],
    rims: [bytes],
    roots: vendorRoots,
    now: at(now),
  });
  if (wrong === null) {
    expect(result.statuses).toMatch(/^pass pass (?:pass skip|pass pass)$/);
    expect(result.matched[0]?.[rim.kind]).toBe(true);
  } else {
    expect(result.statuses).toBe('fail skip skip skip');
    expect(result.of.signature.reason).toMatch(wrong);
  }
});

function reportOf(id: string): RimSubject {
  return rimSubjectOf(parseSpdm(sharedFile(`corpus/nvidia/${id}/evidence.bin`)), 'device 0', null);
}

const hopper = 'nvidia-sdk-hopper-535-vbios-rim';
const prod = '1010_0200_882_96005E0001_PROD.swidtag';
const vbiosMismatch = 'NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml';
const nvswitch = 'nvidia-sdk-switch-with-vbios-rim';
const switchRim = 'switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml';

test.for<[string, string, string, string, string]>([
  ['a GPU whose firmware fits', hopper, prod, '2024-01-01T00:00:00Z', 'pass pass skip pass'],
  [
    'the same before the manifest was signed',
    hopper,
    prod,
    '2023-04-05T00:00:00Z',
    'pass skip skip skip',
  ],
  [
    'the same after the signer expired',
    hopper,
    prod,
    '2025-07-01T00:00:00Z',
    'pass skip skip skip',
  ],
  [
    'a GPU whose firmware differs',
    hopper,
    vbiosMismatch,
    '2024-06-01T00:00:00Z',
    'pass pass skip fail',
  ],
  [
    'the same before the manifest was signed',
    hopper,
    vbiosMismatch,
    '2023-04-05T00:00:00Z',
    'pass skip skip fail',
  ],
  [
    'a switch whose firmware fits',
    nvswitch,
    switchRim,
    '2026-11-01T00:00:00Z',
    'pass pass pass pass',
  ],
  [
    'the same before the manifest was signed',
    nvswitch,
    switchRim,
    '2023-04-05T00:00:00Z',
    'pass skip pass skip',
  ],
  ['a switch with a GPU’s manifest', nvswitch, prod, '2024-01-01T00:00:00Z', 'pass skip pass skip'],
  [
    'a driver’s manifest of another version',
    'nvtrust-hopper-no-gpu-sample',
    'Driver_RIM_test_no_gpu.swidtag',
    '2024-01-01T00:00:00Z',
    'pass skip skip skip',
  ],
  [
    'a changed one of the driver',
    hopper,
    'NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml',
    '2023-04-05T00:00:00Z',
    'fail skip skip skip',
  ],
  [
    'a changed one of the switch',
    nvswitch,
    'NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml',
    '2023-04-05T00:00:00Z',
    'fail skip skip skip',
  ],
])('%s (%s, %s, %s)', async ([, id, file, now, statuses], { skip }) => {
  skip(!hasShared, sharedMissing);
  const rims = [rimFile(file)];
  const result = await runRims({ devices: [reportOf(id)], rims, roots: vendorRoots, now: at(now) });
  expect(result.statuses).toBe(statuses);
});

test('the manifest that differs names what differs', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const rims = [rimFile(vbiosMismatch)];
  const now = at('2024-06-01T00:00:00Z');
  const { of } = await runRims({ devices: [reportOf(hopper)], rims, roots: vendorRoots, now });
  expect(of.firmware.reason).toMatch(
    /^device 0: measurements? [\d, ]+ (?:is|are) not those of GH100 firmware 96\.00\.5E\.00\.01$/,
  );
});
