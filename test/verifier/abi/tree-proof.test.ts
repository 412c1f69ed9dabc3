import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import {
  type Service,
  serviceId,
  serviceKey,
  serviceTree,
  serviceValue,
} from '#verifier/abi/service.ts';
import {
  buildTreeProof,
  encodeTreeProof,
  parseTreeProof,
  type TreeProofDocument,
  verifyTreeProof,
} from '#verifier/abi/tree-proof.ts';
import { bigEndian, fromHex, toBase64, toHex } from '#verifier/bytes.ts';
import { fieldOrder, fieldToBytes } from '#verifier/field.ts';
import { goesRight, leafHash, nodeHash } from '#verifier/smt/proof.ts';

const narHash = new Uint8Array(32).fill(0x22);
const publicKey = secp256k1.Point.BASE.toBytes(false).slice(1);
const content = { narHash, publicKey };
const service = (name: string): Service => ({ name, ...content });
const tree = serviceTree(['echo-node', 'echo-cpp', 'echo-rust'].map(service));
const { root } = tree;
const keyOf = (name: string) => serviceKey(serviceId(name));

const ofRust = buildTreeProof(tree, 'echo-rust', content);
const ofNode = buildTreeProof(tree, 'echo-node', content);
const noC = buildTreeProof(tree, 'c', null);
const noA = buildTreeProof(tree, 'a', null);
const present = (name: string) => ({ root, name, claim: 'present' }) as const;
const absent = (name: string) => ({ root, name, claim: 'absent' }) as const;
const isFalse = expect.objectContaining({ code: 'proof-false' });

const rustJson = {
  version: 1,
  root: '1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3e',
  name: 'echo-rust',
  present: true,
  service: { narHash: '22'.repeat(32), publicKey: toHex(publicKey) },
  other: null,
  proof: toBase64(
    fromHex('010124cda1e70a79a9f6259e610f0b15648b3e1e284619d666fb86bbe93c6b1b21fd', 'test'),
  ),
};
const noCJson = {
  ...rustJson,
  name: 'c',
  present: false,
  service: null,
  other: {
    key: toHex(fieldToBytes(keyOf('echo-rust'))),
    value: '1e853d85dfb52bcf306c9372cd25b33e0af3bccace4e5e14430b072d050737ae',
  },
};

describe('JSON', () => {
  test('is the protocol’s object, in its order', () => {
    expect(JSON.stringify(encodeTreeProof(ofRust))).toBe(JSON.stringify(rustJson));
    expect(JSON.stringify(encodeTreeProof(noC))).toBe(JSON.stringify(noCJson));
  });

  test.each([
    ['present', ofRust],
    ['present, deeper', ofNode],
    ['absent beside another leaf', noC],
    ['absent in an empty place', noA],
  ])('there and back: %s', (_, document) => {
    expect(parseTreeProof(JSON.stringify(encodeTreeProof(document)))).toEqual(document);
  });

  test.each([
    ['json-malformed', '{"version":1,"version":1}'],
    ['json-malformed', `${JSON.stringify(rustJson)}x`],
    ['json-shape', '[]'],
    ['json-shape', { ...rustJson, extra: 1 }],
    ['json-shape', { ...rustJson, other: undefined }],
    ['version-unknown', { ...rustJson, version: 2 }],
    ['json-shape', { ...rustJson, name: 'Echo' }],
    ['json-shape', { ...rustJson, present: 1 }],
    ['hex-malformed', { ...rustJson, root: rustJson.root.toUpperCase() }],
    ['field-not-canonical', { ...rustJson, root: toHex(bigEndian(fieldOrder, 32)) }],
    ['json-shape', { ...rustJson, service: { ...rustJson.service, name: 'echo-rust' } }],
    ['base64-malformed', { ...rustJson, proof: rustJson.proof.replace('=', '') }],
    ['proof-malformed', { ...rustJson, proof: '' }],
    ['proof-malformed', { ...rustJson, proof: toBase64(Uint8Array.of(0, 0)) }],
    ['json-shape', { ...rustJson, service: null }],
    ['json-shape', { ...rustJson, other: noCJson.other }],
    ['json-shape', { ...rustJson, present: false }],
    ['json-shape', { ...noCJson, present: true }],
    ['json-shape', { ...noCJson, service: rustJson.service }],
    ['json-shape', { ...rustJson, present: true, service: null, other: noCJson.other }],
    ['json-shape', { ...noCJson, other: { key: noCJson.other.key } }],
  ])('%s: %j', (code, value) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(() => parseTreeProof(text)).toThrow(expect.objectContaining({ code }));
  });

  test('a key that is an alias (q more) is refused, the key itself is read', () => {
    const alias = toHex(bigEndian(keyOf('echo-rust') + fieldOrder, 32));
    const other = { ...noCJson.other, key: alias };
    expect(parseTreeProof(JSON.stringify(noCJson))).toEqual(noC);
    expect(() => parseTreeProof(JSON.stringify({ ...noCJson, other }))).toThrow(
      expect.objectContaining({ code: 'field-not-canonical' }),
    );
  });
});

