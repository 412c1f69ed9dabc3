/** What `affidavit agent refresh-collateral` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file, needed, sourceOptions } from './option-parts.ts';

export function refreshCollateralOptions(command: Argv) {
  return command
    .options({
      from: needed('the agent’s address on its own machine, or a file of its evidence'),
      folder: needed('folder to write collateral.json to: collateral.folder of the agent'),
      every: file(
        'keep running, and look again at the latest after this long (6h, 1d; from 1h on)',
      ),
      ...sourceOptions,
      'insecure-root': collateralOptions['insecure-root'],
    })
    .example(
      '$0 agent refresh-collateral --from http://127.0.0.1:8080 --folder /var/lib/affidavit-collateral',
      'what this machine’s evidence lacks',
    )
    .epilogue(
      'Exit codes: 0 complete, 30 something lacks (the file says what), 2 wrong usage, 1 fault. With --every: 0 at SIGTERM.',
    );
}
