/** How figures are taken and shown. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

export function line(what: string, figure: string, promise = ''): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(22)}   ${promise}`.trimEnd());
}

export const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** Runs the candidates in turn, so that a machine that slows down slows all of them. @returns medians in ms */
export async function inTurn(
  rounds: number,
  candidates: readonly (() => unknown)[],
): Promise<number[]> {
  const times: number[][] = candidates.map(() => []);
  for (let round = -rounds; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const start = performance.now();
      await candidate();
      if (round >= 0) times[i]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}
