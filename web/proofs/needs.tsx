/** What is still missing before the button can be pressed. */
import { proofStrings as words } from '../strings/proofs.ts';
import type { Missing } from './requests.ts';

export function Needs({ missing }: { missing: readonly Missing[] }) {
  return (
    <div class="proofs-needs">
      <p>{words.check.needs}</p>
      <ul>
        {missing.map((one) => (
          <li key={one}>{words.missing[one]}</li>
        ))}
      </ul>
    </div>
  );
}
