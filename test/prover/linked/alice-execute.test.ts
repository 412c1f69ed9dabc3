/** What Alice makes of her inputs is what the circuits that ship accept; and what she is not asked to prove, they refuse. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { circuitPin } from '#prover/artifact.ts';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { toLinkedResponseTask } from '#prover/linked/alice-response.ts';
import type { Show } from '#prover/linked/alice-show.ts';
import { toProvingTools } from '#prover/linked/alice-tools.ts';
import { attestationJobs } from '#prover/linked/attestation-jobs.ts';
import type { AttestationTask } from '#prover/linked/attestation-task.ts';
import { encodeSecretFile, parseSecretFile, type SecretFile } from '#prover/linked/secret-file.ts';
import { type ProofJob, type ProvingTools, proveJob, solveJob } from '#prover/linked/stages.ts';
import { createProgress } from '#prover/progress.ts';
import { openWorkshop } from '#prover/workshop.ts';
import { utf8 } from '#verifier/bytes.ts';
import { hasPoints, pointsMissing, sharedPoints } from '../points.ts';
import { type AliceScene, aliceScene, vekSetOf } from './alice-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-execute-'));
/** Of a TDX machine; those of AMD's take long enough to be executed elsewhere (test/circuits/linked). */
const circuits = ['tdx-pck', 'tdx-quote', 'vek-member', 'response', 'response-text'] as const;
const progress = createProgress({ write: () => {} }, () => 0);
const proof = { artifact: 'ab'.repeat(32), proof: new Uint8Array(458 * 32) };
let tools: ProvingTools;
let scene: AliceScene;

const cacheBefore = process.env['XDG_CACHE_HOME'];

beforeAll(async () => {
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  scene = await aliceScene();
  const workshop = openWorkshop({ crs: folder, offline: true }, progress);
  tools = toProvingTools(workshop, progress);
  for (const circuit of circuits) await workshop.artifact(circuit);
}, 600_000);

afterAll(() => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  rmSync(folder, { recursive: true });
});

/** Of a task whose key is proved. */
function jobsOf(task: AttestationTask): { key: ProofJob; machine: ProofJob } {
  const { key, machine } = attestationJobs(task);
  if (key === null) throw new Error('the key is shown');
  return { key, machine };
}

/** Whether the circuit accepts. */
async function accepts({ circuit, inputs }: ProofJob): Promise<boolean> {
  return tools.solve(circuit, inputs).then(
    (solved) => solved.length > 0,
    () => false,
  );
}

describe('the circuits that ship', () => {
  test('take what a task says of the machine, also after it was kept', async () => {
    const task = scene.task();
    const { key, machine } = jobsOf(task);
    expect([await accepts(key), await accepts(machine)]).toEqual([true, true]);
    const kept = parseSecretFile(utf8(encodeSecretFile(task)));
    expect(jobsOf({ ...kept, work: task.work })).toEqual({ key, machine });
    const member = scene.task({ key: { kind: 'member', veks: vekSetOf(scene) } });
    expect(await accepts(jobsOf(member).key)).toBe(true);
  });

  test('refuse a signature, a commitment or a binding that is another', async () => {
    const { key, machine } = jobsOf(scene.task());
    const changed = (job: ProofJob, inputs: object) => ({
      ...job,
      inputs: { ...job.inputs, ...inputs },
    });
    const { signed } = machine.inputs as { signed: Record<string, never> };
    const other = { hi: fieldInput(1n), lo: fieldInput(1n) };
    const wrong = [
      changed(key, { signature: { r: other, s: other } }),
      changed(key, { salt: fieldInput(1n) }),
      changed(machine, { nonce: other }),
      changed(machine, { signed: { ...signed, signature: { r: other, s: other } } }),
    ];
    for (const job of wrong) expect(await accepts(job)).toBe(false);
  });

  const shows: [string, Show | null][] = [
    ['the hash of a response', null],
    ['all of its text', { body: 'all', nonce: true, time: true, request: true }],
    ['none of it', { body: 'none', nonce: false, time: false, request: false }],
    [
      'parts of it',
      {
        body: [
          { first: 0, last: 0 },
          { first: 40, last: 50 },
        ],
        nonce: false,
        time: true,
        request: false,
      },
    ],
  ];

  test.each(shows)('take what a task says of %s', async (_, show) => {
    const { response, treeProof } = scene.files;
    const proofs = { key: proof, machine: proof };
    const secret: SecretFile = { ...scene.task(), proofs, work: null };
    const asked = { audience: 'bob.example', nonce: new Uint8Array(32).fill(0xb0), show };
    const { job } = toLinkedResponseTask({ secret, response, treeProof, ...asked });
    expect(await accepts(job)).toBe(true);
    const elsewhere = { attestation: fieldInput(1n) };
    expect(await accepts({ ...job, inputs: { ...job.inputs, ...elsewhere } })).toBe(false);
  });
});

describe('the tools that ship', () => {
  test('prove and verify on the ceremony’s points', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const withPoints = toProvingTools(openWorkshop({ crs: sharedPoints }, progress), progress);
    const { key } = jobsOf(scene.task({ key: { kind: 'member', veks: vekSetOf(scene) } }));
    await withPoints.ready([key.circuit]);
    const solved = await solveJob(key, withPoints, progress);
    const { artifact, proof: made } = await proveJob(solved, withPoints, progress);
    expect(artifact).toBe((await circuitPin('vek-member')).artifactHash);
    const prover = await withPoints.open('vek-member');
    try {
      const [veks, commitment] = key.publicInputs as [Uint8Array, Uint8Array];
      expect(await prover.verify(made, [veks, commitment])).toBe(true);
      expect(await prover.verify(made, [commitment, veks])).toBe(false);
    } finally {
      await prover.close();
    }
    await expect(tools.ready(['tdx-quote'])).rejects.toMatchObject({ code: 'points-missing' });
  }, 120_000);
});
