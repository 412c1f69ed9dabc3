/** Values that are typed. What no policy can say stays as it was typed, with the reason below it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { policyStrings } from '../strings/policy.ts';
import type { Choose, ControlProps, Of } from './controls.tsx';

export function Problem({ text }: { text: string | null }) {
  return text === null ? null : (
    <p class="policy-problem" role="alert">
      {text}
    </p>
  );
}

/** Text that stands as it was typed until it can be read, or until the value is changed from elsewhere. */
function useTyped(
  value: unknown,
  textOf: (value: unknown) => string,
  read: (text: string) => unknown,
  choose: Choose,
) {
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const key = JSON.stringify(value);
  const taken = useRef(key);
  useEffect(() => {
    if (taken.current === key) return;
    taken.current = key;
    setText(null);
    setProblem(null);
  }, [key]);
  return {
    text: text ?? textOf(value),
    problem,
    onInput: (event: { currentTarget: { value: string } }) => {
      const { value: now } = event.currentTarget;
      setText(now);
      const next = read(now);
      // What comes of it is the reader's own and not news from outside: what is typed stays.
      taken.current = JSON.stringify(next);
      setProblem(choose(next));
    },
    onBlur: () => {
      if (problem === null) setText(null);
    },
  };
}

export function Lines({ shape, value, label, choose }: ControlProps<Of<'set'>>) {
  const numbers = shape.element.kind === 'integer';
  const read = (text: string) =>
    text
      .split(/[\s,]+/)
      .filter((one) => one !== '')
      .map((one) => (numbers && /^\d+$/.test(one) ? Number(one) : one));
  const typed = useTyped(
    value,
    (found) => (Array.isArray(found) ? found.join('\n') : ''),
    read,
    choose,
  );
  const count = Array.isArray(value) ? value.length : 0;
  return (
    <>
      <textarea
        class="mono"
        rows={Math.min(Math.max(count, 2), 8)}
        aria-label={`${label}. ${policyStrings.onePerLine}`}
        placeholder={policyStrings.onePerLine}
        spellcheck={false}
        autocapitalize="off"
        value={typed.text}
        onInput={typed.onInput}
        onBlur={typed.onBlur}
      />
      {count > 1 && <p class="quiet policy-small">{policyStrings.lines(count)}</p>}
      <Problem text={typed.problem} />
    </>
  );
}

const day = 86_400;

export function One({
  shape,
  value,
  label,
  name,
  choose,
}: ControlProps<Of<'integer'> | Of<'text'>>) {
  const isDate = name.endsWith('minimumDate') || name.endsWith('expires');
  const isPeriod = name.endsWith('GracePeriod');
  const textOf = (found: unknown) =>
    isDate && typeof found === 'number' && found < 253_402_300_800
      ? new Date(found * 1000).toISOString().slice(0, 10)
      : String(found ?? '');
  const read = (text: string): unknown => {
    if (isDate) return Date.parse(`${text}T00:00:00Z`) / 1000;
    return shape.kind === 'integer' && /^\d+$/.test(text) ? Number(text) : text;
  };
  const typed = useTyped(value, textOf, read, choose);
  const common = {
    class: shape.kind === 'text' ? 'mono' : 'policy-number',
    inputMode: shape.kind === 'integer' ? 'numeric' : 'text',
    'aria-label': label,
    spellcheck: false,
    autocapitalize: 'off',
    value: typed.text,
    onInput: typed.onInput,
    onBlur: typed.onBlur,
  } as const;
  return (
    <>
      {isDate ? <input type="date" {...common} /> : <input type="text" {...common} />}
      {isPeriod && typeof value === 'number' && value > 0 && (
        <span class="quiet policy-small">
          {' '}
          {policyStrings.days(Math.round((value / day) * 10) / 10)}
        </span>
      )}
      <Problem text={typed.problem} />
    </>
  );
}
