/** The C++ unit tests, and the program with which tests verify signatures. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { launch } from '#test/services/process.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, fromHex, toHex } from '#verifier/bytes.ts';
import { missing, programs, publicKey, secret } from './helpers.ts';

const run = promisify(execFile);

describe.skipIf(missing !== null)(missing ?? 'echo-cpp', () => {
  test('the unit tests pass under the sanitizers', async () => {
    const { folder } = programs();
    const { stdout } = await run('ctest', ['--test-dir', folder, '--output-on-failure']);
    expect(stdout).toMatch(/100% tests passed, 0 tests failed out of 1\b/);
  });

  test('echo-cpp-verify takes a good signature and refuses every changed one', async () => {
    const hash = new Uint8Array(32).fill(7);
    const options = { prehash: false, lowS: true, format: 'compact' } as const;
    const signature = secp256k1.sign(hash, fromHex(secret, 'secret', 32), options);
    const order = secp256k1.Point.Fn.ORDER;
    const low = fromBigEndian(signature.subarray(32));
    const highS = concat(signature.subarray(0, 32), bigEndian(order - low, 32));
    const flipped = (bytes: Bytes, at: number) =>
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const line = (key: Bytes, hashed: Bytes, made: Bytes) =>
      `${toHex(key)} ${toHex(hashed)} ${toHex(made)}`;
    const good = line(publicKey, hash, signature);
    const input = [
      good,
      line(flipped(publicKey, 63), hash, signature),
      line(publicKey, flipped(hash, 31), signature),
      line(publicKey, hash, flipped(signature, 0)),
      line(publicKey, hash, flipped(signature, 63)),
      line(publicKey, hash, highS),
      line(publicKey, hash, new Uint8Array(64)),
      line(publicKey, hash, new Uint8Array(64).fill(255)),
      good.toUpperCase(),
      `${good} `,
      good.slice(1),
      good.replaceAll(' ', '0'),
      '',
      good,
    ];
    const program = launch([programs().verifier], {}, `${input.join('\n')}\n`);
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const refused = input.slice(2).map(() => 'refused');
    expect(stdout).toBe(['ok', ...refused, 'ok', ''].join('\n'));
  });
});
