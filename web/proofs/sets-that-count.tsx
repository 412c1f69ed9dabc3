/** The sets that the demands name, each of which the checker may leave out this time. */
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { LongHex, shortenHex } from '../parts/long-hex.tsx';
import { Panel } from '../parts/panel.tsx';
import { proofStrings } from '../strings/proofs.ts';
import { demands } from './choices.ts';
import { choiceName, type SetChoice, setsIn } from './demand-choice.ts';
import { changed, files, leftOut } from './state.ts';

const words = proofStrings.sets;

export function SetsThatCount() {
  const found = demands.value;
  if (found === null) return null;
  const name = words.caption(harmless(found.name));
  return (
    <Panel id="proof-sets" title={words.title} note={words.note}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls has to be reached with the keyboard */}
      <section class="scroll" tabIndex={0} aria-label={name}>
        <table class="proofs-sets">
          <caption>{name}</caption>
          <thead>
            <tr>
              <th scope="col">{words.counts}</th>
              <th scope="col">{words.kind}</th>
              <th scope="col">{words.root}</th>
              <th scope="col">{words.until}</th>
              <th scope="col">{words.contents}</th>
            </tr>
          </thead>
          <tbody>
            {setsIn(found).map((choice) => (
              <SetRow key={choiceName(choice)} choice={choice} />
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

function SetRow({ choice }: { choice: SetChoice }) {
  const { kind, root, until } = choice;
  const name = choiceName(choice);
  const file = files.value.find(({ set }) => set?.of === kind && set.root === root)?.set;
  const toggle = () => {
    const next = new Set(leftOut.value);
    if (!next.delete(name)) next.add(name);
    leftOut.value = next;
    changed();
  };
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={words.toggle(kind, shortenHex(root))}
          checked={!leftOut.value.has(name)}
          onChange={toggle}
        />
      </td>
      <td>{words.kinds[kind]}</td>
      <td>
        <LongHex what={words.root} hex={root} />
      </td>
      <td class="proofs-time">{formatTime(until)}</td>
      <td>
        {file ? (
          harmless(proofStrings.about.set(kind, file.entries, formatTime(file.made), file.source))
        ) : (
          <span class="quiet">{words.fileUnknown}</span>
        )}
      </td>
    </tr>
  );
}
