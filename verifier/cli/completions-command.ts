/** `affidavit completions`: what a shell needs to complete the command line, written from its own description. */
import { commandTree, type YargsLike } from './command-tree.ts';
import { bashCompletions, fishCompletions, zshCompletions } from './completions.ts';
import type { CompletionKind } from './completions-options.ts';

/** @param declare as of `commandTree` */
export async function runCompletions(
  shell: CompletionKind,
  declare: (yargs: YargsLike) => Promise<unknown>,
): Promise<string> {
  const tree = await commandTree(declare);
  if (shell === 'json') return `${JSON.stringify(tree, null, 2)}\n`;
  return { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions }[shell](tree);
}
