/** A check in few words, and what its error code means. */
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import { type ErrorCode, errorCatalogue } from '#verifier/errors.ts';
import { harmless, shortHex } from '#verifier/words/lines.ts';
import { checkStrings } from '../strings/road.ts';
import { withoutOptions } from './station-words.ts';

/** What was found, in one line: the value, or why there is none; null where the title says it all. */
export function foundOf({ status, stage, expected, actual, reason }: CheckResult): string | null {
  const text = status === 'pass' ? actual : (reason ?? actual);
  if (text !== null) return harmless(shortHex(withoutOptions(text)));
  return stage === 'policy' && expected === 'any' ? checkStrings.any : null;
}

/** Of a check that could not read something. */
export function errorOf({
  actual,
}: Pick<CheckResult, 'actual'>): { code: ErrorCode; means: string; remedy: string } | null {
  const code = /^unreadable \(([a-z0-9-]+)\)$/.exec(actual ?? '')?.[1];
  if (code === undefined || !Object.hasOwn(errorCatalogue, code)) return null;
  const known = code as ErrorCode;
  return { code: known, ...errorCatalogue[known] };
}

/** The verifier's words name options of the command line, which this page has not. */
export function namesOptions({ id, status, reason }: CheckResult): boolean {
  const shown = `${entryOf(id).remedy} ${status === 'pass' ? '' : (reason ?? '')}`;
  return /(^|[\s(])--[a-z]/.test(shown);
}
