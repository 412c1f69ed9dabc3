/** `affidavit agent doctor` and `affidavit agent check-config`: look, say, and serve nothing. */
import { release } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { CollateralItem } from '#verifier/abi/bundle.ts';
import { AttestationError } from '#verifier/errors.ts';
import {
  clock,
  collateralFolderOf,
  consoleLogger,
  describe,
  exitCodes,
  loadConfig,
  now,
  openDevice,
  readCollateral,
  readConfig,
  withOwnCollateral,
} from './cli.ts';
import {
  type Carried,
  type CollateralStatus,
  collateralStatus,
  configuredCollateral,
  describeCollateral,
} from './collateral.ts';
import type { Config } from './config.ts';
import { attach } from './devices/attach.ts';
import { type Diagnosis, examine, examineNamed, type Finding, renderDiagnosis } from './doctor.ts';
import { AgentError, type Logger } from './errors.ts';
import { exists, readText } from './files.ts';
import type { EvidenceSource } from './source.ts';

type Format = 'text' | 'json';

const quiet: Logger = { ...consoleLogger, info() {} };
/** What is wrong with the folder is a finding. */
const silent: Logger = { info() {}, warn() {}, error() {} };

/** @returns the exit code: 0 this machine serves evidence, 2 bad configuration, 30 no TEE */
export async function runDoctor(options: {
  config: string | undefined;
  format: Format;
}): Promise<number> {
  const checked = options.config === undefined ? null : await checkConfig(options.config);
  const privlevel = checked?.config?.privlevel ?? 0;
  const collateral = checked?.collateral ?? [];
  const folder = checked?.config ? collateralFolderOf(checked.config, silent) : null;
  const opened: EvidenceSource[] = [];
  const carried = async () => {
    const [source] = opened;
    const found = (await source?.carried?.()) ?? (await configuredCollateral(collateral, folder));
    return collateralStatus(source?.platform ?? null, found, now());
  };
  const diagnosis = await examine({
    release: release(),
    userId: process.getuid?.() ?? 0,
    readText,
    exists,
    async open() {
      const device = await openDevice({ privlevel, logger: quiet });
      const source = withOwnCollateral(device, collateral, quiet, folder);
      opened.push(source);
      return source;
    },
    clock,
  });
  const named = await examineConfigured(options.config, checked, opened[0] ?? null);
  const all = {
    findings: [...diagnosis.findings, ...named.findings],
    serves: diagnosis.serves && named.serves,
  };
  const whole = checked === null ? all : withConfig(all, checked, await carried());
  const { serves } = whole;
  process.stdout.write(
    options.format === 'json'
      ? `${JSON.stringify({ version: 1, ...whole }, null, 2)}\n`
      : renderDiagnosis(whole),
  );
  if (checked !== null && checked.reasons.length > 0) return exitCodes.badConfiguration;
  return serves ? exitCodes.ok : exitCodes.noTee;
}

/** Of a configuration that can be read: what it names is looked at, whether the secure processor answered or not. */
async function examineConfigured(
  file: string | undefined,
  checked: Checked | null,
  source: EvidenceSource | null,
): Promise<Diagnosis> {
  const none = { findings: [], serves: true };
  if (file === undefined || !checked?.config) return none;
  const platform = source?.platform ?? null;
  // A file that it names and that cannot be read is among the reasons why the agent would not start.
  const attached = await attempt([], () =>
    attach(checked.config as Config, file, { platform, logger: silent }),
  );
  return attached === null ? none : examineNamed(attached, clock);
}

/** The collateral is told where the configuration could be read at all. */
function withConfig(
  { findings, serves }: Diagnosis,
  { config, reasons }: Checked,
  status: CollateralStatus,
): Diagnosis {
  const ok = reasons.length === 0;
  const finding: Finding = {
    id: 'config',
    ok,
    found: ok ? 'the agent would start with it' : reasons.join('; '),
    remedy: ok ? null : 'Correct it; affidavit agent check-config says the same.',
  };
  const collateral = config === null ? [] : [collateralFinding(status)];
  return { findings: [...findings, ...collateral, finding], serves };
}

const collateralRemedy =
  'Run affidavit agent refresh-collateral, or look at its unit: evidence is served all the same.';

function collateralFinding(status: CollateralStatus): Finding {
  const { line, ok } = describeCollateral(status);
  return { id: 'collateral', ok, found: line, remedy: ok ? null : collateralRemedy };
}

/**
 * @param options form: look at the form alone, as a build does: keys, closure and collateral are the guest's
 * @returns the exit code: 0 the agent would start with it, 2 it would not
 */
export async function runCheckConfig(options: {
  file: string;
  format: Format;
  form?: boolean | undefined;
}): Promise<number> {
  const check = options.form === true ? checkForm : checkConfig;
  const { reasons, summary } = await check(options.file);
  const ok = reasons.length === 0;
  if (options.format === 'json') {
    process.stdout.write(`${JSON.stringify({ version: 1, ok, reasons, summary }, null, 2)}\n`);
  } else if (ok) process.stdout.write(`${summary}\n`);
  for (const reason of reasons) process.stderr.write(`affidavit agent: ${reason}\n`);
  return ok ? exitCodes.ok : exitCodes.badConfiguration;
}

type Checked = {
  config: Config | null;
  /** Of the configuration's own files. */
  collateral: readonly CollateralItem[];
  /** Why the agent would not start; one a part: form, collateral, closure and services. */
  reasons: string[];
  summary: string | null;
};

/** What a build can know: every file that the configuration names is of the guest. */
async function checkForm(file: string): Promise<Checked> {
  const reasons: string[] = [];
  const config = await attempt(reasons, () => readConfig(file));
  if (config === null) return { config, collateral: [], reasons, summary: null };
  const summary = `ok: ${config.services.length} services; the files that it names were not read`;
  return { config, collateral: [], reasons, summary };
}

async function checkConfig(file: string): Promise<Checked> {
  const reasons: string[] = [];
  const config = await attempt(reasons, () => readConfig(file));
  if (config === null) return { config, collateral: [], reasons, summary: null };
  const folder = dirname(resolve(file));
  const collateral = await attempt(reasons, () => readCollateral(folder, config.collateral));
  await attempt(reasons, () => attach(config, file, { platform: null, logger: silent }));
  // With the collateral left out, what is wrong there is not said twice.
  const loaded = await attempt(reasons, () => loadConfig(file, { collateral: false }));
  if (collateral === null || loaded === null) {
    return { config, collateral: collateral ?? [], reasons, summary: null };
  }
  const { pathCount, services } = loaded.state;
  const counts = `ok: ${pathCount} paths, ${services.length} services, ${collateral.length} collateral files`;
  return {
    config,
    collateral,
    reasons,
    summary: `${counts}${await folderWords(config, collateral)}`,
  };
}

/** What is wrong in the folder keeps no agent from starting. */
async function folderWords(config: Config, collateral: readonly CollateralItem[]): Promise<string> {
  const folder = collateralFolderOf(config, silent);
  if (folder === null) return '';
  const found: Carried = await configuredCollateral(collateral, folder);
  return `; ${describeCollateral(collateralStatus(null, found, now())).line}`;
}

/** null when the configuration is to blame, with the reason; other errors are faults. */
async function attempt<T>(reasons: string[], run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AgentError || error instanceof AttestationError)) throw error;
    reasons.push(`${describe(error)}. ${error.remedy}`);
    return null;
  }
}
