/** The button that opens the browser's own dialog: a label around a real input, so that keyboards and readers know it. */
import { takeFiles } from './actions.ts';

export function ChooseFiles({ label, primary = false }: { label: string; primary?: boolean }) {
  return (
    <label class={`button input-choose${primary ? ' input-primary' : ''}`}>
      {label}
      <input
        type="file"
        multiple
        class="visually-hidden"
        data-test="evidence-files"
        onChange={async ({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          // So that the same file can be chosen again once it was changed.
          currentTarget.value = '';
          await takeFiles(files);
        }}
      />
    </label>
  );
}
