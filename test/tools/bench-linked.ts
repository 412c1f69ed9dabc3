/**
 * Figures of the linked circuits, natively on a development string: `node test/tools/bench-linked.ts [FOLDER]`. FOLDER holds such a
 * string of 524,289 points (test/tools/dev-srs.ts); without it one is made, which takes a minute or two.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Noir } from '@noir-lang/noir_js';
import { loadArtifact } from '#prover/artifact.ts';
import type { Backend } from '#prover/backend.ts';
import { ceremonyG2, pointLength } from '#prover/ceremony.ts';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import {
  machineInputs,
  memberInputs,
  pckInputs,
  responseInputs,
  textInputs,
} from '#prover/linked/public-inputs.ts';
import type { ProofJob } from '#prover/linked/stages.ts';
import { openBackend } from '#prover/native-backend.ts';
import { type LinkedStory, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { snpJobs } from '#test/circuits/linked/snp-jobs.ts';
import { pointsNeeded } from '#test/evm/bb.ts';
import { createAmdHierarchy } from '#test/fake/amd.ts';
import type { PageFunctions } from '#test/prover/browser/page.ts';
import { genuineG1, hasPoints, pointsMissing } from '#test/prover/points.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { line, median, ms } from './bench-figures.ts';
import { findChromium, inChromium } from './chromium.ts';
import { writeInsecureSrs } from './dev-srs.ts';
import { bundlePage } from './page-bundle.ts';
import { servePage } from './page-server.ts';

const promises: Readonly<Record<LinkedCircuitName, string>> = {
  'tdx-pck': '6 s or less',
  'tdx-quote': '8 s or less',
  'snp-vek': '14 s or less',
  'snp-report': '12 s or less',
  'vek-member': '',
  response: '2.5 s or less',
  'response-text': '',
};

const mostMemory: Partial<Record<LinkedCircuitName, number>> = {
  'snp-vek': 800,
  'snp-report': 700,
};

const rounds = 3;

async function jobsOf({
  statements,
  inputs,
}: LinkedStory): Promise<Record<LinkedCircuitName, ProofJob>> {
  const publicInputs = {
    'tdx-pck': pckInputs(statements['tdx-pck']),
    'tdx-quote': machineInputs(statements['tdx-quote']),
    'vek-member': memberInputs(statements['vek-member']),
    response: responseInputs(statements.response),
    'response-text': textInputs(statements['response-text']),
  };
  const jobOf = <C extends keyof typeof publicInputs>(circuit: C) => ({
    circuit,
    inputs: inputs[circuit],
    publicInputs: publicInputs[circuit],
  });
  return {
    ...(await snpJobs({ hierarchy: await createAmdHierarchy({ product: 'Milan' }) })),
    'tdx-pck': jobOf('tdx-pck'),
    'tdx-quote': jobOf('tdx-quote'),
    'vek-member': jobOf('vek-member'),
    response: jobOf('response'),
    'response-text': jobOf('response-text'),
  };
}

type Usage = {
  /** Most memory that the process ever held, in MiB. */
  readonly peak: number;
  /** Of all its threads, in ms: what a busy machine changes less than the time. */
  readonly cpu: number;
};

/** What Barretenberg's process, a child of this one, has used; null where /proc does not say. */
function usageOfBackend(): Usage | null {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        const status = readFileSync(`/proc/${id}/status`, 'utf8');
        const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
        const isChild = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status);
        if (!isChild || peak === undefined) return [];
        // proc(5): utime and stime, the 14th and 15th field, in hundredths of a second; the 2nd ends with ")".
        const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return [{ peak: Number(peak) / 1024, cpu: 10 * (Number(fields[11]) + Number(fields[12])) }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
  return found.toSorted((x, y) => y.peak - x.peak)[0] ?? null;
}

type Proved = { readonly key: Bytes; readonly proof: Bytes; readonly inputs: readonly Bytes[] };

