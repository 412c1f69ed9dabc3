/** Where a policy begins: the evidence, a policy that there is, or text. */
import { useState } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import { judged } from '../model/session.ts';
import { policyStrings } from '../strings/policy.ts';
import {
  draft,
  startFromEvidence,
  startFromForce,
  startFromGenuine,
  startFromText,
} from './policy-state.ts';
import { Problem } from './typed.tsx';

const { start: words } = policyStrings;

/** Longer than any honest policy. */
const maxFileLength = 8 * 1024 * 1024;

export function Start() {
  const [problem, setProblem] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const found = judged.value;
  const begun = draft.value !== null;
  const from = (action: () => void) => () => {
    setProblem(null);
    action();
  };
  const take = async (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file === undefined) return;
    const text = await file.slice(0, maxFileLength).text();
    const refused = await startFromText(text);
    setProblem(refused === null ? null : words.unreadable(harmless(file.name), harmless(refused)));
  };
  return (
    <section
      class={`policy-start${over ? ' policy-over' : ''}`}
      aria-labelledby="policy-start-title"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <h3 id="policy-start-title">{begun ? words.again : words.title}</h3>
      <div class="policy-starts">
        <Choice
          title={words.evidence}
          means={found === null ? words.needsEvidence : words.evidenceMeans}
          disabled={found === null}
          test="start-evidence"
          brief={begun}
          pick={from(startFromEvidence)}
        />
        <Choice
          title={words.genuine}
          means={words.genuineMeans}
          test="start-genuine"
          brief={begun}
          pick={from(startFromGenuine)}
        />
        {found !== null && found.given.policy !== null && (
          <Choice
            title={words.force}
            means={words.forceMeans(harmless(found.policy.name))}
            test="start-force"
            brief={begun}
            pick={from(startFromForce)}
          />
        )}
        <label class="button policy-choice">
          <strong>{words.file}</strong>
          {!begun && <span class="quiet">{words.fileMeans}</span>}
          <input
            class="visually-hidden"
            type="file"
            accept=".json,.yaml,.yml"
            onChange={({ currentTarget }) => {
              take(currentTarget.files);
              currentTarget.value = '';
            }}
          />
        </label>
      </div>
      <Paste setProblem={setProblem} />
      <Problem text={problem} />
    </section>
  );
}

type ChoiceProps = {
  title: string;
  means: string;
  brief: boolean;
  test: string;
  disabled?: boolean;
  pick: () => void;
};

function Choice({ title, means, brief, test, disabled = false, pick }: ChoiceProps) {
  return (
    <button type="button" class="policy-choice" disabled={disabled} data-test={test} onClick={pick}>
      <strong>{title}</strong>
      {!brief && <span class="quiet">{means}</span>}
    </button>
  );
}

function Paste({ setProblem }: { setProblem: (problem: string | null) => void }) {
  const [text, setText] = useState('');
  const read = async () => {
    const refused = await startFromText(text);
    setProblem(refused === null ? null : harmless(refused));
    if (refused === null) setText('');
  };
  // With a policy on the page its own text is the place to paste one.
  if (draft.value !== null) return null;
  return (
    <div class="policy-paste">
      <label>
        <span>{words.paste}</span>
        <textarea
          class="mono"
          rows={3}
          placeholder={words.pasteHint}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="button" disabled={text.trim() === ''} onClick={read}>
        {words.pasteUse}
      </button>
    </div>
  );
}
