/** What `affidavit set` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { collateralOptions, file, needed } from './option-parts.ts';

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
];

const at = file('verify for this time (RFC 3339 with zone; default: now)');
const out = needed('where to write the set');
const force = { type: 'boolean', describe: 'overwrite the file of --out' } as const;
const common = { out, force, at, 'insecure-root': collateralOptions['insecure-root'] };

const rootList = { 'root-ca-crl': file('revocation list of Intel’s root, PEM or DER') };
const issuers = {
  chain: file('certificates of the PCK CA and of the root; repeatable'),
  ...rootList,
};
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
            policy: file('policy that names MRTD, every RTMR and the closure; repeatable'),
            bundle: file('evidence that policy "genuine" accepts; repeatable'),
            'tcb-info': file('for --bundle: TCB info, as Intel served it'),
            ...documents,
            'pck-crl': file('for --bundle: revocation list of the PCK’s CA, PEM or DER'),
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
      'the floor of the TCB, from Intel’s TCB info and QE identity',
      (command) =>
        command
          .options({
            'tcb-info': needed('TCB info for TDX, as Intel served it; one of each FMSPC'),
            ...documents,
            ...rootList,
            status: {
              choices: statuses,
              default: 'UpToDate',
              requiresArg: true,
              describe: 'status that counts; repeatable',
            },
            ...common,
          })
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
            ...issuers,
            ppid: file('PPID of a machine (16 bytes, hex); repeatable'),
            'ppid-list': file('file of PPIDs, one on each line'),
            ...common,
          })
          .epilogue(makeCodes),
      (found) => run('revoked', found),
    )
    .command(
      'veks',
      'the keys among which a machine’s own stays hidden, from PCK certificates',
      (command) =>
        command
          .options({
            pck: needed('PCK certificate, with or without its chain, PEM or DER; repeatable'),
            'pck-crl': file('revocation list of a PCK CA, PEM or DER; repeatable'),
            ...issuers,
            ...common,
          })
          .epilogue(makeCodes),
      (found) => run('veks', found),
    );
}
