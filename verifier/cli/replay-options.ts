/** What `affidavit replay` takes, as yargs reads it. */
import type { Argv } from 'yargs';

const file = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export function replayOptions(command: Argv) {
  return command
    .positional('log', {
      type: 'string',
      demandOption: true,
      describe: 'event log (binary_bios_measurements, CCEL, dstack’s JSON)',
    })
    .options({
      quote: {
        ...file('file with a TDX quote, whose RTMRs the log should replay to'),
        conflicts: 'registers',
      },
      registers: file(
        'file with the values of registers: tpm2_pcrread’s, or JSON (docs/event-logs.md)',
      ),
      reference: file('file with the log of another boot, to name the first event that differs'),
      at: { type: 'string', requiresArg: true, describe: 'time to verify the quote for, RFC 3339' },
      'insecure-root': file('file with a root to trust in place of the vendor’s (tests only)'),
      format: {
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        requiresArg: true,
        describe: 'output format',
      },
    })
    .example('$0 replay ccel.bin --quote quote.bin', 'whether the log tells what the quote signed')
    .example(
      '$0 replay binary_bios_measurements --registers pcrs.yaml',
      'the same of a TPM, by what tpm2_pcrread printed',
    )
    .epilogue(
      'Exit codes: 0 all registers given fit, 20 one does not or the quote is not genuine, 30 nothing to compare with, 2 wrong usage, 1 fault.',
    );
}
