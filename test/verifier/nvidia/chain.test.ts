/** Chains of NVIDIA's devices: each certificate in its place, and everything that may not stand there. */
import { expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import type { Extension } from '#test/fake/certificates.ts';
import { removeExtension, replaceExtension } from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { basicConstraints, extension, keyUsage } from '#test/fake/extensions.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import {
  createNvidia,
  type FakeNvidiaDevice,
  type NvidiaOptions,
  type NvidiaRole,
  nvidiaRoles,
} from '#test/fake/nvidia.ts';
import {
  alternativeName,
  bytesFor,
  caName,
  compositeDeviceId,
  deviceName,
  type NvidiaChange,
  tcbInfo,
} from '#test/fake/nvidia-profile.ts';
import { hasShared } from '#test/shared.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import {
  asNvidiaBrom,
  asNvidiaIca,
  asNvidiaIdentity,
  asNvidiaLeaf,
  asNvidiaRoot,
} from '#verifier/chain/nvidia.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { codeOf } from '../code-of.ts';
import { machineScene, nonceOf, nvidiaCases, runDevices } from './devices-scene.ts';

const strangers = await generateEcKey();
const p256 = await generateEcKey('P-256');
const gpus = [{}, { architecture: 'BLACKWELL' as const }];
const plain = createNvidia({ gpus, switches: 1 });

/** The first failure, or null. */
async function failureOf(options: NvidiaOptions): Promise<{ id: string; reason: string } | null> {
  const result = await runDevices(await machineScene(createNvidia(options)));
  const id = result.failed[0];
  return id === undefined ? null : { id, reason: result.of(id).reason ?? '' };
}

test('machines with the chains of each architecture pass every check of stage chain', async () => {
  const result = await runDevices(await machineScene(plain));
  expect(result.failed).toEqual([]);
  expect(result.of('chain.gpu-certificates').status).toBe('pass');
  expect(result.of('chain.gpu-signatures').status).toBe('pass');
  expect(result.root).toBe(plain.root);
  expect(result.ends.map(({ what }) => what)).toEqual([
    'the certificates of GPU 0',
    'the certificates of GPU 1',
    'the certificates of NVSwitch 2',
  ]);
  expect(result.ends[0]?.at).toBe(253_402_300_799);
});

const readers: Record<NvidiaRole, (der: Bytes) => unknown> = {
  leaf: (bytes) => asNvidiaLeaf(parseCertificate(bytes, 'certificate')),
  brom: (bytes) => asNvidiaBrom(parseCertificate(bytes, 'certificate')),
  ica: (bytes) => asNvidiaIca(parseCertificate(bytes, 'certificate')),
  identity: (bytes) => asNvidiaIdentity(parseCertificate(bytes, 'certificate')),
  root: (bytes) => asNvidiaRoot(parseCertificate(bytes, 'certificate')),
};

test('a certificate is accepted in its own place alone', () => {
  for (const { certificates } of plain.devices) {
    for (const role of nvidiaRoles) {
      for (const place of nvidiaRoles) {
        const code = codeOf(() => readers[place](certificates[role].der));
        expect(code, `${role} as ${place}`).toBe(role === place ? null : 'certificate-profile');
      }
    }
  }
});

test('what the certificates of a device say', () => {
  const [hopper, blackwell, nvSwitch] = plain.devices as [
    FakeNvidiaDevice,
    FakeNvidiaDevice,
    FakeNvidiaDevice,
  ];
  const leafOf = (device: FakeNvidiaDevice) => readers.leaf(device.certificates.leaf.der);
  expect(leafOf(hopper)).toMatchObject({
    model: 'GH100 A01 GSP',
    chip: 'GH100',
    architecture: 'HOPPER',
    id: hopper.id,
    fwid: bytesFor('HOPPER FMC', 48),
  });
  expect(leafOf(blackwell)).toMatchObject({
    architecture: 'BLACKWELL',
    fwid: bytesFor('BLACKWELL FMC', 48),
    deviceKey: null,
  });
  expect(leafOf(nvSwitch)).toMatchObject({ architecture: 'LS10', chip: 'LS_10' });
  expect(readers.brom(nvSwitch.certificates.brom.der)).toMatchObject({
    pdi: bytesFor('LS10 PDI 2', 8),
  });
  expect(readers.ica(nvSwitch.certificates.ica.der)).toEqual({ role: 'ica', chip: 'LS_10' });
});

