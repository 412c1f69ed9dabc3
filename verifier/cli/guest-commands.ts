/** Commands for those who build and run a guest. */
import type { Argv } from 'yargs';
import { exitCodes } from './cli-error.ts';
import { keygenOptions } from './keygen-options.ts';
import { lintGuestOptions } from './lint-options.ts';
import { checkConfigOptions, doctorOptions } from './options.ts';
import { say } from './print.ts';
import { refreshCollateralOptions } from './refresh-collateral-options.ts';
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
          'refresh-collateral',
          'keep what vendors publish of this machine beside its agent',
          refreshCollateralOptions,
          async (found) => {
            refuseRepeats(found);
            const { runRefreshCollateral } = await import('#agent/collateral-refresh-command.ts');
            end(say(await runRefreshCollateral(found)));
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
