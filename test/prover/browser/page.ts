/**
 * What the tests run in a page. Alice makes the proof about a response there, and Bob checks all three, with the same library as the
 * programs of the command line; only where circuits and points come from differs.
 */
import type { InputMap } from '@noir-lang/noir_js';
import { openWasm } from '#prover/backend.ts';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import { ProverError } from '#prover/errors.ts';
import { type Executable, executeCircuit } from '#prover/execute.ts';
import { checkLinkedProof, type LinkedSettings } from '#prover/linked/bob.ts';
import { parseDemands } from '#prover/linked/demands.ts';
import {
  openPage,
  type PageTools,
  type PinnedCircuits,
  startMachine,
} from '#prover/linked/page.ts';
import { encodeLinkedProofFile, parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import { proveJob, solveJob } from '#prover/linked/stages.ts';
import { type Bytes, fromBase64, fromHex, toBase64, utf8 } from '#verifier/bytes.ts';
import { webCrypto } from '#verifier/crypto-web.ts';

export type Sent = {
  readonly pins: PinnedCircuits;
  /** base64 */
  readonly keys: Partial<Record<LinkedCircuitName, string>>;
  readonly threads: number | null;
};

export type Asked = {
  readonly circuit: LinkedCircuitName;
  readonly inputs: InputMap;
  /** hex */
  readonly publicInputs: readonly string[];
};

export type SentScene = {
  /** Texts. */
  readonly proof: string;
  readonly response: string | null;
  readonly demands: string;
  readonly audience: string;
  /** hex */
  readonly nonce: string;
  readonly now: number;
  /** base64 */
  readonly root: string;
  readonly rootCrls: readonly string[];
};

let tools: PageTools;

const functions = {
  async start(): Promise<void> {
    const beside = (name: string) => new URL(name, import.meta.url);
    await startMachine({
      acvm: beside('acvm_js_bg.wasm'),
      abi: beside('noirc_abi_wasm_bg.wasm'),
    });
  },

  async open({ pins, keys, threads }: Sent): Promise<void> {
    const fetched = async (name: string) => {
      const answer = await fetch(name);
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      return answer;
    };
    await functions.start();
    const source = {
      artifact: async (circuit: string) =>
        (await (await fetched(`${circuit}.json`)).json()) as Executable,
      points: async (count: number) =>
        new Uint8Array(await (await fetched('bn254_g1.dat')).arrayBuffer()).slice(0, count * 64),
      key: async (circuit: LinkedCircuitName) => {
        const key = keys[circuit];
        return key === undefined ? null : fromBase64(key, 'key');
      },
    };
    tools = openPage(source, pins, { worker: true, ...(threads !== null && { threads }) });
  },

  /** @returns the proof in base64, or the code of what was refused */
  async prove({ circuit, inputs, publicInputs }: Asked): Promise<string> {
    const progress = {
      note: () => {},
      stage: async <T>(_name: string, _expected: number | null, work: () => Promise<T>) => work(),
    };
    const job = { circuit, inputs, publicInputs: publicInputs.map((one) => fromHex(one, 'input')) };
    try {
      const { proof } = await proveJob(await solveJob(job, tools, progress), tools, progress);
      return toBase64(proof);
    } catch (error) {
      if (error instanceof ProverError) return error.code;
      throw error;
    }
  },

  /** @returns the decision, and the checks that fail */
  async check({ root, rootCrls, ...sent }: SentScene) {
    const settings: LinkedSettings = {
      demands: parseDemands(utf8(sent.demands)),
      now: sent.now,
      intel: {
        root: { spki: fromBase64(root, 'root'), insecure: true },
        rootCrls: rootCrls.map((one) => fromBase64(one, 'CRL')),
        pckCrls: [],
      },
      amd: { roots: [], crls: [] },
    };
    const given = {
      proof: utf8(sent.proof),
      response: sent.response === null ? null : utf8(sent.response),
      audience: sent.audience,
      nonce: fromHex(sent.nonce, 'nonce'),
    };
    const verdict = await checkLinkedProof(given, settings, { ...tools, crypto: webCrypto });
    const failed = verdict.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
    return { decision: verdict.decision, failed };
  },

  /** @returns the file with this proof about the response */
  withResponseProof(file: string, proof: string): string {
    const read = parseLinkedProofFile(utf8(file));
    const { artifact } = read.response.proof;
    const made = { artifact, proof: fromBase64(proof, 'proof') };
    return encodeLinkedProofFile({ ...read, response: { kind: 'hash', proof: made } });
  },

  /** Proves and checks on points that are not the ceremony's; a time in ms for each part. */
  async insecureTimes(asked: Asked & { g2: string; count: number; threads: number }) {
    const { circuit, inputs, publicInputs, g2, count, threads } = asked;
    const times: Record<string, number> = {};
    const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      const answer = await work();
      times[name] = performance.now() - start;
      return answer;
    };
    const artifact = (await (await fetch(`${circuit}.json`)).json()) as Executable;
    const g1 = new Uint8Array(await (await fetch('insecure_g1.dat')).arrayBuffer());
    const points = { g1: g1.slice(0, count * 64), g2: fromHex(g2, 'G2') };
    const backend = await timed('start', () => openWasm(points, { worker: true, threads }));
    const key = await timed('key', () => backend.deriveKey(artifact));
    const solved = await timed('execute', () => executeCircuit(artifact, inputs));
    const proof = await timed('prove', () => backend.prove(artifact, solved, key));
    const elements: Bytes[] = publicInputs.map((one) => fromHex(one, 'input'));
    const holds = await timed('check', () => backend.verify(key, proof, elements));
    await backend.close();
    return { holds, times };
  },
};

export type PageFunctions = typeof functions;

(globalThis as { page?: PageFunctions }).page = functions;
