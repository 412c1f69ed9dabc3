/**
 * The agent as a program of its own, for an image that holds nothing else: `node agent.mjs run --config F`,
 * `check-config F`, `doctor [--config F]`. The same as `affidavit agent …`, without the verifier and without what reads
 * its command line. `npm run bundle-agent` makes one file of it.
 */
import { parseArgs } from 'node:util';
import { runAgent } from './cli.ts';
import { runCheckConfig, runDoctor } from './doctor-command.ts';

const usage = 'usage: agent run --config FILE | check-config FILE | doctor [--config FILE]';
const wrongUsage = 2;

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' } },
      allowPositionals: true,
      strict: true,
    });
    const [command, file, ...more] = positionals;
    const { config } = values;
    if (more.length > 0) return complain(`${more[0]} is one word too many`);
    if (command === 'run' && config !== undefined && file === undefined) {
      return await runAgent({ config });
    }
    if (command === 'check-config' && file !== undefined && config === undefined) {
      return await runCheckConfig({ file, format: 'text' });
    }
    if (command === 'doctor' && file === undefined) {
      return await runDoctor({ config, format: 'text' });
    }
    return complain('no such command');
  } catch (error) {
    // parseArgs says what it does not know; everything else is explained where it happens.
    if (!(error instanceof TypeError)) throw error;
    return complain(error.message);
  }
}

function complain(problem: string): number {
  process.stderr.write(`affidavit agent: ${problem}. ${usage}\n`);
  return wrongUsage;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
