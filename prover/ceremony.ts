/**
 * The points of the Aztec Ignition ceremony on BN254: g1[i] = tau^i·G and [tau]_2, in
 * Barretenberg's layout. A proof is worth nothing under other points, for whoever made them knows
 * tau; so what comes from a file or a network is checked against what is pinned here.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, fromBigEndian, fromHex, toHex } from '#verifier/bytes.ts';

/** Bytes of a point in bn254_g1.dat: big-endian x ‖ y. */
export const pointLength = 64;

/** g1[0], the generator, and g1[1]: all that verifying a proof needs beside `ceremonyG2`. */
export const firstPoints: Bytes = fromHex(
  '0000000000000000000000000000000000000000000000000000000000000001' +
    '0000000000000000000000000000000000000000000000000000000000000002' +
    '2d360628289ff943ff6bd1a87bbe4e62abe7fb61ba83effd266f22bdcf31e6f9' +
    '26b92a79e563c3f48252cce7feeca2f0f8d33dcb4ef7b0643bf07bd405700aaa',
  'first points',
);

/** [tau]_2: x and then y, of each the real part first. */
export const ceremonyG2: Bytes = fromHex(
  '0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0' +
    '260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1' +
    '22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55' +
    '04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4',
  'G2',
);

/** SHA-256 of the first 2^k + 1 points. */
const pinned: Readonly<Record<number, string>> = {
  1025: '66a4608fc6da4f9fc811ce9ec5f3c72985ac5419680e6e3e088851bfe4387f2c',
  2049: '137d54b2868b3b7a26ded9804494ca0b6b94b31276dcd86e90ee7c390669d3f6',
  4097: 'b177b63297a5644d4849b98a01b56121a5fe0eb4fb5f30bb12a026497e8471f6',
  8193: 'ec2c34c509679e6152dee93f36f50d93def31809e1be0f0519036dcba8fdc2cb',
  16385: '8d53953450cd6e90a945837d4982981513e2f44db7b20fd477f104b041be304d',
  32769: 'd769ac6c98f8fab858a7e9967f2b7f181d8ad9fdcdf55438c915696febf0e99c',
};
const mostPinned = 32_769;

/** How many points a circuit of 2^k rows needs. */
export function pointsFor(log2Rows: number): number {
  return 2 ** log2Rows + 1;
}

/**
 * Whether these are the ceremony's first points. As many as are pinned are compared by hash; those
 * after them are held against the pinned ones and [tau]_2 by one pairing equation with random
 * coefficients.
 * @param g1 2^k + 1 points, k at least 10
 * @throws RangeError for another number of points
 */
export function isGenuine(g1: Bytes): boolean {
  const count = g1.length / pointLength;
  const prefix = Math.min(count, mostPinned);
  const hash = pinned[prefix];
  if (hash === undefined || !Number.isInteger(Math.log2(count - 1))) {
    throw new RangeError(`expected 2^k + 1 points, k at least 10, got ${count}`);
  }
  if (toHex(sha256(g1.subarray(0, prefix * pointLength))) !== hash) return false;
  return count === prefix || arePowers(g1.subarray((prefix - 1) * pointLength));
}

/**
 * Whether each point is tau times the one before it: with random c_i, e(Σ c_i·P_{i+1}, G_2) = e(Σ
 * c_i·P_i, [tau]_2). Other points pass with a chance of 2^-60.
 */
export function arePowers(g1: Bytes): boolean {
  const points = readPoints(g1);
  if (points === null) return false;
  const weights = randomBytes(points.length * weightLength);
  const left = bn254.pairing(weightedSum(points.slice(1), weights), bn254.G2.Point.BASE);
  const right = bn254.pairing(weightedSum(points.slice(0, -1), weights), tau2());
  return bn254.fields.Fp12.eql(left, right);
}

type Point = ReturnType<typeof bn254.G1.Point.fromAffine>;

/** WebCrypto gives 65,536 at once. */
function randomBytes(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

/** A weight has five digits of 12 bits, each in two bytes. */
const digits = 5;
const weightLength = 2 * digits;
const buckets = 2 ** 12;

/** Σ weight_i·P_i by Pippenger's buckets: five additions a point in place of sixty doublings. */
function weightedSum(points: readonly Point[], weights: Bytes): Point {
  let sum = bn254.G1.Point.ZERO;
  for (let digit = 0; digit < digits; digit++) {
    for (let bit = 1; bit < buckets; bit *= 2) sum = sum.double();
    const filled: Point[] = new Array(buckets).fill(bn254.G1.Point.ZERO);
    points.forEach((point, i) => {
      const at = i * weightLength + 2 * digit;
      const bucket = (((weights[at] as number) << 8) | (weights[at + 1] as number)) % buckets;
      filled[bucket] = (filled[bucket] as Point).add(point);
    });
    let running = bn254.G1.Point.ZERO;
    for (let bucket = buckets - 1; bucket > 0; bucket--) {
      running = running.add(filled[bucket] as Point);
      sum = sum.add(running);
    }
  }
  return sum;
}

function readPoints(g1: Bytes): Point[] | null {
  const points: Point[] = [];
  try {
    for (let at = 0; at < g1.length; at += pointLength) {
      const x = fromBigEndian(g1.subarray(at, at + 32));
      const y = fromBigEndian(g1.subarray(at + 32, at + pointLength));
      const point = bn254.G1.Point.fromAffine({ x, y });
      point.assertValidity();
      points.push(point);
    }
  } catch {
    return null;
  }
  return points;
}

function tau2() {
  const [x0, x1, y0, y1] = [0, 32, 64, 96].map((at) =>
    fromBigEndian(ceremonyG2.subarray(at, at + 32)),
  ) as [bigint, bigint, bigint, bigint];
  const { Fp2 } = bn254.fields;
  const point = bn254.G2.Point.fromAffine({
    x: Fp2.fromBigTuple([x0, x1]),
    y: Fp2.fromBigTuple([y0, y1]),
  });
  point.assertValidity();
  return point;
}
