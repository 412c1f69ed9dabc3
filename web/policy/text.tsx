/** The policy as text, to be read, typed, copied and taken away. */
import { useEffect, useState } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import { policyStrings } from '../strings/policy.ts';
import { reset, textOf, undo } from './policy-draft.ts';
import { draft, fileName, isJson, type, useDraft, yamlOf } from './policy-state.ts';

const { text: words, actions } = policyStrings;

export function PolicyText() {
  const now = draft.value;
  if (now === null) return null;
  return (
    <section class="policy-live" aria-labelledby="policy-text-title">
      <h3 class="policy-live-title" id="policy-text-title">
        {words.title}
      </h3>
      <p class="quiet policy-small">{isJson(now.text) ? words.hint : words.yaml}</p>
      <textarea
        class="mono policy-text"
        data-test="policy-text"
        rows={22}
        aria-label={words.label}
        aria-invalid={now.problem !== null}
        spellcheck={false}
        autocapitalize="off"
        wrap="off"
        value={now.text}
        onInput={({ currentTarget }) => type(currentTarget.value)}
      />
      <div class="policy-text-problem" aria-live="polite">
        {now.problem !== null && (
          <p class="policy-problem">
            <strong>{words.broken}:</strong> {harmless(now.problem)}
          </p>
        )}
      </div>
    </section>
  );
}

export function PolicyActions() {
  const [copied, setCopied] = useState(false);
  const [tooLong, setTooLong] = useState(false);
  const now = draft.value;
  const policy = now?.policy;
  // What was said of one policy does not hold for the next.
  useEffect(() => {
    setCopied(false);
    setTooLong(false);
  }, [policy]);
  if (now === null || policy === undefined) return null;
  const broken = now.problem !== null;
  const yaml = async () => {
    const text = await yamlOf(policy);
    if (text === null) setTooLong(true);
    else download(fileName(policy, 'yaml'), text);
  };
  return (
    <section class="policy-actions no-print" aria-label={actions.label}>
      <button
        type="button"
        class="primary"
        title={actions.useMeans}
        disabled={broken}
        onClick={useDraft}
      >
        {actions.use}
      </button>
      <button
        type="button"
        disabled={broken}
        onClick={() => download(fileName(policy, 'json'), textOf(policy))}
      >
        {actions.json}
      </button>
      <button type="button" disabled={broken || tooLong} onClick={yaml}>
        {tooLong ? actions.yamlTooLong : actions.yaml}
      </button>
      <button
        type="button"
        onClick={() => navigator.clipboard.writeText(now.text).then(() => setCopied(true))}
      >
        {copied ? actions.copied : actions.copy}
      </button>
      <button
        type="button"
        disabled={!broken && now.past.length === 0}
        onClick={() => {
          draft.value = undo(now);
        }}
      >
        {actions.undo}
      </button>
      <button
        type="button"
        onClick={() => {
          draft.value = reset(now);
        }}
      >
        {actions.reset}
      </button>
    </section>
  );
}

/** Made here and handed to the reader: nothing leaves the page. */
function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
