/**
 * The refresher as a program of its own, for an image that holds neither the verifier nor what reads its command line:
 * `node affidavit-collateral.mjs --from URL --folder DIR`. It is no part of the agent's file: the agent has no client to connect with.
 */
import { parseArgs } from 'node:util';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type RefreshOptions, runRefreshCollateral } from './collateral-refresh-command.ts';

const usage = `usage: affidavit-collateral --from URL|FILE --folder DIR [--every DURATION] [--cache DIR]
       [--kds URL] [--pcs URL] [--ca-file FILE] [--early] [--product Milan|Genoa|Turin]`;
const wrongUsage = 2;

const text = { type: 'string' } as const;
const options = {
  from: text,
  folder: text,
  every: text,
  cache: text,
  kds: text,
  pcs: text,
  'ca-file': text,
  early: { type: 'boolean' },
  product: text,
} as const;

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const found = optionsOf(args);
    if (found === null)
      return complain('--from and --folder are needed, and --product is a product');
    const { stdout, stderr = '', exitCode } = await runRefreshCollateral(found);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return exitCode;
  } catch (error) {
    if (error instanceof CliError) {
      process.stderr.write(`affidavit agent: ${error.message}. ${error.remedy}\n`);
      return error.exitCode;
    }
    // parseArgs says what it does not know.
    if (error instanceof TypeError && 'code' in error) return complain(error.message);
    throw error;
  }
}

function optionsOf(args: readonly string[]): RefreshOptions | null {
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false, strict: true });
  const { from, folder, product, 'ca-file': caFile, ...rest } = values;
  if (from === undefined || folder === undefined) return null;
  if (product === undefined) return { from, folder, caFile, ...rest };
  if (product !== 'Milan' && product !== 'Genoa' && product !== 'Turin') return null;
  return { from, folder, product, caFile, ...rest };
}

function complain(problem: string): number {
  process.stderr.write(`affidavit agent: ${problem}. ${usage}\n`);
  return wrongUsage;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
