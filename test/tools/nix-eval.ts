/**
 * `NIXPKGS=DIR npm run nix:eval [-- NAME…]`: evaluates every system, image, package, check and shell of the flake with
 * the nixpkgs tree in DIR, asserts what docs/guest.md says of the guests, and asks Nix whether it takes flake.lock.
 * Builds and fetches nothing. NIX names the command of Nix 2.18 or newer, `nix` by default. NAME leaves out every group
 * but those that begin with it. Exit codes: 0 all holds, 1 something does not, 2 Nix or the tree is missing.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Evaluated, Nix, NixMissing } from '#test/nixos/evaluate.ts';
import {
  type Expectation,
  everywhere,
  ofDiagnostics,
  ofImages,
  ofProduction,
  ofSealed,
  ofSystem,
} from '#test/nixos/expectations.ts';
import type { Facts } from '#test/nixos/facts.ts';

type Names = {
  version: string;
  isWhole: boolean;
  systems: readonly string[];
  tests: readonly string[];
};
type Group = { attribute: string; check: (value: unknown) => string[] };

/** Groups that are derivations by name: what evaluates is right. */
const derivations = ['small', 'images', 'vm', 'lint'];

type Messages = Readonly<Record<string, string | null>>;

/** Of each mistake of refusals.nix, what the message must say; null where nothing is refused. */
const refusals: Messages = {
  none: null,
  ownService: null,
  otherProgram: 'what is attested would not be what runs',
  privilegedPrefix: 'what is attested would not be what runs',
  noUnit: 'starts nothing; is the name right?',
  badName: 'a name is 1 to 64 of',
  sharedUnit: 'own is the unit of one and two',
  noAgent: 'nothing binds them without services.affidavit.agent.enable',
  oldKernel: 'reports need Linux 6.7 or newer',
  noRecovery: 'affidavit.sealedDisk has no recovery.certificate',
  recovery: null,
};

/** The same for clouds.nix. */
const clouds: Messages = {
  gcpTdx: null,
  gcpSnp: 'On gcp with sev-snp the report measures the cloud',
  awsSnp: 'On aws with sev-snp the report measures the cloud',
  awsSnpAccepted: null,
  awsTdx: 'EC2 offers AMD SEV-SNP',
  azureSnp: 'The agent gets no report on azure',
  azureWithoutAgent: null,
};

function judge(expectations: readonly Expectation[], facts: Facts): string[] {
  return expectations.flatMap(({ file, option, wrong }) => {
    const found = wrong(facts);
    return found === null ? [] : [`${file}: ${option}: ${found}`];
  });
}

function expectationsOf(name: string): readonly Expectation[] {
  const guest = name.startsWith('guest-') ? [...ofImages, ...ofProduction] : [];
  return [...everywhere, ...guest, ...(ofSystem[name] ?? [])];
}

function judgeRefusals(
  expected: Messages,
  found: Readonly<Record<string, readonly string[]>>,
): string[] {
  return Object.entries(expected).flatMap(([mistake, message]) => {
    const said = found[mistake];
    const right =
      message === null ? said?.length === 0 : said?.some((one) => one.includes(message)) === true;
    if (right) return [];
    const words = message ?? 'no assertion to fail';
    return [`nixos/modules: ${mistake}: expected ${words}, got ${JSON.stringify(said)}`];
  });
}

function judgeDerivations(found: Readonly<Record<string, string>>): string[] {
  return Object.entries(found)
    .filter(([, path]) => !path.startsWith('/nix/store/'))
    .map(([name, path]) => `${name}: no derivation but ${path}`);
}

function groupsOf({ systems, tests }: Names): Group[] {
  return [
    ...[...derivations, ...tests.map((name) => `tests.${name}`)].map((attribute) => ({
      attribute,
      check: (value: unknown) => judgeDerivations(value as Record<string, string>),
    })),
    {
      attribute: 'refusals',
      check: (value) => judgeRefusals(refusals, value as Record<string, readonly string[]>),
    },
    {
      attribute: 'clouds',
      check: (value) => judgeRefusals(clouds, value as Record<string, readonly string[]>),
    },
    ...systems.map((name) => ({
      attribute: `systems.${name}`,
      check: (value: unknown) => judge(expectationsOf(name), value as Facts),
    })),
    {
      attribute: 'sealed',
      check: (value) => judge([...expectationsOf('guest-snp'), ...ofSealed], value as Facts),
    },
    {
      attribute: 'diagnostics',
      check: (value) => judge([...everywhere, ...ofImages, ...ofDiagnostics], value as Facts),
    },
  ];
}

/** @returns what is wrong, a line each */
function run(nix: Nix, { attribute, check }: Group): string[] {
  let evaluated: Evaluated<unknown>;
  try {
    evaluated = nix.evaluate(attribute);
  } catch (error) {
    return [(error as Error).message];
  }
  const { value, seconds, megabytes } = evaluated;
  const items = derivations.includes(attribute) ? Object.keys(value as object).join(' ') : '';
  console.log(
    `${attribute.padEnd(20)} ${seconds.toFixed(1).padStart(5)} s ${megabytes.toFixed(0).padStart(5)} MB  ${items}`,
  );
  return check(value);
}

function main(args: readonly string[]): number {
  const tree = process.env['NIXPKGS'];
  if (tree === undefined || !existsSync(join(tree, '.version'))) {
    throw new NixMissing('NIXPKGS names no nixpkgs tree (a folder with .version)');
  }
  const nixpkgs = resolve(tree);
  const nix = new Nix(process.env['NIX'] ?? 'nix', nixpkgs);
  const { value } = nix.evaluate<Names>('names');
  const whole = value.isWhole ? '' : ', without its largest files: tools in Haskell are stand-ins';
  console.log(`Nix ${nix.version}, nixpkgs ${value.version} (${nixpkgs}/.version)${whole}\n`);

  const wanted = groupsOf(value).filter(
    ({ attribute }) => args.length === 0 || args.some((name) => attribute.startsWith(name)),
  );
  const lock = nix.lockProblem();
  const wrong = wanted.flatMap((group) => run(nix, group));
  if (lock !== null) wrong.push(`flake.lock: ${lock}`);
  for (const line of wrong) console.error(line);
  console.log(`\n${wanted.length} groups, ${wrong.length} wrong`);
  return wrong.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof NixMissing)) throw error;
    console.error(`nix-eval: ${error.message}`);
    process.exitCode = 2;
  }
}
