/** What `affidavit policy` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file } from './option-parts.ts';

export const policyCommandNames = ['init', 'lint', 'test', 'diff', 'hash'] as const;
export type PolicyCommand = (typeof policyCommandNames)[number];

const formatOption = {
  choices: ['text', 'json'] as const,
  default: 'text',
  requiresArg: true,
  describe: 'output format',
} as const;
const at = file('judge for this time (RFC 3339 with zone; default: now)');

const withoutNonce = { ...collateralOptions, at };
const evidenceOptions = {
  nonce: file('the nonce that you sent for a bundle (32 bytes, hex)'),
  ...withoutNonce,
};

/** @param run is called with the name of the subcommand and what was given */
export function policyOptions(
  policy: Argv,
  run: (name: PolicyCommand, found: Record<string, unknown>) => Promise<void>,
): Argv {
  return policy
    .command(
      'init',
      'write the policy that accepts what one piece of evidence holds: trust on first use',
      (command) =>
        command
          .options({
            from: { ...file('bundle, report or quote'), demandOption: true },
            out: file('where to write the policy (default: standard output)'),
            force: { type: 'boolean', describe: 'overwrite the file of --out' },
            name: file('name of the policy'),
            'pin-chip': { type: 'boolean', describe: 'name this very machine' },
            'pin-services': { type: 'boolean', describe: 'name this very set of services' },
            ...evidenceOptions,
          })
          .epilogue('Exit codes: 0 written, else that of the verdict; 2 wrong usage, 1 fault.'),
      (found) => run('init', found),
    )
    .command(
      'lint <file..>',
      'find rules without effect, dangerous ones, and waivers that have expired',
      (command) =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'policy' })
          .options({ at, format: formatOption })
          .epilogue(
            'Exit codes: 0 clean or notes alone, 10 errors or warnings, 2 unreadable, 1 fault.',
          ),
      (found) => run('lint', found),
    )
    .command(
      'test <policy> <evidence..>',
      'judge each piece of evidence under the policy, one line each',
      (command) =>
        command
          .positional('policy', { type: 'string', demandOption: true, describe: 'policy' })
          .positional('evidence', {
            type: 'string',
            demandOption: true,
            describe: 'bundles, reports or quotes',
          })
          .options({
            expect: file('JSON lines of evidence and decision: what each verdict should be'),
            reference: file('reference file; may be given more than once'),
            'as-if-live': {
              type: 'boolean',
              describe: 'take the nonce and channel that each bundle names for your own',
            },
            ...evidenceOptions,
            format: formatOption,
          })
          .epilogue(
            'Exit code: of the worst decision: 20 invalid, then 10 rejected, then 30 undecided, then 0 accepted. With --expect: 0 all as expected, 10 not.',
          ),
      (found) => run('test', found),
    )
    .command(
      'diff <from> <to>',
      'compare two policies, and what they decide about saved evidence',
      (command) =>
        command
          .positional('from', { type: 'string', demandOption: true, describe: 'policy' })
          .positional('to', { type: 'string', demandOption: true, describe: 'policy' })
          .options({
            evidence: file('folder of bundles, reports and quotes'),
            reference: file('reference file; may be given more than once'),
            ...withoutNonce,
            format: formatOption,
          })
          .epilogue(
            'Exit codes: 0 no decision changes, 10 one does; without --evidence: 0 the same policy, 10 not.',
          ),
      (found) => run('diff', found),
    )
    .command(
      'hash <file>',
      'print the digest that names the policy in every verdict',
      (command) =>
        command.positional('file', { type: 'string', demandOption: true, describe: 'policy' }),
      (found) => run('hash', found),
    )
    .demandCommand(1, 'affidavit policy needs a command');
}
