/** Places in a certificate's DER. */
import type { Intel } from '#test/fake/intel.ts';
import { type Bytes, fromBigEndian } from '#verifier/bytes.ts';

/** The signed part of a certificate, whatever else is in it. */
export function tbsOf({ pck }: Intel): Bytes {
  return pck.der.subarray(4, 8 + fromBigEndian16(pck.der, 6));
}

function fromBigEndian16(bytes: Bytes, at: number): number {
  return Number(fromBigEndian(bytes.subarray(at, at + 2)));
}

/** Places of the lengths that say where a field begins or ends, by the bytes before them. */
export function lengths(tbs: Bytes): number[] {
  const found: number[] = [];
  const walk = (from: number, to: number, depth: number) => {
    for (let at = from; at < to; ) {
      const [tag, length] = [tbs[at] as number, tbs[at + 1] as number];
      const isLong = length === 0x82;
      const content = at + (isLong ? 4 : 2);
      const end = content + (isLong ? fromBigEndian16(tbs, at + 2) : length);
      found.push(isLong ? at + 3 : at + 1);
      if ((tag & 0x20) !== 0 || (tag === 0x04 && tbs[content] === 0x30 && depth > 3)) {
        walk(content, end, depth + 1);
      }
      at = end;
    }
  };
  walk(0, tbs.length, 0);
  return found;
}
