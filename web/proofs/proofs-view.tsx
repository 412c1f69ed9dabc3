/** The proofs view: who checks a proof, and who makes one. The files are one heap for both. */
import { proofStrings as words } from '../strings/proofs.ts';
import { CheckForm } from './check-form.tsx';
import { CopyNote } from './copy-note.tsx';
import { Files } from './files.tsx';
import { ProofsView as ProofsElsewhere } from './proofs-elsewhere.tsx';
import { ProveForm } from './prove-form.tsx';
import { type Side, side } from './state.ts';
import './proofs.css';

const sides: readonly Side[] = ['check', 'prove'];

export function ProofsView() {
  // A page from a file is given neither workers nor the files beside it.
  if (location.protocol === 'file:') return <ProofsElsewhere />;
  return (
    <div class="proofs" data-test="proofs">
      <p class="proofs-intro">{words.intro}</p>
      <fieldset class="proofs-sides">
        <legend class="visually-hidden">{words.sidesLabel}</legend>
        {sides.map((one) => (
          <button
            key={one}
            type="button"
            class="proofs-side"
            data-test={`side-${one}`}
            aria-pressed={side.value === one}
            onClick={() => {
              side.value = one;
            }}
          >
            <strong>{words.sides[one]}</strong>
            <span class="proofs-side-note">{words.sideNotes[one]}</span>
          </button>
        ))}
      </fieldset>
      <Files />
      {side.value === 'check' ? <CheckForm /> : <ProveForm />}
      <CopyNote />
    </div>
  );
}
