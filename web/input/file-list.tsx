/** What is given, file by file: its name, what it is, and whether the verdict uses it. */
import { useMemo } from 'preact/hooks';
import { AttestationError } from '#verifier/errors.ts';
import { harmless } from '#verifier/words/lines.ts';
import { fileKindOf } from '../model/file-kinds.ts';
import { roleOf } from '../model/file-roles.ts';
import type { Given } from '../model/session.ts';
import { type GivenFile, type SortedFile, sortFiles } from '../model/sort-files.ts';
import { inputStrings as words } from '../strings/input.ts';
import { removeFile } from './actions.ts';

type Row = { file: GivenFile; role: string; used: boolean; note: string | null };

export function FileList({ given }: { given: Given }) {
  // Sorted here too: the list is whole before the verdict comes, and nothing moves when it does.
  const rows = useMemo(() => rowsOf(given), [given]);
  return (
    <ul class="input-files" aria-label={words.filesLabel} data-test="given-files">
      {rows.map(({ file, role, used, note }) => (
        <li key={`${file.name} ${file.bytes.length}`} class={used ? '' : 'input-unused'}>
          <span class="input-file">
            <span class="input-name mono">{harmless(file.name)}</span>
            <span class="input-role">
              {words.inLine(harmless(role), file.bytes.length)}
              {!used && <span class="input-mark">{words.notUsed}</span>}
            </span>
            {note !== null && <span class="quiet input-note">{note}</span>}
          </span>
          <button
            type="button"
            class="input-remove no-print"
            aria-label={words.remove(harmless(file.name))}
            onClick={() => removeFile(file)}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function rowsOf({ files, source, nonce = null, trustKeys = false }: Given): Row[] {
  let sorted: readonly SortedFile[] | null = null;
  try {
    sorted = sortFiles(files, source, { nonce, trustKeys }).files;
  } catch (error) {
    // The refusal is shown where the verdict would be.
    if (!(error instanceof AttestationError)) throw error;
  }
  return files.map((file, i) => {
    const found = sorted?.[i];
    if (found === undefined)
      return { file, role: roleOf(fileKindOf(file.bytes)), used: true, note: null };
    const { role, used, note } = found;
    return { file, role, used, note };
  });
}
