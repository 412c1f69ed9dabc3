/** What a command with a verdict prints: the format that was asked for, or one check, or the last line alone. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { AnyCheckId } from '#verifier/checks.ts';
import type { Verified } from '#verifier/verified.ts';
import { usageError } from './cli-error.ts';
import { columnsFor, paintFor } from './colour.ts';
import type { VerdictFormat } from './options.ts';

export type OutputOptions = {
  format?: VerdictFormat | undefined;
  quiet?: boolean | undefined;
  /** A check's id. */
  explain?: string | undefined;
  earKey?: string | undefined;
};

type Printed = { stdout: string; stderr: string };
type Terminal = { isTTY?: boolean; columns?: number };

/** Before anything is verified. @throws CliError wrong usage */
export async function refuseOutput(options: OutputOptions): Promise<void> {
  const { format = 'text', quiet = false, explain, earKey } = options;
  if (quiet && explain !== undefined) {
    throw usageError('--quiet and --explain contradict each other', 'Give one of them.');
  }
  const only = quiet ? '--quiet' : explain === undefined ? null : '--explain';
  if (only !== null && format !== 'text') {
    throw usageError(`${only} prints text, --format ${format} was asked for`, 'Give one of them.');
  }
  if (earKey !== undefined && format !== 'ear') {
    throw usageError('--ear-key belongs beside --format ear', 'Give both, or neither.');
  }
  if (explain !== undefined) await checkIdOf(explain);
}

/** @throws CliError wrong usage for what is no check */
export async function checkIdOf(text: string): Promise<AnyCheckId> {
  const { isCheckId, similarIds } = await import('#verifier/words/explain.ts');
  if (isCheckId(text)) return text;
  const similar = similarIds(text);
  throw usageError(
    `there is no check ${JSON.stringify(text)}`,
    similar.length === 0
      ? 'docs/checks.md lists them all.'
      : `Did you mean ${similar.join(' or ')}? docs/checks.md lists them all.`,
  );
}

export type Judged = { verdict: Verdict; policy: Policy; bundle?: Verified['bundle'] };
/** Of linked proofs, which no token is made of. */
export type JudgedLinks = { verdict: Verdict<AnyCheckId>; policy: Pick<Policy, 'name'> };

/** @throws CliError wrong usage for a key that cannot be used */
export async function verdictOutput(
  judged: Judged,
  options: OutputOptions,
  terminal: Terminal = process.stdout,
): Promise<Printed> {
  if (options.format !== 'ear') return linkedOutput(judged, options, terminal, judged.bundle);
  const { earOutputOf } = await import('./ear-output.ts');
  const { jwt, note } = await earOutputOf(judged.verdict, options.earKey ?? null);
  return { stdout: `${jwt}\n`, stderr: note === null ? '' : `affidavit: ${note}\n` };
}

/** Every format but that of tokens. */
export async function linkedOutput(
  { verdict, policy }: JudgedLinks,
  options: OutputOptions,
  terminal: Terminal = process.stdout,
  bundle: Verified['bundle'] = null,
): Promise<Printed> {
  const { format = 'text', quiet = false, explain } = options;
  const out = (stdout: string): Printed => ({ stdout, stderr: '' });
  if (format === 'json') return out(`${JSON.stringify(verdict, null, 2)}\n`);
  if (format === 'markdown') {
    const { renderMarkdown } = await import('#verifier/words/markdown.ts');
    return out(renderMarkdown(verdict, policy));
  }
  const page = { columns: columnsFor(terminal), paint: paintFor(terminal, process.env) };
  const { decisionText, renderVerdict } = await import('#verifier/words/verdict.ts');
  const decision = `${decisionText(verdict, policy, page)}\n`;
  if (quiet) return out(decision);
  if (explain !== undefined) {
    const { explainCheck } = await import('#verifier/words/explain.ts');
    return out(`${explainCheck(await checkIdOf(explain), verdict, page.columns)}\n${decision}`);
  }
  return out(renderVerdict(verdict, policy, { ...page, bundle }));
}
