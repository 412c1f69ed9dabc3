/** Commands that compute what a policy names, on the machine that builds. */
import type { Argv } from 'yargs';
import {
  idblockMakeOptions,
  idblockShowOptions,
  idblockSignOptions,
  idblockVerifyOptions,
} from './idblock-options.ts';
import { measureClosureOptions } from './measure-options.ts';
import { measureSnpOptions } from './measure-snp-options.ts';
import { measureTdxOptions } from './measure-tdx-options.ts';
import { say } from './print.ts';
import { refuseRepeats } from './repeats.ts';

/** @param end takes the exit code */
export function measureCommands(cli: Argv, end: (exitCode: number) => void): Argv {
  return cli
    .command('measure', 'compute what a policy names, on the machine that builds', (measure) =>
      measure
        .command(
          'closure <target>',
          'the digest of a system’s closure, as its agent will state it',
          measureClosureOptions,
          async (found) => {
            refuseRepeats(found);
            const { runMeasure } = await import('./measure-command.ts');
            end(say(await runMeasure(found)));
          },
        )
        .command(
          'snp',
          'the launch digest of an SEV-SNP guest',
          measureSnpOptions,
          async (found) => {
            refuseRepeats(found);
            const { runMeasureSnp } = await import('./measure-snp-command.ts');
            end(say(await runMeasureSnp(found)));
          },
        )
        .command('tdx', 'MRTD and RTMRs of a TDX guest', measureTdxOptions, async (found) => {
          refuseRepeats(found, ['efi-variable', 'efiVariable', 'boot-option', 'bootOption']);
          const { runMeasureTdx } = await import('./measure-tdx-command.ts');
          end(say(await runMeasureTdx(found)));
        })
        .demandCommand(1, 'affidavit measure needs a command'),
    )
    .command('idblock', 'make and sign what an SEV-SNP launch must be', (idblock) =>
      idblock
        .command('make', 'write an ID block', idblockMakeOptions, async (found) => {
          refuseRepeats(found);
          const { runIdblockMake } = await import('./idblock-command.ts');
          end(say(await runIdblockMake(found)));
        })
        .command('sign <block>', 'write its authentication', idblockSignOptions, async (found) => {
          refuseRepeats(found);
          const { runIdblockSign } = await import('./idblock-command.ts');
          end(say(await runIdblockSign(found)));
        })
        .command(
          'verify <block> <auth>',
          'check the signatures of an ID block as the firmware does',
          idblockVerifyOptions,
          async (found) => {
            refuseRepeats(found);
            const { runIdblockVerify } = await import('./idblock-command.ts');
            end(say(await runIdblockVerify(found)));
          },
        )
        .command(
          'show <file..>',
          'print ID blocks and authentications, field by field',
          idblockShowOptions,
          async (found) => {
            refuseRepeats(found);
            const { runIdblockShow } = await import('./idblock-command.ts');
            end(say(await runIdblockShow(found)));
          },
        )
        .demandCommand(1, 'affidavit idblock needs a command'),
    );
}
