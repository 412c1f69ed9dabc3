/** What `affidavit keygen` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

export function keygenOptions(command: Argv) {
  return command
    .options({
      'out-private': {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'file for the secret key (64 hex digits, mode 0600): for the service alone',
      },
      'out-public': {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'file for the public key (x then y, 128 hex digits): for the agent',
      },
      replace: { type: 'boolean', describe: 'put the new key in place of one that is there' },
    })
    .example(
      '$0 keygen --out-private echo.key --out-public echo.pub',
      'a key for a service, as it starts',
    )
    .epilogue('Exit codes: 0 written, 2 wrong usage or files that cannot be written, 1 fault.');
}
