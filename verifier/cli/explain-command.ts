/** `affidavit explain CHECK`: one check of the catalogue, without evidence. */

import { explainCheck } from '#verifier/words/explain.ts';
import { columnsFor } from './colour.ts';
import { checkIdOf } from './verdict-output.ts';

/** @returns what to print @throws CliError wrong usage for what is no check */
export async function runExplain({ check }: { check: string }): Promise<string> {
  return explainCheck(await checkIdOf(check), null, columnsFor(process.stdout));
}
