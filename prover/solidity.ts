/**
 * `affidavit solidity CIRCUIT`: the contract that verifies a circuit's proofs on an EVM chain, with the key of the
 * pinned artefact and the ceremony's G2. It takes proofs over a Keccak transcript (`bb prove -t evm`); those of
 * `affidavit prove` are over Poseidon2, and not for it.
 */
import { basename, dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BackendType, Barretenberg } from '@aztec/bb.js';
import { fromBase64 } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import type { Program } from './backend.ts';
import { writeAtomically } from './cache.ts';
import { pointLength } from './ceremony.ts';
import type { CircuitName } from './circuit-names.ts';
import type { Points } from './crs.ts';
import { createProgress } from './progress.ts';
import { openWorkshop } from './workshop.ts';

/** UltraHonk with zero knowledge over a Keccak transcript: what `-t evm` means to Barretenberg. */
const settings = {
  ipaAccumulation: false,
  oracleHashType: 'keccak',
  disableZk: false,
  optimizedSolidityVerifier: false,
} as const;

/**
 * The source of the contract: its key is derived here, in wasm on every machine.
 * @param points genuine, as many as the circuit needs; Barretenberg refuses those of another string
 */
export async function solidityVerifier(
  { bytecode }: Program,
  { g1, g2 }: Pick<Points, 'g1' | 'g2'>,
): Promise<string> {
  const program = new Uint8Array(gunzipSync(fromBase64(bytecode, 'bytecode')));
  const api = await Barretenberg.new({ backend: BackendType.Wasm, skipSrsInit: true });
  try {
    await api.srsInitSrs({ pointsBuf: g1, numPoints: g1.length / pointLength, g2Point: g2 });
    const circuit = { name: '', bytecode: program };
    const { bytes: verificationKey } = await api.circuitComputeVk({ circuit, settings });
    return (await api.circuitWriteSolidityVerifier({ verificationKey, settings })).solidityCode;
  } finally {
    await api.destroy();
  }
}

export type SolidityOptions = {
  circuit: CircuitName;
  /** Standard output when there is none. */
  out?: string | undefined;
  crs?: string | undefined;
  offline?: boolean | undefined;
};

/** @throws ProverError `points-missing`, `points-wrong`; CliError `file-unwritable` */
export async function solidity({ circuit, out, crs, offline }: SolidityOptions): Promise<void> {
  const progress = createProgress(process.stderr, () => performance.now());
  const workshop = openWorkshop({ crs, offline, backend: 'wasm' }, progress);
  const points = await workshop.points(circuit);
  const artifact = await workshop.artifact(circuit);
  const contract = await progress.stage('deriving the key for the EVM', null, () =>
    solidityVerifier(artifact, points),
  );
  if (out === undefined) {
    process.stdout.write(contract);
    return;
  }
  await writeAtomically(dirname(out), basename(out), contract).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      'usage',
      'file-unwritable',
      `${out} cannot be written: ${reason}`,
      'Check the folder and its permissions.',
    );
  });
  progress.note(`wrote ${out}`);
}
