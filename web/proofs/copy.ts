/** What one copy of the page came with. The build knows it, and compiles it into the code: what is fetched later is held against it. */
import type { CircuitName } from '#prover/circuit-names.ts';
import type { PinnedCircuits } from '#prover/linked/page.ts';

export type CircuitsCopy = {
  /** circuits/pins.json of the release. */
  readonly pins: PinnedCircuits<CircuitName>;
  /** Which circuits lie beside the page, as circuits/NAME.json. */
  readonly artifacts: readonly CircuitName[];
  /** Of each verification key beside the page, as circuits/NAME.vk: its SHA-256, hex. */
  readonly keys: Readonly<Partial<Record<CircuitName, string>>>;
};

/** Below the page's address. */
export const circuitsFolder = 'circuits';
