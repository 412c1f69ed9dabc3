/** What the worker does, apart from being one: each job by the library's own functions, with its steps told. */

import { type Task, toTask } from '#prover/alice.ts';
import { checkProof } from '#prover/bob.ts';
import {
  publicInputs,
  toResponseOpenInputs,
  toResponseOpenKeyInputs,
} from '#prover/circuit-inputs.ts';
import type { CircuitName } from '#prover/circuit-names.ts';
import { provingCosts, secondsToExecute } from '#prover/costs.ts';
import { refuseOtherRelease } from '#prover/linked/alice-release.ts';
import { toLinkedProofFile, toLinkedResponseTask } from '#prover/linked/alice-response.ts';
import { checkLinkedProof } from '#prover/linked/bob.ts';
import { parseDemands } from '#prover/linked/demands.ts';
import type { PageTools } from '#prover/linked/page.ts';
import { encodeLinkedProofFile } from '#prover/linked/proof-file.ts';
import { parseSecretFile } from '#prover/linked/secret-file.ts';
import { parseSet } from '#prover/linked/sets.ts';
import { proveJob, solveJob } from '#prover/linked/stages.ts';
import type { Progress } from '#prover/progress.ts';
import { encodeProofFile } from '#prover/proof-file.ts';
import { encodeResponse, type SignedResponse } from '#verifier/abi/response.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { toHex } from '#verifier/bytes.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { noReferences } from '#verifier/reference/verified.ts';
import { judge } from '../model/judge.ts';
import { sortFiles } from '../model/sort-files.ts';
import { trustOf } from './lists.ts';
import type {
  Answer,
  Checked,
  CheckLinked,
  CheckOpen,
  Job,
  Proved,
  ProveLinked,
  ProveOpen,
  SetHead,
  Stage,
} from './messages.ts';

export type Bench = {
  readonly tools: PageTools<CircuitName>;
  /** Once, before a circuit is executed. */
  startMachine(): Promise<void>;
  /** Whether a key is at hand, or has to be derived. */
  hasKey(circuit: CircuitName): boolean;
  stage<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
};

/** @throws AttestationError, AliceError or ProverError for what cannot be begun; bad proofs fail checks and never throw */
export async function runJob(job: Job, bench: Bench): Promise<Answer> {
  switch (job.kind) {
    case 'check-open':
      return checkOpen(job, bench);
    case 'check-linked':
      return checkLinked(job, bench);
    case 'prove-open':
      return proveOpen(job, bench);
    case 'prove-linked':
      return proveLinked(job, bench);
    case 'read-set':
      return bench.stage({ name: 'set', circuit: null, expected: null }, async () =>
        readSet(job.bytes),
      );
  }
}

async function checkOpen(job: CheckOpen, bench: Bench): Promise<Checked> {
  const { given } = job;
  const { nonce = null, trustKeys = false } = given;
  const judged = await bench.stage({ name: 'evidence', circuit: null, expected: null }, async () =>
    judge(given, sortFiles(given.files, given.source, { nonce, trustKeys })),
  );
  const proved = await checkProof(judged.verified, job, checking(bench));
  const verdict = appraise(proved, judged.policy, noReferences);
  return { kind: 'checked', verdict, policy: judged.policy.name };
}

async function checkLinked(job: CheckLinked, bench: Bench): Promise<Checked> {
  const demands = parseDemands(job.demands);
  const now = job.at ?? Math.floor(Date.now() / 1000);
  const settings = { demands, now, ...trustOf(job.lists, job.insecureRoot) };
  const tools = { ...checking(bench), crypto: webCrypto };
  const verdict = await checkLinkedProof(job, settings, tools);
  return { kind: 'checked', verdict, policy: demands.name };
}

/** The checker's tools, each question told as a step. */
function checking({ tools, stage, hasKey }: Bench) {
  const circuitOf = new Map<Bytes, CircuitName>();
  return {
    artifactHash: (circuit: CircuitName) => tools.artifactHash(circuit),
    async key(circuit: CircuitName) {
      const key = await stage(keyStage(circuit, hasKey(circuit)), () => tools.key(circuit));
      circuitOf.set(key, circuit);
      return key;
    },
    verify: (key: Bytes, proof: Bytes, inputs: readonly Bytes[]) =>
      stage({ name: 'checking', circuit: circuitOf.get(key) ?? null, expected: null }, () =>
        tools.verify(key, proof, inputs),
      ),
  };
}

