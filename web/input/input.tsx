/** The evidence area: a place to drop files, which folds into a list of what is given. */
import { useEffect, useState } from 'preact/hooks';
import { given } from '../model/session.ts';
import { Panel } from '../parts/panel.tsx';
import { inputStrings as words } from '../strings/input.ts';
import { followLink, notices, startOver, takeFiles, takeText } from './actions.ts';
import { AgentForm } from './agent-form.tsx';
import { AgentMore } from './agent-more.tsx';
import { ChooseFiles } from './choose-files.tsx';
import { droppedFiles } from './dropped-files.ts';
import { FileList } from './file-list.tsx';
import { LinkNotice } from './link-notice.tsx';
import { PasteBox } from './paste-box.tsx';
import { Settings } from './settings.tsx';
import { TrustRoot } from './trust-root.tsx';
import './input.css';

export function Input() {
  const dragging = useWholePage();
  const now = given.value;
  const isGiven = now !== null && now.files.length > 0;
  return (
    <Panel id="given" title={words.title}>
      {dragging && (
        <div class="input-over" aria-hidden="true">
          <p>{words.dropNow}</p>
        </div>
      )}
      {isGiven ? (
        <>
          <LinkNotice />
          <FileList given={now} />
          <div class="input-buttons no-print">
            <ChooseFiles label={words.addMore} />
            <button type="button" onClick={startOver}>
              {words.startOver}
            </button>
          </div>
          <AgentMore source={now.source} />
        </>
      ) : (
        <Start />
      )}
      <Notices />
      {/* With the first file the page is another one: these come anew where they belong, and nothing of the old moves. */}
      <Settings key={`settings-${isGiven}`} />
      <TrustRoot key={`root-${isGiven}`} />
    </Panel>
  );
}

function Start() {
  return (
    <>
      <p>{words.lead}</p>
      <div class="input-zone">
        <p class="input-drop">{words.drop}</p>
        <ChooseFiles label={words.choose} primary />
        <p class="quiet input-accepted">{words.accepted}</p>
      </div>
      <div class="input-ways">
        <AgentForm />
        <PasteBox />
      </div>
    </>
  );
}

/** What was left out while the rest is judged. */
function Notices() {
  const found = notices.value;
  return (
    <div role="status">
      {found.length > 0 && (
        <div class="input-notices">
          <h3>{words.notTaken}</h3>
          <ul>
            {found.map(({ message, remedy }) => (
              <li key={message}>
                {message}. <span class="quiet">{remedy}</span>
              </li>
            ))}
          </ul>
          <button
            type="button"
            class="no-print"
            onClick={() => {
              notices.value = [];
            }}
          >
            {words.dismiss}
          </button>
        </div>
      )}
    </div>
  );
}

/** Drops and pastes count wherever they happen, but for text that is pasted into a field. @returns whether files hover above */
function useWholePage(): boolean {
  const [dragging, setDragging] = useState(false);
  useEffect(() => {
    void followLink();
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      setDragging(true);
    };
    const leave = (event: DragEvent) => {
      // Between two elements of the page there is always another one.
      if (event.relatedTarget === null) setDragging(false);
    };
    const drop = async (event: DragEvent) => {
      if (event.dataTransfer === null || event.defaultPrevented) return;
      setDragging(false);
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      await takeFiles(await droppedFiles(event.dataTransfer));
    };
    const paste = async (event: ClipboardEvent) => {
      if (event.target instanceof Element && event.target.closest('input, textarea') !== null)
        return;
      const data = event.clipboardData;
      if (data === null) return;
      if (data.files.length > 0) await takeFiles([...data.files]);
      else await takeText(data.getData('text/plain'));
    };
    const link = () => void followLink();
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    addEventListener('hashchange', link);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
      removeEventListener('hashchange', link);
    };
  }, []);
  return dragging;
}
