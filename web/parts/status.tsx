/** A check's status as a mark and a word: never by colour alone. */
import type { CheckStatus } from '#verifier/checklist.ts';
import { statusStrings } from '../strings/shell.ts';

export function StatusMark({ status }: { status: CheckStatus }) {
  const { mark, word } = statusStrings[status];
  return (
    <span class={`status status-${status}`}>
      <span aria-hidden="true" class="status-mark">
        {mark}
      </span>
      <span class="status-word">{word}</span>
    </span>
  );
}
