/**
 * What the worker asks the page's own server for, and never another: circuits, verification keys, points of the ceremony. Nothing is
 * believed for where it came from: a key is held against the hash in the page's code here, the rest by whoever asked (openPage).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { firstPoints, pointLength } from '#prover/ceremony.ts';
import type { CircuitName } from '#prover/circuit-names.ts';
import { ProverError } from '#prover/errors.ts';
import type { Executable } from '#prover/execute.ts';
import type { PageSource } from '#prover/linked/page.ts';
import { type Bytes, equalBytes, toHex } from '#verifier/bytes.ts';
import { proofStrings as words } from '../strings/proofs.ts';
import { type CircuitsCopy, circuitsFolder } from './copy.ts';
import type { Places } from './messages.ts';

/** Where points may lie beside the page: as in the command line's folder of them. */
export const pointsPath = 'crs/bn254_g1.dat';

/** @param ask default: the browser's fetch */
export function sourceOf(
  { page, points }: Places,
  copy: CircuitsCopy,
  ask: (address: URL) => Promise<Response> = fetch,
): PageSource<CircuitName> {
  const bytesOf = async (path: string, circuit: CircuitName): Promise<Bytes> => {
    const answer = await ask(new URL(path, page)).catch(() => null);
    if (answer?.ok !== true) throw unserved(circuit, path);
    return new Uint8Array(await answer.arrayBuffer());
  };
  return {
    async artifact(circuit) {
      const path = `${circuitsFolder}/${circuit}.json`;
      if (!copy.artifacts.includes(circuit)) throw lacking(circuit);
      return executableOf(await bytesOf(path, circuit), circuit);
    },
    async key(circuit) {
      const expected = copy.keys[circuit];
      if (expected === undefined) return null;
      const path = `${circuitsFolder}/${circuit}.vk`;
      const key = await bytesOf(path, circuit);
      if (toHex(sha256(key)) !== expected) throw otherKey(circuit, path);
      return key;
    },
    points: (count) => pointsOf(count, { page, points }, ask),
  };
}

/** What it holds is compared by the hash of its bytecode later. */
function executableOf(bytes: Bytes, circuit: CircuitName): Executable {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isExecutable(found)) return found;
  } catch {
    // Not JSON: a page of words where the server has no such file.
  }
  throw unserved(circuit, `${circuitsFolder}/${circuit}.json`);
}

function isExecutable(value: unknown): value is Executable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'abi' in value &&
    'bytecode' in value &&
    typeof value.bytecode === 'string'
  );
}

async function pointsOf(
  count: number,
  { page, points }: Places,
  ask: (address: URL) => Promise<Response>,
): Promise<Bytes> {
  const length = count * pointLength;
  if (points !== null) {
    if (points.size < length) throw fewPoints(count, Math.floor(points.size / pointLength));
    return new Uint8Array(await points.slice(0, length).arrayBuffer());
  }
  const answer = await ask(new URL(pointsPath, page)).catch(() => null);
  if (answer?.ok !== true || answer.body === null) throw noPoints(count);
  const { bytes, read } = await firstBytes(answer.body, length);
  // Many servers answer with a page of words for what they do not have.
  if (!equalBytes(bytes.subarray(0, firstPoints.length), firstPoints)) throw noPoints(count);
  if (read < length) throw fewPoints(count, Math.floor(read / pointLength));
  return bytes;
}

/** The whole file may be gigabytes: what is behind the points that are needed is not loaded. */
async function firstBytes(body: ReadableStream<Uint8Array>, length: number) {
  const bytes = new Uint8Array(length);
  const reader = body.getReader();
  let read = 0;
  while (read < length) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, length - read);
    bytes.set(part, read);
    read += part.length;
  }
  await reader.cancel();
  return { bytes, read };
}

function lacking(circuit: string): ProverError {
  return new ProverError('artifact-wrong', words.errors.noCircuit(circuit), words.errors.otherCopy);
}

function unserved(circuit: string, path: string): ProverError {
  return new ProverError(
    'artifact-wrong',
    words.errors.unserved(circuit, path),
    words.errors.reload,
  );
}

function otherKey(circuit: string, path: string): ProverError {
  return new ProverError(
    'artifact-wrong',
    words.errors.otherKey(circuit, path),
    words.errors.reload,
  );
}

function noPoints(count: number): ProverError {
  return new ProverError(
    'points-missing',
    words.errors.noPoints(count, (count * pointLength) / 2 ** 20),
    words.errors.getPoints,
  );
}

function fewPoints(count: number, held: number): ProverError {
  return new ProverError(
    'points-missing',
    words.errors.fewPoints(count, held),
    words.errors.getPoints,
  );
}
