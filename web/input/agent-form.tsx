/** An agent's address, and what to do where the browser keeps the answer from the page. */
import { useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { agentStrings as words } from '../strings/agent.ts';
import { agent, verifyAgent } from './actions.ts';
import type { AgentProblem } from './agent-url.ts';

export function AgentForm() {
  const [url, setUrl] = useState('');
  const now = agent.value;
  return (
    <form
      class="input-way"
      onSubmit={async (event) => {
        event.preventDefault();
        await verifyAgent(url);
      }}
    >
      <h3>{words.title}</h3>
      <label for="agent-url">{words.label}</label>
      <div class="input-line">
        <input
          id="agent-url"
          type="text"
          inputMode="url"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="none"
          data-test="agent-url"
          placeholder={words.placeholder}
          value={url}
          aria-describedby="agent-hint"
          onInput={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <button type="submit" disabled={now.state === 'asking'}>
          {now.state === 'asking' ? words.asking : words.button}
        </button>
      </div>
      <p id="agent-hint" class="quiet input-hint">
        {words.hint}
      </p>
      <div role="alert">{now.state === 'failed' && <AgentTrouble problem={now.problem} />}</div>
    </form>
  );
}

export function AgentTrouble({ problem }: { problem: AgentProblem }) {
  const { message, remedy, reasons, commands } = problem;
  return (
    <div class="input-trouble" data-test="agent-problem">
      <p class="input-problem">{message}.</p>
      {remedy !== null && <p>{remedy}</p>}
      {reasons.length > 0 && (
        <ol aria-label={words.reasonsTitle}>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ol>
      )}
      {commands.length > 0 && (
        <>
          <h4>{words.commandsTitle}</h4>
          {commands.map(({ what, text }) => (
            <div key={text} class="input-command">
              <span>
                {what} <CopyButton what={text} text={text} />
              </span>
              <code>{text}</code>
            </div>
          ))}
          {commands.length > 1 && <p class="quiet">{words.nonceHint}</p>}
        </>
      )}
    </div>
  );
}
