/** Puts a value into the reader's clipboard, and says in words whether it did. */
import { useEffect, useState } from 'preact/hooks';
import { listStrings as words } from '../strings/lists.ts';
import './lists.css';

export function CopyButton({ what, text }: { what: string; text: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 2500);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(words.copied);
    } catch {
      // Refused, or no clipboard where the page is not served securely.
      setSaid(words.notCopied);
    }
  };
  return (
    <span class="copy no-print">
      <button type="button" class="copy-button" aria-label={words.copyLabel(what)} onClick={copy}>
        {words.copy}
      </button>
      <span role="status" class="quiet">
        {said}
      </span>
    </span>
  );
}
