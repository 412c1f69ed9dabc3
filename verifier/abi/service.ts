/**
 * A measured service: its name, its code and its key, as the tree holds them (protocol, "What is
 * bound").
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, fromBigEndian, quote, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, hiLo, p2 } from '#verifier/field.ts';
import { type Decoder, text } from '#verifier/json.ts';
import { buildTree, type Tree } from '#verifier/smt/tree.ts';
import { tag } from '#verifier/tags.ts';

export type ServiceContent = {
  /** d, 32 bytes: NAR hash of the store path that the service's configuration names. */
  readonly narHash: Bytes;
  /** x ‖ y, 64 bytes: the service's secp256k1 key. */
  readonly publicKey: Bytes;
};

export type Service = ServiceContent & { readonly name: string };

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A service's name in a JSON document. */
export const serviceName: Decoder<string> = text(
  namePattern,
  'a service name ([a-z0-9][a-z0-9._-]{0,63})',
);

/**
 * service id = SHA-256(tag(service) ‖ name); name matches [a-z0-9][a-z0-9._-]{0,63}
 * @throws AttestationError `value-out-of-range` for any other name
 */
export function serviceId(name: string): Bytes {
  if (!namePattern.test(name)) {
    throw new AttestationError(
      'value-out-of-range',
      `service name: expected [a-z0-9][a-z0-9._-]{0,63}, got ${quote(name)}`,
    );
  }
  return sha256(concat(tag('service'), utf8(name)));
}

/**
 * service key = P2(key; hi(id), lo(id))
 * @throws RangeError unless the id has 32 bytes
 */
export function serviceKey(id: Bytes): Field {
  return p2('key', ...hiLo(id));
}

/**
 * service value = P2(value; hi(d), lo(d), hi(x), lo(x), hi(y), lo(y))
 * @throws AttestationError `signature-malformed` for a public key not on the curve
 * @throws RangeError unless the NAR hash has 32 bytes
 */
export function serviceValue({ narHash, publicKey }: ServiceContent): Field {
  checkPublicKey(publicKey);
  const x = publicKey.subarray(0, 32);
  const y = publicKey.subarray(32);
  return p2('value', ...hiLo(narHash), ...hiLo(x), ...hiLo(y));
}

/**
 * (x, y) is on the curve secp256k1, its coordinates below the curve's prime.
 * @param publicKey x ‖ y, 64 bytes
 * @throws AttestationError `signature-malformed`
 */
export function checkPublicKey(publicKey: Bytes): void {
  if (publicKey.length !== 64) {
    throw keyError(`expected 64 bytes x ‖ y, got ${publicKey.length}`);
  }
  const x = fromBigEndian(publicKey.subarray(0, 32));
  const y = fromBigEndian(publicKey.subarray(32));
  try {
    // fromAffine refuses coordinates that are not below the prime.
    secp256k1.Point.fromAffine({ x, y }).assertValidity();
  } catch (cause) {
    throw keyError('expected a point of secp256k1, its coordinates below the prime', cause);
  }
}

function keyError(problem: string, cause?: unknown): AttestationError {
  return new AttestationError('signature-malformed', `public key of a service: ${problem}`, {
    cause,
  });
}

/**
 * The tree over (service key, service value), whatever the order of the services.
 * @throws AttestationError `tree-key-collision` for a name given twice, and what `serviceId` and
 * `serviceValue` throw
 */
export function serviceTree(services: Iterable<Service>): Tree {
  const list = [...services];
  const names = new Set<string>();
  for (const { name } of list) {
    if (names.has(name)) {
      throw new AttestationError('tree-key-collision', `service ${quote(name)} is given twice`);
    }
    names.add(name);
  }
  return buildTree(
    list.map((service) => ({
      key: serviceKey(serviceId(service.name)),
      value: serviceValue(service),
    })),
  );
}
