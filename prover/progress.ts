/**
 * Says on standard error what goes on and how long it takes: one line a stage, live on a terminal.
 */

export type Progress = {
  note(text: string): void;
  /** @param expected seconds, null when that is not known */
  stage<T>(name: string, expected: number | null, work: () => Promise<T>): Promise<T>;
};

type Output = { readonly isTTY?: boolean | undefined; write(text: string): unknown };

const nameColumn = 28;

export function createProgress(output: Output, clock: () => number): Progress {
  const line = (name: string, started: number, expected: number | null) => {
    const elapsed = `${((clock() - started) / 1000).toFixed(1)} s`;
    const about = expected === null ? '' : ` (expected about ${expected.toFixed(1)} s)`;
    return `${name.padEnd(nameColumn)} ${elapsed}${about}`;
  };
  return {
    note: (text) => output.write(`${text}\n`),
    async stage(name, expected, work) {
      const started = clock();
      const live = output.isTTY === true;
      const show = () => output.write(`\r\x1b[K${line(name, started, expected)}`);
      if (live) show();
      const timer = live ? setInterval(show, 100) : undefined;
      try {
        return await work();
      } finally {
        clearInterval(timer);
        output.write(`${live ? '\r\x1b[K' : ''}${line(name, started, expected)}\n`);
      }
    },
  };
}