function keyStage(circuit: CircuitName, isThere: boolean): Stage {
  const expected = isThere ? null : provingCosts[circuit].wasm.seconds;
  return { name: 'key', circuit, expected };
}

async function proveOpen(job: ProveOpen, bench: Bench): Promise<Proved> {
  const started = performance.now();
  const task = toTask(job);
  const { circuit, statement, response } = task;
  const inputs =
    circuit === 'response-open'
      ? toResponseOpenInputs(task.witness)
      : toResponseOpenKeyInputs(task.witness);
  await makeReady(circuit, bench);
  const { tools, stage } = bench;
  const executing = { name: 'executing', circuit, expected: secondsToExecute(circuit) } as const;
  const solved = await stage(executing, () => tools.solve(circuit, inputs));
  const proof = await proveOnce(task, solved, bench);
  const artifact = await tools.artifactHash(circuit);
  return {
    kind: 'proved',
    file: encodeProofFile({ circuit, artifact, proof, publicKey: statement.publicKey }),
    response: circuit === 'response-open' ? unsigned(response) : null,
    circuit,
    seconds: secondsSince(started),
  };
}

/** @throws Error when it does not verify: a fault of the program, and nothing is handed out */
async function proveOnce({ circuit, statement }: Task, solved: Bytes, bench: Bench) {
  const prover = await opening(bench).open(circuit);
  try {
    return await bench.stage(provingStage(circuit), async () => {
      const proof = await prover.prove(solved);
      if (await prover.verify(proof, publicInputs(circuit, statement))) return proof;
      throw new Error(`the proof of ${circuit} that was just made does not verify`);
    });
  } finally {
    await prover.close();
  }
}

async function proveLinked(job: ProveLinked, bench: Bench): Promise<Proved> {
  const started = performance.now();
  const secret = parseSecretFile(job.secret);
  const task = toLinkedResponseTask({ ...job, secret });
  const { circuit } = task.job;
  await refuseOtherRelease(secret, bench.tools.artifactHash);
  await makeReady(circuit, bench);
  const progress: Progress = {
    note: () => {},
    stage: (name, expected, work) =>
      bench.stage(
        name.endsWith('executing')
          ? { name: 'executing', circuit, expected }
          : { name: 'proving', circuit, expected },
        work,
      ),
  };
  const tools = { ...bench.tools, open: opening(bench).open };
  const proof = await proveJob(await solveJob(task.job, tools, progress), tools, progress);
  return {
    kind: 'proved',
    file: encodeLinkedProofFile(toLinkedProofFile(task, proof)),
    response: job.show === null ? unsigned(task.response) : null,
    circuit,
    seconds: secondsSince(started),
  };
}

/** Everything that may be missing, before time is spent. */
async function makeReady(circuit: CircuitName, bench: Bench): Promise<void> {
  const { tools, stage, hasKey } = bench;
  await stage({ name: 'starting', circuit: null, expected: null }, () => bench.startMachine());
  await stage({ name: 'points', circuit, expected: null }, () => tools.ready([circuit]));
  await stage(keyStage(circuit, hasKey(circuit)), () => tools.key(circuit));
}

/** Barretenberg takes a while to start: a step of its own. */
function opening({ tools, stage }: Bench) {
  const open = (circuit: CircuitName) =>
    stage({ name: 'backend', circuit, expected: null }, () => tools.open(circuit));
  return { open };
}

function provingStage(circuit: CircuitName): Stage {
  return { name: 'proving', circuit, expected: provingCosts[circuit].wasm.seconds };
}

/** The key that a proof hides can be computed from a signature and what it signs. */
function unsigned(response: SignedResponse): string {
  return encodeResponse({ ...response, signature: new Uint8Array(64) });
}

function readSet(bytes: Bytes): SetHead {
  const { kind, root, made, source, entries } = parseSet(bytes);
  const hex = toHex(fieldToBytes(root));
  return { kind: 'set', of: kind, root: hex, made, source, entries: entries.length };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
