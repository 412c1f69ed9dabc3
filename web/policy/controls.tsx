/** One control for each shape that a member can have. What is typed and no policy can say stays, with the reason below it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { policyStrings } from '../strings/policy.ts';
import { Radios, wordTitle } from './radios.tsx';
import { beginningOf, isObject, isOfShape, isWord, type Shape, type Word } from './shape.ts';
import { Lines, One, Problem } from './typed.tsx';

/** @returns why no policy can say that; null when it is taken */
export type Choose = (value: unknown) => string | null;

export type ControlProps<S extends Shape = Shape> = {
  shape: S;
  /** Undefined: nothing is chosen yet. */
  value: unknown;
  /** What a screen reader calls it. */
  label: string;
  /** `sevSnp.measurement`: some are shown in a way of their own. */
  name: string;
  /** What the evidence would have here. */
  seen: unknown;
  choose: Choose;
};

export type Of<K extends Shape['kind']> = Extract<Shape, { kind: K }>;

export function Control({ shape, ...rest }: ControlProps) {
  switch (shape.kind) {
    case 'words':
      return <Words shape={shape} {...rest} />;
    case 'either':
      return <Either shape={shape} {...rest} />;
    case 'set':
      return shape.element.kind === 'words' ? (
        <Ticks shape={shape} words={shape.element.words} {...rest} />
      ) : shape.element.kind === 'object' ? (
        <p class="quiet">{policyStrings.inTheText}</p>
      ) : (
        <Lines shape={shape} {...rest} />
      );
    case 'integer':
    case 'text':
      return <One shape={shape} {...rest} />;
    case 'object':
      return <Members shape={shape} {...rest} />;
  }
}

function placeOf(value: unknown, words: readonly Word[]): number {
  return isWord(value) ? words.indexOf(value) : -1;
}

function Words({ shape, value, label, choose }: ControlProps<Of<'words'>>) {
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <>
      <Radios
        label={label}
        options={shape.words.map(wordTitle)}
        chosen={placeOf(value, shape.words)}
        pick={(index) => setProblem(choose(shape.words[index]))}
      />
      <Problem text={problem} />
    </>
  );
}

function Ticks({
  words,
  value,
  label,
  choose,
}: ControlProps<Of<'set'>> & { words: readonly Word[] }) {
  const [problem, setProblem] = useState<string | null>(null);
  const chosen: readonly unknown[] = Array.isArray(value) ? value : [];
  const tick = (word: Word) => {
    const next = words.filter((one) => (one === word) !== chosen.includes(one));
    setProblem(choose(next));
  };
  return (
    <fieldset class="policy-ticks">
      <legend class="visually-hidden">{label}</legend>
      {words.map((word) => (
        <label key={String(word)}>
          <input
            type="checkbox"
            // A last one cannot be taken out: the box then goes back to what the policy says.
            key={`${chosen.includes(word)} ${problem}`}
            checked={chosen.includes(word)}
            onChange={() => tick(word)}
          />
          {wordTitle(word)}
        </label>
      ))}
      <Problem text={problem} />
    </fieldset>
  );
}

/** Words, or one of several other things. A thing that is begun and not yet whole waits here. */
function Either({ shape, value, label, name, seen, choose }: ControlProps<Of<'either'>>) {
  const [begun, setBegun] = useState<{ index: number; value: unknown } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const key = JSON.stringify(value);
  const last = useRef(key);
  useEffect(() => {
    if (last.current === key) return;
    last.current = key;
    setBegun(null);
    setProblem(null);
  }, [key]);
  const { words, others } = shape;
  const own = placeOf(value, words);
  const held =
    own !== -1 ? own : words.length + others.findIndex((other) => isOfShape(other, value));
  const chosen = begun?.index ?? held;
  const take = (index: number, next: unknown) => {
    const refused = choose(next);
    setProblem(refused);
    setBegun(refused === null ? null : { index, value: next });
    return refused;
  };
  const pick = (index: number) => {
    const other = others[index - words.length];
    if (other === undefined) take(index, words[index]);
    else if (index === held) setBegun(null);
    else {
      const fits = isOfShape(other, seen);
      const next = fits ? seen : beginningOf(other);
      if (!fits && Array.isArray(next) && next.length === 0) setBegun({ index, value: next });
      else take(index, next);
    }
  };
  const other = others[chosen - words.length];
  return (
    <>
      <Radios
        label={label}
        options={[...words.map(wordTitle), ...others.map((one) => titleOf(one, name))]}
        chosen={chosen}
        pick={pick}
      />
      {other !== undefined && (
        <Control
          shape={other}
          value={begun === null ? value : begun.value}
          label={label}
          name={name}
          seen={seen}
          choose={(next) => take(chosen, next)}
        />
      )}
      {other?.kind !== 'set' && <Problem text={problem} />}
    </>
  );
}

function titleOf(shape: Shape, name: string): string {
  const { alternatives } = policyStrings;
  if (shape.kind === 'set') return alternatives.set;
  if (name === 'waivers.expires') return alternatives.until;
  if (/(^|\.)minimum/.test(name) || shape.kind === 'integer') return alternatives.floor;
  if (shape.kind === 'text')
    return name.includes('mitigations') ? alternatives.floor : alternatives.text;
  if (shape.kind !== 'object') return alternatives.text;
  const has = (member: string) => shape.members.some((one) => one.name === member);
  if (has('events')) return alternatives.events;
  return has('mask') ? alternatives.mask : alternatives.object;
}

/** Members by name. Those that may be left out are added and taken away. */
function Members({ shape, value, label, name, seen, choose }: ControlProps<Of<'object'>>) {
  const [problem, setProblem] = useState<string | null>(null);
  const held = isObject(value) ? value : {};
  const seenHere = isObject(seen) ? seen : {};
  const present = shape.members.filter((one) => Object.hasOwn(held, one.name));
  const absent = shape.members.filter((one) => !Object.hasOwn(held, one.name));
  const offered = absent.filter((one) => absent.length <= 6 || Object.hasOwn(seenHere, one.name));
  const without = (gone: string) =>
    Object.fromEntries(Object.entries(held).filter(([one]) => one !== gone));
  const add = (one: (typeof absent)[number]) =>
    choose({ ...held, [one.name]: seenHere[one.name] ?? beginningOf(one.shape) });
  const numbers = shape.members.every((one) => one.shape.kind === 'integer');
  return (
    <div class={numbers ? 'policy-numbers' : 'policy-members'}>
      {present.map((one) => (
        <div key={one.name} class="policy-member">
          <span class="policy-member-name mono">{one.name}</span>
          <div class="policy-member-control">
            <Control
              shape={one.shape}
              value={held[one.name]}
              label={`${label}, ${one.name}`}
              name={`${name}.${one.name}`}
              seen={seenHere[one.name]}
              choose={(next) => choose({ ...held, [one.name]: next })}
            />
          </div>
          {one.optional && (
            <button
              type="button"
              class="policy-small"
              aria-label={policyStrings.forMember(policyStrings.remove(one.name), label)}
              onClick={() => setProblem(choose(without(one.name)))}
            >
              ✕
            </button>
          )}
        </div>
      ))}
      {offered.length > 0 && (
        <div class="policy-adds">
          {offered.map((one) => (
            <button
              key={one.name}
              type="button"
              class="policy-small"
              aria-label={policyStrings.forMember(policyStrings.add(one.name), label)}
              onClick={() => setProblem(add(one))}
            >
              + {one.name}
            </button>
          ))}
        </div>
      )}
      <Problem text={problem} />
    </div>
  );
}
