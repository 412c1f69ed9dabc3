/** What a link brought besides evidence: who made the link chose it, and the reader should know. */
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { given } from '../model/session.ts';
import { inputStrings as words } from '../strings/input.ts';
import { brought, dropPolicy, useBroughtRoot } from './actions.ts';

export function LinkNotice() {
  const found = brought.value;
  const now = given.value;
  if (found === null || now === null) return null;
  const at = found.at && now.at !== null ? formatTime(now.at) : null;
  return (
    <div class="input-link" role="status">
      <p>
        {words.fromLink} {at !== null && words.linkAt(at)}
      </p>
      {found.policy && now.policy !== null && (
        <div class="input-line">
          <p>{words.linkPolicy(harmless(now.policy.name))}</p>
          <button type="button" class="no-print" onClick={dropPolicy}>
            {words.policyRemove}
          </button>
        </div>
      )}
      {found.root !== null && (
        <div class="input-danger" data-test="brought-root">
          <p>{words.linkRoot(harmless(found.root.name))}</p>
          <button type="button" class="no-print" onClick={useBroughtRoot}>
            {words.linkRootUse}
          </button>
        </div>
      )}
    </div>
  );
}
