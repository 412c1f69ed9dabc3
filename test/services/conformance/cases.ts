/** What every sample service must do, one after the other on one stage. */
import { limitCases } from './cases-limits.ts';
import { lineCases } from './cases-lines.ts';
import { startCases } from './cases-start.ts';
import type { Stage } from './stage.ts';

export type Case = {
  readonly name: string;
  /** @throws whatever is wrong */
  readonly run: (stage: Stage) => Promise<void>;
};

/** A case that takes longer hangs. */
export const caseMilliseconds = 40_000;

export const cases: readonly Case[] = [...lineCases, ...limitCases, ...startCases];
