/** Signatures on P-384 of any digest, and ones that hold but for one thing: each is what one constraint is there for. */
import type { InputMap } from '@noir-lang/noir_js';
import {
  addStep,
  b as curveB,
  generator,
  inverse,
  mod,
  multiply,
  n,
  type Point,
  p,
  pointAt,
} from '#prover/linked/p384-curve.ts';
import {
  limbsOf,
  type Parts,
  p384SignatureInput,
  type Scalars,
  signatureInput,
  sumOf,
} from '#prover/linked/p384-inputs.ts';
import { type Bytes, bigEndian, concat } from '#verifier/bytes.ts';

/** The signature's own place in what the circuit p384_vectors takes. */
export function verification(z: bigint, key: Point, signature: InputMap): InputMap {
  const words = Array.from({ length: 6 }, (_, i) => (z >> BigInt(64 * (5 - i))) & (2n ** 64n - 1n));
  return {
    digest: words.map((word) => `0x${word.toString(16)}`),
    key: { x: limbsOf(key.x), y: limbsOf(key.y) },
    signature,
  };
}

export function signed(z: bigint, key: Point, r: bigint, s: bigint): InputMap {
  return verification(
    z,
    key,
    p384SignatureInput(bytes(z), keyBytes(key), concat(bytes(r), bytes(s))),
  );
}

function bytes(value: bigint): Bytes {
  return bigEndian(value, 48);
}

function keyBytes({ x, y }: Point): Bytes {
  return concat(bytes(x), bytes(y));
}

export const secret = 0x1234567890abcdefn;
export const key: Point = multiply(generator, secret);

/** Of a message that nobody hashed: R = u1·G + u2·Q first, then s = r/u2 and z = u1·s. */
export function ofAnyDigest(of: Point, u1: bigint, u2: bigint) {
  const point = addStep(multiply(generator, u1), multiply(of, u2));
  const r = mod(point.x, n);
  const s = mod(r * inverse(u2, n), n);
  return { r, s, z: mod(u1 * s, n), point };
}

/** A key under which this point is R, with any s. */
export function keyFor(point: Point, s: bigint): { key: Point; z: bigint; r: bigint; s: bigint } {
  const u1 = 987654321n;
  const r = mod(point.x, n);
  const u2 = mod(r * inverse(s, n), n);
  const rest = addStep(point, negative(multiply(generator, u1)));
  return { key: multiply(rest, inverse(u2, n)), z: mod(u1 * s, n), r, s };
}

export function negative({ x, y }: Point): Point {
  return { x, y: p - y };
}

/** The point with the least x from `from` on. */
export function pointFrom(from: bigint): Point {
  for (let x = from; ; x++) {
    const point = pointAt(x);
    if (point !== null) return point;
  }
}

/** A point with a small y: a root x of x³ − 3x + b − y². */
export function pointOfSmallY(): Point {
  for (let y = 1n; ; y++) {
    const x = rootOfCubic(mod(curveB - y * y, p));
    if (x !== null) return { x, y };
  }
}

/** Of x³ − 3x + c, when it has one root alone: gcd(xᵖ − x, x³ − 3x + c) is then of degree one. */
function rootOfCubic(c: bigint): bigint | null {
  const times = (f: bigint[], g: bigint[]): bigint[] => {
    const product = [0n, 0n, 0n, 0n, 0n];
    for (const [i, a] of f.entries()) {
      for (const [j, d] of g.entries()) product[i + j] = mod((product[i + j] ?? 0n) + a * d, p);
    }
    // x³ = 3x − c, x⁴ = 3x² − cx
    const [k0 = 0n, k1 = 0n, k2 = 0n, k3 = 0n, k4 = 0n] = product;
    return [mod(k0 - c * k3, p), mod(k1 + 3n * k3 - c * k4, p), mod(k2 + 3n * k4, p)];
  };
  let power = [1n, 0n, 0n];
  for (const digit of p.toString(2)) {
    power = times(power, power);
    if (digit === '1') power = times(power, [0n, 1n, 0n]);
  }
  const [f0 = 0n, f1 = 0n, f2 = 0n] = power;
  // xᵖ − x as f2·x² + g·x + f0, which x³ − 3x + c is divided by.
  const g = mod(f1 - 1n, p);
  if (f2 === 0n) return null;
  const lead = inverse(f2, p);
  const [u, v] = [mod(g * lead, p), mod(f0 * lead, p)];
  // x³ − 3x + c modulo x² + ux + v
  const slope = mod(-3n - v + u * u, p);
  const constant = mod(c + u * v, p);
  if (slope === 0n) return null;
  const x = mod(-constant * inverse(slope, p), p);
  return mod(x ** 3n - 3n * x + c, p) === 0n ? x : null;
}

/** a·G + b·Q + c·R = 0 by these scalars; the relations are written of others. */
export function lying(parts: Parts, key: Point): InputMap {
  const sum = sumOf(parts.key, parts.point, parts.scalars);
  return verification(parts.z, key, signatureInput(parts, sum.input));
}

/** a = −(b·secret + c·k), so that the points of `key` and R = k·G cancel out. */
export function cancelling(b: bigint, c: bigint, k: bigint): Scalars {
  return withA(mod(-(b * secret + c * k), n), b, c);
}

const half = 2n ** 195n;

export function withA(a: bigint, b: bigint, c: bigint): Scalars {
  const odd = a % 2n === 0n ? a + n : a;
  const low = 2n * mod((odd + 2n ** 390n - 1n) / 2n, half) - half + 1n;
  return { low, high: (odd - low) / half, key: b, point: c };
}
