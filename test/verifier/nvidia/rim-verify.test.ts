/** Devices against simulated manifests: what fits, what differs, what is missing, and who must have signed. */
import { expect, test } from 'vitest';
import { basicConstraints } from '#test/fake/extensions.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import {
  createRimSigner,
  driverRim,
  firmwareRim,
  generalizedDates,
  issueRim,
  type RimPlan,
  type RimSignerOptions,
  rimNow,
  rimSubject,
} from '#test/fake/nvidia-rim.ts';
import type { RimSubject } from '#verifier/abi/nvidia/rim-subject.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { type RimResult, runRims } from './rim-scene.ts';

const gpu = rimSubject();
const other = new Uint8Array(48).fill(9);
const year = 365 * 24 * 60 * 60;

type Given = {
  devices?: readonly (RimSubject | null)[];
  plans?: readonly RimPlan[];
  signer?: RimSignerOptions;
  now?: number;
  rims?: readonly Bytes[];
};

/** One GPU with both of its manifests, unless changed. */
async function run({
  devices = [gpu],
  plans,
  signer,
  now = rimNow,
  rims,
}: Given = {}): Promise<RimResult> {
  const made = await createRimSigner(signer);
  const trusted = signer?.keys === undefined ? made : await createRimSigner();
  const given = (plans ?? [driverRim(gpu), firmwareRim(gpu)]).map((plan) => issueRim(made, plan));
  return runRims({ devices, rims: rims ?? given, roots: [trusted.trusted], now });
}

function changed(device: RimSubject, block: number, value: Bytes | null): RimSubject {
  const measurements = new Map(device.measurements);
  if (value === null) measurements.delete(block);
  else measurements.set(block, value);
  return { ...device, measurements };
}

test('a GPU whose measurements are those of both of its manifests', async () => {
  const { statuses, matched, root, ends, of } = await run();
  expect(statuses).toBe('pass pass pass pass');
  expect(matched).toEqual([{ driver: true, firmware: true }]);
  expect(root?.vendor).toBe('nvidia-rim');
  expect(ends.map(({ at }) => at)).toEqual([rimNow + 2 * year, rimNow + 2 * year]);
  expect(of.driver.actual).toBe('GPU 0: 570.124.03');
});

test('one alternative of several is enough', async () => {
  const plan = driverRim(gpu);
  const fits = new Map(plan.active).set(21, [other, gpu.measurements.get(22) as Bytes]);
  const none = new Map(plan.active).set(21, [other, new Uint8Array(48)]);
  const rest = firmwareRim(gpu);
  expect((await run({ plans: [{ ...plan, active: fits }, rest] })).statuses).toBe(
    'pass pass pass pass',
  );
  expect((await run({ plans: [{ ...plan, active: none }, rest] })).statuses).toBe(
    'pass pass fail pass',
  );
});

test.for<[string, RimSubject, string, RegExp]>([
  [
    'one of the driver’s',
    changed(gpu, 22, other),
    'pass pass fail pass',
    /^GPU 0: measurement 21 .* GH100 driver 570\.124\.03$/,
  ],
  [
    'two of the firmware’s',
    changed(changed(gpu, 1, other), 3, other),
    'pass pass pass fail',
    /^GPU 0: measurements 0, 2 /,
  ],
  ['one that was not made', changed(gpu, 8, null), 'pass pass fail pass', /measurement 7 /],
])('a measurement that differs fails: %s', async ([, device, statuses, reason]) => {
  const result = await run({ devices: [device] });
  expect(result.statuses).toBe(statuses);
  const failed = [result.of.driver, result.of.firmware].find(({ status }) => status === 'fail');
  expect(failed?.reason).toMatch(reason);
  expect(Object.values(result.matched[0] ?? {})).toContain(false);
});

test('what is not active is not compared', async () => {
  expect((await run({ devices: [changed(gpu, 60, other)] })).statuses).toBe('pass pass pass pass');
});

test('what the report says is off is not compared, and nothing beside it', async () => {
  const plans = [driverRim(gpu, [7, 35]), firmwareRim(gpu)];
  const off = { unmeasured: new Set([36]) };
  const differs = changed(gpu, 36, other);
  expect((await run({ plans, devices: [differs] })).statuses).toBe('pass pass fail pass');
  expect((await run({ plans, devices: [{ ...differs, ...off }] })).statuses).toBe(
    'pass pass pass pass',
  );
  const also = { ...changed(differs, 8, other), ...off };
  expect((await run({ plans, devices: [also] })).statuses).toBe('pass pass fail pass');
});

