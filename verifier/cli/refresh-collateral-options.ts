/** What `affidavit agent refresh-collateral` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
const needed = (describe: string) => ({ ...text(describe), demandOption: true }) as const;

export function refreshCollateralOptions(command: Argv) {
  return command
    .options({
      from: needed('the agent’s address on its own machine, or a file of its evidence'),
      folder: needed('folder to write collateral.json to: collateral.folder of the agent'),
      every: text(
        'keep running, and look again at the latest after this long (6h, 1d; from 1h on)',
      ),
      cache: text(
        'folder of the collateral cache (default: affidavit/collateral in your cache folder)',
      ),
      kds: text('URL of a mirror of AMD’s key service (default: AMD’s own)'),
      pcs: text('URL of a PCCS, or of a mirror of Intel’s service (default: Intel’s own)'),
      'ca-file': text('file of CA certificates to trust for HTTPS beside the system’s (PEM)'),
      early: { type: 'boolean', describe: 'Intel’s early release of TCB info and QE identity' },
      product: {
        choices: ['Milan', 'Genoa', 'Turin'] as const,
        requiresArg: true,
        describe: 'SEV-SNP: the processor, where a report of version 2 does not say',
      },
      'insecure-root': text('trust this root certificate in place of the vendor’s: tests only'),
    })
    .example(
      '$0 agent refresh-collateral --from http://127.0.0.1:8080 --folder /var/lib/affidavit-collateral',
      'what this machine’s evidence lacks',
    )
    .epilogue(
      'Exit codes: 0 complete, 30 something lacks (the file says what), 2 wrong usage, 1 fault. With --every: 0 at SIGTERM.',
    );
}
