/** The `affidavit` command: reads the command line, loads the one command that was asked for, ends with its exit code. */
import { CliError, exitCodes, usageError } from './cli-error.ts';
import type { YargsLike } from './command-tree.ts';
import { completionsOptions } from './completions-options.ts';
import { standardInput } from './files.ts';
import { keygenOptions } from './keygen-options.ts';
import { lintGuestOptions } from './lint-options.ts';
import { loadYargs } from './load-yargs.ts';
import { logShowOptions, logStartOptions, logVerifyOptions } from './log-options.ts';
import { measureClosureOptions } from './measure-options.ts';
import {
  checkConfigOptions,
  checkOptions,
  doctorOptions,
  explainOptions,
  type Format,
  proveOptions,
  showOptions,
  solidityOptions,
  verifyOptions,
} from './options.ts';
import { policyOptions } from './policy-options.ts';
import { serveOptions } from './serve-options.ts';
import { tokenJwksOptions, tokenVerifyOptions } from './token-options.ts';
import type { Judged, OutputOptions } from './verdict-output.ts';
import type { VerifyOptions } from './verify-command.ts';

/**
 * @param load gives yargs, or what stands in for it where the commands are read rather than run (command-tree.ts)
 * @returns the exit code
 */
export async function main(
  args: readonly string[],
  load: () => Promise<YargsLike> = loadYargs,
): Promise<number> {
  let exitCode: number = exitCodes.fault;
  const format: Format = /^json$/i.test(optionText(args, '--format') ?? '') ? 'json' : 'text';
  try {
    const yargs = await load();
    const cli = yargs(args.map((arg) => (arg === '-' ? standardInput : arg)))
      .scriptName('affidavit')
      .locale('en')
      .usage(
        '$0 <command>\n\nShows what a confidential machine runs, and decides whether to believe it.',
      )
      .command(
        'verify [target]',
        'verify evidence: an agent’s URL, a bundle file, - for standard input, or --report',
        verifyOptions,
        async (found) => {
          refuseRepeats(found);
          const { batch, watch } = found;
          const asked = optionText(args, '--format');
          if (batch !== undefined) {
            const { runBatch } = await import('./batch.ts');
            const write = (text: string) => process.stdout.write(text);
            exitCode = await runBatch({ ...found, batch }, asked, write);
          } else if (watch !== undefined) {
            const { runWatch } = await import('./watch.ts');
            exitCode = await runWatch({ ...found, watch }, asked, {
              print: (text) => process.stdout.write(text),
              first: (ended) => print(ended, {}),
            });
          } else exitCode = await verifyAndPrint(found);
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
          const { refuseOutput } = await import('./verdict-output.ts');
          await refuseOutput(found);
          const { runCheck } = await import('#prover/cli.ts');
          exitCode = await print(await runCheck(found), found);
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
        'explain <check>',
        'say what a check protects from, and what to do when it fails',
        explainOptions,
        async (found) => {
          refuseRepeats(found);
          const { runExplain } = await import('./explain-command.ts');
          process.stdout.write(await runExplain(found));
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
      .command('token', 'check signed verdicts (EAR, as JWT or CWT)', (token) =>
        token
          .command(
            'verify <file>',
            'check a token’s signature and time, and print its claims',
            tokenVerifyOptions,
            async (found) => {
              refuseRepeats(found);
              const { runTokenVerify } = await import('./token-command.ts');
              process.stdout.write(await runTokenVerify(found));
              exitCode = exitCodes.accepted;
            },
          )
          .command(
            'jwks',
            'print the public half of a key, for those who check its tokens',
            tokenJwksOptions,
            async (found) => {
              refuseRepeats(found);
              const { runTokenJwks } = await import('./token-command.ts');
              process.stdout.write(await runTokenJwks(found));
              exitCode = exitCodes.accepted;
            },
          )
          .demandCommand(1, 'affidavit token needs a command'),
      )
      .command('log', 'check and read a log of decisions (--log)', (log) =>
        log
          .command(
            'verify <file>',
            'find any line that was removed, edited, moved or inserted',
            logVerifyOptions,
            async (found) => {
              refuseRepeats(found);
              const { runLogVerify } = await import('./log-command.ts');
              const ended = await runLogVerify(found);
              process.stdout.write(ended.text);
              exitCode = ended.exitCode;
            },
          )
          .command('show <file>', 'print one line a decision', logShowOptions, async (found) => {
            refuseRepeats(found);
            const { runLogShow } = await import('./log-command.ts');
            await runLogShow(found, (text) => process.stdout.write(text));
            exitCode = exitCodes.accepted;
          })
          .command(
            'start <file>',
            'start a log that goes on where another ended',
            logStartOptions,
            async (found) => {
              refuseRepeats(found);
              const { runLogStart } = await import('./log-command.ts');
              await runLogStart(found);
              exitCode = exitCodes.accepted;
            },
          )
          .demandCommand(1, 'affidavit log needs a command'),
      )
      .command(
        'serve',
        'verify for others over HTTP, under the policies of a folder',
        serveOptions,
        async (found) => {
          refuseRepeats(found);
          const { runServe } = await import('./serve-command.ts');
          exitCode = await runServe(found);
        },
      )
      .command(
        'completions <shell>',
        'print a completion script for a shell',
        completionsOptions,
        async (found) => {
          refuseRepeats(found);
          const { runCompletions } = await import('./completions-command.ts');
          const declare = (stand: YargsLike) => main([], async () => stand);
          process.stdout.write(await runCompletions(found.shell, declare));
          exitCode = exitCodes.accepted;
        },
      )
      .command('policy', 'make, check and compare policies', (policy) =>
        policyOptions(policy, async (name, found) => {
          refuseRepeats(found);
          const { runPolicy } = await import('./policy-command.ts');
          const ended = await runPolicy(name, found);
          process.stdout.write(ended.stdout);
          process.stderr.write(ended.stderr);
          exitCode = ended.exitCode;
        }),
      )
      .command('lint', 'find inputs of a guest that its measurement does not cover', (lint) =>
        lint
          .command(
            'guest [target]',
            'name each unmeasured input, why it matters and how to close it',
            lintGuestOptions,
            async (found) => {
              refuseRepeats(found);
              const { runLintGuest } = await import('./lint-command.ts');
              const ended = await runLintGuest(found);
              process.stdout.write(ended.stdout);
              exitCode = ended.exitCode;
            },
          )
          .demandCommand(1, 'affidavit lint needs a command'),
      )
      .command('measure', 'compute what a policy names, on the machine that builds', (measure) =>
        measure
          .command(
            'closure <target>',
            'the digest of a system’s closure, as its agent will state it',
            measureClosureOptions,
            async (found) => {
              refuseRepeats(found);
              const { runMeasure } = await import('./measure-command.ts');
              const ended = await runMeasure(found);
              process.stdout.write(ended.stdout);
              process.stderr.write(ended.stderr);
              exitCode = ended.exitCode;
            },
          )
          .demandCommand(1, 'affidavit measure needs a command'),
      )
      .command(
        'keygen',
        'make a service’s key, secret and public half in files of their own',
        keygenOptions,
        async (found) => {
          refuseRepeats(found);
          const { runKeygen } = await import('./keygen-command.ts');
          process.stdout.write(await runKeygen(found));
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
          .command(
            'doctor',
            'say what this machine lacks to serve evidence',
            doctorOptions,
            async (found) => {
              refuseRepeats(found);
              const { runDoctor } = await import('#agent/doctor-command.ts');
              exitCode = await runDoctor({ config: found.config, format: found.format });
            },
          )
          .command(
            'check-config <file>',
            'say whether the agent would start with this configuration',
            checkConfigOptions,
            async (found) => {
              refuseRepeats(found);
              const { runCheckConfig } = await import('#agent/doctor-command.ts');
              exitCode = await runCheckConfig(found);
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
        // What yargs itself throws is about the command line too.
        throw error === undefined || error.name === 'YError' ? usageError(message) : error;
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

async function verifyAndPrint(
  options: VerifyOptions & OutputOptions & { log?: string | undefined },
): Promise<number> {
  const { refuseOutput } = await import('./verdict-output.ts');
  await refuseOutput(options);
  const { runVerify } = await import('./verify-command.ts');
  if (options.log === undefined) return print(await runVerify(options), options);
  const { recording } = await import('./log-command.ts');
  return print(await recording(options.log, () => runVerify(options)), options);
}

async function print(
  ended: Judged & { note?: string | null },
  options: OutputOptions,
): Promise<number> {
  const { verdictOutput } = await import('./verdict-output.ts');
  const { stdout, stderr } = await verdictOutput(ended, options);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (ended.note) process.stderr.write(`affidavit: ${ended.note}\n`);
  return exitCodes[ended.verdict.decision];
}

/** A chain may come in several files, as snpguest writes it; `_` is yargs's own. */
const repeatable = new Set(['chain', 'crl', 'observe', 'file', 'evidence', '_']);

/** yargs makes a list of an option that is given twice; which of the two was meant is not ours to guess. */
function refuseRepeats(found: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(found)) {
    if (Array.isArray(value) && !repeatable.has(name))
      throw usageError(`--${name} was given ${value.length} times`, 'Give it once.');
  }
}

function optionText(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
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
