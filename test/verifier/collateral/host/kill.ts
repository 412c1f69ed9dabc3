/** Kills processes that write, at moments of chance, and reads what they leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '#verifier/collateral/host/store.ts';
import { sample } from './folders.ts';
import type { Child } from './run-child.ts';

export type Kills = {
  kills: number;
  /** Entries that were the one that the writer had begun and not yet told of. */
  newer: number;
};

/**
 * Lanes run at once in one store, each with an object of its own; the next writer goes on where the killed one was.
 * @throws Error as soon as an entry is not the last one that was told of, or the one after it, whole
 */
export async function killWriters(
  folder: string,
  start: (...args: string[]) => Child,
  options: { kills: number; lanes: number },
): Promise<Kills> {
  const store = await openStore(folder);
  let left = options.kills;
  let newer = 0;
  const lane = async (name: string): Promise<void> => {
    let next = 0;
    while (left-- > 0) {
      const child = start('write', folder, name, String(next));
      const first = await child.line();
      await sleep(30 * Math.random());
      child.process.kill('SIGKILL');
      const { last, stderr } = await child.ended;
      if (first === null || last === null) throw new Error(`${name} was not written: ${stderr}`);
      const told = Number(last);
      const found = await store.read(name);
      if (found === null) throw new Error(`${name}: damaged after ${told}`);
      const number = found.fetched - sample(0).fetched;
      if (number !== told && number !== told + 1)
        throw new Error(`${name}: ${number} after ${told}`);
      if (!isDeepStrictEqual(found, sample(number))) {
        throw new Error(`${name}: not what was written as ${number}`);
      }
      if (number === told + 1) newer += 1;
      next = number + 1;
    }
  };
  const names = Array.from({ length: options.lanes }, (_, n) => `intel/tcb-info/tdx/${n}`);
  await Promise.all(names.map(lane));
  return { kills: options.kills, newer };
}
