/** A digest by its two ends, in full when it is asked for; on paper always in full. */
import { useState } from 'preact/hooks';
import { listStrings as words } from '../strings/lists.ts';
import { CopyButton } from './copy-button.tsx';
import './lists.css';

/** @param hex at most 8 bytes are never shortened */
export function shortenHex(hex: string): string {
  return hex.length <= 16 ? hex : `${hex.slice(0, 8)}…${hex.slice(-8)}`;
}

type LongHexProps = {
  /** What it is, for the buttons' names. */
  what: string;
  hex: string;
};

export function LongHex({ what, hex }: LongHexProps) {
  const [open, setOpen] = useState(false);
  return (
    <span class="long-hex">
      <button
        type="button"
        class="long-hex-toggle mono"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <span class="visually-hidden">{words.hex(what, hex.length / 2)} </span>
        {shortenHex(hex)}
      </button>
      <span class={open ? 'long-hex-full' : 'long-hex-full long-hex-paper'}>
        <code>{hex}</code>
        {open && <CopyButton what={what} text={hex} />}
      </span>
    </span>
  );
}
