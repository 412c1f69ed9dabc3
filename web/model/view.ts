/** Which view is shown: the fragment of the address, `#evidence`, so that going back works. What a permalink carries comes after it. */
import { signal } from '@preact/signals';

export const views = ['evidence', 'policy', 'proofs', 'compare'] as const;
export type View = (typeof views)[number];

export const view = signal<View>('evidence');

/** `#view` or `#view=data`; what is none of ours is the first view. */
export function readFragment(fragment: string): { view: View; data: string | null } {
  const [name = '', ...rest] = fragment.replace(/^#/, '').split('=');
  const found = views.find((one) => one === name) ?? 'evidence';
  return { view: found, data: rest.length === 0 ? null : rest.join('=') };
}

export function show(next: View): void {
  view.value = next;
  if (readFragment(location.hash).view !== next) history.pushState(null, '', `#${next}`);
}

export function followAddress(): void {
  const read = () => {
    view.value = readFragment(location.hash).view;
  };
  read();
  addEventListener('popstate', read);
}
