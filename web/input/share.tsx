/** What of this page can be handed on: the verdict, the evidence, or a link that holds both sides' input. */
import { useEffect, useState } from 'preact/hooks';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { renderMarkdown } from '#verifier/words/markdown.ts';
import type { Judged } from '../model/judge.ts';
import { encodeLink, safeLinkLength } from '../model/permalink.ts';
import { bundleWith } from '../model/save-bundle.ts';
import { problemOf } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Panel } from '../parts/panel.tsx';
import { shareStrings as words } from '../strings/share.ts';
import { noteLink } from './actions.ts';
import { download } from './download.ts';
import './share.css';

export function Share({ judged }: { judged: Judged }) {
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => setProblem(null), [judged]);
  const { verdict, policy, sorted, at } = judged;
  const { evidence } = sorted;
  const attempt = (make: () => void) => {
    try {
      setProblem(null);
      make();
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      setProblem(problemOf(error).message);
    }
  };
  return (
    <div class="no-print">
      <Panel id="share" title={words.title} note={words.note}>
        <div class="share-buttons">
          <button
            type="button"
            onClick={() =>
              // The very text of `affidavit verify --format json`.
              download('verdict.json', 'application/json', `${JSON.stringify(verdict, null, 2)}\n`)
            }
          >
            {words.json}
          </button>
          <button
            type="button"
            onClick={() => download('verdict.md', 'text/markdown', renderMarkdown(verdict, policy))}
          >
            {words.markdown}
          </button>
          {evidence.form === 'bundle' && (
            <button
              type="button"
              onClick={() =>
                attempt(() =>
                  download(
                    'bundle.json',
                    'application/json',
                    bundleWith(evidence.bytes, sorted.collateral, at),
                  ),
                )
              }
            >
              {words.bundle}
            </button>
          )}
          <button type="button" onClick={() => print()}>
            {words.print}
          </button>
        </div>
        <p role="status" class="share-problem">
          {problem}
        </p>
        <LinkMaker judged={judged} />
        <Files judged={judged} />
      </Panel>
    </div>
  );
}

type Made = { link: string; of: Judged };

/** Nothing is written into the address before the reader asks for it. */
function LinkMaker({ judged }: { judged: Judged }) {
  const [sameTime, setSameTime] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { given, at } = judged;
  const make = async () => {
    setProblem(null);
    const { files, policy, insecureRoot } = given;
    try {
      const linkedAt = sameTime ? at : given.at;
      const data = await encodeLink({ files, policy, insecureRoot, at: linkedAt });
      const link = `${location.href.replace(/#.*$/, '')}#evidence=${data}`;
      noteLink(data);
      // What is longer, an address may not hold.
      if (link.length <= safeLinkLength) history.replaceState(null, '', link);
      setMade({ link, of: judged });
    } catch (error) {
      setProblem(problemOf(error).message);
    }
  };
  // A link of what was given before is none of what is shown.
  const link = made?.of === judged ? made.link : null;
  return (
    <section aria-labelledby="share-link-title">
      <h3 id="share-link-title">{words.linkTitle}</h3>
      <p>{words.linkText}</p>
      <div class="share-buttons">
        <button type="button" data-test="make-link" onClick={make}>
          {words.makeLink}
        </button>
        {given.at === null && (
          <label>
            <input
              type="checkbox"
              checked={sameTime}
              onChange={({ currentTarget }) => {
                setSameTime(currentTarget.checked);
                setMade(null);
              }}
            />{' '}
            {words.sameTime(formatTime(at))}
          </label>
        )}
      </div>
      <div role="status">
        {problem !== null && <p class="share-problem">{problem}</p>}
        {link !== null && (
          <>
            <p>
              {words.length(link.length)} <CopyButton what={words.theLink} text={link} />
            </p>
            {link.length > safeLinkLength ? (
              <p class="share-problem">{words.tooLong}</p>
            ) : (
              <>
                <input
                  type="text"
                  readOnly
                  class="mono share-link"
                  aria-label={words.theLink}
                  data-test="link"
                  value={link}
                  onFocus={({ currentTarget }) => currentTarget.select()}
                />
                <p class="quiet">{words.inAddress}</p>
              </>
            )}
          </>
        )}
      </div>
    </section>
  );
}

/** All that was given, one by one: for who came by a link, or has none that is short enough. */
function Files({ judged: { given } }: { judged: Judged }) {
  const found: GivenFile[] = [...given.files];
  if (given.policy !== null) found.push(given.policy);
  return (
    <details>
      <summary>{words.files(found.length)}</summary>
      <ul class="share-files">
        {found.map((file) => (
          <li key={`${file.name} ${file.bytes.length}`}>
            <button
              type="button"
              onClick={() => download(file.name, 'application/octet-stream', file.bytes)}
            >
              {words.downloadFile(harmless(file.name))}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
