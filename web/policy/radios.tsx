/** A row of choices of which one holds, and what the policy's words are called there. */
import { useId } from 'preact/hooks';
import { policyStrings } from '../strings/policy.ts';
import type { Word } from './shape.ts';

export function wordTitle(word: Word): string {
  return (policyStrings.wordTitles as Record<string, string>)[String(word)] ?? String(word);
}

type RadiosProps = {
  label: string;
  options: readonly string[];
  chosen: number;
  pick: (index: number) => void;
};

/** A row of choices of which one holds: native radio buttons, so that arrow keys work as a reader expects. */
export function Radios({ label, options, chosen, pick }: RadiosProps) {
  const group = useId();
  return (
    <fieldset class="policy-radios">
      <legend class="visually-hidden">{label}</legend>
      {options.map((option, index) => (
        <label key={option} class={index === chosen ? 'policy-chosen' : undefined}>
          <input
            type="radio"
            name={group}
            checked={index === chosen}
            onChange={() => pick(index)}
          />
          {option}
        </label>
      ))}
    </fieldset>
  );
}