const withExtension =
  (wanted: Extension): NvidiaChange =>
  ({ extensions }) => ({ extensions: replaceExtension(extensions, wanted) });
const without =
  (oid: string): NvidiaChange =>
  ({ extensions }) => ({ extensions: removeExtension(extensions, oid) });
const plus =
  (more: Extension): NvidiaChange =>
  ({ extensions }) => ({ extensions: [...extensions, more] });
const serial9 = fromHex('41aabbccddeeff0011', 'serial');
const fwid = bytesFor('HOPPER FMC', 48);
const unknownCritical = extension('1.2.3.4', true, der.derNull());
const dice = '2.23.133.5.4.1';
const otherName = (...parts: Bytes[]) =>
  extension('2.5.29.17', false, der.sequence(der.context(0, ...parts)));
const deviceInfo = der.objectIdentifier('1.3.6.1.4.1.412.274.1');
const idText = der.utf8String('NVIDIA:GH100:48B02DD1B4B4D2DD');

test.for<[string, NvidiaRole, NvidiaChange]>([
  ['key on P-256', 'leaf', () => ({ publicKey: p256.publicKey })],
  ['signature with SHA-256', 'leaf', () => ({ hash: 'sha256', signer: p256.privateKey })],
  ['name of another kind', 'leaf', () => ({ subject: deviceName(serial9, 'GH100 A01 GSP FMC') })],
  ['name without revision', 'leaf', () => ({ subject: deviceName(serial9, 'GH100 GSP FMC LF') })],
  [
    'chip of no known family',
    'leaf',
    () => ({ subject: deviceName(serial9, 'GA100 A01 GSP FMC LF') }),
  ],
  ['right to sign certificates', 'leaf', withExtension(keyUsage(['keyCertSign']))],
  ['basic constraints', 'leaf', plus(basicConstraints(false, null))],
  ['no key usage', 'leaf', without('2.5.29.15')],
  ['unknown critical extension', 'leaf', plus(unknownCritical)],
  ['no alternative name', 'leaf', without('2.5.29.17')],
  [
    'alternative name of another chip',
    'leaf',
    withExtension(alternativeName('NVIDIA:GB100:48B02DD1B4B4D2DD')),
  ],
  [
    'alternative name of another maker',
    'leaf',
    withExtension(alternativeName('NVIDIO:GH100:48B02DD1B4B4D2DD')),
  ],
  [
    'alternative name of another kind',
    'leaf',
    withExtension(otherName(der.objectIdentifier('1.2.3'), der.context(0, idText))),
  ],
  ['no firmware id', 'leaf', without(dice)],
  ['two firmware ids', 'leaf', plus(tcbInfo('GH100 A01 GSP', fwid))],
  [
    'TcbInfo of another model',
    'leaf',
    ({ extensions }) => ({
      extensions: [...removeExtension(extensions, dice), tcbInfo('GH100 A02 GSP', fwid)],
    }),
  ],
  [
    'TcbInfo with a debugger',
    'leaf',
    ({ extensions }) => ({
      extensions: [...removeExtension(extensions, dice), tcbInfo('GH100 A01 GSP', fwid, 0x90)],
    }),
  ],
  [
    'TcbInfo that is not secure',
    'leaf',
    ({ extensions }) => ({
      extensions: [...removeExtension(extensions, dice), tcbInfo('GH100 A01 GSP', fwid, 0xc0)],
    }),
  ],
  [
    'CompositeDeviceID of version 2',
    'leaf',
    withExtension(extension(dice, false, der.sequence(der.integer(2)))),
  ],
  ['no right to sign certificates', 'brom', withExtension(keyUsage(['digitalSignature']))],
  ['right to sign lists', 'brom', withExtension(keyUsage(['keyCertSign', 'cRLSign']))],
  ['basic constraints of no CA', 'brom', withExtension(basicConstraints(false, null))],
  ['serial number of 8 bytes', 'brom', ({ serial }) => ({ serial: serial.subarray(1) })],
  ['serial number of its own', 'brom', () => ({ serial: serial9 })],
  [
    'name of another kind',
    'ica',
    () => ({ subject: caName('NVIDIA GH100 Provisioner', 'NVIDIA Corporation', true) }),
  ],
  ['path length', 'ica', withExtension(basicConstraints(true, 1))],
  [
    'name of another kind',
    'identity',
    () => ({ subject: caName('NVIDIA Identity', 'NVIDIA Corporation', false) }),
  ],
  [
    'name of another root',
    'root',
    () => ({ subject: caName('NVIDIA CoRIM signing Root CA', 'NVIDIA', false) }),
  ],
])('%s in the place of %s is refused', async ([, role, change]) => {
  expect(await failureOf({ overrides: { [role]: () => ({}) } })).toBe(null);
  const failure = await failureOf({ overrides: { [role]: change } });
  expect(failure?.id).toBe('chain.gpu-certificates');
  expect(failure?.reason).toMatch(/^GPU 0: .*\(certificate-profile\)$/);
});

