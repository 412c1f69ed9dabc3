/** Demands made here: of the sets that were dropped, and a few choices. */
import { Panel } from '../parts/panel.tsx';
import { proofStrings } from '../strings/proofs.ts';
import { demandForm, demands, type MadeForm, madeForm } from './choices.ts';
import { missingIn } from './demand-choice.ts';
import { Toggle } from './fields.tsx';
import { saveText } from './save.ts';
import { changed } from './state.ts';

const words = proofStrings.sets;

function change(changes: Partial<MadeForm>): void {
  madeForm.value = { ...madeForm.value, ...changes };
  changed();
}

export function MadeDemands() {
  const form = madeForm.value;
  const missing = missingIn(demandForm.value);
  const made = demands.value;
  return (
    <Panel id="made-demands" title={words.makeTitle} note={words.makeNote}>
      <div class="proofs-toggles">
        <Toggle label={words.pckCa} checked={form.pckCa} onChange={(pckCa) => change({ pckCa })} />
        <Toggle label={words.amd} checked={form.amd} onChange={(amd) => change({ amd })} />
        {form.amd && (
          <Toggle label={words.vlek} checked={form.vlek} onChange={(vlek) => change({ vlek })} />
        )}
        <Toggle label={words.shown} checked={form.shown} onChange={(shown) => change({ shown })} />
      </div>
      <div class="proofs-fields">
        <Count label={words.days} value={form.days} onChange={(days) => change({ days })} />
        <Count label={words.hours} value={form.hours} onChange={(hours) => change({ hours })} />
        <Line
          label={words.services}
          value={form.services}
          onChange={(services) => change({ services })}
        />
        <Line
          label={words.attestationNonce}
          value={form.attestationNonce}
          onChange={(attestationNonce) => change({ attestationNonce })}
        />
      </div>
      {missing.length > 0 && (
        <div class="proofs-needs">
          <p>{words.missingLabel}</p>
          <ul>
            {missing.map((one) => (
              <li key={one}>{words.missing[one]}</li>
            ))}
          </ul>
        </div>
      )}
      {made !== null && (
        <button
          type="button"
          onClick={() => saveText(words.saveName, JSON.stringify(made, null, 2))}
        >
          {words.save}
        </button>
      )}
    </Panel>
  );
}

type LineProps = { label: string; value: string; onChange: (value: string) => void };

function Line({ label, value, onChange }: LineProps) {
  return (
    <label class="proofs-field">
      <span>{label}</span>
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value.trim())}
      />
    </label>
  );
}

type CountProps = { label: string; value: number; onChange: (value: number) => void };

const most = 10_000;

function Count({ label, value, onChange }: CountProps) {
  return (
    <label class="proofs-field">
      <span>{label}</span>
      <input
        type="number"
        min={1}
        max={most}
        value={value}
        onInput={({ currentTarget: { valueAsNumber } }) => {
          if (Number.isInteger(valueAsNumber) && valueAsNumber >= 1 && valueAsNumber <= most) {
            onChange(valueAsNumber);
          }
        }}
      />
    </label>
  );
}
