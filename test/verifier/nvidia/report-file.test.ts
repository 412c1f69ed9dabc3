/** Evidence of NVIDIA's devices in the forms that it is handed around in. */
import { expect, test } from 'vitest';
import { createNvidia, type FakeNvidiaDevice, pemChain } from '#test/fake/nvidia.ts';
import {
  encodeNvidiaEvidence,
  parseNvidiaEvidence,
  readNvidiaFile,
} from '#verifier/abi/nvidia/evidence.ts';
import { type Bytes, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { nvidiaSections } from '#verifier/show/nvidia.ts';
import { codeOf } from '../code-of.ts';

const nonce = new Uint8Array(32).fill(0xab);
const machine = createNvidia({ gpus: 2, switches: 1 });
const device = machine.devices[0] as FakeNvidiaDevice;
const one = device.evidence(nonce);
const json = (value: unknown): Bytes => utf8(JSON.stringify(value));
const ours = { version: 1, evidence: toBase64(one.evidence), certificates: ['MAA='] };
const printed = {
  arch: 'HOPPER',
  certificate: toBase64(utf8(pemChain(device))),
  evidence: toBase64(one.evidence),
  nonce: toHex(nonce),
};

test('our form comes back, and is read as a file too', () => {
  const text = utf8(encodeNvidiaEvidence(one));
  expect(parseNvidiaEvidence(text)).toEqual(one);
  expect(readNvidiaFile(text)).toEqual([one]);
});

test('the list of NVIDIA’s tools gives each device with its chain', () => {
  const found = readNvidiaFile(utf8(machine.toolOutput(nonce)));
  expect(found.map(({ certificates }) => certificates)).toEqual(
    machine.devices.map((each) => each.evidence(nonce).certificates),
  );
  const full = { ...printed, driver_version: '590.12', vbios_version: '96.00.A5.00.01' };
  expect(readNvidiaFile(json([{ ...full, version: '1.0' }]))).toEqual([one]);
  expect(readNvidiaFile(json([{ ...printed, nonce: toHex(nonce).toUpperCase() }]))).toEqual([one]);
});

test('so does the request to NVIDIA’s service', () => {
  const { certificate, evidence, arch } = printed;
  const request = { nonce: printed.nonce, arch, evidence_list: [{ certificate, evidence }] };
  expect(readNvidiaFile(json(request))).toEqual([one]);
  const more = {
    ...request,
    claims_version: '3.0',
    evidence_list: [{ certificate, evidence, arch }],
  };
  expect(readNvidiaFile(json(more))).toEqual([one]);
});

test('bare bytes come without certificates, as a copy', () => {
  const bytes = one.evidence.slice();
  const [found] = readNvidiaFile(bytes);
  bytes[4] = 0;
  expect(found).toEqual({ evidence: one.evidence, certificates: [] });
});

test.for<[string, unknown, string]>([
  ['version 2', { ...ours, version: 2 }, 'version-unknown'],
  ['an unknown member', { ...ours, more: 1 }, 'json-shape'],
  ['no certificates', { version: 1, evidence: ours.evidence }, 'json-shape'],
  ['nine certificates', { ...ours, certificates: new Array(9).fill('MAA=') }, 'json-shape'],
  ['evidence that is not base64', { ...ours, evidence: 'EeAB/0' }, 'base64-malformed'],
])('our form with %s is refused', ([, value, code]) => {
  expect(codeOf(() => parseNvidiaEvidence(json(ours)))).toBe(null);
  expect(codeOf(() => parseNvidiaEvidence(json(value)))).toBe(code);
});

test.for<[string, unknown, string]>([
  ['an empty list', [], 'json-shape'],
  ['another nonce than the report', [{ ...printed, nonce: '00'.repeat(32) }], 'value-out-of-range'],
  ['an unknown architecture', [{ ...printed, arch: 'AMPERE' }], 'json-shape'],
  ['an unknown member', [{ ...printed, more: 1 }], 'json-shape'],
  ['a short nonce', [{ ...printed, nonce: 'ab' }], 'json-shape'],
  ['text around the chain', [{ ...printed, certificate: toBase64(utf8('x')) }], 'pem-malformed'],
  ['65 devices', new Array(65).fill(printed), 'json-shape'],
  ['an empty request', { nonce: printed.nonce, arch: 'HOPPER', evidence_list: [] }, 'json-shape'],
  ['another object', { nonce: printed.nonce }, 'form-unknown'],
  ['a number', 5, 'form-unknown'],
])('a file of %s is refused', ([, value, code]) => {
  expect(codeOf(() => readNvidiaFile(json([printed])))).toBe(null);
  expect(codeOf(() => readNvidiaFile(json(value)))).toBe(code);
});

test('what is too large is refused before it is read', () => {
  const large = new Uint8Array(16_000_000).fill(0x20);
  const start = performance.now();
  expect(codeOf(() => readNvidiaFile(large))).toBe('too-large');
  expect(codeOf(() => readNvidiaFile(large.with(0, 0x11).with(1, 0xe0)))).toBe('too-large');
  expect(codeOf(() => parseNvidiaEvidence(large))).toBe('too-large');
  expect(performance.now() - start).toBeLessThan(1000);
});

test('what is shown of several devices', () => {
  const sections = nvidiaSections(readNvidiaFile(utf8(machine.toolOutput(nonce))));
  const titles = sections.map(({ title }) => title);
  expect(titles.slice(0, 4)).toEqual([
    'GPU 0: report',
    'GPU 0: SPDM messages',
    'GPU 0: opaque data',
    'GPU 0: measurements',
  ]);
  expect(titles[4]).toMatch(/^GPU 0: certificate 1: certificate, \d+ bytes$/);
  expect(titles).toContain('NVSwitch 2: report');
  const rows = (title: string) => sections.find((section) => section.title === title)?.fields ?? [];
  const shownOf = (title: string, name: string) =>
    rows(title).find((field) => field.name === name)?.value;
  expect(shownOf('GPU 0: report', 'driver')).toBe('590.12');
  expect(shownOf('GPU 0: report', 'board')).toBe('G520_0200_885');
  expect(shownOf('GPU 0: opaque data', '3 DRIVER_VERSION')).toBe('590.12 (bytes 3539302e313200)');
  expect(shownOf('NVSwitch 2: opaque data', '6 VBIOS_VERSION')).toMatch(/^96\.10\.55\.00\.01 /);
  expect(shownOf('NVSwitch 2: report', 'driver')).toBe(undefined);
});

test('offsets that are shown are where the bytes are', () => {
  const { evidence } = one;
  const placed = nvidiaSections([one])
    .filter(({ offsetsFrom }) => offsetsFrom === 'the report')
    .flatMap(({ fields }) => fields);
  expect(placed).toHaveLength(7 + 16 + 64);
  for (const { name, value, offset = 0, length = 0 } of placed) {
    const hex = toHex(evidence.subarray(offset, offset + length));
    if (length > 4) expect(value, name).toContain(hex);
  }
});

test('a certificate that cannot be read hides nothing else', () => {
  const sections = nvidiaSections([{ ...one, certificates: [Uint8Array.of(0x30, 0)] }]);
  expect(sections).toHaveLength(5);
  expect(sections[4]?.fields[0]?.name).toBe('unreadable');
});
