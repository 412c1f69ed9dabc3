/** What may be larger than its place, and scrolls by keyboard too. */
import type { ComponentChildren } from 'preact';

type ScrollAreaProps = { label: string; class: string; children: ComponentChildren };

export function ScrollArea({ label, class: name, children }: ScrollAreaProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
    <section class={`scroll ${name}`} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
