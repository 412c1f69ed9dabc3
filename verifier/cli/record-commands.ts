/** Commands that read what was recorded: tokens and the log of decisions. */
import type { Argv } from 'yargs';
import { exitCodes } from './cli-error.ts';
import { logShowOptions, logStartOptions, logVerifyOptions } from './log-options.ts';
import { refuseRepeats } from './repeats.ts';
import { tokenJwksOptions, tokenVerifyOptions } from './token-options.ts';

/** @param end takes the exit code */
export function recordCommands(cli: Argv, end: (exitCode: number) => void): Argv {
  return cli
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
            end(exitCodes.accepted);
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
            end(exitCodes.accepted);
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
            end(ended.exitCode);
          },
        )
        .command('show <file>', 'print one line a decision', logShowOptions, async (found) => {
          refuseRepeats(found);
          const { runLogShow } = await import('./log-command.ts');
          await runLogShow(found, (text) => process.stdout.write(text));
          end(exitCodes.accepted);
        })
        .command(
          'start <file>',
          'start a log that goes on where another ended',
          logStartOptions,
          async (found) => {
            refuseRepeats(found);
            const { runLogStart } = await import('./log-command.ts');
            await runLogStart(found);
            end(exitCodes.accepted);
          },
        )
        .demandCommand(1, 'affidavit log needs a command'),
    );
}
