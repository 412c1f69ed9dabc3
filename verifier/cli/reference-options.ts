/** What `affidavit reference` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file, needed } from './option-parts.ts';

export const referenceCommandNames = ['make', 'sign', 'verify'] as const;
export type ReferenceCommand = (typeof referenceCommandNames)[number];

/** Options that may be given more than once. */
export const referenceRepeats = ['measured', 'builder', 'evidence'] as const;

const out = {
  out: file('where to write the file'),
  force: { type: 'boolean', describe: 'overwrite the file of --out' },
} as const;

const formatOption = {
  choices: ['text', 'json'] as const,
  default: 'text',
  requiresArg: true,
  describe: 'output format',
} as const;

const register = (name: string) => file(`${name} (48 bytes, hex)`);

/** @param run is called with the name of the subcommand and what was given */
export function referenceOptions(
  reference: Argv,
  run: (name: ReferenceCommand, found: Record<string, unknown>) => Promise<void>,
): Argv {
  return reference
    .command(
      'make',
      'write the values of one release, for its builders to sign',
      referenceMakeOptions,
      (found) => run('make', found),
    )
    .command('sign <file>', 'add a builder’s signature', referenceSignOptions, (found) =>
      run('sign', found),
    )
    .command(
      'verify <file..>',
      'say who signed which values, and whether enough builders agree',
      referenceVerifyOptions,
      (found) => run('verify', found),
    )
    .demandCommand(1, 'affidavit reference needs a command');
}

export function referenceMakeOptions(command: Argv) {
  return command
    .options({
      name: needed('what is released'),
      release: needed('which release'),
      platform: {
        choices: ['sev-snp', 'tdx'] as const,
        requiresArg: true,
        describe: 'kind of machine (default: that of --evidence, or of the values given)',
      },
      from: needed('time from which the values hold (RFC 3339 with zone)'),
      until: needed('time from which they no longer hold'),
      measured: file('JSON that affidavit measure wrote; may be given more than once'),
      evidence: file(
        'bundle, report or quote of a machine that runs it; may be given more than once',
      ),
      measurement: register('SEV-SNP: MEASUREMENT'),
      'mr-td': register('TDX: MRTD'),
      rtmr0: register('TDX: RTMR0'),
      rtmr1: register('TDX: RTMR1'),
      rtmr2: register('TDX: RTMR2'),
      rtmr3: file('TDX: RTMR3 (48 bytes, hex), or none: it is not stated'),
      closure: file('closure digest (32 bytes, hex)'),
      ...out,
      ...collateralOptions,
      at: file('verify the evidence for this time (RFC 3339 with zone; default: now)'),
    })
    .example(
      '$0 reference make --name guest --release 1.2.0 --from 2026-01-01T00:00:00Z --until 2027-01-01T00:00:00Z --measured launch.json --measured closure.json --out guest.json',
      'from what the build measures',
    )
    .epilogue(
      'Values given twice must be the same. Exit codes: 0 made, 10 sources differ, 20 evidence invalid, 30 evidence undecided, 2 wrong usage, 1 fault.',
    );
}

export function referenceSignOptions(command: Argv) {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'reference file' })
    .options({
      key: needed('private key, PKCS#8 PEM, P-256'),
      builder: needed('what you call yourself'),
      source: needed('what you built from: a revision, a flake reference'),
      ...out,
      out: file('where to write the signed file (default: the file itself)'),
    })
    .epilogue(
      'Exit codes: 0 signed, 20 the file or a signature in it is false, 2 wrong usage (the key has signed already, too), 1 fault.',
    );
}

export function referenceVerifyOptions(command: Argv) {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'reference file' })
    .options({
      builder: file('NAME=FINGERPRINT or NAME=FILE of a public key (PEM); once for each builder'),
      threshold: file('how many of the builders must have signed equal values'),
      policy: file('take builders and threshold from this policy’s member references'),
      at: file('verify for this time (RFC 3339 with zone; default: now)'),
      format: formatOption,
    })
    .example(
      '$0 reference verify guest-a.json guest-b.json --builder a=a.pem --builder b=b.pem --threshold 2',
      'whether both built the same',
    )
    .epilogue(
      'Exit codes: 0 enough builders agree on all that the files say, now; 10 not; 20 a file or signature is false; 2 wrong usage, 1 fault.',
    );
}
