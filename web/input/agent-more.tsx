/** What else the evidence's own agent can be asked for, when the reader wants it. */
import { useState } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import type { Source } from '../model/session.ts';
import { agentStrings as words } from '../strings/agent.ts';
import { inputStrings } from '../strings/input.ts';
import { addClosure, addTreeProof, agent, verifyAgent } from './actions.ts';
import { AgentTrouble } from './agent-form.tsx';

export function AgentMore({ source }: { source: Source }) {
  const [name, setName] = useState('');
  if (source.kind !== 'agent') return null;
  const url = new URL(source.url);
  const now = agent.value;
  const asking = now.state === 'asking';
  return (
    <section class="input-agent" aria-label={words.moreTitle}>
      <p class="quiet">
        {inputStrings.fromAgent(harmless(url.href))}{' '}
        {url.protocol === 'https:' && words.channelHint}
      </p>
      <div class="input-buttons no-print">
        <button type="button" disabled={asking} onClick={() => verifyAgent(source.url)}>
          {asking ? words.asking : words.again}
        </button>
        <button type="button" disabled={asking} onClick={() => addClosure(url)}>
          {words.fetchClosure}
        </button>
        <form
          class="input-line"
          onSubmit={async (event) => {
            event.preventDefault();
            await addTreeProof(url, name.trim());
          }}
        >
          <label for="proof-name">{words.proofLabel}</label>
          <input
            id="proof-name"
            type="text"
            spellcheck={false}
            autocomplete="off"
            autocapitalize="none"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
          <button type="submit" disabled={asking}>
            {words.fetchProof}
          </button>
        </form>
      </div>
      <div role="alert">{now.state === 'failed' && <AgentTrouble problem={now.problem} />}</div>
    </section>
  );
}
