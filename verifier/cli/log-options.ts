/** What `affidavit log` takes, as yargs reads it. */
import type { Argv } from 'yargs';

const digest = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

const logFile = (command: Argv) =>
  command.positional('file', { type: 'string', demandOption: true, describe: 'decision log' });

export function logVerifyOptions(command: Argv) {
  return logFile(command)
    .options({
      after: digest('last digest of the log that this one goes on from (32 bytes, hex)'),
      'expect-last': digest('digest that the last line must have (32 bytes, hex)'),
    })
    .epilogue(
      'Exit codes: 0 as it was written, 20 a line was removed, edited, moved or inserted, 2 unreadable.',
    );
}

export function logShowOptions(command: Argv) {
  return logFile(command);
}

export function logStartOptions(command: Argv) {
  return logFile(command).options({
    after: {
      ...digest('last digest of the log that this one goes on from (32 bytes, hex)'),
      demandOption: true,
    },
  });
}
