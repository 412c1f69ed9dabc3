/**
 * Barretenberg behind one small interface, as a process of its own (native) or in this one (wasm).
 * UltraHonk with zero knowledge over a Poseidon2 transcript, the default of both.
 */
import { gunzipSync } from 'node:zlib';
import { BackendType, Barretenberg } from '@aztec/bb.js';
import { findBbBinary } from '@aztec/bb.js/platform';
import { type Bytes, concat, fromBase64 } from '#verifier/bytes.ts';
import type { Artifact } from './artifact.ts';
import { pointLength } from './ceremony.ts';
import type { BackendKind } from './costs.ts';
import { type Points, pointsFolder } from './crs.ts';
import { ProverError } from './errors.ts';

/** bytecode in base64: a gzipped program */
export type Program = Pick<Artifact, 'bytecode'>;

export type Backend = {
  readonly kind: BackendKind;
  /**
   * A witness that does not satisfy the circuit gives a proof all the same, one that `verify`
   * refuses.
   * @param witness gzipped, as noir_js gives it
   */
  prove(program: Program, witness: Bytes, key: Bytes): Promise<Bytes>;
  /** @returns whether the proof holds for these public inputs; one that cannot be read does not */
  verify(key: Bytes, proof: Bytes, publicInputs: readonly Bytes[]): Promise<boolean>;
  /** Rows of the circuit as a power of two. */
  log2Rows(program: Program): Promise<number>;
  deriveKey(program: Program): Promise<Bytes>;
  close(): Promise<void>;
};

const settings = {
  ipaAccumulation: false,
  oracleHashType: 'poseidon2',
  disableZk: false,
  optimizedSolidityVerifier: false,
} as const;

const elementLength = 32;

/** Native where there is a binary for this machine. */
export function defaultBackend(): BackendKind {
  return findBbBinary() === null ? 'wasm' : 'native';
}

/**
 * @param points what the backend may use; verifying alone needs two of them and G2
 * @param cache where the native backend's copy of them is kept
 * @throws ProverError `backend-failed`
 */
export async function openBackend(
  kind: BackendKind,
  points: Pick<Points, 'g1' | 'g2'>,
  cache: string,
): Promise<Backend> {
  return kind === 'native' ? openNative(points, cache) : openWasm(points);
}

async function openNative(points: Pick<Points, 'g1' | 'g2'>, cache: string): Promise<Backend> {
  if (findBbBinary() === null) {
    throw failed('there is no native backend for this machine');
  }
  const { folder, release } = await pointsFolder(points, cache);
  // Barretenberg hands this environment to the process that it starts before it awaits anything.
  const before = process.env['CRS_PATH'];
  process.env['CRS_PATH'] = folder;
  const starting = Barretenberg.new({ backend: BackendType.NativeUnixSocket });
  if (before === undefined) delete process.env['CRS_PATH'];
  else process.env['CRS_PATH'] = before;
  const answering = starting.then(async (api) => {
    // Until it has answered once it cannot be closed, and whether it starts at all is not known.
    await api.blake2s({ data: new Uint8Array() });
    return api;
  });
  return over('native', await started(answering), release);
}

async function openWasm({ g1, g2 }: Pick<Points, 'g1' | 'g2'>): Promise<Backend> {
  const api = await started(Barretenberg.new({ backend: BackendType.Wasm, skipSrsInit: true }));
  await api.srsInitSrs({ pointsBuf: g1, numPoints: g1.length / pointLength, g2Point: g2 });
  return over('wasm', api, async () => {});
}

function started(starting: Promise<Barretenberg>): Promise<Barretenberg> {
  return starting.catch((cause: unknown) => {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  });
}

function over(kind: BackendKind, api: Barretenberg, release: () => Promise<void>): Backend {
  return {
    kind,
    async prove(program, witness, key) {
      const circuit = { name: '', bytecode: toBytecode(program), verificationKey: key };
      const question = { circuit, witness: gunzip(witness), settings };
      const { proof } = await alive(api.circuitProve(question));
      return concat(...proof);
    },
    async verify(key, proof, publicInputs) {
      const elements = Array.from({ length: proof.length / elementLength }, (_, i) =>
        proof.subarray(i * elementLength, (i + 1) * elementLength),
      );
      const question = { verificationKey: key, publicInputs: [...publicInputs], proof: elements };
      try {
        return (await alive(api.circuitVerify({ ...question, settings }))).verified;
      } catch (error) {
        // It throws for a proof whose points have limbs out of range.
        if (error instanceof ProverError) throw error;
        return false;
      }
    },
    async log2Rows(program) {
      const bytecode = toBytecode(program);
      const circuit = { name: '', bytecode, verificationKey: new Uint8Array() };
      const question = { circuit, includeGatesPerOpcode: false, settings };
      return Math.log2((await alive(api.circuitStats(question))).numGatesDyadic);
    },
    async deriveKey(program) {
      const circuit = { name: '', bytecode: toBytecode(program) };
      return new Uint8Array((await alive(api.circuitComputeVk({ circuit, settings }))).bytes);
    },
    async close() {
      await api.destroy();
      await release();
    },
  };
}

function toBytecode({ bytecode }: Program): Bytes {
  return gunzip(fromBase64(bytecode, 'bytecode'));
}

/** A backend that died is no answer. */
async function alive<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (/native backend|socket|memory access|unreachable/i.test(message)) {
      throw failed(message, cause);
    }
    throw cause;
  }
}

function failed(message: string, cause?: unknown): ProverError {
  return new ProverError(
    'backend-failed',
    `the proving backend failed: ${message}`,
    'Try the other one: --backend wasm or --backend native.',
    { cause },
  );
}

/** Downloads with bb.js, which unpacks the points in its wasm build. */
export async function downloadWithBarretenberg(count: number, folder: string): Promise<void> {
  const api = await Barretenberg.new({
    backend: BackendType.Wasm,
    threads: 1,
    crsPath: folder,
    srsSize: count,
  });
  await api.destroy();
}

function gunzip(bytes: Bytes): Bytes {
  return new Uint8Array(gunzipSync(bytes));
}
