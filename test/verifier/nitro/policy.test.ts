/** What a policy can say of a Nitro document: each member is enforced, and none is silent. */
import { describe, expect, test } from 'vitest';
import { type NitroDocumentOptions, nitroPcrs } from '#test/fake/nitro.ts';
import { hasShared } from '#test/shared.ts';
import { type NitroKind, parseNitro } from '#verifier/abi/nitro.ts';
import { checkNitro, isDebugNitro, namesNitroSoftware } from '#verifier/appraise/nitro.ts';
import { type NitroPolicy, nitroPolicy } from '#verifier/appraise/nitro-policy.ts';
import { toHex } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { schemaOf } from '#verifier/json.ts';
import { codeOf } from '../code-of.ts';
import { nitro, nitroCase } from './nitro-scene.ts';

const policyChecks = [
  'policy.nitro-debug',
  'policy.nitro-pcrs',
  'policy.nitro-module',
  'policy.nitro-user-data',
  'policy.nitro-public-key',
] as const satisfies readonly CheckId[];
const [debug, pcrs, module, userData, publicKey] = policyChecks;

const lax = {
  kind: ['enclave', 'tpm'],
  debug: 'refused',
  moduleId: 'any',
  pcrs: 'any',
  userData: 'any',
  publicKey: 'any',
};
const decode = (change: object = {}) => nitroPolicy({ ...lax, ...change }, 'nitro');
const fakes = { enclave: nitro(), tpm: nitro({ kind: 'tpm' }) };

function failedOf(
  change: object = {},
  options: NitroDocumentOptions = {},
  kind: NitroKind = 'enclave',
): CheckId[] {
  const list = new Checklist(policyChecks);
  checkNitro(list, parseNitro(fakes[kind].document(options)), decode(change));
  const checks = list.finish();
  expect(checks.every(({ status }) => status === 'pass' || status === 'fail')).toBe(true);
  return checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

const pcr = (byte: number, length = 48) => byte.toString(16).padStart(2, '0').repeat(length);
const setting = (
  index: number,
  byte: number,
  kind: NitroKind = 'enclave',
): NitroDocumentOptions => ({
  pcrs: new Map([...nitroPcrs(kind), [index, new Uint8Array(48).fill(byte)]]),
});

describe('the document', () => {
  test.each(Object.keys(lax))('%s is written out', (name) => {
    const { [name as keyof typeof lax]: _, ...rest } = lax;
    expect(codeOf(() => nitroPolicy(rest, 'nitro'))).toBe('json-shape');
    expect(codeOf(() => decode())).toBe(null);
  });

  const all = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [index, 'any']));
  test.each<[string, object, string | null]>([
    ['an unknown member', { nonce: 'any' }, 'json-shape'],
    ['no kind', { kind: [] }, 'json-shape'],
    ['a kind twice', { kind: ['tpm', 'tpm'] }, 'json-shape'],
    ['any kind', { kind: 'any' }, 'json-shape'],
    ['debug allowed without the word', { debug: 'allowed' }, 'json-shape'],
    ['debug allowed', { debug: 'dangerously-allowed' }, null],
    ['a module', { moduleId: ['i-0123456789abcdef0-enc0123456789abcdef'] }, null],
    ['a module with a space', { moduleId: ['i 0'] }, 'json-shape'],
    ['all registers', { pcrs: all }, null],
    ['one fewer', { pcrs: { ...all, 31: undefined } }, 'json-shape'],
    ['one, and a word for the others', { pcrs: { 0: [pcr(1)], others: 'any' } }, null],
    ['one alone', { pcrs: { 0: [pcr(1)] } }, 'json-shape'],
    ['an empty set', { pcrs: { 0: [], others: 'any' } }, 'json-shape'],
    ['register 32', { pcrs: { 32: 'any', others: 'any' } }, 'json-shape'],
    ['a value of another length', { pcrs: { 0: [pcr(1, 32)], others: 'any' } }, 'hex-malformed'],
    ['upper case', { pcrs: { 0: [pcr(0xab).toUpperCase()], others: 'any' } }, 'hex-malformed'],
    ['user data', { userData: ['00ff', '', 'none'] }, null],
    ['user data of half a byte', { userData: ['0'] }, 'hex-malformed'],
    ['1024 bytes of it', { userData: [pcr(0, 1024)] }, null],
    ['1025', { userData: [pcr(0, 1025)] }, 'json-shape'],
    ['a public key', { publicKey: ['04'] }, null],
    ['no public key', { publicKey: [] }, 'json-shape'],
  ])('%s', (_, change, code) => {
    // What JSON leaves out is not there.
    const document = JSON.parse(JSON.stringify(change));
    expect(codeOf(() => decode(document))).toBe(code);
  });

  test('it has a schema', () => {
    expect(schemaOf(nitroPolicy)).toMatchObject({ type: 'object', additionalProperties: false });
  });
});

