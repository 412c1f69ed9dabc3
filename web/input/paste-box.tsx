/** A place for text, for whoever has evidence as hex, base64, PEM or JSON. */
import { useState } from 'preact/hooks';
import { inputStrings as words } from '../strings/input.ts';
import { takeText } from './actions.ts';

export function PasteBox() {
  const [text, setText] = useState('');
  const [empty, setEmpty] = useState(false);
  return (
    <form
      class="input-way"
      onSubmit={async (event) => {
        event.preventDefault();
        setEmpty(!(await takeText(text)));
      }}
    >
      <h3>{words.pasteTitle}</h3>
      <label for="paste-text">{words.pasteLabel}</label>
      <textarea
        id="paste-text"
        class="mono"
        rows={3}
        spellcheck={false}
        autocomplete="off"
        value={text}
        aria-describedby="paste-problem"
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit">{words.pasteButton}</button>
      <p id="paste-problem" role="status" class="input-problem">
        {empty ? `${words.nothingPasted}. ${words.nothingPastedRemedy}` : ''}
      </p>
    </form>
  );
}
