/** The checker's name and nonce, which every proof is for. */
import { useId } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { proofStrings as words } from '../strings/proofs.ts';
import { nonceOf } from './requests.ts';
import { audience, changed, drawNonce, nonceText, type Side } from './state.ts';

export function AskedByFields({ side }: { side: Side }) {
  const [name, nonce, note] = [useId(), useId(), useId()];
  const own = words.fields[side];
  const text = nonceText[side].value;
  const isNonce = nonceOf(text) !== null;
  return (
    <div class="proofs-fields">
      <div class="proofs-field">
        <label for={name}>{own.audience}</label>
        <input
          id={name}
          type="text"
          autocomplete="off"
          spellcheck={false}
          data-test={`audience-${side}`}
          value={audience[side].value}
          onInput={({ currentTarget }) => {
            audience[side].value = currentTarget.value;
            changed();
          }}
        />
      </div>
      <div class="proofs-field proofs-field-wide">
        <label for={nonce}>{own.nonce}</label>
        <span class="proofs-nonce">
          <input
            id={nonce}
            type="text"
            class="mono"
            autocomplete="off"
            spellcheck={false}
            data-test={`nonce-${side}`}
            aria-describedby={note}
            aria-invalid={text !== '' && !isNonce}
            value={text}
            onInput={({ currentTarget }) => {
              nonceText[side].value = currentTarget.value.trim().toLowerCase();
              changed();
            }}
          />
          {side === 'check' && (
            <button type="button" data-test="draw" onClick={drawNonce}>
              {words.fields.check.draw}
            </button>
          )}
          {side === 'check' && isNonce && (
            <CopyButton what={words.fields.check.nonceName} text={text} />
          )}
        </span>
        <p id={note} class="quiet">
          {own.nonceNote}
        </p>
      </div>
    </div>
  );
}

type ToggleProps = { label: string; checked: boolean; onChange: (checked: boolean) => void };

export function Toggle({ label, checked, onChange }: ToggleProps) {
  return (
    <label class="proofs-toggle">
      <input
        type="checkbox"
        checked={checked}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
