/**
 * Barretenberg behind one small interface; here in WebAssembly, which a page runs too. UltraHonk with zero knowledge over a
 * Poseidon2 transcript.
 */
import { BackendType, Barretenberg } from '@aztec/bb.js';
import { type Bytes, concat, fromBase64 } from '#verifier/bytes.ts';
import { pointLength } from './ceremony.ts';
import type { BackendKind } from './costs.ts';
import { ProverError } from './errors.ts';

/** bytecode in base64: a gzipped program */
export type Program = { readonly bytecode: string };

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

/** The ceremony's points, or the first of them; and G2. */
export type BackendPoints = { readonly g1: Bytes; readonly g2: Bytes };

export type WasmOptions = {
  /** Default: as many as the machine has cores, and one where memory cannot be shared. */
  readonly threads?: number;
  /** In a worker, so that a page goes on answering. Default: in this thread. */
  readonly worker?: boolean;
};

/**
 * @param points what the backend may use; verifying alone needs two of them and G2
 * @throws ProverError `backend-failed`
 */
export async function openWasm(
  { g1, g2 }: BackendPoints,
  { threads, worker = false }: WasmOptions = {},
): Promise<Backend> {
  const backend = worker ? BackendType.WasmWorker : BackendType.Wasm;
  const many = threads === undefined ? {} : { threads };
  const api = await started(Barretenberg.new({ backend, skipSrsInit: true, ...many }));
  await api.srsInitSrs({ pointsBuf: g1, numPoints: g1.length / pointLength, g2Point: g2 });
  return toBackend('wasm', api, async () => {});
}

/** @throws ProverError `backend-failed` */
export function started(starting: Promise<Barretenberg>): Promise<Barretenberg> {
  return starting.catch((cause: unknown) => {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  });
}

/** @param release frees what was taken for the backend, once it is closed */
export function toBackend(
  kind: BackendKind,
  api: Barretenberg,
  release: () => Promise<void>,
): Backend {
  return {
    kind,
    async prove(program, witness, key) {
      const circuit = { name: '', bytecode: await toBytecode(program), verificationKey: key };
      const question = { circuit, witness: await gunzip(witness), settings };
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
      const bytecode = await toBytecode(program);
      const circuit = { name: '', bytecode, verificationKey: new Uint8Array() };
      const question = { circuit, includeGatesPerOpcode: false, settings };
      return Math.log2((await alive(api.circuitStats(question))).numGatesDyadic);
    },
    async deriveKey(program) {
      const circuit = { name: '', bytecode: await toBytecode(program) };
      return new Uint8Array((await alive(api.circuitComputeVk({ circuit, settings }))).bytes);
    },
    async close() {
      await api.destroy();
      await release();
    },
  };
}

function toBytecode({ bytecode }: Program): Promise<Bytes> {
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

export function failed(message: string, cause?: unknown): ProverError {
  return new ProverError(
    'backend-failed',
    `the proving backend failed: ${message}`,
    'Try the other one: --backend wasm or --backend native.',
    { cause },
  );
}

async function gunzip(bytes: Bytes): Promise<Bytes> {
  const unpacked = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}