test.for<[string, Extension]>([
  ['alternative name', otherName(deviceInfo, der.context(0, idText, idText))],
  [
    'two alternative names',
    extension('2.5.29.17', false, der.sequence(der.context(0), der.context(0))),
  ],
  ['CompositeDeviceID', extension(dice, false, der.sequence(der.integer(1)))],
])('a malformed %s is refused', async ([, wanted]) => {
  const failure = await failureOf({ overrides: { leaf: withExtension(wanted) } });
  expect(failure?.reason).toMatch(/\(der-malformed\)$/);
});

test.for<[string, NvidiaRole, NvidiaChange, RegExp]>([
  [
    'a boot ROM of another model',
    'brom',
    ({ serial }) => ({ subject: deviceName(serial, 'GH100 A02 GSP BROM') }),
    /of GH100 A01 GSP, GH100 A02 GSP and GH100/,
  ],
  [
    'an ICA of another chip',
    'ica',
    () => ({ subject: caName('NVIDIA GB100 Provisioner ICA 1', 'NVIDIA Corporation', true) }),
    /and GB100/,
  ],
  [
    'the boot ROM’s key of another device',
    'leaf',
    withExtension(compositeDeviceId(strangers.publicKey, fwid)),
    /boot ROM of another device/,
  ],
  [
    'another issuer’s name',
    'leaf',
    () => ({ issuer: deviceName(serial9, 'GH100 A01 GSP BROM') }),
    /do not follow one another/,
  ],
  [
    'a root that names another issuer',
    'root',
    () => ({ issuer: caName('NVIDIA Device Identity CA', 'NVIDIA ', false) }),
    /do not follow one another/,
  ],
])('a chain with %s is refused', async ([, role, change, reason]) => {
  const failure = await failureOf({ overrides: { [role]: change } });
  expect(failure?.id).toBe('chain.gpu-certificates');
  expect(failure?.reason).toMatch(reason);
});

test.for(nvidiaRoles)(
  'a stranger’s signature on the certificate of role %s fails',
  async (role) => {
    const result = await runDevices(
      await machineScene(
        createNvidia({ overrides: { [role]: () => ({ signer: strangers.privateKey }) } }),
      ),
    );
    expect(result.failed).toEqual(['chain.gpu-signatures']);
    expect(result.of('chain.gpu-signatures').reason).toMatch(/^GPU 0: the signature on /);
  },
);

