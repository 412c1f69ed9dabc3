import { expect, test } from 'vitest';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { isField } from '#verifier/field.ts';
import { type FieldTag, fieldTag, type HashTag, tag } from '#verifier/tags.ts';

// Records, so that a tag that is added to the types and not here is a type error.
const hashTags = Object.keys({
  audience: 0,
  binding: 0,
  'channel-noise': 0,
  'channel-tls-exporter': 0,
  'channel-tls-key': 0,
  closure: 0,
  decision: 0,
  device: 0,
  'device-nonce': 0,
  devices: 0,
  freshness: 0,
  log: 0,
  policy: 0,
  'reference-signature': 0,
  'reference-values': 0,
  response: 0,
  service: 0,
} satisfies Record<HashTag, 0>) as HashTag[];
const fieldTags = Object.keys({
  attestation: 0,
  'chip-snp': 0,
  'chip-tdx': 0,
  'issuer-snp': 0,
  'issuer-tdx': 0,
  key: 0,
  leaf: 0,
  'level-snp': 0,
  'level-tdx': 0,
  node: 0,
  'reference-snp': 0,
  'reference-tdx': 0,
  serial: 0,
  value: 0,
  'vek-commitment': 0,
  'vek-snp': 0,
  'vek-tdx': 0,
} satisfies Record<FieldTag, 0>) as FieldTag[];

test('tag(x) is ASCII affidavit/x/v1 and one zero byte', () => {
  expect(toHex(tag('log'))).toBe('6166666964617669742f6c6f672f763100');
  for (const name of hashTags) expect(tag(name)).toEqual(utf8(`affidavit/${name}/v1\0`));
});

test('no tag is the beginning of another', () => {
  const all = hashTags.map((name) => toHex(tag(name)));
  for (const one of all) expect(all.filter((other) => other.startsWith(one))).toEqual([one]);
});

test('T(node) is the protocol’s vector', () => {
  expect(fieldTag('node')).toBe(0x6166666964617669742f6e6f64652f7631n);
});

test('every T(x) is a field element of 31 bytes at most, and its own', () => {
  const all = fieldTags.map(fieldTag);
  for (const value of all) {
    expect(value < 1n << 248n).toBe(true);
    expect(isField(value)).toBe(true);
  }
  expect(new Set(all).size).toBe(fieldTags.length);
});

test('a tag returned is the caller’s own copy', () => {
  tag('log').fill(0);
  expect(tag('log')).toEqual(utf8('affidavit/log/v1\0'));
});
