import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeTcb,
  describeTcb,
  encodeTcb,
  productOfCpuid,
  snpProducts,
  type TcbParts,
} from '#verifier/abi/snp-tcb.ts';
import { fromHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

const bytes = Uint8Array.of(1, 2, 0, 0, 0, 0, 7, 8);
const u8 = fc.nat(255);
const parts = fc.record({ fmc: u8, bootLoader: u8, tee: u8, snp: u8, microcode: u8 });

describe('layouts', () => {
  test.each(['Milan', 'Genoa'] as const)('%s: boot loader, tee, …, snp, microcode', (product) => {
    const decoded: TcbParts = { fmc: 0, bootLoader: 1, tee: 2, snp: 7, microcode: 8 };
    expect(decodeTcb(product, bytes, 'TCB')).toEqual(decoded);
    expect(encodeTcb(product, decoded)).toEqual(bytes);
  });

  test('Turin: fmc, boot loader, tee, snp, …, microcode', () => {
    const decoded: TcbParts = { fmc: 1, bootLoader: 2, tee: 3, snp: 4, microcode: 8 };
    const turin = Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 8);
    expect(decodeTcb('Turin', turin, 'TCB')).toEqual(decoded);
    expect(encodeTcb('Turin', decoded)).toEqual(turin);
  });

  test('the protocol’s parts 0, 4, 0, 22, 213', () => {
    const decoded = decodeTcb('Milan', fromHex('04000000000016d5', 'test'), 'TCB');
    expect(decoded).toEqual({ fmc: 0, bootLoader: 4, tee: 0, snp: 22, microcode: 213 });
  });

  test('round trip', () => {
    for (const product of snpProducts) {
      fc.assert(
        fc.property(parts, (drawn) => {
          const wanted = product === 'Turin' ? drawn : { ...drawn, fmc: 0 };
          expect(decodeTcb(product, encodeTcb(product, wanted), 'TCB')).toEqual(wanted);
        }),
      );
    }
  });

  test.each([
    ['Milan', [2, 3, 4, 5]],
    ['Genoa', [2, 3, 4, 5]],
    ['Turin', [4, 5, 6]],
  ] as const)('%s refuses its reserved bytes %j', (product, reserved) => {
    for (let i = 0; i < 8; i++) {
      for (const value of [1, 0x80, 255]) {
        const changed = new Uint8Array(8);
        changed[i] = value;
        const refused = (reserved as readonly number[]).includes(i);
        const code = codeOf(() => decodeTcb(product, changed, 'TCB'));
        expect(code, `byte ${i}`).toBe(refused ? 'reserved-not-zero' : null);
      }
    }
  });

  test('a refusal names field, byte and product', () => {
    const turinOnly = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0);
    expect(() => decodeTcb('Milan', turinOnly, 'REPORTED_TCB')).toThrow(
      'REPORTED_TCB: byte 3 is reserved on Milan and should be 0, got 4',
    );
  });

  test('a person reads the parts by name', () => {
    expect(describeTcb({ fmc: 1, bootLoader: 2, tee: 3, snp: 4, microcode: 5 })).toBe(
      'fmc 1, boot loader 2, tee 3, snp 4, microcode 5',
    );
  });
});

describe('productOfCpuid', () => {
  test.each([
    [0x19, 0x01, 'Milan'],
    [0x19, 0x00, 'Milan'],
    [0x19, 0x0f, 'Milan'],
    [0x19, 0x11, 'Genoa'],
    [0x19, 0x1f, 'Genoa'],
    [0x19, 0xa0, 'Genoa'],
    [0x19, 0xaf, 'Genoa'],
    [0x1a, 0x02, 'Turin'],
    [0x1a, 0x11, 'Turin'],
  ])('%i/%i is %s', (family, model, product) => {
    expect(productOfCpuid({ family, model, stepping: 1 })).toBe(product);
  });

  test('whatever else is unknown, not guessed', () => {
    const known = { 25: [0x0, 0x1, 0xa], 26: [0x0, 0x1] } as Record<number, number[]>;
    for (let family = 0; family < 256; family++) {
      for (let model = 0; model < 256; model++) {
        const found = productOfCpuid({ family, model, stepping: 0 });
        const expected = known[family]?.includes(model >> 4) ?? false;
        if ((found !== null) !== expected) expect.fail(`${family}/${model} is ${found}`);
      }
    }
  });
});