describe('verifyTreeProof', () => {
  test('gives the service, or null for a proved absence', () => {
    expect(verifyTreeProof(ofRust, present('echo-rust'))).toEqual(content);
    expect(verifyTreeProof(ofNode, present('echo-node'))).toEqual(content);
    expect(verifyTreeProof(noC, absent('c'))).toBeNull();
    expect(verifyTreeProof(noA, absent('a'))).toBeNull();
  });

  test('root, name and claim are the caller’s', () => {
    expect(() => verifyTreeProof(ofRust, absent('echo-rust'))).toThrow(isFalse);
    expect(() => verifyTreeProof(noC, present('c'))).toThrow(isFalse);
    expect(() => verifyTreeProof(ofRust, present('echo-node'))).toThrow(isFalse);
    expect(() => verifyTreeProof(noC, absent('d'))).toThrow(isFalse);
    const misnamed = { ...ofRust, name: 'echo-node' };
    expect(() => verifyTreeProof(misnamed, present('echo-rust'))).toThrow(isFalse);
    const misrooted = { ...ofRust, root: root + 1n };
    expect(() => verifyTreeProof(misrooted, present('echo-rust'))).toThrow(isFalse);
    const before = serviceTree(['echo-node', 'echo-rust'].map(service));
    const old = buildTreeProof(before, 'echo-rust', content);
    expect(verifyTreeProof(old, { ...present('echo-rust'), root: before.root })).toEqual(content);
    expect(() => verifyTreeProof(old, present('echo-rust'))).toThrow(isFalse);
  });

  test.each<[string, TreeProofDocument, 'present' | 'absent']>([
    ['another name written over it', { ...ofRust, name: 'echo-node' }, 'present'],
    ['a name that is absent written over it', { ...ofRust, name: 'c' }, 'present'],
    ['a present name over an absence', { ...noC, name: 'echo-rust' }, 'absent'],
    ['an off-path present name over an absence', { ...noC, name: 'echo-node' }, 'absent'],
    ['an empty place over a present name', { ...noA, name: 'echo-node' }, 'absent'],
    ['its root written over it', { ...old('echo-node'), root }, 'present'],
    [
      'another hash',
      forge(ofRust, { service: { publicKey, narHash: publicKey.slice(32) } }),
      'present',
    ],
    ['a missing sibling', { ...ofRust, proof: { siblings: [] } }, 'present'],
    ['the claim flipped', { ...ofRust, present: false, service: null, other: null }, 'absent'],
    ['the claim flipped on an absence', { ...noC, ...presentPart(), other: null }, 'present'],
    ['no other leaf', { ...noC, other: null }, 'absent'],
    ['the root’s children as other leaf', forge(noC, rootsChildren('echo-rust')), 'absent'],
  ])('refuses %s', (_, document, claim) => {
    expect(() => verifyTreeProof(document, { root, name: document.name, claim })).toThrow(isFalse);
  });

  test('a key off the curve is refused even before the proof', () => {
    const offCurve = { narHash, publicKey: new Uint8Array(64).fill(1) };
    expect(() =>
      verifyTreeProof(forge(ofRust, { service: offCurve }), present('echo-rust')),
    ).toThrow(expect.objectContaining({ code: 'signature-malformed' }));
  });

  test('questions that no service can answer', () => {
    expect(() => verifyTreeProof({ ...noC, name: 'C' }, absent('C'))).toThrow(
      expect.objectContaining({ code: 'value-out-of-range' }),
    );
    const maybe = { ...absent('c'), claim: 'maybe' as 'absent' };
    expect(() => verifyTreeProof(noC, maybe)).toThrow(RangeError);
    const noRoot = { ...absent('c'), root: fieldOrder };
    expect(() => verifyTreeProof(noC, noRoot)).toThrow(RangeError);
  });
});

describe('buildTreeProof', () => {
  test('says nothing else than its tree', () => {
    const other = { narHash: new Uint8Array(32), publicKey };
    expect(verifyTreeProof(ofRust, present('echo-rust'))).toEqual(content);
    expect(() => buildTreeProof(tree, 'echo-rust', null)).toThrow(RangeError);
    expect(() => buildTreeProof(tree, 'echo-rust', other)).toThrow(RangeError);
    expect(() => buildTreeProof(tree, 'c', content)).toThrow(RangeError);
  });
});

function old(name: string): TreeProofDocument {
  return buildTreeProof(serviceTree([service(name)]), name, content);
}

function forge(document: TreeProofDocument, change: object): TreeProofDocument {
  return { ...document, ...change } as TreeProofDocument;
}

function presentPart() {
  return { present: true, service: content } as const;
}

/** The two children of the root as key and value of an other leaf, with no siblings. */
function rootsChildren(name: string) {
  const leaf = leafHash(keyOf(name), serviceValue(content));
  const [sibling] = tree.prove(keyOf(name)).proof.siblings as [bigint];
  const [key, value] = goesRight(keyOf(name), 0) ? [sibling, leaf] : [leaf, sibling];
  expect(nodeHash(key, value)).toBe(root);
  return { name, other: { key, value }, proof: { siblings: [] } };
}
