/**
 * What Barretenberg's secp256k1 black box constrains, told by proofs: the witness of a good
 * signature is edited after execution, as a dishonest prover would, and proved; the verifier in the
 * in-process EVM judges. noir_js alone cannot tell, for it never makes a bad witness.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { acvm, type CompiledCircuit, Noir } from '@noir-lang/noir_js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pointsNeeded, proveForEvm } from '#test/evm/bb.ts';
import {
  compileContracts,
  type DeployedVerifier,
  deployVerifier,
  withOtherG2,
} from '#test/evm/contract.ts';
import { compileToy } from '#test/evm/toy.ts';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { insecureG2 } from '#test/tools/dev-srs-points.ts';
import { type Bytes, bigEndian, concat } from '#verifier/bytes.ts';

const main = `fn main(x: [u8; 32], y: [u8; 32], signature: [u8; 64], hash: [u8; 32], one: pub Field) {
    assert(std::ecdsa_secp256k1::verify_signature(x, y, signature, hash));
    assert(one == 1);
}
`;

const { Point } = secp256k1;
const { Fn, Fp } = Point;
const G = Point.BASE;

/** x, y, r, s, hash as integers. */
type Case = { x: bigint; y: bigint; r: bigint; s: bigint; hash: bigint };

/**
 * A signature that fits the key (x, y) of unknown private key: R = a·G + b·Q, r = R.x, s = r/b, hash
 * = a·s. Other b are taken until s is low.
 */
function fitting(key: typeof G): Case {
  const { x, y } = key.toAffine();
  for (let b = 2n; ; b++) {
    const r = Fn.create(G.multiply(3n).add(key.multiply(b)).toAffine().x);
    const s = Fn.div(r, b);
    if (s <= Fn.ORDER / 2n) return { x, y, r, s, hash: Fn.mul(3n, s) };
  }
}

const good = fitting(G.multiply(7n));
const smallX = fitting(Point.fromAffine({ x: 1n, y: Fp.sqrt(8n) }));
/** s = 1, so that s + order has 32 bytes: hash = k·s − r·d, here k = 3, d = 7. */
const smallSr = Fn.create(G.multiply(3n).toAffine().x);
const smallS: Case = { ...good, r: smallSr, s: 1n, hash: Fn.create(3n - 7n * smallSr) };
/** Fits as if (0, 0) were the point at infinity: R = hash/s·G. */
const atInfinity: Case = {
  x: 0n,
  y: 0n,
  r: Fn.create(G.multiply(9n).toAffine().x),
  s: 1n,
  hash: 9n,
};
/** hash = −r·d: R is the point at infinity. */
const sumAtInfinity: Case = { ...good, r: 5n, s: 6n, hash: Fn.neg(Fn.mul(5n, 7n)) };

let srsFolder: string;
let artifact: CompiledCircuit;
let honest: Bytes;
let verifier: DeployedVerifier;

function bytesOf({ x, y, r, s, hash }: Case): Bytes {
  return concat(...[x, y, r, s, hash].map((value) => bigEndian(value, 32)));
}

/** The good witness with other inputs; the black box's answer in it stays 1. */
function edited(one: Case): Bytes {
  const stack = acvm.decompressWitnessStack(honest);
  bytesOf(one).forEach((byte, i) => {
    stack[0]?.witness.set(i, `0x${byte.toString(16).padStart(64, '0')}`);
  });
  return acvm.compressWitnessStack(stack);
}

async function isAccepted(one: Case): Promise<boolean> {
  const { proof } = await proveForEvm(artifact, edited(one), srsFolder);
  return (await verifier.verify(proof, [1n])).accepted;
}

beforeAll(async () => {
  srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  artifact = await compileToy(main);
  await writeInsecureSrs(srsFolder, await pointsNeeded(artifact));
  const bytes = [...bytesOf(good)];
  const inputs = {
    x: bytes.slice(0, 32),
    y: bytes.slice(32, 64),
    signature: bytes.slice(64, 128),
    hash: bytes.slice(128),
    one: 1,
  };
  honest = (await new Noir(artifact).execute(inputs)).witness;
  const { contract } = await proveForEvm(artifact, honest, srsFolder);
  const { own } = compileContracts({ own: withOtherG2(contract, insecureG2()) });
  verifier = await deployVerifier(own);
});

afterAll(() => rm(srsFolder, { recursive: true }));

describe('the black box in a proof', () => {
  test.each([
    ['a good signature', good],
    ['a good signature of another key', fitting(G.multiply(8n))],
    ['a good signature of a key with a small x', smallX],
    ['a good signature with a small s', smallS],
  ])('accepts %s', async (_, one) => {
    expect(await isAccepted(one)).toBe(true);
  });

  test.each([
    ['another hash', { ...good, hash: good.hash + 1n }],
    ['another r', { ...good, r: good.r + 1n }],
    ['a high s', { ...good, s: Fn.ORDER - good.s }],
    ['s + order in place of s', { ...smallS, s: 1n + Fn.ORDER }],
    ['r = 0', { ...good, r: 0n }],
    ['s = 0', { ...good, s: 0n }],
    ['r = s = 0', { ...good, r: 0n, s: 0n }],
    ['a key off the curve', { ...good, y: good.y + 1n }],
    ['x + p in place of x', { ...smallX, x: smallX.x + Fp.ORDER }],
    ['the key (0, 0), fitting as the point at infinity', atInfinity],
    ['R at infinity', sumAtInfinity],
    ['R at infinity and r = 0', { ...sumAtInfinity, r: 0n, hash: 0n }],
  ])('refuses %s', async (_, one) => {
    expect(await isAccepted(one)).toBe(false);
  });
});
