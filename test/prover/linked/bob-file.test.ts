/** The file of linked proofs, version 3: what it may say, and in which one form. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  encodeLinkedProofFile,
  type LinkedProofFile,
  maxLinkedFileLength,
  parseLinkedProofFile,
} from '#prover/linked/proof-file.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { toBase64, utf8 } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';
import { linkedScene } from './bob-scene.ts';
import { snpScene } from './bob-scene-snp.ts';

type Json = Record<string, Record<string, unknown>>;
const names = ['pck', 'tdxMember', 'tdxShown', 'text', 'vek', 'snpMember', 'snpShown'] as const;
type Name = (typeof names)[number];
let files: Record<Name, LinkedProofFile>;

beforeAll(async () => {
  files = {
    pck: (await linkedScene()).file,
    tdxMember: (await linkedScene({ key: 'member' })).file,
    tdxShown: (await linkedScene({ key: 'shown' })).file,
    text: (await linkedScene({ response: 'text' })).file,
    vek: (await snpScene()).file,
    snpMember: (await snpScene({ key: 'member' })).file,
    snpShown: (await snpScene({ key: 'shown' })).file,
  };
});

function jsonOf(name: Name): Json {
  return JSON.parse(encodeLinkedProofFile(files[name]));
}

function codeOfJson(json: unknown): string | null {
  return codeOf(() => parseLinkedProofFile(utf8(JSON.stringify(json))));
}

test.for(names)('is read back as it was: %s', (name) => {
  expect(parseLinkedProofFile(utf8(encodeLinkedProofFile(files[name])))).toEqual(files[name]);
  expect(codeOfJson(jsonOf(name))).toBeNull();
});

describe('one form for one meaning', () => {
  type Row = [name: string, of: Name, part: string, changes: () => object, code: string];
  const certificate = () => toBase64(files.vek.key.kind === 'vek' ? files.vek.key.root : utf8(''));
  const tooBig = fieldOrder.toString(16).padStart(64, '0');

  test.for<Row>([
    ['version 2', 'pck', '', () => ({ version: 2 }), 'version-unknown'],
    ['an unknown member', 'pck', '', () => ({ quote: null }), 'json-shape'],
    ['an unknown member of the key', 'vek', 'key', () => ({ issuer: null }), 'json-shape'],
    ['an unknown member of the machine', 'vek', 'machine', () => ({ vendor: 'amd' }), 'json-shape'],
    ['a missing salt', 'vek', 'key', () => ({ salt: undefined }), 'json-shape'],
    ['tdx-pck without its CA', 'pck', 'key', () => ({ certificates: [] }), 'json-shape'],
    [
      'tdx-pck with a root',
      'pck',
      'key',
      () => ({ certificates: [certificate(), certificate()] }),
      'json-shape',
    ],
    ['tdx-pck without a time', 'pck', 'key', () => ({ at: null }), 'json-shape'],
    ['tdx-pck with a salt', 'pck', 'key', () => ({ salt: '00'.repeat(32) }), 'json-shape'],
    [
      'snp-vek without the ARK',
      'vek',
      'key',
      () => ({ certificates: [certificate()] }),
      'json-shape',
    ],
    ['snp-vek with a third', 'vek', 'key', () => ({ certificates: three() }), 'json-shape'],
    ['snp-vek without a time', 'vek', 'key', () => ({ at: null }), 'json-shape'],
    ['snp-vek with a salt', 'vek', 'key', () => ({ salt: '00'.repeat(32) }), 'json-shape'],
    [
      'vek-member with a certificate',
      'snpMember',
      'key',
      () => ({ certificates: [certificate()] }),
      'json-shape',
    ],
    ['vek-member with a time', 'tdxMember', 'key', () => ({ at: 5 }), 'json-shape'],
    ['a shown key without its salt', 'snpShown', 'key', () => ({ salt: null }), 'json-shape'],
    ['a shown key with a time', 'tdxShown', 'key', () => ({ at: 5 }), 'json-shape'],
    [
      'a shown VCEK without the ARK',
      'snpShown',
      'key',
      () => ({ certificates: three().slice(1) }),
      'json-shape',
    ],
    ['a shown PCK with a root', 'tdxShown', 'key', () => ({ certificates: three() }), 'json-shape'],
    ['four certificates', 'snpShown', 'key', () => ({ certificates: four() }), 'json-shape'],
    ['a salt of q', 'snpShown', 'key', () => ({ salt: tooBig }), 'field-not-canonical'],
    ['a short salt', 'snpShown', 'key', () => ({ salt: '00' }), 'hex-malformed'],
    [
      'a certificate in another base64',
      'snpShown',
      'key',
      () => ({ certificates: three().map((text) => `${text}=`) }),
      'base64-malformed',
    ],
    ['a set of q', 'vek', 'machine', () => ({ revoked: tooBig }), 'field-not-canonical'],
  ])('refuses %s', ([_, of, part, changes, code]) => {
    const json = jsonOf(of);
    const changed =
      part === ''
        ? { ...json, ...changes() }
        : { ...json, [part]: { ...json[part], ...changes() } };
    expect(codeOfJson(changed)).toBe(code);
  });

  function three(): string[] {
    return jsonOf('snpShown')['key']?.['certificates'] as string[];
  }
  function four(): string[] {
    return [...three(), certificate()];
  }

  test.for<[key: Name, machine: Name]>([
    ['pck', 'vek'],
    ['vek', 'pck'],
    ['tdxShown', 'snpShown'],
    ['snpShown', 'tdxShown'],
  ])('refuses the key of %s with the machine of %s', ([key, machine]) => {
    const mixed = { ...jsonOf(machine), key: jsonOf(key)['key'] };
    expect(codeOfJson(mixed)).toBe('json-shape');
    expect(codeOfJson({ ...mixed, key: jsonOf(machine)['key'] })).toBeNull();
  });

  test('takes vek-member with either machine', () => {
    expect(codeOfJson({ ...jsonOf('vek'), key: jsonOf('tdxMember')['key'] })).toBeNull();
    expect(codeOfJson({ ...jsonOf('pck'), key: jsonOf('snpMember')['key'] })).toBeNull();
  });

  test.for(['tdx-pck', 'vek-member', 'response', 'response-open', 'snp'])(
    'refuses %s as the circuit of a machine',
    (circuit) => {
      const json = jsonOf('vek');
      const proof = { ...(json['machine']?.['proof'] as object), circuit };
      expect(codeOfJson({ ...json, machine: { ...json['machine'], proof } })).toBe('json-shape');
    },
  );
});

test('has no more than 128 KiB', () => {
  const whole = encodeLinkedProofFile(files.vek);
  const room = maxLinkedFileLength - whole.length;
  const spaces = (count: number) => utf8(whole + ' '.repeat(count));
  expect(codeOf(() => parseLinkedProofFile(spaces(room)))).toBeNull();
  expect(codeOf(() => parseLinkedProofFile(spaces(room + 1)))).toBe('too-large');
});
