/** What circuits/pins.json holds: the circuits as released. Verification keys come from these artefacts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Decoded, type Decoder, integer, object, parseJson, text } from '#verifier/json.ts';
import { circuitsFolder } from './circuit-sources.ts';

const hash = text(/^[0-9a-f]{64}$/, 'a SHA-256 in hex');

const pin = object({
  /** SHA-256 of the bytecode. */
  artifactHash: hash,
  /** `circuitSourceHash` of the sources it was compiled from. */
  sourceHash: hash,
  /** Rows before padding, as Barretenberg counts them. */
  gates: integer(1, 2 ** 28),
  /** Points of the ceremony that a proof needs: rows padded to a power of two, and one more. */
  points: integer(2, 2 ** 28 + 1),
});

export type CircuitPin = Decoded<typeof pin>;

/** In the folder of the circuits. */
export const pinsFile = 'pins.json';

/**
 * @throws AttestationError `json-malformed` or `json-shape` for an edited file, Error of node:fs
 * when there is none
 */
export async function readPins<Name extends string>(
  names: readonly Name[],
  root = circuitsFolder,
): Promise<Record<Name, CircuitPin>> {
  const members = Object.fromEntries(names.map((name) => [name, pin]));
  const decode = object(members) as Decoder<Record<Name, CircuitPin>>;
  const written = await readFile(join(root, pinsFile), 'utf8');
  return decode(parseJson(written, 'circuits/pins.json'), 'circuits/pins.json');
}
