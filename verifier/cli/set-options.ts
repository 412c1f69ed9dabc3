/** What `affidavit set` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file, needed, sourceOptions } from './option-parts.ts';

export const setCommandNames = ['accepted', 'levels', 'revoked', 'veks', 'show'] as const;
export type SetCommand = (typeof setCommandNames)[number];

/** Options that may be given more than once, as yargs names them in what it found. */
export const setRepeatable: readonly string[] = [
  'policy',
  'bundle',
  'tcb-info',
  'tcbInfo',
  'status',
  'pck',
  'pck-crl',
  'pckCrl',
  'ppid',
  'product',
  'tcb',
  'chip-id',
  'chipId',
  'vek',
];

const at = file('verify for this time (RFC 3339 with zone; default: now)');
const out = needed('where to write the set');
const force = { type: 'boolean', describe: 'overwrite the file of --out' } as const;
const common = { out, force, at, 'insecure-root': collateralOptions['insecure-root'] };

const rootList = { 'root-ca-crl': file('revocation list of Intel’s root, PEM or DER') };
const arkList = { crl: file('SEV-SNP: revocation list of the ARK, PEM or DER; repeatable') };
const documents = {
  'tcb-signing-chain': file('who signed the TCB info, and the root; PEM or DER'),
  'qe-identity': file('identity of the TD quoting enclave, as Intel served it'),
  'qe-identity-signing-chain': file('who signed the QE identity (default: the other chain)'),
};

const statuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
] as const;

const makeCodes =
  'Exit codes: 0 written, 20 refused input (10: a bundle that is rejected), 30 something is missing, 2 wrong usage, 1 fault.';

type Run = (name: SetCommand, found: Record<string, unknown>) => Promise<void>;

/** @param run is called with the name of the subcommand and what was given */
export function setOptions(set: Argv, run: Run): Argv {
  return set
    .command('make', 'make the set that a linked proof is demanded for', (make) =>
      makeOptions(make, run).demandCommand(1, 'affidavit set make needs a kind of set'),
    )
    .command(
      'show <file>',
      'print what a set holds, after its root was computed again',
      (command) =>
        command
          .positional('file', { type: 'string', demandOption: true, describe: 'set' })
          .options({
            format: {
              choices: ['text', 'json'] as const,
              default: 'text',
              requiresArg: true,
              describe: 'output format',
            },
          })
          .epilogue('Exit codes: 0 printed, 20 no set or another root, 2 wrong usage, 1 fault.'),
      (found) => run('show', found),
    )
    .demandCommand(1, 'affidavit set needs a command');
}

function makeOptions(make: Argv, run: Run): Argv {
  return make
    .command(
      'accepted',
      'the software that may run: by policies, or by evidence that verifies',
      (command) =>
        command
          .options({
            policy: file(
              'policy that names MRTD and every RTMR, or MEASUREMENT, and the closure; repeatable',
            ),
            bundle: file('evidence that policy "genuine" accepts; repeatable'),
            vek: file('for --bundle of SEV-SNP: VCEK or VLEK certificate, PEM or DER; repeatable'),
            chain: file('for --bundle of SEV-SNP: ASK or ASVK and ARK, PEM or DER; repeatable'),
            ...arkList,
            'tcb-info': file('for --bundle of TDX: TCB info, as Intel served it'),
            ...documents,
            'pck-crl': file('for --bundle of TDX: revocation list of the PCK’s CA, PEM or DER'),
            ...rootList,
            ...common,
          })
          .example(
            '$0 set make accepted --policy policy.json --out accepted.json',
            'accept what a policy names',
          )
          .epilogue(makeCodes),
      (found) => run('accepted', found),
    )
    .command(
      'levels',
      'the floor of the TCB: from Intel’s TCB info and QE identity, as given, or by policies',
      (command) =>
        command
          .options({
            'tcb-info': file('TCB info for TDX, as Intel served it; one of each FMSPC'),
            ...documents,
            ...rootList,
            status: {
              choices: statuses,
              default: 'UpToDate',
              requiresArg: true,
              describe: 'status of a TDX machine that counts; repeatable',
            },
            product: {
              choices: sourceOptions.product.choices,
              requiresArg: true,
              describe: 'SEV-SNP: the product that the --tcb beside it is for; repeatable',
            },
            tcb: file(
              'SEV-SNP: least version of each part, as fmc=0,bootLoader=4,tee=0,snp=24,microcode=219; repeatable',
            ),
            policy: file('SEV-SNP: policy with a minimum TCB for each product; repeatable'),
            ...common,
          })
          .example(
            '$0 set make levels --product Milan --tcb bootLoader=4,tee=0,snp=24,microcode=219 --out levels.json',
            'accept Milan from these versions on',
          )
          .epilogue(makeCodes),
      (found) => run('levels', found),
    )
    .command(
      'revoked',
      'the certificates and machines that must not answer',
      (command) =>
        command
          .options({
            'pck-crl': file('revocation list of a PCK CA, PEM or DER; repeatable'),
            chain: file('certificates of the PCK CA and of Intel’s root; repeatable'),
            ...rootList,
            ppid: file('TDX: PPID of a machine (16 bytes, hex); repeatable'),
            'ppid-list': file('file of PPIDs, one on each line'),
            'chip-id': file('SEV-SNP: CHIP_ID of a machine (64 bytes, hex; Turin 8); repeatable'),
            'chip-id-list': file('file of chip ids, one on each line'),
            ...common,
          })
          .epilogue(makeCodes),
      (found) => run('revoked', found),
    )
    .command(
      'veks',
      'the keys among which a machine’s own stays hidden, from PCK, VCEK and VLEK certificates',
      (command) =>
        command
          .options({
            pck: file('PCK certificate, with or without its chain, PEM or DER; repeatable'),
            vek: file('VCEK or VLEK certificates, with or without their chain; repeatable'),
            chain: file('certificates above them: PCK CA, ASK or ASVK, and the roots; repeatable'),
            'pck-crl': file('TDX: revocation list of a PCK CA, PEM or DER; repeatable'),
            ...rootList,
            ...arkList,
            ...common,
          })
          .epilogue(makeCodes),
      (found) => run('veks', found),
    );
}
