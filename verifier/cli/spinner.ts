/** Shows on a terminal that something is awaited; anywhere else it is silent. */
import { cut, harmless } from '#verifier/words/lines.ts';

export type SpinnerStream = {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
};

const frames = ['-', '\\', '|', '/'];
const frameMs = 120;
/** An answer that comes at once needs no sign of waiting. */
const patienceMs = 200;
const eraseLine = '\r\u001b[K';

/** @returns what `work` gives, the line of the spinner gone */
export async function withSpinner<T>(
  text: string,
  work: () => Promise<T>,
  stream: SpinnerStream = process.stderr,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<T> {
  if (stream.isTTY !== true || env['TERM'] === 'dumb') return work();
  const line = cut(harmless(text), Math.max(1, (stream.columns ?? 80) - 3));
  let count = 0;
  let timer = setTimeout(turn, patienceMs);
  function turn(): void {
    stream.write(`${eraseLine}${frames[count % frames.length]} ${line}`);
    count += 1;
    timer = setTimeout(turn, frameMs);
  }
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (count > 0) stream.write(eraseLine);
  }
}