async function benchCircuit(
  { circuit: name, inputs, publicInputs }: ProofJob,
  open: () => Promise<Backend>,
): Promise<Proved> {
  const artifact = await loadArtifact(name);
  const noir = new Noir(toCompiledCircuit(artifact));
  const started = performance.now();
  const { witness } = await noir.execute(inputs);
  line(`${name}: witness`, ms(performance.now() - started), '5 s or less');
  // A process of its own for each, so that its peak is this circuit's.
  const backend = await open();
  try {
    const before = performance.now();
    const key = await backend.deriveKey(artifact);
    line(`${name}: derive the key, once`, ms(performance.now() - before));
    const times: number[] = [];
    const used = usageOfBackend()?.cpu ?? 0;
    let proof: Bytes = new Uint8Array();
    for (let round = 0; round < rounds; round++) {
      const at = performance.now();
      proof = await backend.prove(artifact, witness, key);
      times.push(performance.now() - at);
    }
    line(`${name}: prove, median`, ms(median(times)), promises[name]);
    line(`${name}: prove, best`, ms(Math.min(...times)));
    const usage = usageOfBackend();
    if (usage !== null) {
      line(`${name}: prove, processor time`, ms((usage.cpu - used) / rounds));
      const most = mostMemory[name] ?? 400;
      line(`${name}: memory`, `${Math.round(usage.peak)} MB`, `${most} MB or less`);
    }
    return { key, proof, inputs: publicInputs };
  } finally {
    await backend.close();
  }
}

/** As a checker does, keys derived: the proofs are on another string than his, so that they are refused, after the same work. */
async function benchChecks(proved: readonly Proved[], backend: Backend): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const at = performance.now();
    for (const { key, proof, inputs } of proved) await backend.verify(key, proof, inputs);
    times.push(performance.now() - at);
  }
  line('three proofs: check', ms(median(times)), '100 ms or less');
  const length = proved.reduce((sum, { proof }) => sum + proof.length, 0);
  line('three proofs: length', `${length} bytes`);
}

/**
 * `response` in a headless Chromium, with as many threads as it has cores and with one. There Barretenberg looks whether points
 * begin as the ceremony's do: they begin with the genuine ones, go on with others, and the proof, of the same work, does not hold.
 */
async function benchPage(job: ProofJob, { g1 }: { readonly g1: Bytes }): Promise<void> {
  const chromium = findChromium();
  if (chromium === undefined) return line('response in a page', 'there is no chromium here');
  if (!hasPoints) return line('response in a page', pointsMissing);
  const artifact = await loadArtifact('response');
  const { bytecode, abi } = artifact;
  const count = await pointsNeeded(artifact);
  const genuine = genuineG1();
  const page = fileURLToPath(new URL('../prover/browser/page.ts', import.meta.url));
  const files = new Map(await bundlePage(page))
    .set('response.json', utf8(JSON.stringify({ bytecode, abi })))
    .set('insecure_g1.dat', concat(genuine, g1.subarray(genuine.length, count * pointLength)));
  const asked = {
    circuit: 'response',
    inputs: job.inputs,
    publicInputs: job.publicInputs.map(toHex),
    g2: toHex(ceremonyG2),
    count,
  };
  for (const threads of [availableParallelism(), 1]) {
    const server = await servePage(files, threads > 1);
    const question = JSON.stringify({ ...asked, threads });
    const expression = `page.start().then(() => page.insecureTimes(${question}))`;
    const found = await inChromium(chromium, '', expression, server.address);
    await server.close();
    const { times } = found as Awaited<ReturnType<PageFunctions['insecureTimes']>>;
    const name = `response in a page, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    for (const part of ['execute', 'key', 'check']) line(`${name}: ${part}`, ms(times[part] ?? 0));
    line(`${name}: prove`, ms(times['prove'] ?? 0), '20 s or less');
  }
}

async function benchLinked(given: string | undefined): Promise<void> {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
  try {
    if (given === undefined) {
      await writeInsecureSrs(folder, await pointsNeeded(await loadArtifact('snp-vek')));
    }
    const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
    const points = { g1: read('bn254_g1.dat'), g2: read('bn254_g2.dat') };
    const open = () => openBackend('native', points, folder);
    const jobs = await jobsOf(await tellLinkedStory());
    const proved: Proved[] = [];
    for (const name of ['tdx-pck', 'tdx-quote', 'response'] as const) {
      proved.push(await benchCircuit(jobs[name], open));
    }
    for (const name of ['response-text', 'vek-member', 'snp-vek', 'snp-report'] as const) {
      await benchCircuit(jobs[name], open);
    }
    const checker = await open();
    await benchChecks(proved, checker);
    await checker.close();
    await benchPage(jobs.response, points);
  } finally {
    if (given === undefined) rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await benchLinked(process.argv[2]);
