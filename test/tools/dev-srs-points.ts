/**
 * Powers of a KNOWN tau on BN254: INSECURE, since whoever knows tau can prove anything. The sums go
 * over fixed-base windows, in affine coordinates, with one inversion for a whole batch.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, bigEndian, concat, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';

type Affine = { readonly x: bigint; readonly y: bigint };

/** Anyone can compute it: that is what makes the string worthless outside a test. */
export const insecureTau: bigint =
  fromBigEndian(sha256(utf8('affidavit: development string of a known tau, not a ceremony'))) %
  fieldOrder;

const prime = bn254.fields.Fp.ORDER;
/** Signed digits of 13 bits: 20 of them hold any scalar, and a window has 2^12 multiples. */
const windowBits = 13;
const windowCount = 20;
const windowHalf = 1 << (windowBits - 1);

function mod(value: bigint): bigint {
  const rest = value % prime;
  return rest < 0n ? rest + prime : rest;
}

/** Of every value at once. @throws RangeError for a zero among them: two points with the same x */
function invertAll(values: readonly bigint[]): bigint[] {
  const before: bigint[] = new Array(values.length);
  let product = 1n;
  for (const [i, value] of values.entries()) {
    before[i] = product;
    product = (product * value) % prime;
  }
  if (product === 0n) throw new RangeError('two points to add have the same x');
  let inverse = bn254.fields.Fp.inv(product);
  const out: bigint[] = new Array(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    out[i] = (inverse * (before[i] as bigint)) % prime;
    inverse = (inverse * (values[i] as bigint)) % prime;
  }
  return out;
}

/** a + b of different x; `inverse` = 1 / (b.x − a.x) */
function addAffine(a: Affine, b: Affine, inverse: bigint): Affine {
  const slope = ((b.y - a.y) * inverse) % prime;
  const x = mod(slope * slope - a.x - b.x);
  return { x, y: mod(slope * (a.x - x) - a.y) };
}

/** base, 2·base … count·base */
function multiples(base: Affine, count: number): Affine[] {
  const G1 = bn254.G1.Point;
  const out = [base];
  while (out.length < count) {
    // The last one doubles, which the affine sum cannot; the others add it to each.
    const top = out.at(-1) as Affine;
    const lower = out.slice(0, -1);
    const inverses = invertAll(lower.map((point) => mod(top.x - point.x)));
    lower.forEach((point, i) => {
      out.push(addAffine(point, top, inverses[i] as bigint));
    });
    out.push(
      G1.fromAffine({ ...top })
        .double()
        .toAffine(),
    );
  }
  return out.slice(0, count);
}

function makeWindows(): Affine[][] {
  const windows: Affine[][] = [];
  let base: Affine = bn254.G1.Point.BASE.toAffine();
  for (let w = 0; w < windowCount; w++) {
    const row = multiples(base, windowHalf);
    windows.push(row);
    const top = bn254.G1.Point.fromAffine({ ...(row.at(-1) as Affine) });
    base = top.double().toAffine();
  }
  return windows;
}

let windows: Affine[][] | undefined;

/** Digits from −2^12 + 1 to 2^12, the least significant first; sum of digit·2^(13·i) = scalar. */
function signedDigits(scalar: bigint): number[] {
  const digits: number[] = new Array(windowCount);
  let carry = 0;
  for (let w = 0; w < windowCount; w++) {
    const part = Number((scalar >> BigInt(w * windowBits)) & (2n ** BigInt(windowBits) - 1n));
    const digit = part + carry;
    carry = digit > windowHalf ? 1 : 0;
    digits[w] = carry === 1 ? digit - 2 * windowHalf : digit;
  }
  return digits;
}

function baseMultiples(scalars: readonly bigint[]): Affine[] {
  windows ??= makeWindows();
  const digits = scalars.map(signedDigits);
  const sums: (Affine | undefined)[] = new Array(scalars.length).fill(undefined);
  for (const [w, row] of windows.entries()) {
    const adds: { at: number; sum: Affine; point: Affine }[] = [];
    for (const [at, own] of digits.entries()) {
      const digit = own[w] as number;
      if (digit === 0) continue;
      const found = row[Math.abs(digit) - 1] as Affine;
      const point = digit > 0 ? found : { x: found.x, y: prime - found.y };
      const sum = sums[at];
      if (sum === undefined) sums[at] = point;
      else adds.push({ at, sum, point });
    }
    const inverses = invertAll(adds.map(({ sum, point }) => mod(point.x - sum.x)));
    for (const [i, { at, sum, point }] of adds.entries()) {
      sums[at] = addAffine(sum, point, inverses[i] as bigint);
    }
  }
  return sums.map((sum) => {
    if (sum === undefined) throw new RangeError('a multiple of the order has no affine point');
    return sum;
  });
}

/** tau^start·G … tau^(start + count − 1)·G, 64 bytes each: x ‖ y, big-endian. */
export function insecurePowers(start: number, count: number): Bytes {
  const Fr = bn254.fields.Fr;
  const scalars: bigint[] = new Array(count);
  let power = Fr.pow(insecureTau, BigInt(start));
  for (let i = 0; i < count; i++) {
    scalars[i] = power;
    power = (power * insecureTau) % fieldOrder;
  }
  const out = new Uint8Array(64 * count);
  for (const [i, { x, y }] of baseMultiples(scalars).entries()) {
    out.set(bigEndian(x, 32), 64 * i);
    out.set(bigEndian(y, 32), 64 * i + 32);
  }
  return out;
}

/** tau·H, H the generator of G2: x0 ‖ x1 ‖ y0 ‖ y1, 128 bytes (a coordinate is x0 + x1·i). */
export function insecureG2(): Bytes {
  const { x, y } = bn254.G2.Point.BASE.multiply(insecureTau).toAffine();
  return concat(...[x.c0, x.c1, y.c0, y.c1].map((part) => bigEndian(part, 32)));
}
