/** The `affidavit` command: reads the command line, loads the one command that was asked for, ends with its exit code. */
import yargs, { type Argv } from 'yargs';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { standardInput } from './files.ts';
import type { VerifyOptions } from './verify-command.ts';

const formats = ['text', 'json'] as const;
type Format = (typeof formats)[number];

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

const endings =
  'Exit codes: 0 accepted, 10 rejected by policy, 20 evidence invalid, 30 undecided, 2 wrong usage, 1 fault.';

const file = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
const needed = (describe: string) => ({ ...file(describe), demandOption: true }) as const;

/** Of every command with a verdict. */
const verdictOptions = {
  vek: file('VCEK or VLEK certificate, PEM or DER'),
  chain: file('ASK or ASVK and ARK certificates, PEM or DER'),
  crl: file('revocation list of the ARK, PEM or DER'),
  policy: file('policy file (default: the built-in policy "genuine")'),
  at: file('verify for this time (RFC 3339 with zone; default: now)'),
  closure: file('require this closure digest (32 bytes, hex)'),
  'tree-root': file('require this service tree (32 bytes, hex)'),
  measurement: file('require this launch measurement (48 bytes, hex)'),
  'report-data': file('require this REPORT_DATA (64 bytes, hex)'),
  offline: { type: 'boolean', describe: 'never use the network' },
  'insecure-root': file('trust this root certificate in place of the vendor’s: tests only'),
  format: {
    choices: formats,
    default: 'text' as Format,
    requiresArg: true,
    describe: 'output format',
  },
} as const;

/** Of the commands that use a proving backend. */
const backendOptions = {
  crs: file('folder of the ceremony’s points (bn254_g1.dat, bn254_g2.dat)'),
  backend: {
    choices: ['native', 'wasm'] as const,
    requiresArg: true,
    describe: 'proving backend (default: native where there is one)',
  },
} as const;

function verifyOptions(command: Argv) {
  return command
    .positional('target', { type: 'string', describe: 'URL | bundle file | -' })
    .options({
      report: file('raw SEV-SNP report'),
      nonce: file('the nonce that you sent (32 bytes, hex)'),
      ...verdictOptions,
    })
    .example('$0 verify https://guest.example', 'ask an agent and verify its answer')
    .example(
      '$0 verify --report r.bin --vek vcek.der --chain cert_chain.pem',
      'verify a raw report',
    )
    .epilogue(endings);
}

function proveOptions(command: Argv) {
  return command
    .options({
      bundle: file('evidence bundle that the service’s agent gave'),
      agent: file('URL of the agent, to ask now in place of --bundle'),
      'save-bundle': file('where to write the bundle of --agent: the checker needs it'),
      response: needed('the signed response'),
      service: needed('file of the agent’s /proofs/NAME; with --agent, the name'),
      audience: needed('name of who will check the proof, as that one spells it'),
      nonce: needed('the nonce that the checker drew for you (32 bytes, hex)'),
      out: needed('where to write the proof'),
      disclose: {
        choices: ['service-key'] as const,
        requiresArg: true,
        describe: 'show the service’s key: a smaller circuit, fewer points',
      },
      'save-response': file('where to write the response without its signature, for the checker'),
      offline: { type: 'boolean', describe: 'never use the network' },
      ...backendOptions,
    })
    .epilogue(
      'Exit codes: 0 proved, 20 refused, 30 something needed is missing, 2 wrong usage, 1 fault.',
    );
}

function checkOptions(command: Argv) {
  return command
    .positional('proof', { type: 'string', demandOption: true, describe: 'proof file' })
    .options({
      bundle: needed('the evidence bundle that the proof is about'),
      response: needed('the response'),
      audience: needed('your own name, as you gave it to the prover'),
      nonce: needed('the nonce that you drew for this proof (32 bytes, hex)'),
      'bundle-nonce': file('the nonce that you sent to the agent, if the bundle answers one'),
      ...verdictOptions,
      ...backendOptions,
    })
    .epilogue(endings);
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

/** yargs makes a list of an option that is given twice; which of the two was meant is not ours to guess. */
function refuseRepeats(found: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(found)) {
    if (name !== '_' && Array.isArray(value))
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
