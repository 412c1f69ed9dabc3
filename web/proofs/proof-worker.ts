/** A worker of its own for each job: ending it ends whatever it began, Barretenberg's threads with it. */
import { openPage, startMachine } from '#prover/linked/page.ts';
import { runJob } from './jobs.ts';
import type { Asked, Stage, Told } from './messages.ts';
import { sourceOf } from './page-source.ts';
import { problemOf } from './problem.ts';
import { thisCopy } from './release.ts';
import { slowness } from './slowness.ts';

function tell(told: Told): void {
  postMessage(told);
}

async function stage<T>(now: Stage, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const expected = now.expected === null ? null : now.expected * slowness();
  tell({ kind: 'began', stage: { ...now, expected } });
  try {
    return await work();
  } finally {
    tell({ kind: 'ended', milliseconds: performance.now() - started });
  }
}

async function answer({ job, places }: Asked): Promise<void> {
  const tools = openPage(sourceOf(places, thisCopy), thisCopy.pins);
  const hasKey = (circuit: keyof typeof thisCopy.pins) => thisCopy.keys[circuit] !== undefined;
  try {
    tell({ kind: 'answer', answer: await runJob(job, { tools, startMachine, hasKey, stage }) });
  } catch (error) {
    tell({ kind: 'problem', problem: problemOf(error) });
  }
}

addEventListener('message', ({ data }: MessageEvent<Asked>) => answer(data));
