/** Evidence of devices in bundles: each over its own nonce, in the configuration's order, or no bundle at all. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type DeviceSource, guardDevices } from '#agent/devices/devices.ts';
import { nitroTpmSource } from '#agent/devices/nitro-tpm.ts';
import { nvidiaSource } from '#agent/devices/nvidia.ts';
import { tpmSource } from '#agent/devices/tpm.ts';
import { tpmClient } from '#agent/devices/tpm-client.ts';
import { AgentError } from '#agent/errors.ts';
import { firstAnswer } from '#agent/readiness.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { createNitro } from '#test/fake/nitro.ts';
import { createNvidia } from '#test/fake/nvidia.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { createTpm } from '#test/fake/tpm.ts';
import { type Bundle, parseBundle } from '#verifier/abi/bundle.ts';
import { parseNitro } from '#verifier/abi/nitro.ts';
import { parseNvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import {
  bindingOf,
  deviceDigest,
  deviceNonce,
  freshnessOf,
  reportDataOf,
} from '#verifier/abi/report-data.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { parseAttest } from '#verifier/abi/tpm/attest.ts';
import { parseTpmEvidence } from '#verifier/abi/tpm/evidence.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { chipOf, manualDevice } from './devices-fakes.ts';
import { codeOf, problemOf, recorder, startAgent } from './helpers.ts';

const nonce = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const start = (devices: readonly DeviceSource[]) => startAgent({ hierarchy, devices });

async function fetchBundle(url: string): Promise<Bundle> {
  const response = await fetch(`${url}/attestation?nonce=${nonce}`);
  expect(response.status).toBe(200);
  return parseBundle(new Uint8Array(await response.arrayBuffer()));
}

const nonceFor = ({ nonce, channel, epoch, bound }: Bundle) => {
  const freshness = freshnessOf(nonce, channel, epoch);
  return (index: number) => toHex(deviceNonce(freshness, bound.treeRoot, index));
};

describe('a bundle', () => {
  test('binds what each device says to a nonce of its own, in the order of the configuration', async () => {
    const devices = [
      manualDevice('nvidia', undefined, { count: 3 }),
      manualDevice('tpm'),
      manualDevice('nitro-tpm'),
    ];
    const { url } = await start(devices);
    const bundle = await fetchBundle(url);
    const kinds = ['nvidia', 'nvidia', 'nvidia', 'tpm', 'nitro-tpm'];
    expect(bundle.devices.map(({ kind }) => kind)).toEqual(kinds);
    const due = nonceFor(bundle);
    const places = [0, 1, 2, 0, 0];
    expect(bundle.devices.map(({ evidence }) => toHex(evidence))).toEqual(
      places.map((place, index) => `0${place}${due(index)}`),
    );
    expect(bundle.bound.deviceDigest).toEqual(deviceDigest(bundle.devices));
    const freshness = freshnessOf(bundle.nonce, null, bundle.epoch);
    expect(parseReport(bundle.evidence).reportData).toEqual(
      reportDataOf(bindingOf(bundle.bound), freshness),
    );
    expect(devices[0]?.asked.map(({ place }) => place)).toEqual([0, 1, 2]);
  });

  test('holds real evidence of GPUs, a TPM and a NitroTPM over those nonces', async () => {
    const nvidia = createNvidia({ gpus: 2 });
    const tpm = await createTpm({ key: 'p256' });
    const nitro = createNitro({ kind: 'tpm' });
    const wait = async () => {};
    const { url } = await start([
      nvidiaSource({
        name: 'nvattest',
        count: 2,
        timeoutMs: 5000,
        run: async (asked) => utf8(nvidia.toolOutput(asked)),
      }),
      tpmSource({
        name: 'tpm0',
        timeoutMs: 5000,
        client: tpmClient({ name: 'tpm0', transmit: chipOf(tpm).answer }, wait),
        key: 0x81000003,
        certificate: { der: tpm.certificates[0] as Bytes },
        issuers: tpm.certificates.slice(1),
        banks: ['sha256', 'sha384'],
      }),
      nitroTpmSource({
        name: 'nitro-tpm-attest',
        timeoutMs: 5000,
        run: async (asked) => nitro.document({ nonce: asked }),
      }),
    ]);
    const bundle = await fetchBundle(url);
    const due = nonceFor(bundle);
    const [gpu0, gpu1, quotes, document] = bundle.devices.map(({ evidence }) => evidence);
    const gpus = [gpu0, gpu1].map((bytes) => parseNvidiaEvidence(bytes as Bytes));
    expect(gpus.map(({ evidence }) => toHex(parseSpdm(evidence).nonce))).toEqual([due(0), due(1)]);
    expect(gpus.map(({ certificates }) => certificates[0])).toEqual(
      nvidia.devices.map(({ certificates }) => certificates.leaf.der),
    );
    const evidence = parseTpmEvidence(quotes as Bytes);
    expect(evidence.certificates).toEqual(tpm.certificates);
    expect(evidence.quotes.map(({ message }) => toHex(parseAttest(message).nonce))).toEqual([
      due(2),
      due(2),
    ]);
    expect(evidence.quotes.map(({ pcrs }) => [...pcrs.keys()])).toEqual([['sha256'], ['sha384']]);
    expect(evidence.quotes[0]?.pcrs.get('sha256')?.size).toBe(24);
    expect(toHex(parseNitro(document as Bytes).nonce as Bytes)).toBe(due(3));
  });
});

describe('a device that does not answer as it should is a problem that names it:', () => {
  const good = manualDevice('nvidia');
  const named = { index: 1, kind: 'tpm' };
  const never = () => new Promise<Bytes>(() => {});

  test.each<[string, Partial<DeviceSource>, () => Promise<Bytes>, number, string]>([
    ['it fails', {}, () => Promise.reject(new Error('EIO of SECRET')), 502, 'device-failed'],
    [
      'it says so itself',
      {},
      () => Promise.reject(new AgentError('device-timeout', 'too slow')),
      504,
      'device-timeout',
    ],
    ['it is slow', { timeoutMs: 50 }, never, 504, 'device-timeout'],
  ])('%s', async (_, options, answer, status, code) => {
    const { url, logger } = await start([good, manualDevice('tpm', answer, options)]);
    const problem = await problemOf(`${url}/attestation`);
    expect(problem).toMatchObject({ status, code });
    expect(JSON.parse(problem.text).device).toEqual(named);
    expect(problem.text).not.toContain('SECRET');
    const said = logger.lines.filter((line) => line.startsWith(`error answered ${code}`));
    expect(said).toEqual([expect.stringContaining('device 1 (tpm)')]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`affidavit_errors_total{code="${code}"} 1\n`);
  });

  test('the secure processor has no such member', async () => {
    const source = {
      platform: 'sev-snp' as const,
      name: 'broken',
      report: () => Promise.reject(new Error('EIO')),
    };
    const { url } = await startAgent({ hierarchy, source, devices: [good] });
    const problem = await problemOf(`${url}/attestation`);
    expect(problem.code).toBe('device-failed');
    expect(JSON.parse(problem.text)).not.toHaveProperty('device');
  });

  test('it hangs: it is asked no more, other requests are refused at once, and go on when it ends', async () => {
    let free: (evidence: Bytes) => void = () => {};
    const hangs = () =>
      new Promise<Bytes>((resolve) => {
        free = resolve;
      });
    const tpm = manualDevice('tpm', hangs, { timeoutMs: 20, abandoned: 1 });
    const devices = guardDevices([good, tpm]);
    const asked = devices.collect(() => new Uint8Array(32));
    expect(await codeOf(() => asked)).toBe('device-timeout');
    await expect.poll(() => devices.status()[1]?.state, { timeout: 5000 }).toBe('hanging');
    expect(await codeOf(() => devices.ask(1, new Uint8Array(32)))).toBe('device-hanging');
    expect(tpm.asked).toHaveLength(1);
    // The other device is asked as before.
    expect(await codeOf(() => devices.ask(0, new Uint8Array(32)))).toBe('accepted');
    free(new Uint8Array());
    await expect.poll(() => devices.status()[1]?.state).toBe('waiting');
    const again = devices.ask(1, new Uint8Array(32));
    free(new Uint8Array([1]));
    expect(await again).toEqual(new Uint8Array([1]));
    expect(devices.status()[1]?.state).toBe('ready');
  });

  test('it is asked by too many', async () => {
    const tpm = manualDevice('tpm', never, { timeoutMs: 200 });
    const devices = guardDevices([tpm]);
    const nonce32 = new Uint8Array(32);
    const codes = await Promise.all(
      Array.from({ length: 70 }, () => codeOf(() => devices.ask(0, nonce32))),
    );
    // One at the device, 64 that wait.
    expect(codes.filter((code) => code === 'device-busy')).toHaveLength(5);
    expect(codes.filter((code) => code === 'device-timeout')).toHaveLength(65);
    expect(tpm.asked).toHaveLength(1);
  });

  test('two places are one device', async () => {
    const twin = (identity: string) => ({
      evidence: async () => ({ evidence: new Uint8Array(1), identity }),
    });
    const of = (a: string, b: string) =>
      guardDevices([
        manualDevice('nvidia', undefined, twin(a)),
        manualDevice('nvidia', undefined, twin(b)),
      ]).collect(() => new Uint8Array(32));
    await expect(of('a', 'a')).rejects.toMatchObject({
      code: 'device-failed',
      device: { index: 1, kind: 'nvidia' },
    });
    expect(await codeOf(() => of('a', 'b'))).toBe('accepted');
  });
});

describe('/readyz, /info and /metrics tell of each device', () => {
  test('ready once each has answered', async () => {
    let works = false;
    const tpm = manualDevice('tpm', async (asked) => {
      if (!works) throw new Error('EBUSY');
      return asked;
    });
    const { url, source, devices } = await start([manualDevice('nvidia'), tpm]);
    const stop = new AbortController();
    const first = firstAnswer(source, stop.signal, recorder(), devices);
    await expect.poll(() => tpm.asked.length).toBe(1);
    const problem = await problemOf(`${url}/readyz`);
    expect(problem).toMatchObject({ status: 503, code: 'not-ready' });
    expect(JSON.parse(problem.text).device).toEqual({ index: 1, kind: 'tpm' });
    const text = async () => (await fetch(`${url}/metrics`)).text();
    expect(await text()).toContain('affidavit_devices_ready{index="1",kind="tpm"} 0\n');

    works = true;
    expect(await first).toBe(true);
    const described = [
      { index: 0, kind: 'nvidia', source: 'simulated nvidia', state: 'ready' },
      { index: 1, kind: 'tpm', source: 'simulated tpm', state: 'ready' },
    ];
    for (const path of ['/readyz', '/info']) {
      expect(await (await fetch(url + path)).json()).toMatchObject({ devices: described });
    }
    const metrics = await text();
    for (const line of [
      'affidavit_devices_ready{index="1",kind="tpm"} 1',
      'affidavit_devices_calls_total{index="1",kind="tpm",outcome="answered"} 1',
      'affidavit_devices_calls_total{index="1",kind="tpm",outcome="failed"} 1',
      'affidavit_devices_calls_total{index="0",kind="nvidia",outcome="failed"} 0',
      'affidavit_devices_queue{index="0",kind="nvidia"} 0',
      'affidavit_ready 1',
    ]) {
      expect(metrics).toContain(`${line}\n`);
    }

    works = false;
    expect(await problemOf(`${url}/attestation`)).toMatchObject({ code: 'device-failed' });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ devices: [{}, { state: 'failing' }] });
  });

  test('without devices there is nothing to tell', async () => {
    const { url } = await start([]);
    await fetch(`${url}/attestation`);
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ devices: [] });
    expect(await (await fetch(`${url}/metrics`)).text()).not.toContain('affidavit_devices_');
  });
});
