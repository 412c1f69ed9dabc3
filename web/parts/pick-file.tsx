/** A small input for one more file beside the evidence: read here, and nowhere else. */
import { useState } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import { problemOf } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { listStrings as words } from '../strings/lists.ts';
import './lists.css';

type PickFileProps = {
  label: string;
  /** What no such file is larger than. */
  mebibytes: number;
  multiple?: boolean;
  /** Throws an AttestationError for what it cannot read: its message is shown. */
  onFile: (file: GivenFile) => void;
};

export function PickFile({ label, mebibytes, multiple = false, onFile }: PickFileProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const read = async (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    // So that the same file can be picked again once it was changed.
    input.value = '';
    setProblem(null);
    for (const file of files) {
      if (file.size > mebibytes * 1024 * 1024) {
        setProblem(words.tooLarge(harmless(file.name), mebibytes));
        continue;
      }
      try {
        onFile({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
      } catch (error) {
        setProblem(words.unreadable(harmless(file.name), harmless(problemOf(error).message)));
      }
    }
  };
  return (
    <div class="pick-file no-print">
      <label>
        <span>{label}</span>
        <input type="file" multiple={multiple} onChange={(event) => read(event.currentTarget)} />
      </label>
      <p role="status" class="pick-file-problem">
        {problem}
      </p>
    </div>
  );
}
