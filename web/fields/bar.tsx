/** A number as a bar, with lines where floors are. The text beside it says the same: this is for the eye alone. */

type BarProps = {
  value: number;
  scale: number;
  /** Lines across it. */
  marks: readonly { at: number; kind: 'floor' | 'newest' }[];
  short: boolean;
};

export function Bar({ value, scale, marks, short }: BarProps) {
  const width = (part: number) => `${(100 * part) / scale}%`;
  return (
    <span class="tcb-bar" aria-hidden="true">
      <span class={short ? 'tcb-fill tcb-short' : 'tcb-fill'} style={{ width: width(value) }} />
      {marks.map(({ at, kind }) => (
        <span key={kind} class={`tcb-mark tcb-${kind}`} style={{ left: width(at) }} />
      ))}
    </span>
  );
}
