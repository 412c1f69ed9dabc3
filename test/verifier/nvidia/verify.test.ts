/** Machines with GPUs and switches through all their checks, right and wrong in one way at a time. */
import { expect, test } from 'vitest';
import { replaceExtension } from '#test/fake/certificates.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import { createNvidia, type FakeNvidiaDevice } from '#test/fake/nvidia.ts';
import type { FakeReportOptions } from '#test/fake/nvidia-device.ts';
import { bytesFor, compositeDeviceId } from '#test/fake/nvidia-profile.ts';
import {
  createRimSigner,
  driverRim,
  firmwareRim,
  issueRim,
  rimNow,
} from '#test/fake/nvidia-rim.ts';
import { hasShared } from '#test/shared.ts';
import { rimSubjectOf } from '#verifier/abi/nvidia/rim-subject.ts';
import { parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { AttestationError } from '#verifier/errors.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { verifyNvidia } from '#verifier/verify-nvidia.ts';
import { machineScene, nonceOf, nvidiaCases, runDevices } from './devices-scene.ts';

const machine = createNvidia({ gpus: [{}, { architecture: 'BLACKWELL' }, {}], switches: 1 });
const [hopper, blackwell, , nvSwitch] = machine.devices as [
  FakeNvidiaDevice,
  FakeNvidiaDevice,
  FakeNvidiaDevice,
  FakeNvidiaDevice,
];
const roots = [machine.root];
const strangers = await generateEcKey();

/** One device alone, its report changed. */
function alone(device: FakeNvidiaDevice, changes?: FakeReportOptions) {
  return runDevices({ devices: [device.evidence(nonceOf(0), changes)], roots });
}

const field = (id: number, value: Bytes): FakeReportOptions => ({
  fields: (fields) => fields.map((one) => (one.id === id ? { id, value } : one)),
});

test('a machine as it should be: each device with its claims, nothing decided without collateral', async () => {
  const result = await runDevices(await machineScene(machine));
  expect(result.failed).toEqual([]);
  expect(result.skipped).toEqual([
    'collateral.gpu-revocation',
    'collateral.rim-signature',
    'collateral.rim-validity',
    'collateral.gpu-driver',
    'collateral.gpu-firmware',
  ]);
  expect(result.devices).toMatchObject([
    {
      kind: 'gpu',
      architecture: 'HOPPER',
      driver: '590.12',
      vbios: '96.00.A5.00.01',
      nonce: nonceOf(0),
      id: hopper.id,
      confidentialMode: null,
      matched: { driver: false, firmware: false },
    },
    { kind: 'gpu', architecture: 'BLACKWELL', id: blackwell.id },
    { kind: 'gpu', architecture: 'HOPPER', nonce: nonceOf(2) },
    { kind: 'switch', architecture: 'LS10', driver: null, vbios: '96.10.55.00.01' },
  ]);
  expect(result.of('evidence.gpu-identity').actual).toContain(`GPU 0: ${hopper.id}`);
});

test('a report signed by another key, or changed since, fails in its signature', async () => {
  expect((await alone(hopper)).failed).toEqual([]);
  const signature = ['evidence.gpu-signature'];
  expect((await alone(hopper, { signer: strangers.privateKey })).failed).toEqual(signature);
  const flipped = (at: number) => ({
    afterSigning: (bytes: Bytes) => {
      bytes[at] = (bytes[at] as number) ^ 1;
    },
  });
  // The nonce, a measurement, the device's nonce, the signature.
  for (const at of [4, 60, 3570, 4100]) {
    expect((await alone(hopper, flipped(at))).failed, `byte ${at}`).toEqual(signature);
  }
  const zero = { afterSigning: (bytes: Bytes) => void bytes.fill(0, bytes.length - 96) };
  expect((await alone(hopper, zero)).failed).toEqual(signature);
});

test('a failure names the devices that made it', async () => {
  const devices = machine.devices.map((device, i) =>
    device.evidence(nonceOf(i), i % 2 === 0 ? {} : { signer: strangers.privateKey }),
  );
  const result = await runDevices({ devices, roots });
  expect(result.of('evidence.gpu-signature')).toMatchObject({
    status: 'fail',
    actual: '2 of 4 fail',
    reason: expect.stringMatching(/^GPU 1, NVSwitch 3: the report is not signed/),
  });
});

test.for<[string, FakeNvidiaDevice, FakeReportOptions, RegExp]>([
  [
    'firmware of another chip',
    hopper,
    field(20, bytesFor('other', 48)),
    /firmware id [0-9a-f]{96}/,
  ],
  [
    'firmware of another chip, Blackwell',
    blackwell,
    field(20, bytesFor('other', 48)),
    /firmware id/,
  ],
  [
    'the number of another chip',
    hopper,
    field(4, Uint8Array.of(0xa0, 1, 0, 0, 0, 0, 0, 0)),
    /of BLACKWELL, the certificate of HOPPER/,
  ],
  [
    'another switch',
    nvSwitch,
    field(22, bytesFor('other', 8)),
    /device [0-9a-f]{16}, the certificate is of/,
  ],
])('a rightly signed report with %s is of another device', async ([, device, changes, reason]) => {
  expect((await alone(device)).failed).toEqual([]);
  const result = await alone(device, changes);
  expect(result.failed).toEqual(['evidence.gpu-identity']);
  expect(result.of('evidence.gpu-identity').reason).toMatch(reason);
});

test('a GPU’s key does not sign a switch’s report, nor the other way about', async () => {
  const switchReport = hopper.report(nonceOf(0), {
    fields: () => parseSpdm(nvSwitch.report(nonceOf(0))).opaque,
  });
  const { certificates } = hopper.evidence(nonceOf(0));
  const result = await runDevices({ devices: [{ evidence: switchReport, certificates }], roots });
  expect(result.failed).toEqual(['evidence.gpu-identity']);
  expect(result.of('evidence.gpu-identity').reason).toMatch(
    /of a switch, the certificate of GH100/,
  );
});

test('drivers that name no firmware id are as before, and the check says so', async () => {
  const result = await alone(hopper, { fields: (fields) => fields.filter(({ id }) => id !== 20) });
  expect(result.failed).toEqual([]);
  expect(result.of('evidence.gpu-identity').actual).toBe(
    `GPU 0: ${hopper.id}, names no firmware id`,
  );
});

test('no two devices are one, whatever they call themselves', async () => {
  const twice = [hopper.evidence(nonceOf(0)), hopper.evidence(nonceOf(1))];
  const result = await runDevices({ devices: twice, roots });
  expect(result.failed).toEqual(['evidence.gpu-identity']);
  expect(result.of('evidence.gpu-identity').reason).toBe(
    'GPU 0: it is the same device as GPU 1; GPU 1: it is the same device as GPU 0',
  );
  const machine2 = createNvidia({ gpus: 2 });
  expect((await runDevices(await machineScene(machine2))).failed).toEqual([]);
});

test('the same device under another firmware, with another key and name, is the same device', async () => {
  const other = bytesFor('later firmware', 48);
  // The boot ROM certifies a second key; alternative name and firmware id are the first one's own no more.
  const again = createNvidia({
    gpus: 2,
    overrides: {
      leaf: ({ extensions }) => ({
        extensions: replaceExtension(
          extensions,
          compositeDeviceId(hopper.keys.brom.publicKey, other),
        ),
        signer: hopper.keys.brom.privateKey,
        issuer: hopper.certificates.brom.plan.subject,
      }),
    },
  });
  const second = again.devices[1] as FakeNvidiaDevice;
  const chain = second.evidence(nonceOf(1), field(20, other));
  const certificates = chain.certificates.with(1, hopper.certificates.brom.der);
  const first = hopper.evidence(nonceOf(0));
  const alone2 = await runDevices({ devices: [{ ...chain, certificates }], roots });
  expect(alone2.failed).toEqual([]);
  const both = await runDevices({ devices: [first, { ...chain, certificates }], roots });
  expect(both.failed).toEqual(['evidence.gpu-identity']);
});

test('evidence that cannot be read fails, and leaves the others theirs', async () => {
  const good = hopper.evidence(nonceOf(0));
  const cut = { ...good, evidence: good.evidence.subarray(0, 100) };
  const unread = new AttestationError('json-malformed', 'no JSON');
  const result = await runDevices({ devices: [cut, unread, nvSwitch.evidence(nonceOf(2))], roots });
  expect(result.failed).toEqual(['parse.gpu']);
  expect(result.of('parse.gpu').reason).toMatch(
    /^device 0: .*\(length-wrong\); device 1: no JSON \(json-malformed\)$/,
  );
  expect(result.skipped).toContain('evidence.gpu-signature');
  expect(result.of('evidence.gpu-signature').reason).toContain('a readable report of device 0');
  expect(result.devices.map((device) => device?.kind ?? null)).toEqual([null, null, 'switch']);
});

test('bytes after the response are refused though the signature were over them', async () => {
  const longer = { beforeSigning: (bytes: Bytes) => concat(bytes, new Uint8Array(4)) };
  expect((await alone(hopper, longer)).failed).toEqual(['parse.gpu']);
});

test('there is no verification of no devices, and no other error passes for bad evidence', async () => {
  const run = (given: Parameters<typeof verifyNvidia>[1]) =>
    verifyNvidia(new Checklist([]), given, { rims: [], ocsp: [] }, roots, rimNow, nodeCrypto);
  await expect(run([])).rejects.toThrow(RangeError);
  const broken = () => {
    throw new TypeError('a fault of the program');
  };
  await expect(run([broken])).rejects.toThrow(TypeError);
});

test('confidential mode is on where the report says so and NVIDIA’s manifests match, not before', async () => {
  const signer = await createRimSigner();
  const modeOf = async (
    featureFlag: number | null,
    wanted: { driver: boolean; firmware: boolean },
  ) => {
    const { devices, root } = createNvidia({ gpus: [{ featureFlag }] });
    const device = devices[0]?.evidence(nonceOf(0)) ?? hopper.evidence(nonceOf(0));
    const subject = rimSubjectOf(parseSpdm(device.evidence), 'GPU 0', null);
    const rims = [
      ...(wanted.driver ? [issueRim(signer, driverRim(subject))] : []),
      ...(wanted.firmware ? [issueRim(signer, firmwareRim(subject))] : []),
    ];
    const scene = { devices: [device], roots: [root, signer.trusted], rims, now: rimNow };
    const result = await runDevices(scene);
    expect(result.failed).toEqual([]);
    expect(result.devices[0]?.matched).toEqual(wanted);
    return result.devices[0]?.confidentialMode;
  };
  const both = { driver: true, firmware: true };
  expect(await modeOf(0, both)).toBe('on');
  expect(await modeOf(1, both)).toBe('on');
  expect(await modeOf(0, { driver: true, firmware: false })).toBe(null);
  expect(await modeOf(0, { driver: false, firmware: true })).toBe(null);
  expect(await modeOf(2, both)).toBe('off');
  expect(await modeOf(null, both)).toBe(null);
});

test('a root that was handed over for manifests makes the outcome insecure', async () => {
  const signer = await createRimSigner();
  const pinned = { ...machine.root, insecure: false };
  const device = hopper.evidence(nonceOf(0));
  const subject = rimSubjectOf(parseSpdm(device.evidence), 'GPU 0', null);
  const scene = { devices: [device], roots: [pinned, signer.trusted], now: rimNow };
  expect((await runDevices(scene)).root).toBe(pinned);
  const rims = [issueRim(signer, driverRim(subject))];
  expect((await runDevices({ ...scene, rims })).root).toBe(signer.trusted);
});

/** Which check each of the corpus's negative cases fails in, manifests and nonces left out. */
const corpusFailures: Record<string, string[]> = {
  'neg-hopper-chain-order': ['chain.gpu-certificates'],
  'neg-hopper-foreign-chain': ['evidence.gpu-signature'],
  'neg-hopper-measurement-flip': ['evidence.gpu-signature'],
  'neg-hopper-nonce-in-request-replaced': ['evidence.gpu-signature'],
  'nvidia-sdk-switch-invalid-signature': ['evidence.gpu-signature', 'evidence.gpu-identity'],
};

if (hasShared) {
  test.for(nvidiaCases())('the genuine evidence of $id', async ({ id, device, now }) => {
    const result = await runDevices({ devices: [device], roots: vendorRoots, now });
    expect(result.failed).toEqual(corpusFailures[id] ?? []);
    const [claims] = result.devices;
    if (id === 'neg-hopper-chain-order') expect(claims).toBe(null);
    else expect(claims?.id).toMatch(/^NVIDIA:(GH100|GB100|LS_10):48B02D[0-9A-F]{10}$/);
    expect(result.root?.insecure ?? false).toBe(false);
  });

  test('a set of genuine GPUs and switches of one machine', async () => {
    const set = nvidiaCases().filter(({ id }) => id.startsWith('nvtrust-ppcie-'));
    const devices = set.map(({ device }) => device);
    const now = set[0]?.now ?? 0;
    const result = await runDevices({ devices, roots: vendorRoots, now });
    expect(result.failed).toEqual([]);
    expect(result.devices.map((device) => device?.kind)).toEqual([
      ...new Array(4).fill('gpu'),
      ...new Array(2).fill('switch'),
    ]);
    expect(result.devices.map((device) => device?.confidentialMode ?? null)).toEqual([
      ...new Array(4).fill('off'),
      ...new Array(2).fill(null),
    ]);
  });

  test('one switch that the corpus has four times is not four switches', async () => {
    const four = nvidiaCases().filter(({ id }) => id.startsWith('nvidia-sdk-multi-switch-'));
    const devices = four.map(({ device }) => device);
    const now = four[0]?.now ?? 0;
    const result = await runDevices({ devices, roots: vendorRoots, now });
    expect(result.failed).toEqual(['evidence.gpu-identity']);
  });
}