describe('registers', () => {
  test('a set, for a register that has another value or none', () => {
    const named = (index: number, ...values: string[]) => ({
      pcrs: { [index]: values, others: 'any' },
    });
    expect(failedOf(named(0, pcr(0xa0)))).toEqual([]);
    expect(failedOf(named(0, pcr(0xb0), pcr(0xa0)))).toEqual([]);
    expect(failedOf(named(0, pcr(0xa1)))).toEqual([pcrs]);
    expect(failedOf(named(15, pcr(0)))).toEqual([]);
    expect(failedOf(named(16, pcr(0)))).toEqual([pcrs]);
    expect(failedOf({ pcrs: { 16: 'any', others: 'any' } })).toEqual([]);
  });

  test('the others unused', () => {
    const others = { pcrs: { 0: 'any', 1: 'any', 2: 'any', 4: 'any', others: 'unused' } };
    expect(failedOf(others)).toEqual([]);
    expect(failedOf(others, setting(8, 1))).toEqual([pcrs]);
    expect(failedOf({ pcrs: { ...others.pcrs, 8: [pcr(1)] } }, setting(8, 1))).toEqual([]);
    expect(failedOf(others, setting(8, 0xff))).toEqual([pcrs]);
  });

  test('of a TPM unused is all ones too', () => {
    const set = Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7, 12].map((index) => [index, 'any']));
    const others = { pcrs: { ...set, others: 'unused' } };
    expect(failedOf(others, {}, 'tpm')).toEqual([]);
    expect(failedOf(others, setting(17, 0xfe, 'tpm'), 'tpm')).toEqual([pcrs]);
  });

  test('all registers that do not fit are named', () => {
    const list = new Checklist(policyChecks);
    const policy = decode({ pcrs: { 0: [pcr(1)], 2: [pcr(2)], others: 'any' } });
    checkNitro(list, parseNitro(fakes.enclave.document()), policy);
    const found = list.finish().find(({ id }) => id === pcrs);
    expect(found).toMatchObject({
      expected: `PCR0 ${pcr(1)}, PCR2 ${pcr(2)}`,
      actual: `PCR0 ${pcr(0xa0)}, PCR2 ${pcr(0xa2)}`,
      reason: 'something else was measured than the policy names: PCR0, PCR2',
    });
  });
});

describe('debug', () => {
  const zero = setting(0, 0);
  test('PCR0 zero', () => {
    expect(failedOf()).toEqual([]);
    expect(failedOf({}, zero)).toEqual([debug]);
    expect(failedOf({ debug: 'dangerously-allowed' }, zero)).toEqual([]);
    expect(failedOf({}, setting(1, 0))).toEqual([]);
  });

  test('PCR0 left out is no better', () => {
    const without = nitroPcrs('enclave');
    without.delete(0);
    expect(failedOf({}, { pcrs: without })).toEqual([debug]);
    expect(isDebugNitro(parseNitro(fakes.enclave.document({ pcrs: without })))).toBe(true);
    expect(isDebugNitro(parseNitro(fakes.enclave.document()))).toBe(false);
  });
});

