/** The `affidavit` command: reads the command line, loads the one command that was asked for, ends with its exit code. */
import yargs from 'yargs';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { standardInput } from './files.ts';
import {
  checkOptions,
  type Format,
  proveOptions,
  showOptions,
  solidityOptions,
  verifyOptions,
} from './options.ts';
import type { VerifyOptions } from './verify-command.ts';

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.fault;
  const format: Format = /^json$/i.test(optionText(args, '--format') ?? '') ? 'json' : 'text';
  try {
    const cli = yargs(args.map((arg) => (arg === '-' ? standardInput : arg)))
      .scriptName('affidavit')
      .usage(
        '$0 <command>\n\nShows what a confidential machine runs, and decides whether to believe it.',
      )
      .command(
        'verify [target]',
        'verify evidence: an agent’s URL, a bundle file, - for standard input, or --report',
        verifyOptions,
        async (found) => {
          refuseRepeats(found);
          exitCode = await verifyAndPrint(found, found.format);
        },
      )
      .command(
        'prove',
        'prove to someone else that a measured service signed a response',
        proveOptions,
        async (found) => {
          refuseRepeats(found);
          const { runProve } = await import('#prover/cli.ts');
          await runProve(found);
          exitCode = exitCodes.accepted;
        },
      )
      .command(
        'check <proof>',
        'check such a proof, with its bundle and response',
        checkOptions,
        async (found) => {
          refuseRepeats(found);
          const { runCheck } = await import('#prover/cli.ts');
          exitCode = await print(await runCheck(found), found.format);
        },
      )
      .command(
        'show <file>',
        'print what evidence, certificates or lists say, field by field; verifies nothing',
        showOptions,
        async (found) => {
          refuseRepeats(found);
          const { runShow } = await import('./show-command.ts');
          process.stdout.write(await runShow(found));
          exitCode = exitCodes.accepted;
        },
      )
      .command(
        'solidity <circuit>',
        'write the contract that verifies a circuit’s proofs on an EVM chain',
        solidityOptions,
        async (found) => {
          refuseRepeats(found);
          const { runSolidity } = await import('#prover/cli.ts');
          await runSolidity(found);
          exitCode = exitCodes.accepted;
        },
      )
      .command('agent', 'run in the guest and serve evidence', (agent) =>
        agent
          .command(
            'run',
            'serve evidence over HTTP',
            (run) =>
              run.option('config', {
                type: 'string',
                demandOption: true,
                requiresArg: true,
                describe: 'configuration file (docs/agent.md)',
              }),
            async (found) => {
              refuseRepeats(found);
              const { runAgent } = await import('#agent/cli.ts');
              exitCode = await runAgent({ config: found.config });
            },
          )
          .demandCommand(1, 'affidavit agent needs a command'),
      )
      .demandCommand(1, 'affidavit needs a command')
      .parserConfiguration({
        'camel-case-expansion': true,
        'parse-numbers': false,
        'parse-positional-numbers': false,
        'boolean-negation': false,
      })
      .strict()
      .version(false)
      .help()
      .wrap(100)
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? usageError(message);
      });
    exitCode = await cli.parseAsync().then(
      () => (args.includes('--help') ? 0 : exitCode),
      (error: unknown) => {
        throw error;
      },
    );
    return exitCode;
  } catch (error) {
    return report(error, format);
  }
}

async function verifyAndPrint(options: VerifyOptions, format: Format): Promise<number> {
  const { runVerify } = await import('./verify-command.ts');
  return print(await runVerify(options), format);
}

async function print(
  { verdict, policy }: { verdict: Verdict; policy: Policy },
  format: Format,
): Promise<number> {
  if (format === 'json') process.stdout.write(`${JSON.stringify(verdict, null, 2)}\n`);
  else {
    const { renderVerdict } = await import('./text.ts');
    process.stdout.write(renderVerdict(verdict, policy));
  }
  return exitCodes[verdict.decision];
}

/** A chain may come in several files, as snpguest writes it; `_` is yargs's own. */
const repeatable = new Set(['chain', 'crl', '_']);

/** yargs makes a list of an option that is given twice; which of the two was meant is not ours to guess. */
function refuseRepeats(found: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(found)) {
    if (Array.isArray(value) && !repeatable.has(name))
      throw usageError(`--${name} was given ${value.length} times`, 'Give it once.');
  }
}

function optionText(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  return args[at]?.includes('=') ? args[at].slice(name.length + 1) : args[at + 1];
}

/** One line, no stack: a stack trace is for a fault of the program alone. */
function report(error: unknown, format: Format): number {
  const known = error instanceof CliError ? error : faultOf(error);
  const { code, message, remedy, exitCode } = known;
  if (format === 'json')
    process.stdout.write(`${JSON.stringify({ error: { code, message, remedy, exitCode } })}\n`);
  process.stderr.write(`affidavit: ${oneLine(message)}. ${remedy}\n`);
  return exitCode;
}

function faultOf(error: unknown): CliError {
  if (process.env['AFFIDAVIT_DEBUG']) console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  return new CliError(
    'fault',
    'fault',
    `internal fault: ${message}`,
    'Please report it; AFFIDAVIT_DEBUG=1 prints the stack.',
  );
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\.$/, '');
}

process.exitCode = await main(process.argv.slice(2));
