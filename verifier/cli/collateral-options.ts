/** What `affidavit collateral` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file, sourceOptions } from './option-parts.ts';

export const collateralCommandNames = [
  'fetch',
  'show',
  'export',
  'import',
  'serve',
  'prune',
] as const;
export type CollateralCommand = (typeof collateralCommandNames)[number];

/** Where collateral is, and where it is had from. */
export type SourceOptions = {
  cache?: string | undefined;
  kds?: string | undefined;
  pcs?: string | undefined;
  caFile?: string | undefined;
  early?: boolean | undefined;
  product?: 'Milan' | 'Genoa' | 'Turin' | undefined;
  offline?: boolean | undefined;
  insecureRoot?: string | undefined;
};

/** Of all commands together; each declares its own to yargs. */
export type CollateralFound = SourceOptions & {
  evidence?: string | readonly string[] | undefined;
  file?: string | undefined;
  chipId?: string | undefined;
  tcb?: string | undefined;
  fmspc?: string | undefined;
  tee?: 'tdx' | 'sgx' | undefined;
  /** Names of objects. */
  refresh?: readonly string[] | undefined;
  within?: string | undefined;
  force?: boolean | undefined;
  listen?: string | undefined;
  all?: boolean | undefined;
  olderThan?: string | undefined;
  format?: 'text' | 'json' | undefined;
};

const { cache, kds, pcs, 'ca-file': caFile, early, product } = sourceOptions;
const offline = { type: 'boolean', describe: 'use the cache alone, never the network' } as const;
const format = {
  choices: ['text', 'json'] as const,
  default: 'text' as const,
  requiresArg: true,
  describe: 'output format',
} as const;
const insecureRoot = { 'insecure-root': collateralOptions['insecure-root'] } as const;
const gathering = {
  cache,
  kds,
  pcs,
  'ca-file': caFile,
  early,
  product,
  offline,
  ...insecureRoot,
  format,
} as const;

/** @param run is called with the name of the subcommand and what was given */
export function collateralCommands(
  collateral: Argv,
  run: (name: CollateralCommand, found: CollateralFound) => Promise<void>,
): Argv {
  return collateral
    .command(
      'fetch [evidence..]',
      'have what evidence or a machine needs in the cache',
      (command) =>
        command
          .positional('evidence', { type: 'string', describe: 'bundles, reports or quotes' })
          .options({
            'chip-id': file('SEV-SNP: CHIP_ID of the machine, with --product and --tcb (hex)'),
            tcb: file('SEV-SNP: its reported TCB (8 bytes, hex)'),
            fmspc: file('TDX, SGX: FMSPC of the machine, with --tee (6 bytes, hex)'),
            tee: {
              choices: ['tdx', 'sgx'] as const,
              requiresArg: true,
              describe: 'what the machine of --fmspc runs',
            },
            refresh: {
              type: 'string',
              array: true,
              hidden: true,
              describe: 'names of objects to ask for anew',
            },
            ...gathering,
          })
          .example('$0 collateral fetch report.bin', 'what this report will be verified with')
          .example('$0 collateral fetch --fmspc 90c06f000000 --tee tdx', 'ahead of any quote')
          .epilogue('Exit codes: 0 all is there, 30 something is not, 2 wrong usage, 1 fault.'),
      (found) => run('fetch', found),
    )
    .command(
      'show',
      'list what is in the cache, what ends first first',
      (command) =>
        command
          .options({
            within: file('how long from now nothing may end (7d, 12h); if something does, exit 10'),
            cache,
            format,
          })
          .epilogue('Exit codes: 0, or 10 with --within; 2 wrong usage, 1 fault.'),
      (found) => run('show', found),
    )
    .command(
      'export <file> <evidence..>',
      'write what a machine without network needs to verify this evidence',
      (command) =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'file to write' })
          .positional('evidence', {
            type: 'string',
            demandOption: true,
            describe: 'one bundle, which is written complete; else reports, quotes or bundles',
          })
          .options({
            force: { type: 'boolean', describe: 'write over the file' },
            ...gathering,
          })
          .epilogue(
            'Exit codes: 0 written, 30 incomplete and not written, 2 wrong usage, 1 fault.',
          ),
      (found) => run('export', found),
    )
    .command(
      'import <file>',
      'take what export wrote into the cache, each object verified',
      (command) =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'collateral file' })
          .options({ cache, ...insecureRoot, format })
          .epilogue('Exit codes: 0 all taken, 20 something refused, 2 wrong usage, 1 fault.'),
      (found) => run('import', found),
    )
    .command(
      'serve',
      'be a mirror of AMD’s and Intel’s services, which nobody needs to trust',
      (command) =>
        command
          .options({
            listen: {
              ...file('address and port to listen on'),
              default: '127.0.0.1:8082',
            },
            cache,
            kds,
            pcs,
            'ca-file': caFile,
            offline,
            ...insecureRoot,
          })
          .epilogue('Ends on SIGTERM or SIGINT. Exit codes: 0 ended, 2 wrong usage, 1 fault.'),
      (found) => run('serve', found),
    )
    .command(
      'prune',
      'remove from the cache what is out of date',
      (command) =>
        command.options({
          all: { type: 'boolean', describe: 'remove everything' },
          'older-than': file('how long ago what is to go too was fetched (30d, 12h)'),
          cache,
          format,
        }),
      (found) => run('prune', found),
    )
    .demandCommand(1, 'affidavit collateral needs a command');
}
