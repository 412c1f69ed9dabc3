/** A row of the list of checks; on a phone a card. What failed or could not be made is open on paper. */
import type { CheckResult } from '#verifier/checklist.ts';
import { type CheckId, entryOf } from '#verifier/checks.ts';
import { StatusMark } from '../parts/status.tsx';
import { CheckDetails } from './check-details.tsx';
import { foundOf } from './check-words.ts';

/** The id of a check's row in the page. */
export function checkElement(id: CheckId): string {
  return `check-${id}`;
}

type CheckRowProps = { check: CheckResult; open: boolean; onToggle: () => void };

export function CheckRow({ check, open, onToggle }: CheckRowProps) {
  const { id, status } = check;
  const details = `${checkElement(id)}-details`;
  const onPaper = status === 'fail' || status === 'skip';
  return (
    <>
      <tr
        id={checkElement(id)}
        class={`checks-row checks-row-${status}`}
        data-test="check"
        data-check={id}
        data-status={status}
      >
        <td class="checks-status">
          <StatusMark status={status} />
        </td>
        <td class="checks-what">
          <button
            type="button"
            class="checks-open"
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={onToggle}
          >
            <span class="checks-title">{entryOf(id).title}</span>
            <code class="checks-id">{id}</code>
          </button>
        </td>
        <td class="checks-found">{foundOf(check)}</td>
      </tr>
      {(open || onPaper) && (
        <tr id={details} class={open ? 'checks-more' : 'checks-more checks-paper'}>
          <td colSpan={3}>
            <CheckDetails check={check} />
          </td>
        </tr>
      )}
    </>
  );
}
