/** What tests do with the inputs and the answers of circuits. */
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { type Bytes, bigEndian, concat } from '#verifier/bytes.ts';
import type { Circuit } from '../circuit.ts';

/** The standard library's messages: of a range check, and of a decomposition into bytes or bits. */
export const outOfRange: RegExp = /^call to assert_max_bit_size$|^Field failed to decompose into/;

export type Limbs = { readonly hi: string; readonly lo: string };

/** The 32 bytes of two limbs, as a circuit returns them. */
export function bytesOf({ hi, lo }: Limbs): Bytes {
  return concat(bigEndian(BigInt(hi), 16), bigEndian(BigInt(lo), 16));
}

/** What `main` returns. */
export async function returned<T>(circuit: Circuit, inputs: InputMap): Promise<T> {
  return (await circuit(inputs)).returnValue as T;
}

/** The lowest bit of the value at this path flipped. */
export function flipped<T>(inputs: T, at: string): T {
  return changed(inputs, at, valueAt(inputs, at) ^ 1n);
}

/** `at` of every value, but of arrays only the first and the last, and of paths the siblings around the last that counts. */
export function leavesOf(inputs: InputMap, prefix = ''): string[] {
  return Object.entries(inputs).flatMap(([name, value]) => {
    const at = `${prefix}${name}`;
    if (name === 'siblings') return siblingsOf(inputs, at);
    if (Array.isArray(value)) return [`${at}.0`, `${at}.${value.length - 1}`];
    if (typeof value === 'object') return leavesOf(value as InputMap, `${at}.`);
    return [at];
  });
}

function siblingsOf(path: InputMap, at: string): string[] {
  const n = Number(path['n']);
  return [...(n > 0 ? [`${at}.0`, `${at}.${n - 1}`] : []), `${at}.${n}`];
}

/** Bytes as inputs, some of them changed. */
export function withBytes(
  bytes: readonly unknown[],
  changes: Readonly<Record<number, number>>,
): string[] {
  return bytes.map((byte, i) => fieldInput(BigInt(changes[i] ?? (byte as number))));
}
