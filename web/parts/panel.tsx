/** A titled part of a view, which a reader can jump to by its name. */
import type { ComponentChildren } from 'preact';

type PanelProps = { id: string; title: string; children: ComponentChildren; note?: string };

export function Panel({ id, title, note, children }: PanelProps) {
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {note !== undefined && <p class="quiet">{note}</p>}
      {children}
    </section>
  );
}
