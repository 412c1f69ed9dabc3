/** What the circuit reads from a quote's signed part and from its quoting enclave's report, and which it refuses. */
import { beforeAll, describe, expect, test } from 'vitest';
import { readQuoteFacts } from '#prover/linked/quote-facts.ts';
import { signedRoom } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { createIntel } from '#test/fake/intel.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { createTdxDevice, type TdxFields } from '#test/fake/tdx-device.ts';
import { type Bytes, bigEndian, concat, toHex } from '#verifier/bytes.ts';
import { bytesOf, type Limbs, returned } from './inputs.ts';

const intel = createIntel({ keys: generateIntelKeys('quote.test') });

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('quote_vectors');
}, 300_000);

const old = { teeTcbSvn2: null, mrServiceTd: null };
const reportData = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
const register = (value: number) =>
  Uint8Array.from({ length: 48 }, (_, i) => (value + 3 * i) & 0xff);
const distinct: Partial<TdxFields> = {
  teeTcbSvn: Uint8Array.from({ length: 16 }, (_, i) => i + 7),
  mrTd: register(11),
  rtmr: [register(50), register(90), register(130), register(170)],
};

function factsOf(fields: Partial<TdxFields>) {
  return readQuoteFacts(createTdxDevice(intel, { ...distinct, ...fields }).quote(reportData));
}

function inputsOf(signed: Bytes, qeReport: Bytes) {
  const bytes = new Uint8Array(signedRoom);
  bytes.set(signed);
  return { bytes: [...bytes], qe_report: [...qeReport] };
}

type Read = [number[], string[], [Limbs, Limbs], string, Limbs];

describe('reads', () => {
  test.each<[string, Partial<TdxFields>]>([
    ['version 4', { ...old, version: 4 }],
    ['version 5 with a body of TDX 1.0', { ...old, version: 5 }],
    ['version 5 with a body of TDX 1.5', { version: 5 }],
  ])('%s', async (_, fields) => {
    const { signed, qeReport, report, qeIsvSvn } = factsOf(fields);
    const found = await returned<Read>(circuit, inputsOf(signed, qeReport));
    const [teeTcbSvn, registers, [first, second], isvSvn, bound] = found;
    expect(teeTcbSvn.map(Number)).toEqual([...report.teeTcbSvn]);
    const whole = concat(...registers.map((one) => bigEndian(BigInt(one), 16)));
    expect(toHex(whole)).toBe(toHex(concat(report.mrTd, ...report.rtmr)));
    expect(toHex(concat(bytesOf(first), bytesOf(second)))).toBe(toHex(report.reportData));
    expect(Number(isvSvn)).toBe(qeIsvSvn);
    expect(toHex(bytesOf(bound))).toBe(toHex(qeReport.subarray(320, 352)));
  });

  test('an ISVSVN of two bytes', async () => {
    const { signed, qeReport } = factsOf({});
    const changed = qeReport.with(258, 0x34).with(259, 0x12);
    const [, , , isvSvn] = await returned<Read>(circuit, inputsOf(signed, changed));
    expect(Number(isvSvn)).toBe(0x1234);
  });
});

const debugged = 'the TD is to be debugged';
const module = "the module is not Intel's, or has attributes";
const kind = 'the quote is not of a TD, or signed otherwise';
const body = 'the body of the quote is of an unknown kind';

describe.each([
  ['version 4', { ...old, version: 4 as const }, 48],
  ['version 5', { version: 5 as const }, 54],
])('of %s refuses', (_, fields, start) => {
  const { signed, qeReport } = factsOf(fields);
  const refusal = (bytes: Bytes) => refusalOf(circuit, inputsOf(bytes, qeReport));
  const xor = (at: number, by: number) => signed.with(at, (signed[at] as number) ^ by);

  test('nothing of the right one', async () => {
    expect(await refusal(signed)).toBeUndefined();
  });

  test.each<[string, number, number, string]>([
    ['another version', 0, 2, "the quote's version is neither 4 nor 5"],
    ['another version (high byte)', 1, 1, kind],
    ['another kind of attestation key', 2, 1, kind],
    ['another kind of attestation key (high byte)', 3, 1, kind],
    ['an SGX quote', 4, 0x81, kind],
    ['another TEE type (high byte)', 7, 1, kind],
    ['another vendor of the enclave (first byte)', 12, 1, "the quoting enclave is not Intel's"],
    ['another vendor of the enclave (last byte)', 27, 1, "the quoting enclave is not Intel's"],
  ])('%s', async (_, at, by, message) => {
    expect(await refusal(xor(at, by))).toBe(message);
  });

  test.each<[string, number, number, string]>([
    ['a first byte of MRSIGNERSEAM', 64, 1, module],
    ['a last byte of MRSIGNERSEAM', 111, 0x80, module],
    ['a SEAM attribute', 112, 1, module],
    ['the last SEAM attribute', 119, 0x80, module],
    ['DEBUG', 120, 1, debugged],
    ['the last bit of the same byte', 120, 0x80, debugged],
    ['no SEPT_VE_DISABLE', 123, 0x10, 'the TD does not set SEPT_VE_DISABLE'],
  ])('%s', async (_, offset, by, message) => {
    expect(await refusal(xor(start + offset, by))).toBe(message);
  });

  test.each([8, 28, 47])('not byte %i of the header, which says nothing', async (at) => {
    expect(await refusal(xor(at, 1))).toBeUndefined();
  });

  test('not XFAM, nor an attribute that no rule is about', async () => {
    expect(await refusal(xor(start + 128, 1))).toBeUndefined();
    expect(await refusal(xor(start + 123, 0x40))).toBeUndefined();
  });
});

describe('of version 5 refuses a descriptor with', () => {
  const { signed, qeReport } = factsOf({ version: 5 });
  test.each([
    ['kind 1', 48, 1],
    ['kind 4', 48, 4],
    ['kind 2 and the size of 3', 48, 2],
    ['a kind of two bytes', 49, 1],
    ['another size', 50, 0x48],
    ['another size (second byte)', 51, 3],
    ['another size (third byte)', 52, 1],
    ['another size (last byte)', 53, 1],
  ])('%s', async (_, at, value) => {
    expect(await refusalOf(circuit, inputsOf(signed.with(at, value), qeReport))).toBe(body);
  });
});

describe('of the quoting enclave refuses', () => {
  const { signed, qeReport } = factsOf({});
  test.each<[string, number, number, string]>([
    ['another signer', 128, 1, "the quoting enclave's signer is not Intel"],
    ['another signer (last byte)', 159, 1, "the quoting enclave's signer is not Intel"],
    ['an enclave for SGX', 256, 3, 'the quoting enclave is not that for TDs'],
    ['another product (high byte)', 257, 1, 'the quoting enclave is not that for TDs'],
    ['DEBUG', 48, 2, 'the quoting enclave is to be debugged'],
    ['more data', 352, 1, "the quoting enclave's report has more data"],
    ['more data (last byte)', 383, 1, "the quoting enclave's report has more data"],
  ])('%s', async (_, at, by, message) => {
    const changed = qeReport.with(at, (qeReport[at] as number) ^ by);
    expect(await refusalOf(circuit, inputsOf(signed, changed))).toBe(message);
  });
});
