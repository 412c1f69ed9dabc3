/** `affidavit agent doctor` and `affidavit agent check-config`: look, say, and serve nothing. */
import { release } from 'node:os';
import { dirname, resolve } from 'node:path';
import { AttestationError } from '#verifier/errors.ts';
import {
  clock,
  consoleLogger,
  describe,
  exitCodes,
  loadConfig,
  openDevice,
  readCollateral,
  readConfig,
} from './cli.ts';
import type { Config } from './config.ts';
import { type Diagnosis, examine, type Finding, renderDiagnosis } from './doctor.ts';
import { AgentError, type Logger } from './errors.ts';
import { exists, readText } from './files.ts';

type Format = 'text' | 'json';

const quiet: Logger = { ...consoleLogger, info() {} };

/** @returns the exit code: 0 this machine serves evidence, 2 bad configuration, 30 no TEE */
export async function runDoctor(options: {
  config: string | undefined;
  format: Format;
}): Promise<number> {
  const checked = options.config === undefined ? null : await checkConfig(options.config);
  const privlevel = checked?.config?.privlevel ?? 0;
  const diagnosis = await examine({
    release: release(),
    userId: process.getuid?.() ?? 0,
    readText,
    exists,
    open: () => openDevice({ privlevel, logger: quiet }),
    clock,
  });
  const whole = checked === null ? diagnosis : withConfig(diagnosis, checked);
  const { serves } = whole;
  process.stdout.write(
    options.format === 'json'
      ? `${JSON.stringify({ version: 1, ...whole }, null, 2)}\n`
      : renderDiagnosis(whole),
  );
  if (checked !== null && checked.reasons.length > 0) return exitCodes.badConfiguration;
  return serves ? exitCodes.ok : exitCodes.noTee;
}

function withConfig({ findings, serves }: Diagnosis, { reasons }: Checked): Diagnosis {
  const ok = reasons.length === 0;
  const finding: Finding = {
    id: 'config',
    ok,
    found: ok ? 'the agent would start with it' : reasons.join('; '),
    remedy: ok ? null : 'Correct it; affidavit agent check-config says the same.',
  };
  return { findings: [...findings, finding], serves };
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
  /** Why the agent would not start; one a part: form, collateral, closure and services. */
  reasons: string[];
  summary: string | null;
};

/** What a build can know: every file that the configuration names is of the guest. */
async function checkForm(file: string): Promise<Checked> {
  const reasons: string[] = [];
  const config = await attempt(reasons, () => readConfig(file));
  if (config === null) return { config, reasons, summary: null };
  const summary = `ok: ${config.services.length} services; the files that it names were not read`;
  return { config, reasons, summary };
}

async function checkConfig(file: string): Promise<Checked> {
  const reasons: string[] = [];
  const config = await attempt(reasons, () => readConfig(file));
  if (config === null) return { config, reasons, summary: null };
  const folder = dirname(resolve(file));
  const collateral = await attempt(reasons, () => readCollateral(folder, config.collateral));
  // With the collateral left out, what is wrong there is not said twice.
  const loaded = await attempt(reasons, () => loadConfig(file, { collateral: false }));
  if (collateral === null || loaded === null) return { config, reasons, summary: null };
  const { pathCount, services } = loaded.state;
  const summary = `ok: ${pathCount} paths, ${services.length} services, ${collateral.length} collateral files`;
  return { config, reasons, summary };
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