describe('module, data and key', () => {
  test('the kind', () => {
    expect(failedOf({ kind: ['enclave'] })).toEqual([]);
    expect(failedOf({ kind: ['tpm'] })).toEqual([module]);
    expect(failedOf({ kind: ['tpm'] }, {}, 'tpm')).toEqual([]);
    expect(failedOf({ kind: ['enclave'] }, {}, 'tpm')).toEqual([module]);
  });

  test('the module', () => {
    const { moduleId } = fakes.enclave;
    expect(failedOf({ moduleId: ['i-0', moduleId] })).toEqual([]);
    expect(failedOf({ moduleId: [moduleId.slice(0, -1)] })).toEqual([module]);
  });

  test.each<[CheckId, 'userData' | 'publicKey']>([
    [userData, 'userData'],
    [publicKey, 'publicKey'],
  ])('%s', (id, member) => {
    const value = Uint8Array.of(0, 0xff);
    expect(failedOf({ [member]: ['00ff'] }, { [member]: value })).toEqual([]);
    expect(failedOf({ [member]: ['00fe', '00ff00'] }, { [member]: value })).toEqual([id]);
    expect(failedOf({ [member]: ['00ff'] })).toEqual([id]);
    expect(failedOf({ [member]: ['none'] })).toEqual([]);
    expect(failedOf({ [member]: ['none'] }, { [member]: value })).toEqual([id]);
  });

  test('no data is not empty data', () => {
    const empty = { userData: new Uint8Array() };
    expect(failedOf({ userData: [''] }, empty)).toEqual([]);
    expect(failedOf({ userData: ['none'] }, empty)).toEqual([userData]);
    expect(failedOf({ userData: [''] })).toEqual([userData]);
  });
});

test('which policies name the software', () => {
  const names = (kind: NitroKind[], registers: object | 'any') =>
    namesNitroSoftware(decode({ kind, pcrs: registers }));
  const rest = { others: 'any' };
  expect(names(['enclave'], 'any')).toBe(false);
  expect(names(['enclave'], { ...rest, 0: [pcr(1)] })).toBe(true);
  expect(names(['enclave'], { ...rest, 1: [pcr(1)], 2: [pcr(2)] })).toBe(false);
  expect(names(['tpm'], { ...rest, 0: [pcr(1)] })).toBe(false);
  expect(names(['tpm'], { ...rest, 4: [pcr(1)] })).toBe(false);
  expect(names(['tpm'], { ...rest, 4: [pcr(1)], 12: [pcr(0)] })).toBe(true);
  expect(names(['tpm'], { 4: [pcr(1)], others: 'unused' })).toBe(true);
  expect(names(['enclave', 'tpm'], { ...rest, 0: [pcr(1)] })).toBe(false);
});

if (hasShared) {
  test('a real enclave, pinned as it is, and the one in debug mode', () => {
    const read = (name: string) => parseNitro(nitroCase(name).scene.bytes);
    const document = read('dstack-attest');
    const registers = Object.fromEntries(
      [...document.pcrs].map(([i, value]) => [i, [toHex(value)]]),
    );
    const policy: NitroPolicy = decode({
      kind: ['enclave'],
      moduleId: [document.moduleId],
      pcrs: { ...registers, others: 'unused' },
      userData: [toHex(document.userData as Uint8Array)],
      publicKey: ['none'],
    });
    const statuses = (name: string) => {
      const list = new Checklist(policyChecks);
      checkNitro(list, read(name), policy);
      return list.finish().map(({ status }) => status);
    };
    expect(statuses('dstack-attest')).toEqual(['pass', 'pass', 'pass', 'pass', 'pass']);
    expect(statuses('dstack-attest-dbg')).toEqual(['fail', 'fail', 'fail', 'fail', 'pass']);
    expect(statuses('dstack-nsm')).toEqual(['pass', 'fail', 'fail', 'fail', 'pass']);
  });
}
