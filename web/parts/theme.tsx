/** Dark, light, or as the reader's machine says. Kept for this tab alone: the page stores nothing. */
import { signal } from '@preact/signals';
import { shellStrings } from '../strings/shell.ts';

const chosen = signal<'dark' | 'light' | null>(null);

export function ThemeSwitch() {
  const toggle = () => {
    const dark =
      chosen.value === null
        ? matchMedia('(prefers-color-scheme: dark)').matches
        : chosen.value === 'dark';
    chosen.value = dark ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = chosen.value;
  };
  return (
    <button type="button" class="theme" onClick={toggle} aria-label={shellStrings.theme}>
      <span aria-hidden="true">◐</span>
    </button>
  );
}
