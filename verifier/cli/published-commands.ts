/** Commands about what vendors and builders publish: collateral and reference values. */
import type { Argv } from 'yargs';
import { collateralCommands } from './collateral-options.ts';
import { say } from './print.ts';
import { referenceOptions, referenceRepeats } from './reference-options.ts';
import { refuseRepeats } from './repeats.ts';

/** @param end takes the exit code */
export function publishedCommands(cli: Argv, end: (exitCode: number) => void): Argv {
  return cli
    .command(
      'collateral',
      'what vendors publish about machines: have it, show it, carry it',
      (collateral) =>
        collateralCommands(collateral, async (name, found) => {
          refuseRepeats(found, ['refresh']);
          const { runCollateral } = await import('./collateral-command.ts');
          end(say(await runCollateral(name, found)));
        }),
    )
    .command('reference', 'make, sign and verify the values of a release', (reference) =>
      referenceOptions(reference, async (name, found) => {
        refuseRepeats(found, referenceRepeats);
        const { runReference } = await import('./reference-command.ts');
        end(say(await runReference(name, found)));
      }),
    );
}
