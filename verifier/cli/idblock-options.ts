/** What `affidavit idblock` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { file, needed } from './option-parts.ts';

const outputOptions = {
  out: file('file to write; without it, base64 to standard output'),
  form: {
    choices: ['base64', 'raw'] as const,
    default: 'base64' as const,
    requiresArg: true,
    describe: 'base64, as QEMU takes it, or raw bytes (with --out)',
  },
  force: { type: 'boolean', describe: 'write over a file that is there' },
} as const;

const format = {
  choices: ['text', 'json'] as const,
  default: 'text' as const,
  requiresArg: true,
  describe: 'output format',
} as const;

export function idblockMakeOptions(command: Argv) {
  return command
    .options({
      'launch-digest': needed('digest that the launch must have, 96 hex digits: of measure snp'),
      policy: {
        type: 'string',
        default: '0x30000',
        requiresArg: true,
        describe: 'guest policy that the launch must have; 0x30000 allows SMT and no debugging',
      },
      'family-id': file('16 bytes of yours that reports show, 32 hex digits; zero without it'),
      'image-id': file('16 bytes of yours that reports show, 32 hex digits; zero without it'),
      'guest-svn': {
        type: 'number',
        default: 0,
        requiresArg: true,
        describe: 'security version of the guest that reports show',
      },
      ...outputOptions,
    })
    .example(
      '$0 idblock make --launch-digest $(affidavit measure snp …) --guest-svn 3 --out id-block.b64',
      'a block for one build',
    )
    .epilogue('Exit codes: 0 made, 2 wrong usage, 1 fault.');
}

export function idblockSignOptions(command: Argv) {
  return command
    .positional('block', { type: 'string', demandOption: true, describe: 'ID block' })
    .options({
      'id-key': needed('secret key on P-384, PEM'),
      'author-key': file('secret key on P-384, PEM: vouches for the ID key'),
      ...outputOptions,
    })
    .example(
      '$0 idblock sign id-block.b64 --id-key id.pem --author-key author.pem --out id-auth.b64',
      'what QEMU takes as id-auth',
    )
    .epilogue(
      'The key digests, as reports show them, go to standard error. ' +
        'Exit codes: 0 signed, 20 the block is malformed, 2 wrong usage, 1 fault.',
    );
}

export function idblockVerifyOptions(command: Argv) {
  return command
    .positional('block', { type: 'string', demandOption: true, describe: 'ID block' })
    .positional('auth', { type: 'string', demandOption: true, describe: 'ID authentication' })
    .options({
      'launch-digest': file('digest that the block must name, 96 hex digits'),
      'id-key-digest': file('digest that the ID key must have, 96 hex digits'),
      'author-key-digest': file('digest that the author key must have, 96 hex digits'),
      format,
    })
    .example(
      '$0 idblock verify id-block.b64 id-auth.b64 --id-key-digest …',
      'whether the processor would take them, and whose they are',
    )
    .epilogue(
      'Exit codes: 0 as it should be, 10 a signature or an expectation does not hold, 20 malformed, 2 wrong usage, 1 fault.',
    );
}

export function idblockShowOptions(command: Argv) {
  return command
    .positional('file', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'ID block, ID authentication, or both',
    })
    .options({ format })
    .example('$0 idblock show id-block.b64 id-auth.b64', 'the fields; signatures are not checked')
    .epilogue('Exit codes: 0 shown, 20 malformed, 2 wrong usage, 1 fault.');
}
