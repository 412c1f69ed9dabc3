/** What the evidence is judged for and by: the time, the nonce that was sent, the policy. */
import { useEffect, useState } from 'preact/hooks';
import { toHex } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { given, judged } from '../model/session.ts';
import { inputStrings as words } from '../strings/input.ts';
import { dropPolicy, setNonce, setTime } from './actions.ts';

/** Its hints are read out, and seen before anything is given. */
export function Settings() {
  const now = given.value;
  const isGiven = now !== null && now.files.length > 0;
  const at = now?.at ?? null;
  const nonce = now?.nonce ?? null;
  return (
    <div class={isGiven ? 'input-settings input-compact' : 'input-settings'}>
      <Field
        id="at"
        label={words.atLabel}
        hint={words.atHint}
        placeholder={words.atNow}
        held={at === null ? '' : formatTime(at)}
        take={setTime}
      />
      {now?.source.kind !== 'agent' && (
        <Field
          id="nonce"
          label={words.nonceLabel}
          hint={words.nonceHint}
          placeholder=""
          held={nonce === null ? '' : toHex(nonce)}
          take={setNonce}
        />
      )}
      <PolicyLine isGiven={isGiven} />
    </div>
  );
}

function PolicyLine({ isGiven }: { isGiven: boolean }) {
  const file = given.value?.policy ?? null;
  const name = judged.value?.policy.name;
  return (
    <div class="input-field">
      <span class="input-label">{words.policyLabel}</span>
      <span class="input-line">
        <span class="input-policy">
          {file === null ? words.policyNone : harmless(name ?? file.name)}
        </span>
        {file !== null && (
          <button type="button" class="no-print" onClick={dropPolicy}>
            {words.policyRemove}
          </button>
        )}
      </span>
      {file !== null && !isGiven && <span class="quiet input-hint">{words.waits}</span>}
    </div>
  );
}

type FieldProps = {
  id: string;
  label: string;
  hint: string;
  placeholder: string;
  /** As it counts now. */
  held: string;
  /** What is wrong with a text; null when it was taken. */
  take: (text: string) => string | null;
};

/** Taken when the reader leaves the field or presses Enter. What is refused stays to be mended, and what counted still counts. */
function Field({ id, label, hint, placeholder, held, take }: FieldProps) {
  const [draft, setDraft] = useState(held);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    setDraft(held);
    setProblem(null);
  }, [held]);
  const commit = (text: string) => {
    if (text === held) setProblem(null);
    else setProblem(take(text));
  };
  return (
    <div class="input-field">
      <label for={`given-${id}`} class="input-label">
        {label}
      </label>
      <input
        id={`given-${id}`}
        type="text"
        spellcheck={false}
        autocomplete="off"
        data-test={id}
        placeholder={placeholder}
        value={draft}
        aria-invalid={problem !== null}
        aria-describedby={`given-${id}-hint`}
        onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        // Not `onChange`: preact/compat makes every key stroke of it.
        onBlur={({ currentTarget }) => commit(currentTarget.value)}
        onKeyDown={({ key, currentTarget }) => {
          if (key === 'Enter') commit(currentTarget.value);
        }}
      />
      <span
        id={`given-${id}-hint`}
        role="status"
        class={problem === null ? 'quiet input-hint' : 'input-hint input-problem'}
      >
        {problem ?? hint}
      </span>
    </div>
  );
}
