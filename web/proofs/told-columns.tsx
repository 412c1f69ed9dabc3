/** What is proved beside what stays hidden, by the way that the proof goes; then what it does not say. */
import { parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import { parseProofFile } from '#prover/proof-file.ts';
import { harmless } from '#verifier/words/lines.ts';
import { proofStrings } from '../strings/proofs.ts';
import { fileOf } from './kept.ts';
import type { Checked } from './messages.ts';
import { files } from './state.ts';
import { sortWords, toldOf, type Way, wayOfLinked, wayOfOpen } from './told.ts';

const words = proofStrings.told;

/** Of the proof file that is there; null when there is none that can be read. */
function wayNow(): Way | null {
  const linked = fileOf(files.value, 'linked-proof');
  if (linked !== null) return wayOfLinked(parseLinkedProofFile(linked.bytes));
  const open = fileOf(files.value, 'open-proof');
  return open === null ? null : wayOfOpen(parseProofFile(open.bytes));
}

export function ToldColumns({ checked: { verdict } }: { checked: Checked }) {
  const way = wayNow();
  if (way === null) return null;
  const told = toldOf(way);
  const own = sortWords(verdict.warnings);
  const isAccepted = verdict.decision === 'accepted';
  return (
    <section class="panel" aria-labelledby="proof-told" data-test="told">
      <h2 id="proof-told">{isAccepted ? words.titleAccepted : words.titleOther}</h2>
      <div class="proofs-told">
        <Column kind="proved" title={words.proved} lines={told.proved} own={own.proved} />
        <Column kind="hidden" title={words.hidden} lines={told.hidden} own={own.hidden} />
        <Column kind="seen" title={words.seen} lines={told.seen} own={[]} />
        <Column kind="limits" title={words.limits} lines={told.limits} own={[]} />
      </div>
      {own.rest.length > 0 && (
        <div class="proofs-warnings">
          <h3>{proofStrings.verdict.warnings}</h3>
          <ul>
            {own.rest.map((warning) => (
              <li key={warning}>{harmless(warning)}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

type ColumnProps = {
  kind: string;
  title: string;
  lines: readonly string[];
  /** The verifier's own words. */
  own: readonly string[];
};

function Column({ kind, title, lines, own }: ColumnProps) {
  return (
    <div class={`proofs-column proofs-column-${kind}`} data-test={`told-${kind}`}>
      <h3>{title}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {own.map((text) => (
        <p key={text} class="quiet">
          {words.words} {harmless(text)}
        </p>
      ))}
    </div>
  );
}
