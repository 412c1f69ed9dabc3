/** How large a circuit is, as Barretenberg counts. Needs no ceremony points. */
import { gunzipSync } from 'node:zlib';
import { BackendType, Barretenberg } from '@aztec/bb.js';
import { findBbBinary } from '@aztec/bb.js/platform';
import { fromBase64 } from '#verifier/bytes.ts';

export type CircuitSize = {
  /** Rows before padding. */
  readonly gates: number;
  /** Points of the ceremony that a proof needs: rows padded to a power of two, and one more. */
  readonly points: number;
};

/** UltraHonk with zero knowledge, the Poseidon2 transcript: as proofs are made. */
const settings = {
  ipaAccumulation: false,
  oracleHashType: 'poseidon2',
  disableZk: false,
  optimizedSolidityVerifier: false,
};

/** Natively, or in WebAssembly where bb.js has no binary for this machine; both count alike. */
export async function measureCircuit(bytecode: string): Promise<CircuitSize> {
  const backend = findBbBinary() === null ? BackendType.Wasm : BackendType.NativeUnixSocket;
  const api = await Barretenberg.new({ backend, threads: 1, skipSrsInit: true });
  try {
    const { numGates, numGatesDyadic } = await api.circuitStats({
      circuit: {
        name: 'circuit',
        bytecode: gunzipSync(fromBase64(bytecode, 'bytecode of a circuit')),
        verificationKey: new Uint8Array(),
      },
      includeGatesPerOpcode: false,
      settings,
    });
    return { gates: numGates, points: numGatesDyadic + 1 };
  } finally {
    await api.destroy();
  }
}
