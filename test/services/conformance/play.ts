/** Plays every case on a sample, then has another library judge what it signed. */
import { type Case, caseMilliseconds, cases } from './cases.ts';
import type { Sample } from './samples.ts';
import { Stage, within } from './stage.ts';
import { crossVerify, type Verifier } from './verifiers.ts';

export type Outcome = {
  readonly passed: number;
  /** What is wrong, a line each. */
  readonly failed: readonly string[];
  /** Signatures that the other library judged; 0 when there is none. */
  readonly verified: number;
  readonly seconds: number;
};

/** One case on a stage that is left as it was. @throws whatever is wrong */
export async function playCase(stage: Stage, one: Case): Promise<void> {
  try {
    await within(caseMilliseconds, one.name, one.run(stage));
  } finally {
    await stage.sweep();
  }
}

/** @param verifier null where no other library is here */
export async function play(sample: Sample, verifier: Verifier | null): Promise<Outcome> {
  const began = performance.now();
  const stage = await Stage.open(sample);
  const failed: string[] = [];
  let [passed, verified] = [0, 0];
  const attempt = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
      passed += 1;
    } catch (error) {
      failed.push(`${sample.name}: ${name}: ${error instanceof Error ? error.message : error}`);
    }
  };
  try {
    for (const one of cases) await attempt(one.name, () => playCase(stage, one));
    await attempt('the shared service ends well', () => stage.stopShared());
    if (verifier !== null) {
      await attempt(`${verifier.library} verifies its signatures and no forgery`, async () => {
        await crossVerify(verifier, stage.signed);
        verified = stage.signed.length;
      });
    }
  } finally {
    await stage.close();
  }
  return { passed, failed, verified, seconds: (performance.now() - began) / 1000 };
}
