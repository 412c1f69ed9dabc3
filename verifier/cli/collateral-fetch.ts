/** `affidavit collateral fetch`: ahead of a verification, so that it waits for nobody. */
import { hardwareIdLength, type SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { fromHex, isZero } from '#verifier/bytes.ts';
import { type Found, refresh } from '#verifier/collateral/collect.ts';
import { needsOf } from '#verifier/collateral/needs.ts';
import { objectOfName } from '#verifier/collateral/object-name.ts';
import { describeObject, type VendorObject } from '#verifier/collateral/vendor-object.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { exitCodes, usageError } from './cli-error.ts';
import type { CollateralOutput } from './collateral-command.ts';
import type { CollateralFound } from './collateral-options.ts';
import { openTools, unixNow } from './collateral-setup.ts';
import { readEvidence } from './evidence-file.ts';
import { linesOf, needsOptions, problemLine } from './gather-lacking.ts';
import { revalidation } from './revalidate.ts';
import { withSpinner } from './spinner.ts';
import { hexOption, settingsOf } from './verify-command.ts';

/** @throws CliError wrong usage, or invalid for a file that is no evidence */
export async function runFetch(options: CollateralFound): Promise<CollateralOutput> {
  const now = unixNow();
  const { needs, lacks } = await wantedBy(options, now);
  const { roots } = await settingsOf({ insecureRoot: options.insecureRoot });
  const lines = lacks.map((lack) => harmless(`cannot be gathered: ${lack}`));
  const { cache, toolsAt } = await openTools(options, roots, (problem) =>
    lines.push(problemLine(problem)),
  );
  const { found } = await withSpinner('asking for collateral', () => refresh(needs, toolsAt(now)));
  if (found.every(({ problem }) => problem === null)) await cache.resume(revalidation);
  lines.push(...linesOf(found.filter(({ state }) => state !== 'fetched')));
  lines.push(...found.flatMap(notRenewed));
  const incomplete =
    lacks.length > 0 || found.some(({ state }) => state === 'stale' || state === 'absent');
  return {
    stdout: options.format === 'json' ? jsonOf(found, lacks) : textOf(found, lacks),
    stderr: lines.map((line) => `affidavit: ${line}\n`).join(''),
    exitCode: incomplete ? exitCodes.undecided : exitCodes.accepted,
  };
}

type Wanted = { needs: readonly VendorObject[]; lacks: readonly string[] };

async function wantedBy(options: CollateralFound, now: UnixTime): Promise<Wanted> {
  const { refresh: names, evidence, fmspc, chipId, tcb, tee, product } = options;
  if (names !== undefined) return { needs: names.map(named), lacks: [] };
  const files = [evidence ?? []].flat();
  const isMachine = [fmspc, chipId, tcb, tee].some((given) => given !== undefined);
  if (files.length > 0) {
    if (isMachine) {
      throw usageError(
        'evidence and a machine were given',
        'Give files of evidence, or what names a machine: --chip-id and --tcb, or --fmspc.',
      );
    }
    return neededBy(files, options, now);
  }
  if (!isMachine && product === undefined) {
    throw usageError(
      'nothing to fetch for was given',
      'Give evidence files, --product with --chip-id and --tcb, or --fmspc with --tee.',
    );
  }
  return { needs: [...amdMachine(options), ...intelMachine(options)], lacks: [] };
}

/** @throws CliError wrong usage for a URL; invalid for what is no evidence */
export async function neededBy(
  files: readonly string[],
  options: CollateralFound,
  now: UnixTime,
): Promise<Wanted> {
  const wanted: { needs: VendorObject[]; lacks: string[] } = { needs: [], lacks: [] };
  for (const path of files) {
    const { evidence, collateral } = await readEvidence(path, null);
    const { needs, lacks } = needsOf(evidence, collateral, now, needsOptions(options));
    wanted.needs.push(...needs);
    wanted.lacks.push(...lacks);
  }
  return wanted;
}

function named(name: string): VendorObject {
  const object = objectOfName(name);
  if (object === null) throw usageError(`${JSON.stringify(name)} is no object’s name`);
  return object;
}

function amdMachine({ product, chipId, tcb }: CollateralFound): VendorObject[] {
  if (product === undefined) {
    if (chipId === undefined && tcb === undefined) return [];
    throw usageError('--chip-id and --tcb need --product', 'Give Milan, Genoa or Turin.');
  }
  if ((chipId === undefined) !== (tcb === undefined)) {
    throw usageError(
      '--chip-id and --tcb belong together',
      'AMD has one certificate for each TCB of a chip.',
    );
  }
  const shared: VendorObject[] = [
    { kind: 'amd-chain', product, key: 'vcek' },
    { kind: 'amd-crl', product, key: 'vcek' },
  ];
  if (chipId === undefined) return shared;
  const hardwareId = hardwareIdOf(product, chipId);
  const level = fromHex(hexOption('tcb', tcb, 8) as string, 'TCB', 8);
  return [...shared, { kind: 'vcek', product, hardwareId, tcb: level }];
}

/** As a report has it, 64 bytes, or as short as it is. */
function hardwareIdOf(product: SnpProduct, text: string) {
  const length = hardwareIdLength[product];
  const given = text.length === 2 * length ? length : 64;
  const bytes = fromHex(hexOption('chip-id', text, given) as string, 'chip id', given);
  if (isZero(bytes) || !isZero(bytes.subarray(length))) {
    throw usageError(
      `no ${product} has this chip id`,
      isZero(bytes) ? 'The host masks it in its reports.' : 'Check --product.',
    );
  }
  return bytes.slice(0, length);
}

function intelMachine({ fmspc, tee, early }: CollateralFound): VendorObject[] {
  if (fmspc === undefined && tee === undefined) return [];
  if (fmspc === undefined || tee === undefined) {
    throw usageError('--fmspc and --tee belong together', 'Give for example --tee tdx.');
  }
  const update = early === true ? 'early' : 'standard';
  const platform = fromHex(hexOption('fmspc', fmspc, 6) as string, 'FMSPC', 6);
  return [
    { kind: 'tcb-info', tee, fmspc: platform, update },
    { kind: 'qe-identity', tee, update },
    { kind: 'pck-crl', ca: 'platform' },
    // Machines with one socket for SGX alone have their certificates from another CA.
    ...(tee === 'sgx' ? [{ kind: 'pck-crl', ca: 'processor' } as const] : []),
    { kind: 'intel-root-crl' },
  ];
}

/** What is current still, and could not be asked for anew although that was due. */
function notRenewed({ state, problem }: Found): string[] {
  return state === 'cached' && problem !== null ? [problemLine(problem)] : [];
}

function textOf(found: readonly Found[], lacks: readonly string[]): string {
  if (found.length === 0) return lacks.length > 0 ? '' : 'nothing is lacking\n';
  const lines = found.map(({ object, state, facts }) => {
    const until = facts === null ? '' : `, until ${formatTime(facts.expires)}`;
    return `${state.padEnd(8)} ${describeObject(object)}${until}\n`;
  });
  return lines.join('');
}

function jsonOf(found: readonly Found[], lacks: readonly string[]): string {
  const objects = found.map(({ name, state, facts, fetched, source, problem }) => ({
    name,
    state,
    issued: facts?.issued ?? null,
    expires: facts?.expires ?? null,
    number: facts?.number?.toString() ?? null,
    fetched,
    source,
    problem: problem && { code: problem.code, message: problem.message, remedy: problem.remedy },
  }));
  return `${JSON.stringify({ objects, lacks }, null, 2)}\n`;
}
