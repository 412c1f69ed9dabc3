/** Files for the reader to keep, made in the page. */
import { type Bytes, utf8 } from '#verifier/bytes.ts';

/** @param name any text: what a file system might not take is replaced */
export function download(name: string, type: string, content: string | Bytes): void {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = safeName(name);
  link.click();
  // The browser has read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** The last 100 characters, of a kind that no file system minds. */
export function safeName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._+-]+/g, '-').slice(-100);
  return safe.replace(/^[.-]+/, '') || 'file';
}