test.for(nvidiaRoles)('dates of role %s count', async (role) => {
  const dates = (notBefore: number, notAfter: number) =>
    createNvidia({ overrides: { [role]: () => ({ notBefore, notAfter }) } });
  const failedOf = async (machine: ReturnType<typeof createNvidia>) =>
    (await runDevices(await machineScene(machine))).failed;
  expect(await failedOf(dates(fakeNow, fakeNow))).toEqual([]);
  expect(await failedOf(dates(fakeNow + 1, fakeNow + 2))).toEqual(['chain.gpu-validity']);
  expect(await failedOf(dates(fakeNow - 2, fakeNow - 1))).toEqual(['chain.gpu-validity']);
});

test('a look-alike root is not NVIDIA’s, nor is one of another vendor', async () => {
  const scene = await machineScene(plain);
  const look = await runDevices({ ...scene, roots: vendorRoots });
  expect(look.failed).toEqual(['chain.gpu-root-pinned']);
  expect(look.root).toBe(null);
  expect(look.of('chain.gpu-root-pinned').reason).toMatch(/^GPU 0, GPU 1, NVSwitch 2: its root/);
  const otherVendor = { ...plain.root, vendor: 'nvidia-rim' as const };
  expect((await runDevices({ ...scene, roots: [otherVendor] })).failed).toEqual([
    'chain.gpu-root-pinned',
  ]);
});

test('certificates in another order, doubled, left out or of another device are refused', async () => {
  const scene = await machineScene(createNvidia({ gpus: 2 }));
  const [first, second] = scene.devices as [
    { evidence: Bytes; certificates: Bytes[] },
    { evidence: Bytes; certificates: Bytes[] },
  ];
  const failedWith = async (certificates: readonly Bytes[]) =>
    (await runDevices({ ...scene, devices: [{ ...first, certificates }] })).failed;
  expect(await failedWith(first.certificates)).toEqual([]);
  expect(await failedWith(first.certificates.toReversed())).toEqual(['chain.gpu-certificates']);
  expect(await failedWith(first.certificates.toSpliced(2, 1))).toEqual(['chain.gpu-certificates']);
  expect(await failedWith([...first.certificates, first.certificates[4] as Bytes])).toEqual([
    'chain.gpu-certificates',
  ]);
  expect(await failedWith(second.certificates)).toEqual(['evidence.gpu-signature']);
});

test('without certificates nothing is decided', async () => {
  const scene = await machineScene(createNvidia());
  const devices = scene.devices.map((device) => ({ ...device, certificates: [] })) as never;
  const result = await runDevices({ ...scene, devices });
  expect(result.failed).toEqual([]);
  expect(result.skipped).toContain('chain.gpu-certificates');
  expect(result.skipped).toContain('evidence.gpu-identity');
  expect(result.of('chain.gpu-certificates').reason).toBe(
    'lacks the certificates of GPU 0 (--chain)',
  );
  expect(result.devices).toEqual([null]);
});

test('a port that remembers certificates keeps each by its place', async () => {
  const crypto = rememberingCrypto(nodeCrypto);
  const scene = { ...(await machineScene(plain)), crypto };
  expect((await runDevices(scene)).failed).toEqual([]);
  const [device] = plain.devices as [FakeNvidiaDevice];
  const { evidence, certificates } = device.evidence(nonceOf(0));
  const shifted = certificates.with(0, certificates[1] as Bytes);
  const result = await runDevices({ ...scene, devices: [{ evidence, certificates: shifted }] });
  expect(result.failed).toEqual(['chain.gpu-certificates']);
});

if (hasShared) {
  test('every genuine certificate is of its profile', () => {
    for (const { id, device } of nvidiaCases()) {
      if (id === 'neg-hopper-chain-order') continue;
      const codes = device.certificates.map((bytes, i) =>
        codeOf(() => readers[nvidiaRoles[i] as NvidiaRole](bytes)),
      );
      expect(codes, id).toEqual([null, null, null, null, null]);
    }
  });
}
