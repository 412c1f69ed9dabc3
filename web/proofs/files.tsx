/** Where files are dropped, and what each of them is. */
import { useState } from 'preact/hooks';
import { pointLength } from '#prover/ceremony.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { proofStrings as words } from '../strings/proofs.ts';
import type { Kept } from './kept.ts';
import {
  addFiles,
  bundleThere,
  files,
  forgetAll,
  points,
  refusedFiles,
  removeFile,
  removePoints,
  side,
} from './state.ts';

export function Files() {
  const isEmpty = files.value.length === 0 && points.value === null;
  return (
    <Panel id="proof-files" title={words.files.title} note={words.files.about[side.value]}>
      <DropArea />
      <div aria-live="polite">
        {refusedFiles.value.map((refusal) => (
          <p key={refusal} class="proofs-fault">
            {refusal}
          </p>
        ))}
        {isEmpty && bundleThere.value === null && <p class="quiet">{words.files.none}</p>}
        {bundleThere.value !== null && !files.value.some(({ role }) => role === 'bundle') && (
          <p class="quiet">{words.files.fromEvidence}</p>
        )}
        {!isEmpty && (
          <ul class="proofs-files" aria-label={words.files.listLabel}>
            {files.value.map((file) => (
              <FileItem key={file.id} file={file} />
            ))}
            <PointsItem />
          </ul>
        )}
      </div>
      {!isEmpty && (
        <button type="button" onClick={forgetAll}>
          {words.files.forget}
        </button>
      )}
    </Panel>
  );
}

function DropArea() {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    addFiles(event.dataTransfer?.files ?? []);
  };
  return (
    <label
      class={over ? 'proofs-drop proofs-drop-over' : 'proofs-drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <span>{words.files.drop}</span>
      <input
        type="file"
        multiple
        data-test="proof-files"
        onChange={async ({ currentTarget }) => {
          const chosen = [...(currentTarget.files ?? [])];
          // So that the same file can be chosen again once it was changed.
          currentTarget.value = '';
          await addFiles(chosen);
        }}
      />
    </label>
  );
}

function FileItem({ file }: { file: Kept }) {
  const name = harmless(file.name);
  return (
    <Item
      role={words.roles[file.role]}
      name={name}
      about={aboutOf(file)}
      fault={faultOf(file)}
      onRemove={() => removeFile(file.id)}
    />
  );
}

function PointsItem() {
  if (points.value === null) return null;
  const { name, blob } = points.value;
  return (
    <Item
      role={words.files.points}
      name={harmless(name)}
      about={words.files.pointsHeld(Math.floor(blob.size / pointLength))}
      fault={null}
      onRemove={removePoints}
    />
  );
}

type ItemProps = {
  role: string;
  name: string;
  about: string;
  fault: string | null;
  onRemove: () => void;
};

function Item({ role, name, about, fault, onRemove }: ItemProps) {
  return (
    <li class="proofs-file">
      <span class="proofs-role">{role}</span>
      <span class="proofs-about">
        <code>{name}</code> {fault === null ? about : <span class="proofs-fault">{fault}</span>}
      </span>
      <button
        type="button"
        class="proofs-remove"
        aria-label={words.files.remove(name)}
        onClick={onRemove}
      >
        {words.files.removeShort}
      </button>
    </li>
  );
}

function aboutOf({ role, about, set }: Kept): string {
  if (role !== 'set') return harmless(about);
  if (set === null) return words.files.reading;
  const { of, entries, made, source } = set;
  return harmless(words.about.set(of, entries, formatTime(made), source));
}

function faultOf({ role, fault }: Kept): string | null {
  if (fault !== null) return harmless(words.files.unusable(fault));
  return role === 'other' ? words.files.unknown : null;
}
