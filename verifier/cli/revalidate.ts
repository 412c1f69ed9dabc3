/** Asks for collateral anew in a process of its own, which the one that used it does not wait for. */
import { CollateralError } from '#verifier/collateral/collateral-error.ts';
import type { Pauses } from '#verifier/collateral/host/pauses.ts';
import { objectName, type VendorObject } from '#verifier/collateral/vendor-object.ts';
import type { SourceOptions } from './collateral-options.ts';

/** Stands among the hosts that are left alone: while asking anew fails, not every verification starts a process. */
export const revalidation = 'revalidation.invalid';

export type Start = (args: readonly string[]) => unknown;

/** @param start a process with these arguments of `affidavit` */
export function revalidateLater(
  options: SourceOptions,
  pauses: Pauses,
  start: Start = startDetached,
): (objects: readonly VendorObject[]) => void {
  return (objects) => void revalidate(options, pauses, start, objects.map(objectName));
}

async function revalidate(
  options: SourceOptions,
  pauses: Pauses,
  start: Start,
  names: readonly string[],
): Promise<void> {
  try {
    const now = Math.floor(Date.now() / 1000);
    const pause = await pauses.pauseOf(revalidation);
    if (pause !== null && pause.until > now) return;
    // Taken back by the process when it had everything.
    await pauses.backOff(revalidation, now, 'vendor-unreachable', 'a process was started for it');
  } catch (error) {
    // It only decides how often: what was used is current.
    if (!(error instanceof CollateralError)) throw error;
    return;
  }
  await start(['collateral', 'fetch', ...argumentsOf(options), '--refresh', ...names]);
}

function argumentsOf({ cache, kds, pcs, caFile, insecureRoot }: SourceOptions): string[] {
  const given = { cache, kds, pcs, 'ca-file': caFile, 'insecure-root': insecureRoot };
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}

/** Of the same program. Neither its output nor its end are waited for. */
async function startDetached(args: readonly string[]): Promise<void> {
  const [, program] = process.argv;
  if (program === undefined) return;
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
  });
  child.on('error', () => {});
  child.unref();
}
