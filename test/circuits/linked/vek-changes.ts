/** One byte of a certificate changed: refused, or another output in one field, the one that it stands in. */
import { expect } from 'vitest';
import type { Circuit } from '#test/circuits/circuit.ts';
import { type Bytes, fromBigEndian } from '#verifier/bytes.ts';
import { type Fields, fieldsFrom, readingOf, type Sort } from './vek-certificates.ts';

export type Honest = {
  readonly tbs: Bytes;
  readonly honest: Fields;
};

/** structVersion's place: 0 and 1 are taken alike. */
function versionAt(tbs: Bytes): number {
  const before = Uint8Array.of(0x2b, 6, 1, 4, 1, 0x9c, 0x78, 1, 1, 4, 3, 2, 1);
  return Buffer.from(tbs).indexOf(before) + before.length;
}

/** Places of the characters of productName and the CSP id, the only bytes that the circuit does not look at. */
export function unreadOf(tbs: Bytes): ReadonlySet<number> {
  const places = new Set<number>();
  for (const arc of [2, 5]) {
    const oid = Uint8Array.of(0x2b, 6, 1, 4, 1, 0x9c, 0x78, 1, arc, 4);
    const at = Buffer.from(tbs).indexOf(oid);
    if (at === -1) continue;
    const length = tbs[at + oid.length + 2] as number;
    for (let i = 0; i < length; i++) places.add(at + oid.length + 3 + i);
  }
  return places;
}

/** A byte of each element of the DER: of what is constructed the tag, else the last one. */
export function elementsOf(tbs: Bytes, from = 0, to = tbs.length): number[] {
  const places: number[] = [];
  for (let at = from; at < to; ) {
    const first = tbs[at + 1] as number;
    const more = first < 0x80 ? 0 : first - 0x80;
    const start = at + 2 + more;
    const length = more === 0 ? first : Number(fromBigEndian(tbs.subarray(at + 2, start)));
    const end = start + length;
    const isConstructed = ((tbs[at] as number) & 0x20) !== 0;
    places.push(isConstructed ? at : end - 1);
    if (isConstructed) places.push(...elementsOf(tbs, start, end));
    at = end;
  }
  return places;
}

export type ByteChange = { readonly at: number; readonly by: number };

/** @throws AssertionError of expect when a byte is free, or moves a field */
export async function expectHeld(
  circuit: Circuit,
  sort: Sort,
  { tbs, honest }: Honest,
  { at, by }: ByteChange,
): Promise<void> {
  const edited = tbs.with(at, (tbs[at] as number) ^ by);
  const isFree = unreadOf(tbs).has(at) || (at === versionAt(tbs) && by === 1);
  let found: Fields;
  try {
    const { returnValue } = await circuit(readingOf(edited, sort));
    found = fieldsFrom(returnValue as Record<string, string | string[]>);
  } catch (error) {
    expect((error as Error).message, `byte ${at}`).toMatch(/^Circuit execution failed: /);
    expect(isFree, `byte ${at} is looked at`).toBe(false);
    return;
  }
  const changes = Object.keys(found).filter((name) => `${found[name]}` !== `${honest[name]}`);
  expect(changes.length, `byte ${at}: ${changes}`).toBe(isFree ? 0 : 1);
}