test('manifests that are missing are named by the id that NVIDIA has them by', async () => {
  const none = await run({ rims: [] });
  expect(none.statuses).toBe('skip skip skip skip');
  expect(none.of.driver.reason).toContain('GPU 0 (NV_GPU_DRIVER_GH100_570.124.03)');
  expect(none.of.firmware.reason).toContain('GPU 0 (NV_GPU_VBIOS_1010_0210_886_96009F0001)');
  const half = await run({ plans: [firmwareRim(gpu)] });
  expect(half.statuses).toBe('pass pass skip pass');
  expect(half.matched).toEqual([{ driver: false, firmware: true }]);
  const blackwell = { ...gpu, architecture: 'GB100' };
  expect((await run({ rims: [], devices: [blackwell] })).of.driver.reason).toContain(
    'NV_GPU_CC_DRIVER_GB100_570.124.03',
  );
});

test.for<[string, Partial<RimPlan>]>([
  ['another version', { version: '570.124.04' }],
  ['another chip', { product: 'GB100' }],
  ['a switch', { edition: 'SWITCH' }],
])('a manifest of %s is not used, and the check says so', async ([, change]) => {
  const result = await run({ plans: [{ ...driverRim(gpu), ...change }, firmwareRim(gpu)] });
  expect(result.statuses).toBe('pass pass skip pass');
  expect(result.of.signature.actual).toMatch(
    /^\S+ driver \S+ \(not used: for none of the devices\), GH100 firmware/,
  );
});

test('a firmware version is the same in either case of its digits', async () => {
  const lower = { ...gpu, vbios: '96.00.9f.00.01' };
  expect((await run({ devices: [lower] })).statuses).toBe('pass pass pass pass');
});

test('a manifest that is not current matches nothing, but what differs from it still fails', async () => {
  const late = { now: rimNow + 3 * year };
  const fits = await run(late);
  expect(fits.statuses).toBe('pass skip skip skip');
  expect(fits.matched).toEqual([{ driver: false, firmware: false }]);
  expect(fits.root).toBeNull();
  expect(fits.of.validity.reason).toMatch(
    /^lacks a manifest of GH100 driver .* whose signer is valid at 2029/,
  );
  const early = await run({ now: rimNow - year });
  expect(early.statuses).toBe('pass skip skip skip');
  const differs = await run({ ...late, devices: [changed(gpu, 22, other)] });
  expect(differs.statuses).toBe('pass skip fail skip');
});

test('every certificate of the signer must be current', async () => {
  const early = await run({ signer: { changes: { ca: { notAfter: rimNow - 1 } } } });
  expect(early.statuses).toBe('pass skip skip skip');
  const exact = await run({ signer: { changes: { ca: { notAfter: rimNow } } } });
  expect(exact.statuses).toBe('pass pass pass pass');
});

test('one index in the manifests of both driver and firmware', async () => {
  const both = await run({ plans: [driverRim(gpu, [2, 7]), firmwareRim(gpu)] });
  expect(both.statuses).toBe('pass pass pass fail');
  expect(both.of.firmware.reason).toBe(
    'GPU 0: measurement 2 is in the manifests of both driver and firmware',
  );
});

test('a set of devices: each must match, and one that differs is named', async () => {
  const second = { ...changed(gpu, 22, other), label: 'GPU 1' };
  const fits = await run({ devices: [gpu, { ...gpu, label: 'GPU 1' }] });
  expect(fits.statuses).toBe('pass pass pass pass');
  expect(fits.matched).toEqual([1, 2].map(() => ({ driver: true, firmware: true })));
  const differs = await run({ devices: [gpu, second] });
  expect(differs.statuses).toBe('pass pass fail pass');
  expect(differs.of.driver.reason).toMatch(/^GPU 1: measurement 21/);
  expect(differs.matched.map(({ driver }) => driver)).toEqual([true, false]);
  const unread = await run({ devices: [gpu, null] });
  expect(unread.statuses).toBe('pass pass skip skip');
});

