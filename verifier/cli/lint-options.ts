/** What `affidavit lint` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

export function lintGuestOptions(command: Argv) {
  return command
    .positional('target', {
      type: 'string',
      default: '/run/current-system',
      describe: 'description of a guest (JSON) | - | folder of a NixOS system or of a guest’s root',
    })
    .options({
      'fail-on': {
        choices: ['error', 'warning', 'note'] as const,
        default: 'warning' as const,
        requiresArg: true,
        describe: 'severity from which a finding fails the lint',
      },
      format: {
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        requiresArg: true,
        describe: 'output format',
      },
    })
    .example(
      'nix eval --json .#nixosConfigurations.guest-snp.config.affidavit.description | $0 lint guest -',
      'what lies outside of the measurement of a guest',
    )
    .epilogue(
      'Exit codes: 0 nothing found at or above --fail-on, 10 findings, 2 wrong usage or unreadable, 1 fault.',
    );
}
