/** The `affidavit` command: reads the command line, loads the one command that was asked for, ends with its exit code. */
import { CliError, exitCodes, usageError } from './cli-error.ts';
import type { YargsLike } from './command-tree.ts';
import { completionsOptions } from './completions-options.ts';
import { standardInput } from './files.ts';
import { guestCommands } from './guest-commands.ts';
import { loadYargs } from './load-yargs.ts';
import { measureCommands } from './measure-commands.ts';
import { explainOptions, type Format, showOptions, verifyOptions } from './options.ts';
import { policyOptions } from './policy-options.ts';
import { print, say } from './print.ts';
import { proofCommands } from './proof-commands.ts';
import { publishedCommands } from './published-commands.ts';
import { recordCommands } from './record-commands.ts';
import { refuseRepeats } from './repeats.ts';
import { replayOptions } from './replay-options.ts';
import { serveOptions } from './serve-options.ts';
import type { OutputOptions } from './verdict-output.ts';
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
    const end = (code: number) => {
      exitCode = code;
    };
    const first = yargs(args.map((arg) => (arg === '-' ? standardInput : arg)))
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
      );
    const cli = publishedCommands(
      measureCommands(guestCommands(recordCommands(proofCommands(first, end), end), end), end),
      end,
    )
      .command(
        'show <file>',
        'print what evidence, certificates, lists, logs or manifests say, field by field; verifies nothing',
        showOptions,
        async (found) => {
          refuseRepeats(found);
          const { runShow } = await import('./show-command.ts');
          process.stdout.write(await runShow(found));
          exitCode = exitCodes.accepted;
        },
      )
      .command(
        'replay <log>',
        'replay an event log to the registers it should give, and name the first event that differs',
        replayOptions,
        async (found) => {
          refuseRepeats(found);
          const { runReplay } = await import('./replay-command.ts');
          exitCode = say(await runReplay(found));
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
        'serve',
        'verify for others over HTTP, under the policies of a folder',
        serveOptions,
        async (found) => {
          refuseRepeats(found, ['watch']);
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