test('a switch has firmware alone', async () => {
  const nvswitch = rimSubject({
    label: 'NVSwitch 0',
    kind: 'switch',
    architecture: 'LS10',
    driver: null,
    vbios: '96.10.55.00.01',
    project: '5612',
    projectSku: '0002',
    chipSku: '890',
  });
  const fits = await run({ devices: [nvswitch], plans: [firmwareRim(nvswitch)] });
  expect(fits.statuses).toBe('pass pass pass pass');
  expect(fits.of.driver.actual).toBe('no device has a driver');
  const none = await run({ devices: [nvswitch], rims: [] });
  expect(none.of.firmware.reason).toContain('NV_SWITCH_BIOS_5612_0002_890_9610550001');
});

test('of several manifests of one version one that is current and fits is enough', async () => {
  const differs = { ...driverRim(gpu), active: new Map([[7, [other]]]) };
  const result = await run({ plans: [differs, driverRim(gpu), firmwareRim(gpu)] });
  expect(result.statuses).toBe('pass pass pass pass');
});

const foreign = await Promise.all([
  generateEcKey(),
  generateEcKey(),
  generateEcKey(),
  generateEcKey(),
]);
const [root, ca, level3, signer] = foreign;

test.for<[string, Given, RegExp]>([
  [
    'another root with the same names',
    { signer: { keys: { root, ca, level3, signer } } },
    /not the root that is trusted/,
  ],
  [
    'a changed signature',
    {
      plans: [
        { ...driverRim(gpu), editSignature: (value) => value.with(95, (value[95] as number) ^ 1) },
      ],
    },
    /not signed by HCC RIM L4 Signer/,
  ],
  [
    'a document changed after it was signed',
    {
      plans: [
        { ...driverRim(gpu), editSigned: (text) => text.replace('revision="r1"', 'revision="r2"') },
      ],
    },
    /changed after it was signed/,
  ],
  [
    'a link by another key',
    { signer: { changes: { level3: { signer: root.privateKey } } } },
    /signature on NVIDIA Reference Value L3 .* is not by the key/,
  ],
  [
    'a link by another name',
    { signer: { changes: { signer: ({ subject }) => ({ issuer: subject }) } } },
    /is not issued by NVIDIA Reference Value L3/,
  ],
  [
    'a signer that is a CA',
    { signer: { changes: { signer: ({ extensions }) => ({ extensions: extensions.slice(1) }) } } },
    /basic constraints/,
  ],
  [
    'a CA that may not sign certificates',
    {
      signer: { changes: { ca: ({ extensions }) => ({ extensions: extensions.toSpliced(1, 1) }) } },
    },
    /key usage/,
  ],
  [
    'an unknown critical extension',
    {
      signer: {
        changes: {
          ca: ({ extensions }) => ({
            extensions: [
              ...extensions,
              { oid: '1.2.3', critical: true, value: new Uint8Array([5, 0]) },
            ],
          }),
        },
      },
    },
    /critical extension 1\.2\.3/,
  ],
])('it is not believed: %s', async ([, given, reason]) => {
  const result = await run(given);
  expect(result.statuses).toBe('fail skip skip skip');
  expect(result.of.signature.reason).toMatch(reason);
  expect(result.matched).toEqual([{ driver: false, firmware: false }]);
});

test('one that is not believed takes the others with it', async () => {
  const made = await createRimSigner();
  const good = [driverRim(gpu), firmwareRim(gpu)].map((plan) => issueRim(made, plan));
  const bad = concat(good[0] as Bytes, new Uint8Array([0x3c]));
  expect((await run({ rims: [...good, bad] })).statuses).toBe('fail skip skip skip');
});

test('the CA of a chip may say how long a chain it allows, as Blackwell’s does', async () => {
  const withLength = (length: number): Given => ({
    signer: {
      changes: {
        ca: ({ extensions }) => ({
          extensions: [basicConstraints(true, length), ...extensions.slice(1)],
        }),
      },
    },
  });
  expect((await run(withLength(1))).statuses).toBe('pass pass pass pass');
  expect((await run(withLength(0))).statuses).toBe('fail skip skip skip');
});

test('CAs whose dates are GeneralizedTime before 2050 are read, as NVIDIA writes them', async () => {
  const result = await run({
    signer: { changes: { ca: generalizedDates, level3: generalizedDates } },
  });
  expect(result.statuses).toBe('pass pass pass pass');
});
