/**
 * Alice and Bob in a page: Barretenberg and the machine that executes circuits are WebAssembly there, and what the program of the
 * command line finds on its disk is asked of a server. Nothing of it is used before it is known to be the release's.
 */
import type { InputMap } from '@noir-lang/noir_js';
import type { Bytes } from '#verifier/bytes.ts';
import { type Backend, openWasm, type WasmOptions } from '../backend.ts';
import { ceremonyG2, firstPoints, isGenuine, pointLength } from '../ceremony.ts';
import type { CircuitName, LinkedCircuitName } from '../circuit-names.ts';
import { ProverError } from '../errors.ts';
import { artifactHashOf, type Executable, executeCircuit } from '../execute.ts';
import type { Prover, ProvingTools } from './stages.ts';

/** Of the circuits that linked proofs are made with, unless it says of which others. */
export type PageSource<C extends CircuitName = LinkedCircuitName> = {
  artifact(circuit: C): Promise<Executable>;
  /** The ceremony's first points, as bn254_g1.dat has them: as many as asked for. */
  points(count: number): Promise<Bytes>;
  /**
   * A verification key that came with the page, and is as much to be believed as the page's code; null where there is none: then it
   * is derived from the artefact and the points, which takes about as long as a proof.
   */
  key(circuit: C): Promise<Bytes | null>;
};

/** What a release pins of a circuit in circuits/pins.json, as far as a page needs it. */
export type PinnedCircuit = { readonly artifactHash: string; readonly points: number };

export type PinnedCircuits<C extends CircuitName = LinkedCircuitName> = Readonly<
  Record<C, PinnedCircuit>
>;

/** Alice's tools and Bob's, but for what is not about proofs. Those of linked proofs are `ProvingTools`. */
export type PageTools<C extends CircuitName = LinkedCircuitName> = {
  readonly kind: ProvingTools['kind'];
  artifactHash(circuit: C): Promise<string>;
  ready(circuits: readonly C[]): Promise<void>;
  solve(circuit: C, inputs: InputMap): Promise<Bytes>;
  open(circuit: C): Promise<Prover>;
  key(circuit: C): Promise<Bytes>;
  verify: Backend['verify'];
  /** Ends what was started to verify. */
  close(): Promise<void>;
};

/** Where the page finds the two machines that execute circuits; noir_js brings them. */
export type MachineAddresses = { readonly acvm: URL; readonly abi: URL };

/**
 * Once, before anything is proved.
 * @param addresses default: where noir_js looks for them itself, which a bundler that knows WebAssembly sees to
 */
export async function startMachine(addresses?: MachineAddresses): Promise<void> {
  const noir = await import('@noir-lang/noir_js');
  // Only their builds for a page have to be started, and only there is what starts them.
  const start = (machine: unknown, address: URL | undefined) =>
    (machine as { default(options?: { module_or_path: unknown }): Promise<unknown> }).default(
      address && { module_or_path: address },
    );
  await Promise.all([start(noir.acvm, addresses?.acvm), start(noir.abi, addresses?.abi)]);
}

/** @param options `worker` keeps the page answering while it proves */
export function openPage<C extends CircuitName = LinkedCircuitName>(
  source: PageSource<C>,
  pins: PinnedCircuits<C>,
  options: WasmOptions = {},
): PageTools<C> {
  const artifacts = new Map<C, Promise<Executable>>();
  const keys = new Map<C, Promise<Bytes>>();
  const points = new Map<number, Promise<Bytes>>();
  let verifier: Promise<Backend> | null = null;

  const artifact = (circuit: C) =>
    once(artifacts, circuit, async () => {
      const found = await source.artifact(circuit);
      const actual = artifactHashOf(found.bytecode);
      const expected = pins[circuit].artifactHash;
      if (actual !== expected) throw wrongArtifact(circuit, actual, expected);
      return found;
    });
  const pointsOf = (circuit: C) =>
    once(points, pins[circuit].points, async () => {
      const { points: count } = pins[circuit];
      const g1 = await source.points(count);
      if (g1.length !== count * pointLength || !isGenuine(g1)) throw wrongPoints(circuit, count);
      return g1;
    });
  const backendFor = async (circuit: C) =>
    openWasm({ g1: await pointsOf(circuit), g2: ceremonyG2 }, options);
  const key = (circuit: C) =>
    once(keys, circuit, async () => {
      const given = await source.key(circuit);
      if (given !== null) return given;
      const program = await artifact(circuit);
      const backend = await backendFor(circuit);
      try {
        return await backend.deriveKey(program);
      } finally {
        await backend.close();
      }
    });
  const verify: Backend['verify'] = async (verificationKey, proof, publicInputs) => {
    verifier ??= openWasm({ g1: firstPoints, g2: ceremonyG2 }, { ...options, threads: 1 });
    return (await verifier).verify(verificationKey, proof, publicInputs);
  };

  return {
    kind: 'wasm',
    artifactHash: async (circuit) => pins[circuit].artifactHash,
    async ready(circuits) {
      for (const circuit of circuits) {
        await artifact(circuit);
        await pointsOf(circuit);
      }
    },
    solve: async (circuit, inputs) => executeCircuit(await artifact(circuit), inputs),
    async open(circuit) {
      const program = await artifact(circuit);
      const verificationKey = await key(circuit);
      const backend = await backendFor(circuit);
      return {
        prove: (solved) => backend.prove(program, solved, verificationKey),
        verify: (proof, publicInputs) => backend.verify(verificationKey, proof, publicInputs),
        close: () => backend.close(),
      };
    },
    key,
    verify,
    async close() {
      await (await verifier)?.close();
      verifier = null;
    },
  };
}

/** What failed is asked for again the next time. */
function once<K, V>(kept: Map<K, Promise<V>>, name: K, make: () => Promise<V>): Promise<V> {
  const found = kept.get(name);
  if (found !== undefined) return found;
  const making = make();
  kept.set(name, making);
  making.catch(() => kept.delete(name));
  return making;
}

function wrongArtifact(circuit: string, actual: string, expected: string): ProverError {
  return new ProverError(
    'artifact-wrong',
    `circuit ${circuit}: its artefact hashes to ${actual}, this release pins ${expected}`,
    'Load the page again; if that does not help, whoever serves it serves the files of another release.',
  );
}

function wrongPoints(circuit: string, count: number): ProverError {
  return new ProverError(
    'points-wrong',
    `the ${count} points for circuit ${circuit} are not those of the Aztec Ignition ceremony`,
    'Whoever serves the page serves a wrong bn254_g1.dat: a proof on it would be worth nothing.',
  );
}
