/** What `affidavit measure` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

export function measureClosureOptions(command: Argv) {
  return command
    .positional('target', {
      type: 'string',
      demandOption: true,
      describe:
        'store path (or a symlink to one) | flake output | registration or path-info file | -',
    })
    .options({
      manifest: { type: 'boolean', describe: 'print the manifest; the digest goes to stderr' },
      scan: { type: 'boolean', describe: 'find and hash the paths without asking nix' },
      verify: {
        type: 'boolean',
        describe: 'hash every NAR again; the store must hold what is listed and nothing else',
      },
      'allow-extra': {
        type: 'boolean',
        describe: 'with --verify: the store may hold other paths, as on a machine that builds',
      },
      root: {
        type: 'string',
        requiresArg: true,
        describe: 'folder that an image is mounted at: its store, not this machine’s',
      },
      format: {
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        requiresArg: true,
        describe: 'output format',
      },
    })
    .example('$0 measure closure /run/current-system', 'the digest of this system')
    .example(
      '$0 measure closure .#nixosConfigurations.guest.config.system.build.toplevel',
      'build a flake’s system, print its digest',
    )
    .epilogue(
      'Exit codes: 0 measured, 20 malformed list or store that differs, 30 nix is missing or failed, 2 wrong usage, 1 fault.',
    );
}
