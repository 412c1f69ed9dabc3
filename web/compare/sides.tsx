/** The two pieces of evidence: what each is, and what was decided about it. The second is given here. */
import { useState } from 'preact/hooks';
import { decisionLine } from '#verifier/words/decision-line.ts';
import { harmless } from '#verifier/words/lines.ts';
import { droppedFiles } from '../input/dropped-files.ts';
import { readFiles } from '../input/read-files.ts';
import type { Judged } from '../model/judge.ts';
import { judged, type Problem } from '../model/session.ts';
import { show } from '../model/view.ts';
import { compareStrings as words } from '../strings/compare.ts';
import { verdictStrings } from '../strings/road.ts';
import { both, other, otherFiles, type Side, swapped } from './compare-state.ts';

export function platformOf({ verified }: Judged): string {
  const platform = verified.claims?.platform ?? verified.subject.tee;
  return platform === null ? words.unknownPlatform : words.platforms[platform];
}

export function Sides() {
  const loaded = judged.value;
  if (loaded === null) {
    return (
      <p>
        {words.needsFirst}{' '}
        <button type="button" onClick={() => show('evidence')}>
          {words.toEvidence}
        </button>
      </p>
    );
  }
  const first = (
    <Piece
      key="loaded"
      side={swapped.value ? 'right' : 'left'}
      title={words.loaded}
      found={loaded}
    />
  );
  const second = <Second key="other" side={swapped.value ? 'left' : 'right'} />;
  return <div class="compare-sides">{swapped.value ? [second, first] : [first, second]}</div>;
}

type PieceProps = { side: Side; title: string; found: Judged; children?: preact.ComponentChildren };

function Piece({ side, title, found, children }: PieceProps) {
  const { verdict, policy, sorted } = found;
  const names = sorted.files.map(({ name }) => harmless(name)).join(', ');
  return (
    <section class="compare-piece" aria-label={`${words.sides[side]}: ${title}`}>
      <h3 class="compare-piece-title">
        {title} <span class="quiet compare-small">{words.sides[side]}</span>
      </h3>
      <p class="compare-form">
        {platformOf(found)} · {words.forms[sorted.evidence.form]}
      </p>
      <p
        class={`compare-decision compare-${found.verified.insecureRoot ? 'insecure' : verdict.decision}`}
        data-test={`decision-${side}`}
      >
        {found.verified.insecureRoot && `${verdictStrings.insecure}: `}
        {decisionLine(verdict, policy, 200)}
      </p>
      <p class="quiet compare-small compare-names">{names}</p>
      {children}
    </section>
  );
}

function Second({ side }: { side: Side }) {
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [over, setOver] = useState(false);
  const now = other.value;
  const take = async (files: readonly File[]) => {
    if (files.length === 0) return;
    const read = await readFiles(files);
    setProblems(read.problems);
    if (read.files.length > 0) otherFiles.value = read.files;
  };
  const drop = (event: DragEvent) => {
    // Not for the page's own drop: this is the second piece, not the first.
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(take);
  };
  const choose = (
    <p class="compare-buttons no-print">
      <label class="button compare-choose">
        {now.state === 'judged' ? words.chooseOther : words.choose}
        <input
          type="file"
          multiple
          class="visually-hidden"
          data-test="compare-files"
          onChange={({ currentTarget }) => {
            const files = [...(currentTarget.files ?? [])];
            currentTarget.value = '';
            take(files);
          }}
        />
      </label>
      {now.state !== 'empty' && (
        <button
          type="button"
          onClick={() => {
            otherFiles.value = [];
            setProblems([]);
          }}
        >
          {words.remove}
        </button>
      )}
    </p>
  );
  const notes = problems.map(({ message, remedy }) => (
    <p key={message} class="compare-problem" role="alert">
      {message} {remedy}
    </p>
  ));
  return (
    <section
      aria-label={words.second}
      class={`compare-second${over ? ' compare-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {now.state === 'judged' ? (
        <Piece side={side} title={words.other} found={now.judged}>
          {choose}
          {notes}
        </Piece>
      ) : (
        <section
          class="compare-piece compare-empty"
          aria-label={`${words.sides[side]}: ${words.other}`}
        >
          <h3 class="compare-piece-title">{words.other}</h3>
          <div role="status">
            {now.state === 'working' && <p>{words.working}</p>}
            {now.state === 'refused' && (
              <p class="compare-problem">
                <strong>{words.refused}.</strong> {now.problem.message} {now.problem.remedy}
              </p>
            )}
          </div>
          <p class="quiet">{words.drop}</p>
          {choose}
          {notes}
        </section>
      )}
    </section>
  );
}

export function SwapButton() {
  return (
    <button
      type="button"
      disabled={both.value === null}
      aria-pressed={swapped.value}
      onClick={() => {
        swapped.value = !swapped.value;
      }}
    >
      ⇄ {words.swap}
    </button>
  );
}
