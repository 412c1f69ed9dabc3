import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import {
  type Service,
  serviceId,
  serviceKey,
  serviceTree,
  serviceValue,
} from '#verifier/abi/service.ts';
import { bigEndian, concat, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { encodeProof } from '#verifier/smt/proof.ts';
import { emptyTree } from '#verifier/smt/tree.ts';

const narHash = new Uint8Array(32).fill(0x22);
const { x, y } = secp256k1.Point.BASE.toAffine();
const publicKey = concat(bigEndian(x, 32), bigEndian(y, 32));
const service = (name: string): Service => ({ name, narHash, publicKey });
const services = ['echo-node', 'echo-cpp', 'echo-rust'].map(service);
const keyOf = (name: string) => serviceKey(serviceId(name));
const hex = (value: bigint) => toHex(fieldToBytes(value));

describe('protocol vectors', () => {
  test('id, key and value of echo-node; one value for all three services', () => {
    expect(toHex(serviceId('echo-node'))).toBe(
      '2e94955919399143f5c0f1cdaf75f401cc58ee21c4a5b21ed68f06ec22f54100',
    );
    expect(hex(keyOf('echo-node'))).toBe(
      '060d4e1ae30ac2e2a5da6c72b565a03b3e3e2f7e0d4f37033671a51bcc338555',
    );
    for (const each of services) {
      expect(hex(serviceValue(each))).toBe(
        '1e853d85dfb52bcf306c9372cd25b33e0af3bccace4e5e14430b072d050737ae',
      );
    }
  });

  test.each([
    [1, '260d07750f9d8f57dc370d4f426d964c3a79333441313fa70842a2ee0438d0fe'],
    [2, '13a20cb633f98462dd49a7a6ce2fefa4fc616db435a13bbe71d688021b309a87'],
    [3, '1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3e'],
  ])('root of the first %i', (count, root) => {
    const chosen = services.slice(0, count);
    expect(hex(serviceTree(chosen).root)).toBe(root);
    expect(hex(serviceTree(chosen.reverse()).root)).toBe(root);
  });

  test('the proofs in R3', () => {
    const tree = serviceTree(services);
    const proofOf = (name: string) => toHex(encodeProof(tree.prove(keyOf(name)).proof));
    const ofRust = '010124cda1e70a79a9f6259e610f0b15648b3e1e284619d666fb86bbe93c6b1b21fd';
    expect(proofOf('echo-rust')).toBe(ofRust);
    expect(proofOf('c')).toBe(ofRust);
    expect(tree.prove(keyOf('c')).claim).toMatchObject({ other: { key: keyOf('echo-rust') } });
    expect(proofOf('a')).toBe(
      '020326d01fdbb00ffa918679af272e39b3102a9f0c600a49c2d4d58312744a8755' +
        '4220a5978017cfd49db77d94ccc130ce735bc4d9d9e70a797315da4501346c5508',
    );
    expect(tree.prove(keyOf('a')).claim).toEqual({ kind: 'absent', other: null });
    const ofNode = encodeProof(tree.prove(keyOf('echo-node')).proof);
    expect([...ofNode.subarray(0, 2)]).toEqual([4, 0x09]);
    expect(toHex(sha256(ofNode))).toBe(
      '26d76421e7419aacf2bc8b2f3278305b01a5664759153a83d388f0e75e9616f0',
    );
  });
});

describe('names', () => {
  test.each(['a', '0', 'echo-node', 'a.b_c-d', 'a'.repeat(64)])('%s is a name', (name) => {
    expect(serviceId(name)).toHaveLength(32);
  });

  test.each(['', '-a', '.a', '_a', 'A', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(65)])(
    '%j is not',
    (name) => {
      expect(() => serviceId(name)).toThrow(
        expect.objectContaining({ code: 'value-out-of-range' }),
      );
    },
  );
});

describe('value', () => {
  const prime = secp256k1.Point.Fp.ORDER;
  const order = secp256k1.Point.Fn.ORDER;

  test('hash, x and y all count', () => {
    const other = new Uint8Array(32).fill(0x23);
    const opposite = concat(bigEndian(x, 32), bigEndian(prime - y, 32));
    const values = [
      serviceValue({ narHash, publicKey }),
      serviceValue({ narHash: other, publicKey }),
      serviceValue({ narHash, publicKey: opposite }),
    ];
    expect(new Set(values).size).toBe(3);
  });

  // x = 1 is on the curve, so its alias prime + 1 still fits 32 bytes.
  const small = secp256k1.Point.fromHex(`02${'00'.repeat(31)}01`).toAffine();
  test.each([
    ['off the curve', concat(bigEndian(x, 32), bigEndian(y + 1n, 32))],
    ['x and y exchanged', concat(bigEndian(y, 32), bigEndian(x, 32))],
    ['zero', new Uint8Array(64)],
    ['x not below the prime', concat(bigEndian(small.x + prime, 32), bigEndian(small.y, 32))],
    ['y not below the prime', concat(bigEndian(x, 32), bigEndian(prime, 32))],
    ['all ones', new Uint8Array(64).fill(0xff)],
    ['SEC1 uncompressed', concat(Uint8Array.of(4), publicKey)],
    ['SEC1 compressed', secp256k1.Point.BASE.toBytes(true)],
    ['a byte short', publicKey.subarray(1)],
  ])('a public key %s is refused', (_, key) => {
    expect(() => serviceValue({ narHash, publicKey: key })).toThrow(
      expect.objectContaining({ code: 'signature-malformed' }),
    );
  });

  test('its twins on the curve are taken', () => {
    const one = concat(bigEndian(small.x, 32), bigEndian(small.y, 32));
    expect(serviceValue({ narHash, publicKey: one })).toBeTypeOf('bigint');
    // A coordinate between order and prime is canonical: the bound is the curve's prime.
    const large = firstPointAbove(order);
    expect(serviceValue({ narHash, publicKey: large })).toBeTypeOf('bigint');
  });

  test('hashes of another length are a caller’s mistake', () => {
    expect(() => serviceValue({ narHash: narHash.subarray(1), publicKey })).toThrow(RangeError);
    expect(() => serviceKey(narHash.subarray(1))).toThrow(RangeError);
  });

  function firstPointAbove(bound: bigint): Uint8Array {
    for (let candidate = bound; ; candidate++) {
      try {
        const bytes = concat(Uint8Array.of(2), bigEndian(candidate, 32));
        return secp256k1.Point.fromBytes(bytes).toBytes(false).subarray(1);
      } catch {
        // No point has this x.
      }
    }
  }
});

describe('serviceTree', () => {
  test('no services make the empty tree', () => {
    expect(serviceTree([]).root).toBe(emptyTree.root);
  });

  test('a name given twice is refused, also with other content', () => {
    const changed = { ...service('echo-node'), narHash: new Uint8Array(32) };
    for (const twin of [service('echo-node'), changed]) {
      expect(() => serviceTree([...services, twin])).toThrow(
        expect.objectContaining({
          code: 'tree-key-collision',
          message: expect.stringContaining('"echo-node"'),
        }),
      );
    }
    expect(serviceTree([...services, service('echo-go')]).size).toBe(4);
  });
});
