/** Commands that prove and check: each loads the prover alone. */
import type { Argv } from 'yargs';
import { exitCodes } from './cli-error.ts';
import { checkOptions, proveOptions, solidityOptions } from './options.ts';
import { print, printLinks } from './print.ts';
import { proveAttestationOptions, proveResponseOptions } from './prove-options.ts';
import { refuseRepeats } from './repeats.ts';
import { setOptions, setRepeatable } from './set-options.ts';

/** Of `prove` alone. */
const ownOptions = [
  'bundle',
  'agent',
  'save-bundle',
  'response',
  'service',
  'audience',
  'nonce',
  'out',
  'disclose',
  'save-response',
  'offline',
  'crs',
  'backend',
];

/** Else what a command itself needs would be asked of its parts. yargs' types do not know the second argument. */
function ofItselfAlone<T>(command: Argv<T>, options: readonly string[]): Argv<T> {
  type Scoped = { global(names: readonly string[], all: boolean): Argv<T> };
  return (command as unknown as Scoped).global(options, false);
}

/** @param end takes the exit code */
export function proofCommands(cli: Argv, end: (exitCode: number) => void): Argv {
  return cli
    .command(
      'prove',
      'prove to someone else that a measured service signed a response',
      (prove) =>
        ofItselfAlone(proveOptions(prove), ownOptions)
          .command(
            'attestation',
            'prove once what a machine is, without saying which',
            proveAttestationOptions,
            async (found) => {
              refuseRepeats(found);
              const { runProveAttestation } = await import('#prover/cli.ts');
              await runProveAttestation(found);
              end(exitCodes.accepted);
            },
          )
          .command(
            'response',
            'prove a response under an attestation that was proved',
            proveResponseOptions,
            async (found) => {
              refuseRepeats(found);
              const { runProveResponse } = await import('#prover/cli.ts');
              await runProveResponse(found);
              end(exitCodes.accepted);
            },
          ),
      async (found) => {
        refuseRepeats(found);
        const { runProve } = await import('#prover/cli.ts');
        await runProve(found);
        end(exitCodes.accepted);
      },
    )
    .command(
      'check <proof>',
      'check such a proof: with its bundle and response, or linked ones with your demands',
      checkOptions,
      async (found) => {
        refuseRepeats(found);
        const { refuseOutput } = await import('./verdict-output.ts');
        await refuseOutput(found);
        const { checkOf } = await import('./check-linked-options.ts');
        const check = checkOf(found);
        const { runCheck, runCheckLinked } = await import('#prover/cli.ts');
        end(
          check.kind === 'linked'
            ? await printLinks(await runCheckLinked(check.found), found)
            : await print(await runCheck(check.found), found),
        );
      },
    )
    .command('set', 'make and show the sets that linked proofs are demanded for', (set) =>
      setOptions(set, async (name, found) => {
        refuseRepeats(found, setRepeatable);
        const { runSet } = await import('#prover/cli.ts');
        process.stdout.write(await runSet(name, found));
        end(exitCodes.accepted);
      }),
    )
    .command(
      'solidity <circuit>',
      'write the contract that verifies a circuit’s proofs on an EVM chain',
      solidityOptions,
      async (found) => {
        refuseRepeats(found);
        const { runSolidity } = await import('#prover/cli.ts');
        await runSolidity(found);
        end(exitCodes.accepted);
      },
    );
}
