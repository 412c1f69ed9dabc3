/** What `affidavit completions` takes, as yargs reads it. */
import type { Argv } from 'yargs';

export const completionKinds = ['bash', 'zsh', 'fish', 'json'] as const;
export type CompletionKind = (typeof completionKinds)[number];

export function completionsOptions(command: Argv) {
  return command
    .positional('shell', {
      choices: completionKinds,
      demandOption: true,
      describe: 'shell, or json: what the script is written from, for other tools',
    })
    .example('$0 completions bash > ~/.local/share/bash-completion/completions/affidavit', 'bash')
    .example('$0 completions zsh > ~/.zfunc/_affidavit', 'zsh, with ~/.zfunc in fpath')
    .example('$0 completions fish > ~/.config/fish/completions/affidavit.fish', 'fish');
}
