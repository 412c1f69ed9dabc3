/** Which parts of the response the checker gets to see. */
import { useId, useRef } from 'preact/hooks';
import { parseResponse } from '#verifier/abi/response.ts';
import { fromUtf8 } from '#verifier/bytes.ts';
import { proofStrings } from '../strings/proofs.ts';
import { showForm } from './choices.ts';
import { Toggle } from './fields.tsx';
import { fileOf } from './kept.ts';
import { rangeOf, textOf, withRange } from './ranges.ts';
import type { ShowForm } from './requests.ts';
import { files } from './state.ts';

const words = proofStrings.prove;
const bodies = ['none', 'all', 'ranges'] as const;

function change(changes: Partial<ShowForm>): void {
  showForm.value = { ...showForm.value, ...changes };
}

export function ShowParts() {
  const form = showForm.value;
  return (
    <div class="proofs-parts">
      <label class="proofs-field">
        <span>{words.body}</span>
        <select
          value={form.body}
          onChange={({ currentTarget }) =>
            change({ body: bodies.find((one) => one === currentTarget.value) ?? 'none' })
          }
        >
          {bodies.map((one) => (
            <option key={one} value={one}>
              {words.bodies[one]}
            </option>
          ))}
        </select>
      </label>
      {form.body === 'ranges' && <Ranges ranges={form.ranges} />}
      <div class="proofs-toggles">
        <Toggle
          label={words.showNonce}
          checked={form.nonce}
          onChange={(nonce) => change({ nonce })}
        />
        <Toggle label={words.showTime} checked={form.time} onChange={(time) => change({ time })} />
        <Toggle
          label={words.showRequest}
          checked={form.request}
          onChange={(request) => change({ request })}
        />
      </div>
      <p class="quiet">{words.partsNote}</p>
    </div>
  );
}

function Ranges({ ranges }: { ranges: string }) {
  return (
    <>
      <label class="proofs-field">
        <span>{words.ranges}</span>
        <input
          type="text"
          class="mono"
          autocomplete="off"
          value={ranges}
          onInput={({ currentTarget }) => change({ ranges: currentTarget.value.trim() })}
        />
      </label>
      <Body ranges={ranges} />
    </>
  );
}

function Body({ ranges }: { ranges: string }) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const response = fileOf(files.value, 'response');
  if (response === null) return null;
  const text = textOf(parseResponse(fromUtf8(response.bytes, 'response')).body);
  if (text === null) return <p class="quiet">{words.bodyBinary}</p>;
  const add = () => {
    if (area.current === null) return;
    const { selectionStart, selectionEnd } = area.current;
    const added = rangeOf(text, selectionStart, selectionEnd);
    if (added !== null) change({ ranges: withRange(ranges, added) });
  };
  return (
    <div class="proofs-field proofs-field-wide">
      <label for={id}>{words.bodyText}</label>
      <textarea id={id} ref={area} class="mono" readOnly rows={4} value={text} />
      <button type="button" onClick={add}>
        {words.addSelection}
      </button>
    </div>
  );
}
