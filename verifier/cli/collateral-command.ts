/** `affidavit collateral`: what vendors publish about machines, kept, shown, carried and handed on. */
import type { CollateralCommand, CollateralFound } from './collateral-options.ts';

export type CollateralOutput = { stdout: string; stderr: string; exitCode: number };

/** Loads the one subcommand that was asked for. @throws CliError */
export async function runCollateral(
  name: CollateralCommand,
  found: CollateralFound,
): Promise<CollateralOutput> {
  switch (name) {
    case 'fetch':
      return (await import('./collateral-fetch.ts')).runFetch(found);
    case 'show':
      return (await import('./collateral-show.ts')).runShowCache(found);
    case 'export':
      return (await import('./collateral-export.ts')).runExport(found);
    case 'import':
      return (await import('./collateral-export.ts')).runImport(found);
    case 'serve':
      return (await import('./collateral-serve.ts')).runMirror(found);
    case 'prune':
      return (await import('./collateral-show.ts')).runPrune(found);
  }
}
