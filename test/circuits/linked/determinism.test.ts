/** Compiling again gives the bytes that are pinned: here the smallest circuit, in slow mode every one. */
import { expect, test } from 'vitest';
import { circuitPin } from '#prover/artifact.ts';
import { linkedCircuitNames } from '#prover/circuit-names.ts';
import { circuitFolder, compileCircuit } from '#prover/compile.ts';

const isSlow = process.env['SLOW'] === '1';
const names = linkedCircuitNames.filter((name) => isSlow || name === 'vek-member');

test.each(names)('%s', { timeout: 600_000 }, async (name) => {
  const [first, second] = [
    await compileCircuit(circuitFolder(name)),
    await compileCircuit(circuitFolder(name)),
  ];
  expect(first).toEqual(second);
  const { artifactHash, sourceHash } = await circuitPin(name);
  expect(first).toMatchObject({ artifactHash, sourceHash });
});
