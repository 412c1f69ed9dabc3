/** `devices` and `eventLog` of a configuration: what is read, what is refused, and what comes of it on a machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { readCollateral } from '#agent/cli.ts';
import { collateralStatus, splitByPlatform } from '#agent/collateral.ts';
import { parseConfig } from '#agent/config.ts';
import { attach, configuredLabels } from '#agent/devices/attach.ts';
import { banksOf, type DeviceConfig, timeoutOf } from '#agent/devices/config.ts';
import { guardDevices } from '#agent/devices/devices.ts';
import { examineNamed } from '#agent/doctor.ts';
import { eventLogOf, noEventLog } from '#agent/event-log.ts';
import { createRimSigner, driverRim, issueRim, rimSubject } from '#test/fake/nvidia-rim.ts';
import { createTpm } from '#test/fake/tpm.ts';
import { intelCollateralKinds } from '#verifier/abi/bundle.ts';
import { parseNvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { chipOf, manualDevice, serveChip } from './devices-fakes.ts';
import { codeOf, recorder } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-devices-'));
afterAll(() => rmSync(folder, { recursive: true }));

const plain = {
  version: 1,
  listen: { host: '127.0.0.1', port: 0 },
  closure: { registration: 'registration' },
  services: [],
  collateral: { vek: null, ask: null, ark: null, arkCrl: null },
};
const parse = (changes: object) => parseConfig(utf8(JSON.stringify({ ...plain, ...changes })));

const nvidia = { kind: 'nvidia', command: ['/bin/nvattest', '--nonce', '{nonce}'], count: 2 };
const tpm = { kind: 'tpm', key: '81000003', certificate: { nvIndex: '01c101d0' } };
const nitroTpm = { kind: 'nitro-tpm', command: ['/bin/attest', '--nonce={nonceFile}'] };

describe('a configuration', () => {
  test('names devices in the order of the bundle', () => {
    const config = parse({ devices: [nvidia, tpm, { ...nitroTpm, timeout: 3 }] });
    expect(configuredLabels(config)).toEqual([
      { index: 0, kind: 'nvidia' },
      { index: 1, kind: 'nvidia' },
      { index: 2, kind: 'tpm' },
      { index: 3, kind: 'nitro-tpm' },
    ]);
    expect(config.devices?.[1]).toEqual({
      kind: 'tpm',
      key: 0x81000003,
      certificate: { from: { nvIndex: 0x01c101d0 }, issuers: [] },
    });
    expect(config.devices?.map(timeoutOf)).toEqual([10_000, 10_000, 3000]);
  });

  test('may leave them out, and leave out what has a default', () => {
    expect(configuredLabels(parse({}))).toEqual([]);
    expect(configuredLabels(parse({ devices: [] }))).toEqual([]);
    const { devices = [] } = parse({ devices: [{ ...nvidia, count: undefined }, tpm] });
    expect(configuredLabels({ devices })).toHaveLength(2);
    const banks = (config: DeviceConfig | undefined) => config?.kind === 'tpm' && banksOf(config);
    expect(banks(devices[1])).toEqual(['sha256']);
    const two = parse({ devices: [{ ...tpm, banks: ['sha384', 'sha256', 'sha384'] }] });
    expect(banks(two.devices?.[0])).toEqual(['sha384', 'sha256']);
  });

  test.each([
    [null, null],
    [{}, {}],
    [
      { ccel: null, tpm: '/var/log/tpm' },
      { ccel: null, tpm: '/var/log/tpm' },
    ],
  ])('may say of the event log %j', (eventLog, expected) => {
    expect(parse({ eventLog }).eventLog).toEqual(expected);
  });

  test.each<[string, object, string]>([
    ['a kind that is none', { kind: 'amd' }, 'json-shape'],
    ['a device that is a text', 'nvidia' as unknown as object, 'json-shape'],
    ['a command in one word', { ...nvidia, command: '/bin/nvattest {nonce}' }, 'json-shape'],
    ['no command', { kind: 'nvidia' }, 'json-shape'],
    ['a program without its path', { ...nvidia, command: ['nvattest', '{nonce}'] }, 'json-shape'],
    ['a command without a nonce', { ...nvidia, command: ['/bin/nvattest'] }, 'json-shape'],
    ['a nonce as the program', { ...nvidia, command: ['/bin/{nonce}'] }, 'json-shape'],
    [
      'a placeholder that is none',
      { ...nvidia, command: ['/bin/a', '{nonce}', '{gpu}'] },
      'json-shape',
    ],
    ['no device', { ...nvidia, count: 0 }, 'json-shape'],
    ['too many', { ...nvidia, count: 65 }, 'json-shape'],
    ['a NitroTPM twice over', { ...nitroTpm, count: 2 }, 'json-shape'],
    ['no time at all', { ...nvidia, timeout: 0 }, 'json-shape'],
    ['a key that is not persistent', { ...tpm, key: '80000000' }, 'json-shape'],
    ['a key with 0x', { ...tpm, key: '0x81000003' }, 'json-shape'],
    ['no certificate', { ...tpm, certificate: undefined }, 'json-shape'],
    ['a certificate nowhere', { ...tpm, certificate: {} }, 'json-shape'],
    [
      'a certificate at two places',
      { ...tpm, certificate: { nvIndex: '01c101d0', file: 'ak.pem' } },
      'json-shape',
    ],
    ['no index of NV', { ...tpm, certificate: { nvIndex: '81c101d0' } }, 'json-shape'],
    ['a bank that is none', { ...tpm, banks: ['md5'] }, 'json-shape'],
    ['no bank', { ...tpm, banks: [] }, 'json-shape'],
    ['a member that is none', { ...tpm, pcrs: [0] }, 'json-shape'],
  ])('is refused for %s', async (_, device, code) => {
    expect(await codeOf(() => parse({ devices: [device] }))).toBe(code);
  });

  test.each<[string, object[]]>([
    ['two TPMs', [tpm, tpm]],
    ['two NitroTPMs', [nitroTpm, nvidia, nitroTpm]],
    [
      'more devices than a bundle has room for',
      Array.from({ length: 3 }, () => ({ ...nvidia, count: 64 })),
    ],
  ])('is refused for %s', async (_, devices) => {
    expect(await codeOf(() => parse({ devices }))).toBe('config-invalid');
    expect(await codeOf(() => parse({ devices: devices.slice(0, 1) }))).toBe('accepted');
  });

  test('is refused for an event log that is no absolute path', async () => {
    expect(await codeOf(() => parse({ eventLog: { ccel: 'CCEL' } }))).toBe('json-shape');
    expect(await codeOf(() => parse({ eventLog: '/CCEL' }))).toBe('json-shape');
  });
});

describe('on a machine', () => {
  const configFile = join(folder, 'agent.json');
  const options = { platform: 'sev-snp', logger: recorder() } as const;

  test('a command is run for each GPU, and a TPM is asked, each over its own nonce', async () => {
    const chip = await createTpm({ key: 'p256' });
    const [ak, ...issuers] = chip.certificates;
    const device = join(folder, 'tpm.sock');
    await serveChip(chipOf(chip), device);
    writeFileSync(join(folder, 'ak.der'), ak as Bytes);
    issuers.forEach((der, i) => {
      writeFileSync(join(folder, `issuer${i}.der`), der);
    });
    const child = fileURLToPath(new URL('devices-child.ts', import.meta.url));
    const config = parse({
      devices: [
        {
          kind: 'nvidia',
          command: [process.execPath, child, '{nonce}', '2'],
          count: 2,
          timeout: 60,
        },
        {
          ...tpm,
          device,
          certificate: { file: 'ak.der', issuers: issuers.map((_, i) => `issuer${i}.der`) },
        },
      ],
    });
    const { devices, eventLog } = await attach(config, configFile, options);
    const nonceOf = (index: number) => new Uint8Array(32).fill(index + 1);
    const found = await devices.collect(nonceOf);
    expect(found.map(({ kind }) => kind)).toEqual(['nvidia', 'nvidia', 'tpm']);
    const nonces = found.slice(0, 2).map(({ evidence }) => {
      return parseSpdm(parseNvidiaEvidence(evidence).evidence).nonce;
    });
    expect(nonces).toEqual([nonceOf(0), nonceOf(1)]);
    expect(devices.status().map(({ name }) => name)).toEqual(['node', 'node', device]);
    expect(eventLog.files.map(({ named }) => named)).toEqual([false]);
  });

  test.each([
    ['is not there', 'absent.der'],
    ['is no certificate', 'agent.json'],
  ])('a certificate whose file %s is refused before any device is asked', async (_, file) => {
    writeFileSync(configFile, '{}');
    const config = parse({ devices: [{ ...tpm, certificate: { file } }] });
    await expect(attach(config, configFile, options)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('devices[0].certificate.file'),
    });
  });
});

describe("NVIDIA's collateral", () => {
  const write = (name: string, bytes: Bytes) => writeFileSync(join(folder, name), bytes);
  const read = async (files: object) =>
    readCollateral(folder, parse({ collateral: { ...plain.collateral, ...files } }).collateral);

  test('travels with evidence of either processor, manifests byte for byte', async () => {
    const rim = issueRim(await createRimSigner(), driverRim(rimSubject()));
    const answer = Uint8Array.of(0x30, 3, 0x0a, 1, 0);
    write('driver.xml', rim);
    write('ocsp.der', answer);
    const files = { nvidiaRims: ['driver.xml', 'driver.xml'], nvidiaOcsp: ['ocsp.der'] };
    const items = await read(files);
    expect(items.map(({ kind, data }) => [kind, data])).toEqual([
      ['nvidia-rim', rim],
      ['nvidia-rim', rim],
      ['nvidia-ocsp', answer],
    ]);
    for (const platform of ['sev-snp', 'tdx'] as const) {
      expect(splitByPlatform(platform, items)).toEqual({ own: items, foreign: [] });
    }
    // None of it is missed where it is not, nor has an end that is told.
    const carried = { items, leftOut: [], folder: null };
    const { missing, expires } = collateralStatus('tdx', carried, 0);
    expect(missing).toEqual(intelCollateralKinds);
    expect(expires).toBeNull();
  });

  test.each([
    ['no manifest', { nvidiaRims: ['other.xml'] }, 'form-unknown'],
    ['no answer', { nvidiaOcsp: ['other.xml'] }, 'der-malformed'],
    ['a file that is not there', { nvidiaRims: ['absent.xml'] }, 'config-invalid'],
  ])('is refused for %s', async (_, files, code) => {
    write('other.xml', utf8('<other/>'));
    expect(await codeOf(() => read(files))).toBe(code);
  });
});

describe('the doctor', () => {
  let time = 0;
  const clock = () => (time += 5);

  test('tells of each device, and of the event log', async () => {
    const devices = guardDevices([
      manualDevice('nvidia', undefined, { count: 2 }),
      manualDevice('tpm', () => Promise.reject(new Error('EIO'))),
    ]);
    const file = join(folder, 'log');
    writeFileSync(file, 'log');
    const read = async () => utf8('log');
    const eventLog = eventLogOf([{ path: file, named: true }], read, recorder());
    const { findings, serves } = await examineNamed({ devices, eventLog }, clock);
    expect(serves).toBe(false);
    expect(findings.map(({ id, ok }) => [id, ok])).toEqual([
      ['device-0', true],
      ['device-1', true],
      ['device-2', false],
      ['event-log', true],
    ]);
    expect(findings[0]?.found).toBe('nvidia by simulated nvidia: 33 bytes in 5 ms');
    expect(findings[2]?.found).toContain('device 2 (tpm)');
    expect(findings[3]?.found).toBe(`3 bytes, ${file}`);
    for (const { ok, remedy } of findings) expect(remedy === null).toBe(ok);
  });

  test('has nothing to tell where nothing is configured', async () => {
    const none = { devices: guardDevices([]), eventLog: noEventLog };
    expect(await examineNamed(none, clock)).toEqual({ findings: [], serves: true });
  });

  test('a log that the configuration names must be there', async () => {
    const gone = async () => Promise.reject(new Error('ENOENT'));
    const named = eventLogOf([{ path: '/gone', named: true }], gone, recorder());
    const kernels = eventLogOf([{ path: '/gone', named: false }], gone, recorder());
    const devices = guardDevices([]);
    expect((await examineNamed({ devices, eventLog: named }, clock)).serves).toBe(false);
    expect((await examineNamed({ devices, eventLog: kernels }, clock)).serves).toBe(true);
  });
});
