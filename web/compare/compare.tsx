/** Two pieces of evidence side by side: what changed. */

import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import { Panel } from '../parts/panel.tsx';
import { compareStrings as words } from '../strings/compare.ts';
import { memberWords } from '../strings/policy-members.ts';
import {
  compareChecks,
  compareLogs,
  compareSections,
  type Glance,
  glanceOf,
  type Likeness,
} from './compare-model.ts';
import { both, onlyDifferences, type Side } from './compare-state.ts';
import { sectionsOf } from './sections.ts';
import { platformOf, Sides, SwapButton } from './sides.tsx';
import { CheckTable, SectionTable } from './tables.tsx';
import './compare.css';

type Both = Record<Side, Judged>;

export function Compare() {
  const found = both.value;
  return (
    <>
      <Panel id="compare" title={words.title} note={words.intro}>
        <Sides />
        <div class="compare-tools no-print">
          <SwapButton />
          <fieldset class="compare-switch">
            <legend class="visually-hidden">{words.show}</legend>
            {[true, false].map((only) => (
              <button
                key={String(only)}
                type="button"
                aria-pressed={onlyDifferences.value === only}
                disabled={found === null}
                onClick={() => {
                  onlyDifferences.value = only;
                }}
              >
                {only ? words.only : words.all}
              </button>
            ))}
          </fieldset>
        </div>
      </Panel>
      {found !== null && (
        <>
          <AtAGlance {...found} />
          <Checks {...found} />
          <Fields {...found} />
        </>
      )}
    </>
  );
}

const marks: Readonly<Record<Likeness, string>> = { same: '=', differs: '≠', only: '·' };

function Answer({ likeness }: { likeness: Likeness }) {
  return (
    <span class={`compare-answer compare-answer-${likeness}`}>
      <span aria-hidden="true">{marks[likeness]}</span> {words.glance.answers[likeness]}
    </span>
  );
}

function AtAGlance({ left, right }: Both) {
  const [one, other] = [platformOf(left), platformOf(right)];
  const log = compareLogs(left.verified, right.verified);
  return (
    <Panel id="compare-glance" title={words.glance.title}>
      {one !== other && <p class="compare-note">{words.platformsDiffer(one, other)}</p>}
      <ul class="compare-glance">
        {glanceOf(left.verified, right.verified).map((glance) => (
          <Question key={glance.question} glance={glance} />
        ))}
        {log !== null && (
          <li>
            <span class="compare-question">{words.glance.log}</span>
            <Answer likeness={log.likeness} />
            <span class="quiet compare-small">
              {log.likeness === 'same'
                ? words.glance.logSame(log.common)
                : words.glance.logDiffers(log.common, log.left, log.right)}
            </span>
          </li>
        )}
      </ul>
    </Panel>
  );
}

function Question({ glance: { question, likeness, lines } }: { glance: Glance }) {
  const telling = onlyDifferences.value
    ? lines.filter((line) => likeness === 'differs' && line.likeness !== 'same')
    : lines;
  return (
    <li>
      <span class="compare-question">{words.glance.questions[question]}</span>
      <Answer likeness={likeness} />
      {telling.length > 0 && (
        <dl class="compare-lines">
          {telling.map(({ member, left, right }) => (
            <div key={member}>
              <dt>{memberWords[member]?.[0] ?? member}</dt>
              <dd>{left === null ? <Absent /> : harmless(left)}</dd>
              <dd>{right === null ? <Absent /> : harmless(right)}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function Absent() {
  return <span class="quiet">{words.glance.none}</span>;
}

function Checks({ left, right }: Both) {
  const pairs = compareChecks(left.verdict, right.verdict);
  const only = onlyDifferences.value;
  const differing = pairs.filter(({ likeness }) => likeness === 'differs');
  // What decides comes first.
  const wanted = only ? differing.toSorted((a, b) => Number(b.isNews) - Number(a.isNews)) : pairs;
  const same = pairs.filter(({ likeness }) => likeness === 'same').length;
  const alone = (side: Side) =>
    pairs.filter((pair) => pair.likeness === 'only' && pair[side] !== null);
  return (
    <Panel id="compare-checks" title={words.checks.title}>
      {wanted.length === 0 ? <p>{words.checks.none}</p> : <CheckTable pairs={wanted} />}
      {only && (
        <p class="quiet compare-small">
          {words.checks.counted(same, alone('left').length, alone('right').length)}
        </p>
      )}
    </Panel>
  );
}

function Fields({ left, right }: Both) {
  const sections = compareSections(sectionsOf(left.sorted), sectionsOf(right.sorted));
  const all = !onlyDifferences.value;
  const listed = sections.filter(
    ({ likeness }) => likeness === 'differs' || (all && likeness === 'same'),
  );
  const same = sections.filter(({ likeness }) => likeness === 'same');
  const alone = sections.filter(({ side }) => side !== null);
  return (
    <Panel id="compare-fields" title={words.fields.evidenceTitle} note={words.fields.note}>
      {listed.map((section, index) => (
        <SectionTable key={`${index} ${all}`} section={section} all={all} />
      ))}
      {!all && same.length > 0 && (
        <p>{words.fields.identical(same.map(({ title }) => harmless(title)))}</p>
      )}
      {alone.length > 0 && (
        <ul class="compare-alone">
          {alone.map(({ title, side }, index) => (
            <li key={index}>
              {words.fields.onlySide(harmless(title), words.sides[side ?? 'left'].toLowerCase())}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
