/** Commands for those who build and run a guest. */
import type { Argv } from 'yargs';
import { exitCodes } from './cli-error.ts';
import { keygenOptions } from './keygen-options.ts';
import { lintGuestOptions } from './lint-options.ts';
import { measureClosureOptions } from './measure-options.ts';
import { checkConfigOptions, doctorOptions } from './options.ts';
import { refuseRepeats } from './repeats.ts';

/** @param end takes the exit code */
export function guestCommands(cli: Argv, end: (exitCode: number) => void): Argv {
  return cli
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
            end(ended.exitCode);
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
            end(ended.exitCode);
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
        end(exitCodes.accepted);
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
            end(await runAgent({ config: found.config }));
          },
        )
        .command(
          'doctor',
          'say what this machine lacks to serve evidence',
          doctorOptions,
          async (found) => {
            refuseRepeats(found);
            const { runDoctor } = await import('#agent/doctor-command.ts');
            end(await runDoctor({ config: found.config, format: found.format }));
          },
        )
        .command(
          'check-config <file>',
          'say whether the agent would start with this configuration',
          checkConfigOptions,
          async (found) => {
            refuseRepeats(found);
            const { runCheckConfig } = await import('#agent/doctor-command.ts');
            end(await runCheckConfig(found));
          },
        )
        .demandCommand(1, 'affidavit agent needs a command'),
    );
}
