import type { StoredObject } from '#verifier/collateral/vendor-object.ts';

/** Different for each number, a few hundred bytes to some 100 KB. */
export function sample(number: number): StoredObject {
  const byte = number % 251;
  return {
    items: [
      { kind: 'tcb-info', data: new Uint8Array(300 + ((number * 7919) % 100_000)).fill(byte) },
      { kind: 'tcb-signing', data: new Uint8Array([byte, 1, 2, 3]) },
    ],
    signers: [new Uint8Array(200).fill(255 - byte)],
    fetched: 1_795_000_000 + number,
    source: `https://vendor.test/object?number=${number}`,
  };
}
